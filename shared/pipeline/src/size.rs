//! How many bytes a record takes. DynamoDB allows 400 KB per item, and a record that cannot be
//! written blocks its environment: so nothing is accepted, and nothing grows, beyond that.

use serde::Serialize;
use std::io::{self, Write};

/// The maximum body of a record: the rest of the 409,600 bytes is for the other attributes.
pub const RECORD_MAX: usize = 400_000;

/// The size of the stored form.
pub fn bytes(value: &impl Serialize) -> usize {
    let mut counter = Counter(0);
    // A type that cannot be written as JSON is not stored either.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
