//! The tables of traps and of findings, held against the tests that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const TABLE: &str = include_str!("../../../conformance.md");
const TRAPS: usize = 57;

/// One line of a table: the trap's number or the finding's id, its name, and what proves that we
/// pass it.
struct Row {
    id: String,
    trap: String,
    /// A test as `path::name`, or a sentence.
    proofs: Vec<String>,
}

fn rows() -> Vec<Row> {
    let is_head = |line: &&str| line.contains("| trap |") || line.contains("| finding |");
    let lines = TABLE.lines().filter(|line| line.starts_with("| ") && !is_head(line));
    let rows = lines.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, trap, proofs] = cells.try_into().expect("a row has three cells");
        Row {
            id: id.to_owned(),
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
        if line == "#[test]" || line.starts_with("#[tokio::test") {
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
    let numbers: Vec<usize> = rows().iter().filter_map(|row| row.id.parse().ok()).collect();
    assert_eq!(numbers, (1..=TRAPS).collect::<Vec<_>>());
}

#[test]
fn each_finding_has_an_id_and_no_part_of_it_stands_twice() {
    let rows = rows();
    let findings: Vec<&Row> = rows.iter().skip(TRAPS).collect();
    let parts: BTreeSet<_> = findings.iter().map(|row| (&row.id, &row.trap)).collect();
    assert_eq!(findings.len(), parts.len(), "a finding stands twice");
    for Row { id, .. } in findings {
        let (review, number) = id.split_once(' ').expect("an id is a review and a number");
        assert!(["core", "security", "house", "features", "review"].contains(&review), "{id}");
        assert!(!number.is_empty() && !number.contains(' '), "{id}");
    }
}

#[test]
fn each_row_names_a_trap_and_a_test_or_says_why_there_is_none() {
    for Row { id, trap, proofs } in rows() {
        assert!(!trap.is_empty(), "{id} has no name");
        for proof in proofs {
            let is_sentence = !proof.contains('`') && proof.ends_with('.');
            assert!(is_sentence || test(&proof).is_some(), "{id}: {proof}");
        }
    }
}

#[test]
fn each_test_that_a_row_names_is_there() {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources: BTreeMap<String, String> = BTreeMap::new();
    for Row { id, proofs, .. } in rows() {
        for (path, name) in proofs.iter().filter_map(|proof| test(proof)) {
            let source = sources
                .entry(path.to_owned())
                .or_insert_with(|| std::fs::read_to_string(house.join(path)).unwrap_or_default());
            assert!(tests_in(source).contains(&name), "{id}: {path} has no test {name}");
        }
    }
}
