//! Task definitions: on which revision a new one is based, what a release changes of it, and its
//! registration, once.

pub(crate) mod base_revision;
pub(crate) mod registrations;
pub(crate) mod registry;
pub(crate) mod render;
