//! The table of traps, held against the tests that it names.

use std::collections::BTreeMap;
use std::path::Path;

const TABLE: &str = include_str!("../../../conformance.md");
const TRAPS: usize = 57;

/// One line of the table: the trap's number, its name, and what proves that we pass it.
struct Row {
    number: usize,
    trap: String,
    /// A test as `path::name`, or a sentence.
    proofs: Vec<String>,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| line.starts_with("| ") && !line.contains("| trap |"));
    let rows = lines.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, trap, proofs] = cells.try_into().expect("a row has three cells");
        Row {
            number: number.parse().expect("a row begins with its number"),
            trap: trap.to_owned(),
            proofs: proofs.split("<br>").map(str::to_owned).collect(),
        }
    });
    rows.collect()
}

/// The path and the name of a proof that is a test.
fn test(proof: &str) -> Option<(&str, &str)> {
    proof.strip_prefix('`')?.strip_suffix('`')?.split_once("::")
}

/// The functions of a source file that the test harness runs.
fn tests_in(source: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" || line == "#[tokio::test]" {
            is_test = true;
        } else if let (true, Some((_, rest))) = (is_test, line.split_once("fn ")) {
            names.extend(rest.split('(').next());
            is_test = false;
        }
    }
    names
}

#[test]
fn each_trap_has_its_row() {
    let numbers: Vec<usize> = rows().iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=TRAPS).collect::<Vec<_>>());
}

#[test]
fn each_row_names_a_trap_and_a_test_or_says_why_there_is_none() {
    for Row { number, trap, proofs } in rows() {
        assert!(!trap.is_empty(), "{number} has no name");
        for proof in proofs {
            let is_sentence = !proof.contains('`') && proof.ends_with('.');
            assert!(is_sentence || test(&proof).is_some(), "{number}: {proof}");
        }
    }
}

#[test]
fn each_test_that_a_row_names_is_there() {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources: BTreeMap<String, String> = BTreeMap::new();
    for Row { number, proofs, .. } in rows() {
        for (path, name) in proofs.iter().filter_map(|proof| test(proof)) {
            let source = sources
                .entry(path.to_owned())
                .or_insert_with(|| std::fs::read_to_string(house.join(path)).unwrap_or_default());
            assert!(tests_in(source).contains(&name), "{number}: {path} has no test {name}");
        }
    }
}
