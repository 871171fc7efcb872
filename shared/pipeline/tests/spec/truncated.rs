//! Specs of which the end is missing.
//!
//! Most have faults. A block of YAML does not say how long it is, so some beginnings of a spec are
//! valid: the snapshot names every line after which, or within which, that is so. None of them
//! contains anything that is not in the whole.

use crate::examples::ALL;
use expect_test::expect_file;
use pipeline::spec::parse;
use serde_json::Value;
use std::fmt::Write;

#[test]
fn a_spec_cut_off_anywhere_is_a_fault_or_a_beginning_of_it() {
    let mut out = String::new();
    for example in ALL {
        let whole = parse(example).unwrap();
        let all = said_by(example);
        writeln!(out, "{}", whole.application).unwrap();
        let mut last_line = 0;
        for end in (0..example.len()).filter(|end| example.is_char_boundary(*end)) {
            let cut = &example[..end];
            match parse(cut) {
                Err(faults) => assert!(faults.iter().all(|fault| !fault.message.is_empty())),
                Ok(part) if part == whole => {}
                Ok(_) => {
                    assert!(is_beginning(&said_by(cut), &all), "{cut}");
                    let line = cut.lines().count();
                    if line != last_line {
                        writeln!(out, "  {}", place(example, cut)).unwrap();
                    }
                    last_line = line;
                }
            }
        }
    }
    expect_file!["./truncated.txt"].assert_eq(&out);
}

/// Where the text ends: the first place in its line that makes it a spec.
fn place(example: &str, cut: &str) -> String {
    let number = cut.lines().count();
    let line = example.lines().nth(number - 1).unwrap_or_default();
    match cut.lines().last().unwrap_or_default() {
        part if part.trim().is_empty() => format!("before {number}: {}", line.trim()),
        part if part == line => format!("after {number}: {}", line.trim()),
        part => format!("within {number}: {}", part.trim()),
    }
}

fn said_by(text: &str) -> Value {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).unwrap()
}

/// Whether `part` is a beginning of `whole`, cut in the middle.
fn is_beginning(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            let begun = part.iter().filter(|(key, value)| whole.get(*key) != Some(value));
            let begun: Vec<_> = begun.collect();
            begun.len() <= 1
                && begun.iter().all(|(key, value)| {
                    whole.get(*key).is_some_and(|whole| is_beginning(value, whole))
                })
        }
        (Value::Array(part), Value::Array(whole)) => {
            let last = part.len().saturating_sub(1);
            part.len() <= whole.len()
                && part.iter().zip(whole).enumerate().all(|(index, (part, whole))| {
                    part == whole || (index == last && is_beginning(part, whole))
                })
        }
        (Value::Null, _) => true,
        // A key without its colon is text.
        (Value::String(key), Value::Object(whole)) => {
            whole.keys().any(|name| name.starts_with(key.as_str()))
        }
        (Value::String(_) | Value::Number(_) | Value::Bool(_), _) => {
            let [part, whole] = [part, whole].map(shown);
            whole.starts_with(&part)
        }
        _ => part == whole,
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
