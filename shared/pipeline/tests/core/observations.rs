//! What an observation means for what was asked, as a table.

use super::events::{no_room, revision, rollout, rollout_id};
use super::fixtures::START;
use expect_test::expect;
use pipeline::names::RolloutId;
use pipeline::observation::{Found, Observation, Progress, Reading, Rollout, Wanted};
use pipeline::time::{Span, Time};

use Progress::{Completed, Failed, InProgress};

const VISIBLE_FROM: Time = START;

/// What was asked: revision 2 in the place of revision 1, by the rollout 2.
struct Asked {
    from: Option<u32>,
    after: u32,
    rollout: Option<u32>,
    /// From then on ECS must show it.
    visible_from: Option<Time>,
}

const USUAL: Asked =
    Asked { from: Some(1), after: 2, rollout: Some(2), visible_from: Some(VISIBLE_FROM) };

fn read(asked: &Asked, found: Option<Found>) -> String {
    let seen_at = VISIBLE_FROM + Span::seconds(1);
    let (after, from) =
        (revision("api", asked.after), asked.from.map(|number| revision("api", number)));
    let rollout = asked.rollout.map(id);
    let wanted = Wanted {
        revision: &after,
        from: from.as_ref(),
        rollout: rollout.as_ref(),
        other_rollouts: &[],
        visible_from: asked.visible_from,
    };
    let observation = Observation { service: "api".into(), seen_at, found };
    match observation.read(wanted) {
        Reading::Done => "done".into(),
        Reading::Underway { waiting } => format!("under way, {waiting}"),
        Reading::Failed { reason } => format!("failed: {reason}"),
        Reading::Returned { reason, to } => format!("returned to {}: {reason}", to.short()),
        Reading::Replaced { revision } => format!("replaced by {}", revision.short()),
        Reading::TakenOver { revision } => format!("taken over by {}", revision.short()),
        Reading::Gone => "gone".into(),
    }
}

fn id(number: u32) -> RolloutId {
    RolloutId::new(rollout_id("api", number))
}

fn table(rows: Vec<(&str, &Asked, Option<Found>)>) -> String {
    rows.into_iter()
        .map(|(name, asked, found)| format!("{name:<52} {}\n", read(asked, found)))
        .collect()
}

fn found(rollouts: Vec<Rollout>) -> Option<Found> {
    Some(Found { rollouts, returns_asked: true, ..Found::default() })
}

fn primary(number: u32, progress: Progress, running: u32) -> Rollout {
    rollout("api", number, true, progress, running)
}

fn other(number: u32, progress: Progress, running: u32) -> Rollout {
    rollout("api", number, false, progress, running)
}

#[test]
fn trap_01_steady_is_not_done_and_a_rollback_is_not_success() {
    let cases = vec![
        ("ours, completed", &USUAL, found(vec![primary(2, Completed, 2)])),
        ("ours, in progress, all tasks run", &USUAL, found(vec![primary(2, InProgress, 2)])),
        ("ours, completed, a task is missing", &USUAL, found(vec![primary(2, Completed, 1)])),
        ("ours, completed, more tasks than desired", &USUAL, found(vec![primary(2, Completed, 3)])),
        (
            "trap 5: ours, completed, an old task still runs",
            &USUAL,
            found(vec![primary(2, Completed, 2), other(1, Completed, 1)]),
        ),
        (
            "ours, completed, the old rollout is listed empty",
            &USUAL,
            found(vec![primary(2, Completed, 2), other(1, Completed, 0)]),
        ),
        (
            "ours, failed, nothing to return to (trap 10)",
            &USUAL,
            found(vec![primary(2, Failed, 0)]),
        ),
        (
            "the one before, completed: somebody went back",
            &USUAL,
            found(vec![primary(1, Completed, 2)]),
        ),
        (
            "the one before, ours failed beside it",
            &USUAL,
            found(vec![primary(1, InProgress, 2), other(2, Failed, 0)]),
        ),
        (
            "another revision, in progress",
            &USUAL,
            found(vec![primary(9, InProgress, 0), other(2, Completed, 2)]),
        ),
        (
            "another revision, ours failed beside it",
            &USUAL,
            found(vec![primary(9, InProgress, 0), other(2, Failed, 0)]),
        ),
        ("no rollout at all", &USUAL, found(vec![])),
        ("no primary rollout", &USUAL, found(vec![other(2, Completed, 2)])),
        ("no service", &USUAL, None),
    ];
    expect![[r#"
        ours, completed                                      done
        ours, in progress, all tasks run                     under way, 2 of 2 tasks running
        ours, completed, a task is missing                   under way, 1 of 2 tasks running
        ours, completed, more tasks than desired             done
        trap 5: ours, completed, an old task still runs      under way, 2 of 2 new tasks running, 1 old tasks still running
        ours, completed, the old rollout is listed empty     done
        ours, failed, nothing to return to (trap 10)         failed: ECS deployment circuit breaker: tasks failed to start.
        the one before, completed: somebody went back        taken over by api:1
        the one before, ours failed beside it                returned to api:1: ECS deployment circuit breaker: tasks failed to start.
        another revision, in progress                        taken over by api:9
        another revision, ours failed beside it              taken over by api:9
        no rollout at all                                    under way, waiting for ECS to report a PRIMARY deployment
        no primary rollout                                   under way, waiting for ECS to report a PRIMARY deployment
        no service                                           gone
    "#]].assert_eq(&table(cases));
}

#[test]
fn trap_04_a_return_is_known_by_the_rollout_that_ecs_names() {
    let returned = |from: u32, first: Rollout| {
        let return_reason = Some("the breaker opened".to_owned());
        Some(Found { returned_from: Some(id(from)), return_reason, ..found(vec![first])? })
    };
    let not_asked = |first: Rollout| Some(Found { returns_asked: false, ..found(vec![first])? });
    let no_answer = Asked { rollout: None, visible_from: None, ..USUAL };
    let cases = vec![
        ("ECS returned from our rollout", &USUAL, returned(2, primary(1, InProgress, 1))),
        (
            "ECS returned from our rollout, and is done",
            &USUAL,
            returned(2, primary(1, Completed, 2)),
        ),
        (
            "ECS returned from our rollout, past the one before",
            &USUAL,
            returned(2, primary(7, InProgress, 1)),
        ),
        (
            "ECS returned from another one, ours is not shown",
            &USUAL,
            returned(7, primary(1, Completed, 2)),
        ),
        (
            "ECS returned from another one once, ours runs",
            &USUAL,
            returned(7, primary(2, Completed, 2)),
        ),
        ("nobody has said which is ours", &no_answer, returned(7, primary(1, Completed, 2))),
        ("ECS was asked, and returned from none", &USUAL, found(vec![primary(1, Completed, 2)])),
        ("ECS was not asked", &USUAL, not_asked(primary(1, Completed, 2))),
        ("ECS was not asked, another revision", &USUAL, not_asked(primary(9, Completed, 2))),
    ];
    expect![[r#"
        ECS returned from our rollout                        returned to api:1: the breaker opened
        ECS returned from our rollout, and is done           returned to api:1: the breaker opened
        ECS returned from our rollout, past the one before   returned to api:7: the breaker opened
        ECS returned from another one, ours is not shown     taken over by api:1
        ECS returned from another one once, ours runs        done
        nobody has said which is ours                        under way, waiting for ECS to show the update
        ECS was asked, and returned from none                taken over by api:1
        ECS was not asked                                    replaced by api:1
        ECS was not asked, another revision                  replaced by api:9
    "#]]
    .assert_eq(&table(cases));
}

#[test]
fn trap_07_an_update_that_is_not_visible_yet_is_in_progress() {
    let early = Asked { visible_from: None, ..USUAL };
    let cases = vec![
        ("the one before, update just made", &early, found(vec![primary(1, Completed, 2)])),
        ("ours already", &early, found(vec![primary(2, Completed, 2)])),
        ("another revision", &early, found(vec![primary(9, Completed, 2)])),
        (
            "the one before, an earlier attempt at ours failed",
            &early,
            found(vec![primary(1, Completed, 2), other(2, Failed, 0)]),
        ),
        (
            "the one before, another revision failed once",
            &Asked { rollout: None, ..USUAL },
            found(vec![primary(1, Completed, 2), other(0, Failed, 0)]),
        ),
        (
            "the same, and the rollout of ours is known",
            &Asked { visible_from: None, rollout: Some(3), ..USUAL },
            found(vec![primary(1, Completed, 2), other(2, Failed, 0)]),
        ),
        ("no service", &early, None),
    ];
    expect![[r#"
        the one before, update just made                     under way, waiting for ECS to show the update
        ours already                                         done
        another revision                                     taken over by api:9
        the one before, an earlier attempt at ours failed    returned to api:1: ECS deployment circuit breaker: tasks failed to start.
        the one before, another revision failed once         taken over by api:1
        the same, and the rollout of ours is known           under way, waiting for ECS to show the update
        no service                                           gone
    "#]].assert_eq(&table(cases));
}

#[test]
fn two_rollouts_of_one_message_are_both_ours() {
    let both = [id(4), id(3)];
    let seen = |number: u32| {
        let runs = Rollout { id: id(number), ..primary(2, Completed, 2) };
        let seen_at = VISIBLE_FROM + Span::seconds(1);
        Observation { service: "api".into(), seen_at, found: found(vec![runs]) }
    };
    for (first, second) in [(0, 1), (1, 0)] {
        let wanted = Wanted {
            revision: &revision("api", 2),
            from: Some(&revision("api", 2)),
            rollout: Some(&both[first]),
            other_rollouts: &both[second..=second],
            visible_from: Some(VISIBLE_FROM),
        };
        for number in [3, 4] {
            assert_eq!(seen(number).read(wanted), Reading::Done);
        }
        assert!(matches!(seen(5).read(wanted), Reading::TakenOver { .. }));
    }
}

#[test]
fn new_tasks_of_the_same_revision_are_distinguished_by_their_rollout() {
    let fresh = Asked { from: Some(2), ..USUAL };
    let asked = Asked { from: Some(2), rollout: None, visible_from: None, ..USUAL };
    let same_revision =
        |number: u32, progress| Rollout { id: id(number), ..primary(2, progress, 2) };
    let cases = vec![
        ("our rollout", &fresh, found(vec![same_revision(2, Completed)])),
        ("our rollout, in progress", &fresh, found(vec![same_revision(2, InProgress)])),
        ("the rollout before, before the answer", &asked, found(vec![same_revision(1, Completed)])),
        (
            "the rollout before, after ours must be visible",
            &fresh,
            found(vec![same_revision(1, Completed)]),
        ),
    ];
    expect![[r#"
        our rollout                                          done
        our rollout, in progress                             under way, 2 of 2 tasks running
        the rollout before, before the answer                under way, waiting for ECS to show the update
        the rollout before, after ours must be visible       taken over by api:2
    "#]]
    .assert_eq(&table(cases));
}

#[test]
fn a_service_that_is_created_is_not_there_at_first() {
    let created = Asked { from: None, ..USUAL };
    let early = Asked { from: None, rollout: None, visible_from: None, ..USUAL };
    let soon = Asked { visible_from: Some(VISIBLE_FROM + Span::minutes(1)), ..created };
    let cases = vec![
        ("not there yet", &early, None),
        ("not there yet, and not to be seen yet", &soon, None),
        ("there", &early, found(vec![primary(2, InProgress, 0)])),
        ("not there any more", &created, None),
        ("another revision", &created, found(vec![primary(9, Completed, 2)])),
    ];
    expect![[r#"
        not there yet                                        under way, being created
        not there yet, and not to be seen yet                under way, being created
        there                                                under way, 0 of 2 tasks running
        not there any more                                   gone
        another revision                                     taken over by api:9
    "#]]
    .assert_eq(&table(cases));
}

#[test]
fn trap_11_what_ecs_says_about_placing_tasks_is_what_a_person_reads() {
    let trouble = Some(no_room());
    let beside = found(vec![primary(2, InProgress, 1), other(1, Completed, 2)]);
    let placing = Some(Found { trouble, ..beside.clone().unwrap() });
    let cases = vec![("beside the old ones", &USUAL, beside), ("no room", &USUAL, placing)];
    expect![[r#"
        beside the old ones                                  under way, 1 of 2 new tasks running, 2 old tasks still running
        no room                                              under way, ECS: unable to place a task: RESOURCE:MEMORY
    "#]].assert_eq(&table(cases));
}

#[test]
fn absurd_counts_add_up_without_overflow() {
    let many = vec![
        primary(2, Completed, u32::MAX),
        other(1, Completed, u32::MAX),
        other(3, Completed, u32::MAX),
    ];
    expect!["under way, 4294967295 of 2 new tasks running, 8589934590 old tasks still running"]
        .assert_eq(&read(&USUAL, found(many)));
}
