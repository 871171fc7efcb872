//! One deployment in every state, each reached by what really leads there.

use super::events::*;
use super::fixtures::Story;
use pipeline::effect::Purpose;
use pipeline::event::Event;
use pipeline::time::Span;

pub(crate) const MINUTE: Span = Span::minutes(1);

/// Every state, in the order in which a deployment may pass through them.
pub(crate) fn every() -> Vec<(&'static str, Story)> {
    vec![
        ("awaiting approval", awaiting_approval()),
        ("preparing", preparing()),
        ("migrating, asked", migrating()),
        ("migrating, claimed", claimed_by_worker()),
        ("migrating, started", migration_runs()),
        ("migrating, stopping", migration_is_stopped()),
        ("rolling out, first wave", rolling_out()),
        ("rolling out, second wave", second_wave()),
        ("checking", checking()),
        ("baking", baking()),
        ("confirming", confirming()),
        ("undoing migration", undoing()),
        ("rolling back", rolling_back()),
        ("verifying rollback", verifying_rollback()),
        ("ended, succeeded", succeeded()),
        ("ended, rolled back", rolled_back()),
    ]
}

pub(crate) fn awaiting_approval() -> Story {
    Story::begin(&[])
}

pub(crate) fn preparing() -> Story {
    awaiting_approval().then(approved())
}

pub(crate) fn migrating() -> Story {
    preparing().then(prepared())
}

pub(crate) fn claimed_by_worker() -> Story {
    migrating().then(claimed(Purpose::Migrate, 1))
}

pub(crate) fn migration_runs() -> Story {
    claimed_by_worker().then(started(Purpose::Migrate))
}

pub(crate) fn migration_is_stopped() -> Story {
    migration_runs().later(Span::minutes(15))
}

pub(crate) fn rolling_out() -> Story {
    rolling_out_with(&[])
}

/// The first wave goes out, under rules that differ from the usual.
pub(crate) fn rolling_out_with(changes: &[(&str, &str)]) -> Story {
    let story = Story::begin(changes).then(approved()).then(prepared());
    let story = story.all([claimed(Purpose::Migrate, 1), started(Purpose::Migrate)]);
    let story = story.then(ended(Purpose::Migrate, exit(0)));
    story.all([rollout_started("shop-api"), rollout_started("shop-worker")]).quietly(VISIBLE)
}

pub(crate) fn second_wave() -> Story {
    second_wave_with(&[])
}

pub(crate) fn second_wave_with(changes: &[(&str, &str)]) -> Story {
    let story = rolling_out_with(changes);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)]);
    story.then(rollout_started("shop-web")).quietly(VISIBLE)
}

pub(crate) fn checking() -> Story {
    checking_with(&[])
}

pub(crate) fn checking_with(changes: &[(&str, &str)]) -> Story {
    let story = second_wave_with(changes);
    let seen_at = story.now;
    story.then(up("shop-web", 2, seen_at))
}

pub(crate) fn baking() -> Story {
    baking_with(&[])
}

pub(crate) fn baking_with(changes: &[(&str, &str)]) -> Story {
    checking_with(changes).all([passed(0, 1), passed(1, 1)])
}

pub(crate) fn confirming() -> Story {
    confirming_with(&[])
}

pub(crate) fn confirming_with(changes: &[(&str, &str)]) -> Story {
    baking_with(changes).later(Span::minutes(5))
}

pub(crate) fn undoing() -> Story {
    let story = second_wave_with(&[("rollback", "after_undo")]);
    let fault = died_twice(&story, "shop-web");
    story.all(fault).all([claimed(Purpose::Undo, 1), started(Purpose::Undo)])
}

pub(crate) fn rolling_back() -> Story {
    let story = second_wave();
    let fault = died_twice(&story, "shop-web");
    story.all(fault)
}

pub(crate) fn verifying_rollback() -> Story {
    roll_back_both_waves(rolling_back())
}

/// Both waves are rolled back; only the final observation is missing.
pub(crate) fn roll_back_both_waves(story: Story) -> Story {
    let story = story.then(rollback_started("shop-web")).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.then(up("shop-web", 1, seen_at));
    let story =
        story.all([rollback_started("shop-api"), rollback_started("shop-worker")]).quietly(VISIBLE);
    let seen_at = story.now;
    story.all([up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)])
}

pub(crate) fn succeeded() -> Story {
    let story = confirming();
    let seen_at = story.now;
    story.all(all_up(2, seen_at)).then(alarms_read(seen_at))
}

pub(crate) fn rolled_back() -> Story {
    verify_rollback(verifying_rollback())
}

/// Every service is seen rolled back, after the last worker that could interfere.
pub(crate) fn verify_rollback(story: Story) -> Story {
    let story = story.later(MINUTE + MINUTE);
    let seen_at = story.now;
    story.all(all_up(1, seen_at))
}

pub(crate) fn died_twice(story: &Story, service: &str) -> [Event; 2] {
    [died(service, "task/1", story.now), died(service, "task/2", story.now)]
}
