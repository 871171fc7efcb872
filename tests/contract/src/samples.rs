//! The sample payloads in `events/`.

use serde_json::Value;
use std::path::Path;

#[derive(Clone, Debug)]
pub struct Sample {
    /// The file's name without `.json`.
    pub name: String,
    pub payload: Value,
}

/// Every sample, by name.
pub fn samples() -> Vec<Sample> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events"));
    let files = std::fs::read_dir(folder).expect("events/ is a folder");
    let mut samples: Vec<Sample> = files
        .map(|file| file.expect("a file of events/ can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let text = std::fs::read_to_string(&path).expect("a sample can be read");
            let payload = serde_json::from_str(&text);
            Sample {
                name: name.unwrap_or_default(),
                payload: payload
                    .unwrap_or_else(|error| unreachable!("{}: {error}", path.display())),
            }
        })
        .collect();
    samples.sort_by(|left, right| left.name.cmp(&right.name));
    samples
}
