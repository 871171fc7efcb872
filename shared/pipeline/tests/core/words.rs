//! The words for people: each kind of cause, verdict, wait and name.

use super::events::{no_room, revision};
use super::fixtures::{START, digest};
use expect_test::expect;
use pipeline::doubt::Doubt;
use pipeline::event::AlarmState;
use pipeline::names::{Digest, Revision, ServiceName};
use pipeline::notice::News;
use pipeline::request::RequestedBy;
use pipeline::task::Fault;
use pipeline::time::Span;
use pipeline::verdict::{Cause, SupersededBy, Verdict};
use pipeline::waits::{Teller, Trouble, WaitsFor};

fn api() -> ServiceName {
    "api".into()
}

fn because() -> String {
    "some reason".into()
}

fn lines<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| format!("{}\n", item.to_string())).collect()
}

fn tasks_failed(count: u32, fault: Fault) -> Cause {
    Cause::TasksFailed { service: api(), count, fault, reason: because() }
}

fn lacking(running: u32) -> WaitsFor {
    WaitsFor::Tasks { running, desired: 2, others: 1 }
}

fn causes() -> Vec<Cause> {
    let (service, reason) = (api, because);
    let timed_out = |waiting, fault| Cause::RolloutTimedOut { service: service(), waiting, fault };
    let failed = |fault| Cause::RolloutFailed { service: service(), reason: reason(), fault };
    let returned = |fault| Cause::ReturnedByEcs { service: service(), reason: reason(), fault };
    let restless = |fault| Cause::NotStable { service: service(), waiting: WaitsFor::Look, fault };
    vec![
        Cause::Preflight { faults: vec![reason(), reason()] },
        Cause::PreparationTimedOut,
        Cause::AlarmAlreadyOn { alarms: vec!["a".into(), "b".into()] },
        Cause::MigrationFailed { how: reason() },
        Cause::MigrationNotStarted { reason: reason() },
        Cause::MigrationTimedOut { after: "15m".into() },
        Cause::MigrationUnclear,
        Cause::RolloutRefused { service: service(), reason: reason() },
        failed(None),
        failed(Some(Fault::Code)),
        failed(Some(Fault::Capacity)),
        returned(None),
        returned(Some(Fault::Code)),
        returned(Some(Fault::Configuration)),
        timed_out(lacking(1), None),
        timed_out(lacking(2), None),
        timed_out(lacking(1), Some(Fault::Platform)),
        timed_out(WaitsFor::Look, Some(Fault::Code)),
        timed_out(WaitsFor::Look, None),
        tasks_failed(1, Fault::Code),
        tasks_failed(1, Fault::Configuration),
        tasks_failed(2, Fault::Code),
        tasks_failed(2, Fault::Configuration),
        Cause::SidecarFailed { service: service(), container: "log".into(), reason: reason() },
        Cause::CheckFailed { url: "https://shop.example/?a=b".into(), reason: reason() },
        Cause::ChecksTimedOut,
        Cause::Alarm { alarm: "a".into(), reason: reason() },
        Cause::Alarm { alarm: "a".into(), reason: String::new() },
        Cause::NoData { alarm: "a".into() },
        Cause::AlarmsUnreadable,
        restless(None),
        restless(Some(Fault::Code)),
        restless(Some(Fault::Meant)),
        Cause::UndoFailed { how: reason() },
        Cause::Person { by: "ann".into(), why: reason() },
    ]
}

#[test]
fn a_cause_says_what_it_speaks_against_and_whether_a_task_knows_more() {
    let told = causes().into_iter().map(|cause| {
        let bad = if cause.speaks_against_the_release() { "bad " } else { "    " };
        let asked = if cause.is_known_to_a_task() { "ask " } else { "    " };
        format!("{bad}{asked}{cause}")
    });
    expect![[r#"
                pre-flight: some reason; some reason
                pre-flight timed out
                already in ALARM before the deployment: a, b
        bad ask the migration failed: some reason
                the migration could not start: some reason
            ask the migration timed out after 15m
                it is unknown whether the migration ran
                api could not be updated: some reason
        bad ask api failed: some reason
        bad ask api failed: some reason
            ask api failed: some reason
        bad ask ECS rolled api back: some reason
        bad ask ECS rolled api back: some reason
            ask ECS rolled api back: some reason
        bad ask api was not stable in time: 1 of 2 new tasks running, 1 old tasks still running
            ask api was not stable in time: 2 of 2 new tasks running, 1 old tasks still running
            ask api was not stable in time: 1 of 2 new tasks running, 1 old tasks still running
        bad ask api was not stable in time: waiting for ECS to report its state
            ask api was not stable in time: waiting for ECS to report its state
        bad ask a task of api failed: some reason
            ask a task of api could not start: some reason
        bad ask 2 tasks of api failed: some reason
            ask 2 tasks of api could not start: some reason
        bad ask container log of api stopped: some reason
        bad ask https://shop.example/?…: some reason
                the checks timed out
        bad     alarm a: some reason
        bad     alarm a
                alarm a has no data
                the alarms could not be read in time
            ask api did not stay stable: waiting for ECS to report its state
        bad ask api did not stay stable: waiting for ECS to report its state
            ask api did not stay stable: waiting for ECS to report its state
            ask undoing the migration failed: some reason
        bad     requested by ann: some reason
    "#]]
    .assert_eq(&lines(told));
}

#[test]
fn a_verdict_is_shown_with_its_reason() {
    let cause = || Cause::ChecksTimedOut;
    let (by, why) = (|| "ann".to_owned(), because);
    let brought = |revision| SupersededBy::OutsideUpdate { service: api(), revision };
    let verdicts = [
        Verdict::Succeeded,
        Verdict::Unproven { doubts: [(api(), Doubt::NoTask)].into() },
        Verdict::Unproven { doubts: [(api(), Doubt::Failed { reason: because() })].into() },
        Verdict::Unproven {
            doubts: [(api(), Doubt::NotAtRest { waiting: WaitsFor::Look })].into(),
        },
        Verdict::RolledBack { cause: cause() },
        Verdict::Failed { cause: cause(), left: vec![] },
        Verdict::Failed { cause: cause(), left: vec![api(), "web".into()] },
        Verdict::Superseded { by: brought(Some(revision("api", 3))) },
        Verdict::Superseded { by: brought(None) },
        Verdict::Superseded { by: SupersededBy::NewerRelease { version: "v2".into() } },
        Verdict::Rejected { by: by(), why: why() },
        Verdict::Cancelled { by: by(), why: why() },
        Verdict::Stuck { cause: cause(), because: because() },
    ];
    let with_cause = verdicts.iter().filter(|verdict| verdict.cause().is_some());
    assert_eq!(lines(with_cause.map(Verdict::name)), "rolled back\nfailed\nfailed\nstuck\n");
    expect![[r#"
        succeeded
        unproven: api ran no task: its desired count is 0
        unproven: api, which this release does not change, failed: some reason
        unproven: api, which this release does not change, is not stable: waiting for ECS to report its state
        rolled back: the checks timed out
        failed: the checks timed out
        failed: the checks timed out; still on the new revision: api, web
        superseded: api was updated to api:3 outside Slipway
        superseded: api was deleted outside Slipway
        superseded: v2 is newer
        rejected by ann: some reason
        cancelled by ann: some reason
        stuck: some reason (after: the checks timed out)
    "#]].assert_eq(&lines(verdicts));
}

#[test]
fn a_wait_is_shown_by_what_it_waits_for() {
    let tasks = |others| WaitsFor::Tasks { running: 1, desired: 2, others };
    let trouble = |told_by| Trouble { told_by, ..no_room() };
    let waits = [
        WaitsFor::Update,
        WaitsFor::UpdateThoughBack,
        WaitsFor::Visibility,
        WaitsFor::Creation,
        WaitsFor::Deletion,
        WaitsFor::Primary,
        WaitsFor::FirstTasks,
        tasks(0),
        tasks(1),
        WaitsFor::Trouble(trouble(Teller::Ecs)),
        WaitsFor::Trouble(trouble(Teller::RunCommand)),
        WaitsFor::RollbackByEcs,
        WaitsFor::ReturnReason,
        WaitsFor::Look,
        WaitsFor::Words("as it was".into()),
    ];
    expect![[r#"
        waiting for AWS to accept the update
        waiting for AWS to accept the update, although it is on the previous revision
        waiting for ECS to show the update
        being created
        being deleted
        waiting for ECS to report a PRIMARY deployment
        waiting for ECS to start tasks
        1 of 2 tasks running
        1 of 2 new tasks running, 1 old tasks still running
        ECS: unable to place a task: RESOURCE:MEMORY
        Run Command: unable to place a task: RESOURCE:MEMORY
        waiting for ECS to finish its own rollback
        waiting for ECS to say whether it rolled the service back
        waiting for ECS to report its state
        as it was
    "#]]
    .assert_eq(&lines(&waits));
    let text = "unable to place ".repeat(1000);
    let shortened = |waits: WaitsFor| waits.shortened().to_string().len();
    assert!(shortened(WaitsFor::Words(text.clone())) < 1000);
    assert!(shortened(WaitsFor::Trouble(Trouble { text, ..no_room() })) < 1000);
    assert_eq!(waits[7].clone().shortened(), waits[7]);
}

#[test]
fn a_span_is_shown_in_hours_minutes_and_seconds() {
    let spans = [0, 59, 60, 61, 3599, 3600, 3601, 3660, 3661, 90_000].map(Span::seconds);
    expect![[r#"
        0s
        59s
        1m
        1m1s
        59m59s
        1h
        1h0m1s
        1h1m
        1h1m1s
        25h
    "#]]
    .assert_eq(&lines(spans));
}

#[test]
fn a_digest_and_a_revision_are_shown_in_their_short_form() {
    assert_eq!(digest("0123456789abcdef").short(), "0123456789ab");
    assert_eq!(Digest::from("0123456789abcdef").short(), "0123456789ab");
    assert_eq!(Digest::from("sha256:01").short(), "01");
    assert_eq!(Digest::from("0123456789äöü").short(), "0123456789ä");
    assert_eq!(revision("api", 12).short(), "api:12");
    assert_eq!(Revision::from("shop@sha256:01").short(), "shop@sha256:01");
}

#[test]
fn only_news_of_how_things_stand_give_way_to_later_news() {
    let is_passing = |news: &News| news.is_passing();
    let cause = because();
    let passing =
        [News::Started, News::ApprovalWanted { until: START }, News::RollingBack { cause }];
    assert!(passing.iter().all(is_passing));
    let verdict = Verdict::Succeeded;
    let lasting = [
        News::Ended { verdict, took: Span::minutes(1), last_words: vec![], failed_container: None },
        News::Declined { why: because() },
        News::Waits { why: because() },
        News::Incomplete { missing: vec![] },
    ];
    assert!(!lasting.iter().any(is_passing));
}

#[test]
fn who_asked_is_told_with_the_reason_if_there_is_one() {
    let person = |why: &str| RequestedBy::Person { name: "ann".into(), why: why.into() };
    let askers = [
        RequestedBy::Push { tag: "b1".into() },
        RequestedBy::Promotion { from: "dev".into() },
        person("it looks odd"),
        person(""),
    ];
    expect!["push of b1, promotion from dev, ann (it looks odd), ann"]
        .assert_eq(&askers.map(|asker| asker.to_string()).join(", "));
}

#[test]
fn the_state_of_an_alarm_is_named_as_cloudwatch_names_it() {
    let states = [AlarmState::Quiet, AlarmState::On, AlarmState::NoData];
    let names = states.map(|state| state.to_string());
    assert_eq!(names, ["OK", "ALARM", "INSUFFICIENT_DATA"]);
}
