//! The stored format: a record can be read by every later version.
//!
//! `samples/format-1` holds one record of every kind, and a deployment in every state, as an
//! earlier version wrote them. Each is read here, and writing it again gives the same. A change
//! that breaks a sample breaks the records in people's tables: give the format a new number, teach
//! `Record::read` to migrate the old one, and add samples beside the old ones.
//!
//! `UPDATE_SAMPLES=1 cargo test -p engine --test stored` plays the story of `story.rs` again and
//! writes the samples anew. That is only for formats that are not installed anywhere yet.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by stopping")]
#![expect(clippy::panic, reason = "a test that cannot go on says why by stopping")]

#[path = "samples/story.rs"]
mod story;

use engine::{Record, StoredError};
use pipeline::deployment::Deployment;
use pipeline::environment::Head;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples/format-1")
}

static SAMPLES: LazyLock<BTreeMap<String, String>> = LazyLock::new(read_samples);

fn read_samples() -> BTreeMap<String, String> {
    if std::env::var_os("UPDATE_SAMPLES").is_some() {
        write_samples();
    }
    let entries = fs::read_dir(folder()).unwrap().map(Result::unwrap);
    let samples = entries.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read_to_string(entry.path()).unwrap())
    });
    samples.collect()
}

fn write_samples() {
    fs::create_dir_all(folder()).unwrap();
    for (name, text) in story::tell() {
        let value: Value = serde_json::from_str(&text).unwrap();
        let text = serde_json::to_string_pretty(&value).unwrap();
        fs::write(folder().join(format!("{name}.json")), text + "\n").unwrap();
    }
}

#[test]
fn every_sample_is_read_and_written_again_as_it_was() {
    for (name, text) in &*SAMPLES {
        let record =
            Record::read(text).unwrap_or_else(|error| panic!("{name}: {error}: {error:?}"));
        let written: Value = serde_json::from_str(&record.write().unwrap()).unwrap();
        let sample: Value = serde_json::from_str(text).unwrap();
        assert_eq!(written, sample, "{name}");
    }
}

#[test]
fn there_is_a_sample_of_every_kind_and_of_every_state() {
    let mut kinds = Vec::new();
    for text in SAMPLES.values() {
        kinds.push(match Record::read(text).unwrap() {
            Record::Spec(_) => "spec",
            Record::Candidate(_) => "candidate",
            Record::Head(_) => "head",
            Record::Deployment(deployment) => deployment.state.name(),
        });
    }
    kinds.sort_unstable();
    kinds.dedup();
    let states = [
        "awaiting approval",
        "baking",
        "candidate",
        "checking",
        "confirming",
        "ended",
        "head",
        "migrating",
        "preparing",
        "rolling back",
        "rolling out",
        "spec",
        "undoing migration",
        "verifying rollback",
    ];
    assert_eq!(kinds, states);
}

#[test]
fn a_record_that_a_newer_slipway_wrote_asks_for_an_update() {
    let text = r#"{"kind": "telepathy", "format": 2, "body": {}}"#;
    let error = Record::read(text).unwrap_err();
    assert!(matches!(error, StoredError::TooNew { found: 2 }));
    assert_eq!(
        error.to_string(),
        "it was written by a newer Slipway (format 2, this one reads up to 1); update this function"
    );
}

#[test]
fn a_truncated_or_foreign_record_is_unreadable_and_nothing_worse() {
    for (name, text) in &*SAMPLES {
        let compact = Record::read(text).unwrap().write().unwrap();
        for end in [0, 1, 12, compact.len() / 2, compact.len() - 1] {
            let cut = compact.get(..end).unwrap_or("{");
            assert!(
                matches!(Record::read(cut), Err(StoredError::Unreadable(_))),
                "{name} to {end}"
            );
        }
    }
    for text in ["[]", "null", "{}", r#"{"format": "1"}"#, r#"{"format": 1, "kind": "head"}"#] {
        assert!(matches!(Record::read(text), Err(StoredError::Unreadable(_))), "{text}");
    }
}

#[test]
fn a_record_of_another_kind_is_distinguished_from_the_wanted_one() {
    let read = |name: &str| Record::read(&SAMPLES[name]).unwrap();
    let head = Head::try_from(read("spec.json"));
    assert!(matches!(head, Err(StoredError::OtherKind)));
    let deployment = Deployment::try_from(read("head-busy.json"));
    assert!(matches!(deployment, Err(StoredError::OtherKind)));
    assert!(Head::try_from(read("head-busy.json")).is_ok());
}

#[test]
fn the_format_is_the_first_thing_that_we_write() {
    for text in SAMPLES.values() {
        let written = Record::read(text).unwrap().write().unwrap();
        assert!(written.starts_with("{\"format\":1,\"kind\":\""), "{}", &written[..40]);
    }
}
