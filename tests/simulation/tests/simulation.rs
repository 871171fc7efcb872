//! Random histories, broken cores, crashes at every point, every history within bounds, and the size of what is stored.

mod simulation {
    mod broken;
    mod crashes;
    mod exhaustive;
    mod large;
    mod random;
    mod reviewed;
}
