//! Payloads of which the end is missing, as a tool sends them that sends JSON as a text.

use super::desk::{Desk, SCR};
use pipeline::spec;
use serde_json::{Value, json};
use std::path::Path;

/// Every sample that a person, Terraform or CloudFormation sends: the function, and the text.
fn samples() -> Vec<(&'static str, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let functions = ["rollback", "deploy", "control", "status", "configure"];
        let of_console = |function: &&str| name.starts_with(&format!("console-{function}"));
        let function = match name.starts_with("cloudformation-") {
            true => Some("configure"),
            false => functions.into_iter().find(of_console),
        };
        if let Some(function) = function {
            samples.push((function, std::fs::read_to_string(&path).unwrap()));
        }
    }
    samples
}

/// All that is stored.
fn everything(desk: &Desk) -> String {
    let keys = desk.world.keys();
    let records = keys.iter().map(|key| format!("{key}: {:?}\n", desk.world.read(key)));
    records.collect()
}

#[test]
fn a_payload_cut_off_at_any_byte_is_refused_and_changes_nothing() {
    let samples = samples();
    assert_eq!(samples.iter().filter(|(function, _)| *function == "configure").count(), 6);
    for (function, text) in samples {
        let desk = Desk::with_two_good();
        let before = everything(&desk);
        let whole = text.trim_end();
        // An empty text is an empty payload, which is enough for this function.
        for end in (1..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            let answer = desk.ask(function, &json!(whole[..end]));
            let is_refused = match &answer {
                Ok(answer) => answer["accepted"] == false && answer["because"].is_string(),
                Err(failure) => failure.name() == "Spec",
            };
            assert!(is_refused, "{function} took {}: {answer:?}", &whole[..end]);
        }
        assert_eq!(everything(&desk), before);
    }
}

/// A truncated block of YAML may be valid; but the answer names what is removed.
#[test]
fn a_spec_cut_off_says_what_it_takes_away() {
    let desk = Desk::new(&[SCR]);
    let whole = spec::parse(SCR).unwrap();
    let mut told = 0;
    for end in (0..SCR.len()).filter(|end| SCR.is_char_boundary(*end)) {
        let cut = &SCR[..end];
        let answer = desk.ask("configure", &json!({"spec": cut, "dry_run": true}));
        match spec::parse(cut) {
            Err(faults) => {
                let failure = answer.unwrap_err().to_string();
                assert!(failure.ends_with(&faults.to_string()), "{failure}");
            }
            Ok(part) if part == whole => assert_eq!(answer.unwrap()["changed"], false),
            Ok(_) => {
                let changes = answer.unwrap()["changes"].clone();
                assert!(changes.as_array().is_some_and(|changes| !changes.is_empty()), "{cut}");
                told += 1;
            }
        }
    }
    assert!(told > 0, "some beginnings of it are specs");
}

#[test]
fn a_payload_that_is_a_text_with_json_in_it_is_read() {
    let desk = Desk::with_two_good();
    let text = r#"{"environment": "staging", "dry_run": true}"#;
    let answer = desk.ask("rollback", &Value::from(text)).unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
}
