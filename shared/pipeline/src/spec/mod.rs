//! The application spec, which a team writes.
//!
//! `parse` and `read` turn a document into an [`Application`], or into all of its mistakes. They do
//! not know the account: whether a service exists is checked elsewhere.

mod model;
mod read;

mod advice;
mod did_you_mean;
mod document;
mod fault;
mod node;
mod scalar;
mod secrets;
mod syntax;

mod freeze;
mod size;
mod tags;
mod template;

pub use did_you_mean::instead;
pub use fault::{Fault, Faults};
pub use model::*;
pub use read::{ANSWERED, parse, read};
pub use secrets::{carries_login, may_be_secret};
pub use syntax::repository_of;
pub use tags::version_of;
pub use template::{VERSION_PARAMETER, render};
