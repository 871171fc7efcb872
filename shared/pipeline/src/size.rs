//! How many bytes a record takes. DynamoDB keeps nothing above 400 KB in one item, and what cannot
//! be written blocks its environment: so nothing is let in, and nothing grows, beyond that.

use serde::Serialize;
use std::io::{self, Write};

/// What the body of a record may take: the rest of the 409,600 bytes is for what stands beside it.
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
