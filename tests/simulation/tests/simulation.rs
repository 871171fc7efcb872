//! Random histories, broken cores, crashes at every point, and the size of what is stored.

mod simulation {
    mod broken;
    mod crashes;
    mod large;
    mod random;
}
