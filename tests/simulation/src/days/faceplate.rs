//! Faceplate: a container on a host, reached by Run Command.

use crate::behaviour::Behaviour;
use crate::story::Story;
use pipeline::time::Span;

const FIRST: &str = "main-3f2a9c1";
const SECOND: &str = "main-7b41d0e";

pub(super) fn good(story: &mut Story) {
    story.push(FIRST).rest();
}

pub(super) fn health_fails(story: &mut Story) {
    bad(story, Behaviour::FailsChecks);
}

pub(super) fn migration_fails(story: &mut Story) {
    bad(story, Behaviour::MigrationExits(Some(3)));
}

pub(super) fn cpu_alarm(story: &mut Story) {
    bad(story, Behaviour::RaisesAlarm("faceplate-prod-high-cpu".into(), Span::minutes(9)));
}

pub(super) fn command_lost(story: &mut Story) {
    bad(story, Behaviour::Hangs);
}

fn bad(story: &mut Story, behaviour: Behaviour) {
    story.push(FIRST).rest();
    story.push_bad(SECOND, "app", behaviour).rest();
}

pub(super) fn host_gone(story: &mut Story) {
    story.push(FIRST).rest();
    story.push(SECOND).until("prod", "Updating").silence("prod").rest();
}
