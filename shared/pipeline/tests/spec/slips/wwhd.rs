//! Slips in WWHD's spec: one service and one tag that moves.

use super::{Slip, check};
use crate::examples::WWHD;
use expect_test::expect_file;

const SLIPS: [Slip; 20] = [
    // The shape of the text.
    ("    cluster: wwhd-cluster", "\tcluster: wwhd-cluster"),
    ("application: wwhd\n", "application wwhd\n"),
    ("application: wwhd\n", "application = wwhd\n"),
    ("  production:\n", "  production\n"),
    ("    bake: 5m", "  bake: 5m"),
    ("[HighLatency, HighErrorRate]", "[HighLatency, HighErrorRate"),
    ("images:\n  backend: wwhd-backend", "images: backend: wwhd-backend"),
    // The names.
    ("application: wwhd", "application: WWHD"),
    ("application: wwhd", "application: true"),
    ("backend: wwhd-backend", "backend: wwhd-backend:latest"),
    ("images:\n  backend: wwhd-backend", "images: [wwhd-backend]"),
    ("environments:", "environment:"),
    ("cluster: wwhd-cluster", "cluster: [wwhd-cluster]"),
    // What starts it.
    ("{tags: [latest]}", "latest"),
    ("{tags: [latest]}", "{tag: latest}"),
    ("{tags: [latest]}", "{tags: [1.0]}"),
    // How it goes.
    ("services: [wwhd-service]", "service: wwhd-service"),
    ("timeout: 10m", "timeout: ten minutes"),
    ("[HighLatency, HighErrorRate]", "HighLatency"),
    ("bake: 5m", "bake: 5"),
];

#[test]
fn wwhd() {
    check(WWHD, &SLIPS, expect_file!["./wwhd.txt"]);
}
