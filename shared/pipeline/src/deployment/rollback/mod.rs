//! Rolling back, from top to bottom: whether a deployment rolls back and how (`decide`), which services
//! do so when (`waves`), what ECS shows of them on the way (`observed`), and the last look before the
//! verdict (`verify`).

mod decide;
mod observed;
mod verify;
mod waves;

pub use observed::UNHEARD;
