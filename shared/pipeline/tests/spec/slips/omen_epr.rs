//! Slips in Omen's spec: a service that is created, and a task definition with its settings.

use super::{Slip, check};
use crate::examples::OMEN_EPR;
use expect_test::expect_file;

const SLIPS: [Slip; 20] = [
    // The shape of the text.
    ("            log_group:", "\t\t\tlog_group:"),
    ("environment: *settings", "environment: *setting"),
    ("          template:\n", "        template:\n"),
    (r#"{name: EPR_LOG_LEVEL, value: INFO}"#, r#"{"name": "EPR_LOG_LEVEL", "value": "INFO""#),
    ("            memory: \"1024\"", "            cpu: \"1024\""),
    // What starts it.
    (r#"tags: ["20[0-9]*"]"#, "tags: [2026.10]"),
    (r#"tags: ["20[0-9]*"]"#, r#"tags: "20[0-9*""#),
    // How it is created.
    ("desired_count: 1", "desired_count: one"),
    ("subnets: [subnet-0a1b2c3d4e5f60001, subnet-0a1b2c3d4e5f60002]", "subnets: []"),
    ("[sg-0a1b2c3d4e5f60003]", "[omen-epr-sg]"),
    (
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/omen-epr/0123456789abcdef",
        "omen-epr",
    ),
    // The task definition.
    ("log_group: /ecs/omen-epr", "logGroup: /ecs/omen-epr"),
    ("essential: false", "essential: no"),
    ("containerPort: 8080", "containerPort: http"),
    (r#"{name: EPR_REDIS_CACHE_TTL, value: "300"}"#, r#"EPR_REDIS_CACHE_TTL: "300""#),
    ("command: [python, -m, app.workers.audit_consumer]", "command: python -m app.workers"),
    (r#"value: "60""#, "value: 0.50"),
    (
        r#"valueFrom: "arn:aws:secretsmanager:us-east-1:123456789012:secret:epr-db-url-AbCdEf""#,
        r#"value: "postgresql://epr:hunter2@db/epr""#,
    ),
    ("image: omen-epr\n", "imge: omen-epr\n"),
    // What is watched.
    ("failures: {tasks: 3, sidecars: warn}", "failures: {tasks: 50%, sidecars: ignore}"),
];

#[test]
fn omen_epr() {
    check(OMEN_EPR, &SLIPS, expect_file!["./omen_epr.txt"]);
}
