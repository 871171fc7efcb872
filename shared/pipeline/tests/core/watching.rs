//! What counts against a release during its rollout, and what does not: tasks, sidecars, alarms,
//! checks, and migrations that cannot be started.

use super::events::*;
use super::fixtures::{START, Story};
use super::states::{self, MINUTE};
use expect_test::expect;
use pipeline::effect::Purpose;
use pipeline::event::{AlarmReading, AlarmState, Event, Preparation};
use pipeline::task::{Fault, Stop, TaskReport};
use pipeline::time::Span;

const NO_MIGRATION: [(&str, &str); 2] = [("approval", ""), ("migration", "")];

#[test]
fn trap_09_tasks_that_die_are_counted_by_us_and_each_once() {
    let story = states::baking();
    let now = story.now;
    let once = story.all([died("shop-api", "task/1", now), died("shop-api", "task/1", now)]);
    assert_eq!(once.state(), "baking");
    // Two services with one failed task each are not one with two.
    let once = once.then(died("shop-web", "task/2", now));
    assert_eq!(once.state(), "baking");
    expect!["Rolling back: 2 tasks of shop-api failed: container api exited with 1, Essential container in task exited."]
        .assert_eq(&cause(&once.then(died("shop-api", "task/3", now))));
}

/// Why it is rolled back, in the words for people.
fn cause(story: &Story) -> String {
    let told = story.deployment.timeline.entries().iter().rev();
    told.map(|entry| &entry.text)
        .find(|text| text.starts_with("Rolling back"))
        .cloned()
        .unwrap_or_else(|| story.outcome())
}

#[test]
fn trap_11_tasks_that_aws_takes_away_or_cannot_place_count_for_nothing() {
    let mut story = states::baking();
    for (task, code) in
        [("1", "SpotInterruption"), ("2", "TerminationNotice"), ("3", "UserInitiated")]
    {
        let stop = Some(Stop { code: Some(code.into()), reason: "taken".into() });
        let report = TaskReport { stop, ..report("shop-api", task, 2, story.now) };
        story = story.then(Event::TaskReported(report));
    }
    assert_eq!(story.state(), "baking");
    let last = story.deployment.timeline.last(2);
    expect![[r#"
        [
            "Task of shop-api was stopped by AWS: container api exited with 1, taken.",
            "Task of shop-api was stopped by AWS: container api exited with 1, taken.",
        ]
    "#]]
    .assert_debug_eq(&last);
}

#[test]
fn tasks_of_the_old_revision_may_die_as_they_like() {
    let story = states::rolling_out();
    let old = |task: &str| Event::TaskReported(report("shop-api", task, 1, story.now));
    assert_eq!(story.clone().all([old("1"), old("2"), old("3")]).state(), "rolling out");
}

fn sidecar_dies(story: &Story, task: &str) -> Event {
    let containers = vec![container("api", true, None), container("sqs-worker", false, Some(3))];
    Event::TaskReported(TaskReport {
        stop: None,
        containers,
        ..report("shop-api", task, 2, story.now)
    })
}

#[test]
fn trap_15_a_dead_sidecar_is_mentioned_or_turns_everything_round_as_the_spec_says() {
    let story = states::baking();
    let events: Vec<Event> = (0..10).map(|n| sidecar_dies(&story, &format!("task/{n}"))).collect();
    let warned = story.all(events);
    assert_eq!(warned.state(), "baking");
    let told = warned.timeline();
    assert_eq!(told.matches("Container sqs-worker of shop-api stopped").count(), 3);
    let strict = states::baking_with(&[("failures", "{tasks: 2, sidecars: roll_back}")]);
    let event = sidecar_dies(&strict, "task/1");
    expect!["Rolling back: container sqs-worker of shop-api stopped: exit code 3."]
        .assert_eq(&cause(&strict.then(event)));
}

#[test]
fn trap_15_a_sidecar_that_ends_well_is_no_news() {
    let story = states::baking_with(&[("failures", "{tasks: 2, sidecars: roll_back}")]);
    let containers = vec![container("setup", false, Some(0))];
    let event = TaskReport { stop: None, containers, ..report("shop-api", "task/1", 2, story.now) };
    assert_eq!(story.then(Event::TaskReported(event)).state(), "baking");
}

/// One alarm is on when the deployment starts.
fn alarm_on_at_start(policy: &str, muted: bool) -> Story {
    let on = AlarmReading { muted: Some(muted), ..reading("shop-5xx", AlarmState::On, START) };
    let alarms = vec![on, reading("shop-p99", AlarmState::Quiet, START)];
    let preparation = Preparation { alarms, ..preparation(&SERVICES) };
    let changes = [NO_MIGRATION[0], NO_MIGRATION[1], ("alarms", policy)];
    Story::begin(&changes).then(Event::Prepared(preparation))
}

const WARN: &str = "{names: [shop-5xx, shop-p99], at_start: warn}";

#[test]
fn trap_12_an_alarm_that_is_on_before_anything_is_touched_blocks_or_not() {
    expect!["failed: already in ALARM before the deployment: shop-5xx"]
        .assert_eq(&alarm_on_at_start("[shop-5xx, shop-p99]", false).outcome());
    let warned = alarm_on_at_start(WARN, false);
    assert_eq!(warned.state(), "rolling out");
    expect![[r#"
        [
            "Warning: already in ALARM, ignored until it was OK once: shop-5xx.",
            "Updating shop-api, shop-worker.",
        ]
    "#]]
    .assert_debug_eq(&warned.deployment.timeline.last(2));
    let ignored = alarm_on_at_start("{names: [shop-5xx, shop-p99], at_start: ignore}", false);
    assert_eq!(ignored.state(), "rolling out");
    assert!(!ignored.timeline().contains("already in ALARM"));
    assert_eq!(alarm_on_at_start("[shop-5xx, shop-p99]", true).state(), "rolling out");
}

#[test]
fn an_alarm_that_was_on_before_counts_again_once_it_has_been_quiet() {
    let story = alarm_on_at_start(WARN, false).quietly(MINUTE);
    let again = |story: &Story, state| alarm("shop-5xx", state, story.now);
    let still_on = story.clone().then(again(&story, AlarmState::On));
    assert_eq!(still_on.state(), "rolling out");
    let no_data = still_on.then(again(&story, AlarmState::NoData));
    let no_data = no_data.then(again(&story, AlarmState::On));
    assert_eq!(no_data.state(), "rolling out");
    let quiet = no_data.then(again(&story, AlarmState::Quiet)).quietly(MINUTE);
    let on = again(&quiet, AlarmState::On);
    assert_eq!(quiet.then(on).state(), "rolling back");
}

#[test]
fn trap_28_an_alarm_event_about_an_earlier_time_changes_nothing() {
    let story = states::baking().quietly(MINUTE);
    let story = story.clone().then(alarm("shop-5xx", AlarmState::Quiet, story.now));
    assert_eq!(
        story.clone().then(alarm("shop-5xx", AlarmState::On, START)).deployment,
        story.deployment
    );
}

#[test]
fn a_muted_alarm_does_not_count() {
    let story = states::baking();
    let muted =
        AlarmReading { muted: Some(true), ..reading("shop-5xx", AlarmState::On, story.now) };
    assert_eq!(story.then(Event::AlarmChanged(muted)).state(), "baking");
}

#[test]
fn an_alarm_during_the_migration_ends_the_deployment_before_any_service_is_changed() {
    let story = states::migration_runs();
    let story = story.clone().then(alarm("shop-5xx", AlarmState::On, story.now));
    assert_eq!(story.state(), "migrating");
    expect!["failed: alarm shop-5xx: threshold crossed"]
        .assert_eq(&story.then(ended(Purpose::Migrate, exit(0))).outcome());
}

fn without_data(no_data: &str) -> Story {
    let policy = format!("{{names: [shop-5xx, shop-p99], no_data: {no_data}}}");
    let story = states::confirming_with(&[("alarms", &policy)]);
    let read_at = story.now;
    let readings = vec![reading("shop-5xx", AlarmState::NoData, START)];
    let read = Event::AlarmsRead { read_at, readings };
    story.all([read.clone(), read]).all(all_up(2, read_at))
}

#[test]
fn trap_14_no_data_is_neither_good_nor_bad_unless_the_spec_says_so() {
    let passed = without_data("pass");
    expect!["succeeded"].assert_eq(&passed.outcome());
    // One has no data, and the other is not even there; each is mentioned once.
    expect![[r#"
        [
            "Alarm shop-5xx has no data (INSUFFICIENT_DATA).",
            "Alarm shop-p99 has no data (INSUFFICIENT_DATA).",
            "Ended: succeeded.",
        ]
    "#]]
    .assert_debug_eq(&passed.deployment.timeline.last(3));
    assert_eq!(passed.timeline().matches("has no data").count(), 2);
    expect!["Rolling back: alarm shop-5xx has no data."].assert_eq(&cause(&without_data("fail")));
}

#[test]
fn an_alarm_without_data_is_mentioned_once_and_others_are_not() {
    let story = states::confirming();
    let read_at = story.now;
    let read = |muted: bool| {
        let silent = reading("shop-5xx", AlarmState::NoData, START);
        let silent = AlarmReading { muted: Some(muted), ..silent };
        let readings = vec![silent, reading("shop-p99", AlarmState::Quiet, START)];
        Event::AlarmsRead { read_at, readings }
    };
    let mentioned = |story: &Story| {
        let entries = story.deployment.timeline.entries().iter();
        let texts = entries.map(|entry| &entry.text).filter(|text| text.contains("has no data"));
        texts.cloned().collect::<Vec<_>>()
    };
    let once = story.clone().then(read(false));
    assert_eq!(mentioned(&once), ["Alarm shop-5xx has no data (INSUFFICIENT_DATA)."]);
    assert_eq!(mentioned(&once.then(read(false))).len(), 1);
    assert_eq!(mentioned(&story.then(read(true))).len(), 0, "it is muted");
}

#[test]
fn success_needs_alarms_that_were_read_after_the_verification_started() {
    let story = states::confirming();
    let seen_at = story.now;
    let early = story.all(all_up(2, seen_at)).then(alarms_read(START));
    expect!["final check of the alarms"].assert_eq(&early.outcome());
    assert_eq!(early.then(alarms_read(seen_at)).outcome(), "succeeded");
}

#[test]
fn trap_31_unreadable_alarms_are_no_success() {
    let story = states::confirming();
    let seen_at = story.now;
    let mut story = story.all(all_up(2, seen_at));
    for _ in 0..13 {
        story = story.later(MINUTE);
    }
    expect!["Rolling back: the alarms could not be read in time."].assert_eq(&cause(&story));
}

#[test]
fn a_check_is_asked_again_until_its_attempts_are_used_up() {
    let story = states::checking().all([check_failed(0, 1), check_failed(0, 1)]);
    let told = |story: &Story| story.timeline().matches("answered 503 (attempt 1 of 3)").count();
    assert_eq!(told(&story), 1);
    let story = story.then(check_failed(0, 2));
    assert_eq!(told(&story), 1, "the attempts in between are not told");
    expect!["check 1 #1, check 0 #3"].assert_eq(&story.asks());
    expect!["Rolling back: https://shop.example/health: answered 503."]
        .assert_eq(&cause(&story.clone().then(check_failed(0, 3))));
    assert_eq!(story.all([passed(0, 3), passed(1, 1)]).state(), "baking");
}

#[test]
fn trap_31_unanswered_checks_are_no_success() {
    expect!["Rolling back: the checks timed out."]
        .assert_eq(&cause(&states::checking().later(Span::hours(1))));
}

#[test]
fn trap_42_a_task_without_room_is_tried_again_within_its_time() {
    let story = states::migrating().all([
        not_started(Purpose::Migrate, 1, Fault::Capacity),
        not_started(Purpose::Migrate, 1, Fault::Capacity),
    ]);
    expect!["migrate #2 after 30s"].assert_eq(&story.asks());
    let story =
        story.quietly(Span::minutes(30)).then(not_started(Purpose::Migrate, 2, Fault::Capacity));
    expect!["failed: the migration could not start: RESOURCE:MEMORY (attempt 2)"]
        .assert_eq(&story.outcome());
}

#[test]
fn trap_48_a_claim_that_is_too_old_is_not_granted_again() {
    let mut story = states::claimed_by_worker();
    story.deployment.rules.migration.as_mut().unwrap().timeout = Span::hours(3);
    let mut story = story.quietly(Span::minutes(49));
    expect![[r#"
        Granted
    "#]]
    .assert_debug_eq(&story.tell(claimed(Purpose::Migrate, 1)));
    let mut story = story.quietly(MINUTE);
    expect![[r#"
        Denied(
            "another worker has claimed it",
        )
    "#]]
    .assert_debug_eq(&story.tell(claimed(Purpose::Migrate, 1)));
    let mut story = story.quietly(MINUTE);
    expect![[r#"
        Denied(
            "it is unknown whether the task was started",
        )
    "#]]
    .assert_debug_eq(&story.tell(claimed(Purpose::Migrate, 1)));
    expect!["stuck: it was claimed too long ago to try again safely; check the database before you deploy anything else (after: it is unknown whether the migration ran)"].assert_eq(&story.outcome());
}

#[test]
fn a_migration_out_of_time_is_stopped_and_then_judged_by_how_it_ended() {
    let story = states::migration_is_stopped();
    expect!["stop task"].assert_eq(&story.asks());
    expect!["failed: the migration timed out after 15m"]
        .assert_eq(&story.clone().then(ended(Purpose::Migrate, exit(143))).outcome());
    // It was done after all, a moment before it was stopped.
    assert_eq!(story.clone().then(ended(Purpose::Migrate, exit(0))).state(), "rolling out");
    let mut story = story;
    for _ in 0..8 {
        story = story.later(MINUTE);
    }
    expect!["stuck: the task was asked to stop and may still be running; check the database before you deploy anything else (after: it is unknown whether the migration ran)"].assert_eq(&story.outcome());
}

#[test]
fn every_wait_ends_even_without_further_answers() {
    for (name, story) in states::every() {
        let mut story = story;
        for _ in 0..200 {
            story = story.later(MINUTE);
        }
        assert_eq!(story.state(), "ended", "{name}");
    }
}

/// It can contain a token, and more people read notices than the spec.
#[test]
fn the_query_of_a_check_is_never_shown() {
    let checks = "[{url: \"https://shop.example/health?token=0123abcd\", attempts: 1}]";
    let story = states::checking_with(&[("checks", checks)]);
    let waits = format!("{:?}", story.deployment.waiting());
    assert!(waits.contains("https://shop.example/health?…"), "{waits}");
    let passed = story.clone().then(passed(0, 1));
    let failed = story.then(check_failed(0, 1));
    expect!["Rolling back: https://shop.example/health?…: answered 503."]
        .assert_eq(&cause(&failed));
    for told in [format!("{:?}", passed.deployment.timeline), format!("{:?}", failed.deployment)] {
        let told = told.replace("url: \"https://shop.example/health?token=0123abcd\"", "the spec");
        assert!(!told.contains("0123abcd"), "{told}");
    }
}
