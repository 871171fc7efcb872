//! Slips in SCR's spec: two environments, one promoted from the other.

use super::{Slip, check};
use crate::examples::SCR;
use expect_test::expect_file;

const SLIPS: [Slip; 20] = [
    // The shape of the text.
    ("    cluster: scr-staging", "\tcluster: scr-staging"),
    ("    bake: 5m\n", "    bake: 5m\n    timeout: 15m\n"),
    ("application: scr\n", "{\"application\": \"scr\"}\n"),
    ("  production:\n    cluster", "    production:\n    cluster"),
    ("https://staging.scr-platform.com/\"", "https://staging.scr-platform.com/"),
    // What starts it, and who may.
    ("images: all, promoted_from: staging", "images: all, promoted_from: [staging]"),
    ("promoted_from: staging", "promoted_from: stage"),
    (r#"tags: ["semver:>=0.0.0"]"#, r#"tags: [semver:>=v1]"#),
    ("confirm: DEPLOY", "confirm: true"),
    ("tag: production-latest", "tag: latest:production"),
    // The migration.
    (r#"downgrade, "-1"]"#, "downgrade, -1.0]"),
    ("      command: [poetry", "      comand: [poetry"),
    ("      service: scr-api\n", "      service: [scr-api]\n"),
    ("container: api", "container: scr-api:latest"),
    // The services.
    ("[scr-api, scr-ai-gateway, scr-web]", "[scr-api, scr-ai-gateway, scr-web, scr-api]"),
    ("timeout: 15m}", "timeout: 15m, desired_count: 2}"),
    ("      - scr-web-production", "      - scr-web-production: {timeout: 5m}"),
    // What is watched.
    ("attempts: 10", "attempts: ten"),
    ("[scr-staging-5xx, scr-staging-p99]", "scr-staging-5xx, scr-staging-p99"),
    ("bake: 10m", "bake: 10%"),
];

#[test]
fn scr() {
    check(SCR, &SLIPS, expect_file!["./scr.txt"]);
}
