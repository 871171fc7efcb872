//! What the template promises, held against the code and the samples. One binary: one link.

mod events;
mod form;
mod installing;
mod messages;
mod permissions;
mod watching;
mod wiring;
