//! Rolling back, from top to bottom: whether a deployment rolls back and how (`decide`), which
//! services do so when (`waves`), what ECS shows of them meanwhile (`observed`), and the final
//! observation before the verdict (`verify`).

mod decide;
mod observed;
mod verify;
mod waves;

pub use observed::UNHEARD;
