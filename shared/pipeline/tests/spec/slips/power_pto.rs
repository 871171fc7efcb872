//! Slips in Power PTO's spec: three images, one wave and many alarms.

use super::{Slip, check};
use crate::examples::POWER_PTO;
use expect_test::expect_file;

const SLIPS: [Slip; 20] = [
    // The shape of the text.
    ("      service: api", "\tservice: api"),
    ("    alarms:\n", "    alarms\n"),
    ("  worker: power-pto/worker", "  api: power-pto/worker"),
    ("patience: 20m}", "patience: 20m"),
    ("    timeout: 10m", "      timeout: 10m"),
    ("environments:\n  production:\n", "environments:\n- production:\n"),
    // The images.
    ("images:\n  api:", "image:\n  api:"),
    ("  worker: power-pto/worker", "  worker: PowerPTO/worker"),
    ("  frontend: power-pto/frontend", "  front_end: power-pto/frontend"),
    // What starts it.
    ("images: all", "images: [api, worker, web]"),
    ("patience: 20m", "patience: 20"),
    // The migration.
    ("      container: api\n", "      containers: [api]\n"),
    ("[uv, run, alembic, upgrade, head]", "[]"),
    ("[uv, run, alembic, upgrade, head]", "[uv, run, [alembic, upgrade, head]]"),
    // The services.
    ("[[api, worker, frontend]]", "[[api, worker], [worker, frontend]]"),
    ("[[api, worker, frontend]]", "{api: 1, worker: 2, frontend: 3}"),
    // What is watched.
    ("https://pto.example.com/api/health", "pto.example.com/api/health"),
    ("- power-pto-latency-p99", "- power-pto-latency-p99:"),
    ("bake: 10m", "bake: 10m0"),
    ("failures: {tasks: 3}", "failures: 3"),
];

#[test]
fn power_pto() {
    check(POWER_PTO, &SLIPS, expect_file!["./power_pto.txt"]);
}
