//! Task definitions: read, registered and compared as raw JSON, so that members that the SDK does not
//! know survive, and kept in the table for when they are deregistered.

pub mod archived;
pub mod compare;
pub mod definition;
mod wire;
