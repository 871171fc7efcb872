//! SCR in staging: every merge to main pushes three images of one commit.

use crate::behaviour::Behaviour;
use crate::cloud::Breaker;
use crate::story::Story;
use pipeline::event::AlarmState;
use pipeline::time::Span;

const EXAMPLE: &str = include_str!("../../../../infra/examples/scr.yaml");
const FIRST: &str = "3f2a9c1";
const SECOND: &str = "7b41d0e";
const THIRD: &str = "c90ffee";

/// So many tasks may fail that ECS acts first.
fn patient() -> String {
    EXAMPLE.replace("    bake: 5m\n", "    bake: 5m\n    failures: {tasks: 10}\n")
}

pub(super) fn good(story: &mut Story) {
    story.push(FIRST).rest();
}

pub(super) fn merges_while_busy(story: &mut Story) {
    story.push(FIRST).wait(Span::minutes(2)).push(SECOND).wait(Span::minutes(1)).push(THIRD).rest();
}

pub(super) fn migration_fails(story: &mut Story) {
    story.push_bad(FIRST, "api", Behaviour::MigrationExits(Some(1))).rest();
}

pub(super) fn migration_cannot_start(story: &mut Story) {
    story.push_bad(FIRST, "api", Behaviour::CannotPull).rest();
}

pub(super) fn image_crashes(story: &mut Story) {
    story.push(FIRST).rest();
    story.push_bad(SECOND, "api", Behaviour::CrashesAtStart).rest();
}

pub(super) fn breaker_stops(story: &mut Story) {
    story.configure(&patient()).breaker(Breaker::Stop);
    story.push_bad(FIRST, "api", Behaviour::CrashesAtStart).rest();
}

pub(super) fn breaker_returns(story: &mut Story) {
    story.configure(&patient()).breaker(Breaker::RollBack);
    story.push_bad(FIRST, "api", Behaviour::CrashesAtStart).rest();
}

pub(super) fn hangs(story: &mut Story) {
    story.push_bad(FIRST, "web", Behaviour::Hangs).rest();
}

pub(super) fn check_fails(story: &mut Story) {
    story
        .push_bad(FIRST, "web", Behaviour::FailsCheckOf("https://staging.scr-platform.com/"))
        .rest();
}

pub(super) fn check_passes_late(story: &mut Story) {
    story.push_bad(FIRST, "web", Behaviour::PassesCheckAt(3)).rest();
}

pub(super) fn alarm_in_rollout(story: &mut Story) {
    let alarm = Behaviour::RaisesAlarm("scr-staging-5xx".into(), Span::seconds(60));
    story.push_bad(FIRST, "api", alarm).rest();
}

pub(super) fn alarm_in_bake(story: &mut Story) {
    let alarm = Behaviour::RaisesAlarm("scr-staging-5xx".into(), Span::minutes(4));
    story.push_bad(FIRST, "web", alarm).rest();
}

/// The build that would cure it needs a person who says so, and then it is not counted.
pub(super) fn alarm_before(story: &mut Story) {
    story.alarm("scr-staging-p99", AlarmState::On).push(FIRST).rest();
    story.alarm("scr-staging-p99", AlarmState::Quiet).push(SECOND).rest();
}

pub(super) fn rollback_in_migration(story: &mut Story) {
    story.push_bad(FIRST, "api", Behaviour::MigrationTakes(Span::minutes(5)));
    story.until("staging", "The migration runs");
    story.roll_back("staging", None, false).rest();
}

pub(super) fn rollback_by_hand(story: &mut Story) {
    story.push(FIRST).rest();
    story.push(SECOND).rest();
    story.roll_back("staging", Some(FIRST), false).rest();
    story.push(THIRD).rest();
}

pub(super) fn rollback_with_undo(story: &mut Story) {
    story.push(FIRST).rest();
    story.push(SECOND).rest();
    story.roll_back("staging", Some(FIRST), true).rest();
}

pub(super) fn update_by_a_person(story: &mut Story) {
    story.push(FIRST).until("staging", "Watching");
    story.outsider("staging", "scr-api").rest();
}
