//! Slips in Faceplate's spec: hosts, containers and a script.

use super::{Slip, check};
use crate::examples::FACEPLATE;
use expect_test::expect_file;

const SLIPS: [Slip; 20] = [
    // The shape of the text.
    ("    hosts: {tags", "\thosts: {tags"),
    ("  app: shifter/faceplate", "  app:shifter/faceplate"),
    ("        container: {", "      container: {"),
    (r#"tags: ["dev-*"]"#, "tags: [*-dev]"),
    ("  prod:\n", "prod:\n"),
    ("    bake: 10m", "    checks: []\n    bake: 10m"),
    // Where it runs.
    (
        "hosts: {tags: {Component: faceplate, Environment: dev}}",
        "hosts: {Component: faceplate, Environment: dev}",
    ),
    ("Environment: prod}", "Environment: [prod]}"),
    ("    hosts: {tags: {Component: faceplate, Environment: dev}}", "    cluster: faceplate"),
    ("  prod:\n", "  Prod:\n"),
    // The container.
    ("image: app", "image: shifter/faceplate"),
    (r#"ports: ["8000:8000"]"#, "ports: [8000]"),
    (r#"ports: ["8000:8000"]"#, r#"ports: "8000:8000""#),
    ("env_file: /etc/faceplate.env", "environment: {DB_PASSWORD: hunter2}"),
    ("timeout: 5m", "timeout: 5 minutes"),
    // The script.
    ("[/opt/faceplate/scripts/migrate.sh]", "/opt/faceplate/scripts/migrate.sh --all"),
    ("on_host: true", "on_host: yes"),
    // What is watched.
    ("every: 5s", "every: 500ms"),
    ("expect: [200]", "expect: [2xx]"),
    ("[faceplate-prod-high-cpu, faceplate-prod-unhealthy]", "{faceplate-prod-high-cpu: on}"),
];

#[test]
fn faceplate() {
    check(FACEPLATE, &SLIPS, expect_file!["./faceplate.txt"]);
}
