//! Power PTO: api, worker and frontend, deployed as one.

use crate::behaviour::Behaviour;
use crate::story::Story;
use pipeline::time::Span;

const EXAMPLE: &str = include_str!("../../../../infra/examples/power-pto.yaml");
const FIRST: &str = "a41c77d";
const SECOND: &str = "b52d88e";

/// Their document: for irreversible migrations, deploy a forward fix.
fn manual() -> String {
    EXAMPLE.replace("    timeout: 10m\n", "    timeout: 10m\n    rollback: manual\n")
}

pub(super) fn good(story: &mut Story) {
    story.push(FIRST).rest();
}

pub(super) fn image_missing(story: &mut Story) {
    story.push_image("api", FIRST, FIRST).push_image("worker", FIRST, FIRST);
    story.wait(Span::minutes(30)).push_image("frontend", FIRST, FIRST).rest();
}

pub(super) fn one_fails(story: &mut Story) {
    story.push_bad(FIRST, "frontend", Behaviour::CrashesAtStart).rest();
}

pub(super) fn worker_dies(story: &mut Story) {
    story.push_bad(FIRST, "worker", Behaviour::CrashesAfter(Span::minutes(2))).rest();
}

pub(super) fn accrual_alarm(story: &mut Story) {
    let alarm = Behaviour::RaisesAlarm("power-pto-accrual-failures".into(), Span::minutes(5));
    story.push_bad(FIRST, "worker", alarm).rest();
}

pub(super) fn irreversible(story: &mut Story) {
    story.configure(&manual());
    story.push_bad(FIRST, "api", Behaviour::CrashesAtStart).rest();
    // It waits for a person.
    story.push(SECOND).wait(Span::minutes(20));
    story.deploy("production", SECOND, |request| {
        request.overrides.insert(pipeline::request::Override::Hold);
    });
    story.rest();
}
