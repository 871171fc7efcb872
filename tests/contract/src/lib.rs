//! The template and the sample events, read for the tests of this crate.
//!
//! It knows CloudFormation as text only: what it says is compared with the code and with the
//! samples. Whether AWS would do what it says is for the sandbox and for MiniStack to show.

mod samples;
mod template;

pub use samples::{Sample, samples};
pub use template::{Resource, Template, short};
