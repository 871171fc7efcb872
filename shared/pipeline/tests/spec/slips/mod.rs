//! Twenty mistakes in each example, made in the very file that people start from.
//!
//! The messages are beside the test: the mistake, and below it every sentence.

mod faceplate;
mod omen_epr;
mod power_pto;
mod scr;
mod wwhd;

use crate::mistakes::messages_of;
use expect_test::ExpectFile;

/// The correct text, and the mistake.
type Slip = (&'static str, &'static str);

fn check(example: &str, slips: &[Slip; 20], told: ExpectFile) {
    told.assert_eq(&messages_of(example, slips));
}
