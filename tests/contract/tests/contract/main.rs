//! What the template and the table of traps promise, held against the code. One binary: one link.

mod conformance;
mod events;
mod form;
mod installing;
mod messages;
mod operating;
mod permissions;
mod watching;
mod wiring;
