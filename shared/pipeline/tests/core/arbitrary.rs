//! Random events: such as could happen to the shop, and such as never should.

use super::events::*;
use super::fixtures::START;
use pipeline::effect::Purpose;
use pipeline::event::{
    AlarmReading, AlarmState, Event, Outcome, Preparation, PreparedService, Refusal,
};
use pipeline::names::{AlarmName, Revision, RolloutId, ServiceName, TaskId};
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::task::{ContainerReport, Fault, OneOffEnd, Stop, TaskReport};
use pipeline::time::Time;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Facts and answers that fit the shop: its services, its checks, about now.
pub(crate) fn likely() -> impl Strategy<Value = Event> {
    let service = prop::sample::select(SERVICES.to_vec());
    let number = 1..=3_u32;
    let minute = (0..60_u64).prop_map(|minute| Time::from_millis(START.millis() + minute * 60_000));
    let purpose = prop::sample::select(vec![Purpose::Migrate, Purpose::Undo]);
    let state = prop::sample::select(vec![AlarmState::On, AlarmState::Quiet, AlarmState::NoData]);
    let fault = prop::sample::select(vec![Fault::Capacity, Fault::Configuration]);
    let refusal =
        prop::sample::select(vec![Refusal::Final, Refusal::RolloutIsOver, Refusal::NotCreated]);
    prop_oneof![
        Just(prepared()),
        (purpose.clone(), 1..3_u32).prop_map(|(purpose, attempt)| claimed(purpose, attempt)),
        purpose.clone().prop_map(started),
        (purpose.clone(), 1..3_u32, fault)
            .prop_map(|(purpose, attempt, fault)| not_started(purpose, attempt, fault)),
        purpose.clone().prop_map(runs),
        (purpose.clone(), 0..2).prop_map(|(purpose, code)| ended(purpose, exit(code))),
        purpose.prop_map(|purpose| Event::OneOffLost { purpose, attempt: 1 }),
        service.clone().prop_map(rollout_started),
        service.clone().prop_map(rollout_refused),
        (service.clone(), number.clone(), minute.clone()).prop_map(|(s, n, at)| up(s, n, at)),
        (service.clone(), 1..=2_u32, minute.clone()).prop_map(|(s, n, at)| underway(s, n, at)),
        (service.clone(), minute.clone()).prop_map(|(s, at)| returned(s, at)),
        (service.clone(), minute.clone()).prop_map(|(s, at)| gone(s, at)),
        (service.clone(), "task/[a-c]", number, minute.clone())
            .prop_map(|(s, task, n, at)| Event::TaskReported(report(s, &task, n, at))),
        (0..3_usize, 1..4_u32).prop_map(|(check, attempt)| passed(check, attempt)),
        (0..3_usize, 1..4_u32).prop_map(|(check, attempt)| check_failed(check, attempt)),
        ("shop-(5xx|p99|cron)", state, minute.clone())
            .prop_map(|(name, state, at)| alarm(&name, state, at)),
        minute.prop_map(alarms_read),
        service.clone().prop_map(rollback_started),
        (service.clone(), refusal).prop_map(|(s, refusal)| rollback_refused(s, refusal)),
        (service.clone(), 1..=9_u32, time()).prop_map(|(s, n, at)| left_alone(s, n, at)),
        (service.clone(), 1..=2_u32, any::<bool>(), time())
            .prop_map(|(s, n, returned, at)| asked(s, n, returned, at)),
        service.prop_map(|s| Event::Removed { service: s.into() }),
        Just(Event::Woken),
    ]
}

/// Anything that has the right shape.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![3 => likely(), 1 => wish(), 3 => absurd()]
}

/// What people ask for.
pub(crate) fn wish() -> impl Strategy<Value = Event> {
    let by = || "[a-z]{0,5}";
    prop_oneof![
        by().prop_map(|by| Event::Approved { by }),
        (by(), text()).prop_map(|(by, why)| Event::Rejected { by, why }),
        (by(), text()).prop_map(|(by, why)| Event::CancelRequested { by, why }),
        (by(), text(), any::<bool>()).prop_map(|(by, why, undo)| Event::RollbackRequested {
            by,
            why,
            undo
        }),
    ]
}

fn absurd() -> impl Strategy<Value = Event> {
    let purpose = || prop::sample::select(vec![Purpose::Migrate, Purpose::Undo]);
    let attempt = || prop_oneof![Just(u32::MAX), Just(0_u32), 1..3_u32];
    prop_oneof![
        preparation_of_anything().prop_map(Event::Prepared),
        vec(text(), 0..3).prop_map(|faults| Event::PreparationFailed { faults }),
        (purpose(), attempt())
            .prop_map(|(purpose, attempt)| Event::OneOffClaimed { purpose, attempt }),
        (purpose(), attempt(), text()).prop_map(|(purpose, attempt, task)| Event::OneOffStarted {
            purpose,
            attempt,
            task: TaskId::new(task)
        }),
        (purpose(), attempt(), text(), option::of(end())).prop_map(
            |(purpose, attempt, task, end)| {
                Event::OneOffSeen { purpose, attempt, task: TaskId::new(task), end }
            }
        ),
        (service(), text()).prop_map(|(service, id)| Event::RolloutStarted {
            service,
            rollout: RolloutId::new(id)
        }),
        vec(any_observation(), 0..4).prop_map(|services| Event::Observed { services }),
        any_observation().prop_map(|seen| Event::LeftAlone { seen }),
        any_report().prop_map(Event::TaskReported),
        (prop_oneof![Just(usize::MAX), 0..3_usize], attempt(), text()).prop_map(
            |(check, attempt, reason)| {
                Event::Checked { check, attempt, outcome: Outcome::Failed { reason } }
            }
        ),
        any_reading().prop_map(Event::AlarmChanged),
        (time(), vec(any_reading(), 0..4))
            .prop_map(|(read_at, readings)| Event::AlarmsRead { read_at, readings }),
        (service(), revision_of_anything(), option::of(text())).prop_map(
            |(service, revision, rollout)| {
                Event::RollbackStarted { service, revision, rollout: rollout.map(RolloutId::new) }
            }
        ),
        service().prop_map(|service| Event::Removed { service }),
    ]
}

fn preparation_of_anything() -> impl Strategy<Value = Preparation> {
    let service = (service(), option::of(revision_of_anything()), revision_of_anything())
        .prop_map(|(name, before, after)| PreparedService { name, before, after });
    let all = SERVICES.map(|name| {
        (option::of(revision_of_anything()), revision_of_anything())
            .prop_map(move |(before, after)| PreparedService { name: name.into(), before, after })
    });
    let services = prop_oneof![all.prop_map(|all| all.to_vec()), vec(service, 0..4)];
    (services, vec(any_reading(), 0..3), vec(text(), 0..2))
        .prop_map(|(services, alarms, warnings)| Preparation { services, alarms, warnings })
}

fn any_observation() -> impl Strategy<Value = Observation> {
    let fault = prop::sample::select(vec![None, Some(Fault::Capacity), Some(Fault::Code)]);
    let trouble = (text(), fault).prop_map(|(text, fault)| trouble(&text, fault));
    let flags = (any::<bool>(), any::<bool>());
    let texts = (option::of(text()), option::of(text()));
    let parts = (vec(any_rollout(), 0..3), texts, option::of(trouble), flags);
    let found = parts.prop_map(|(rollouts, (from, why), trouble, (draining, asked))| Found {
        rollouts,
        returned_from: from.map(RolloutId::new),
        return_reason: why,
        returns_asked: asked,
        trouble,
        draining,
    });
    (service(), time(), option::of(found)).prop_map(|(service, seen_at, found)| Observation {
        service,
        seen_at,
        found,
    })
}

fn any_rollout() -> impl Strategy<Value = Rollout> {
    let progress =
        prop::sample::select(vec![Progress::InProgress, Progress::Completed, Progress::Failed]);
    let count = || prop_oneof![Just(u32::MAX), 0..3_u32];
    (text(), revision_of_anything(), any::<bool>(), progress, text(), count(), count()).prop_map(
        |(id, revision, primary, progress, reason, desired, running)| Rollout {
            id: RolloutId::new(id),
            revision,
            primary,
            progress,
            reason,
            desired,
            running,
            failed: u32::MAX,
        },
    )
}

fn any_report() -> impl Strategy<Value = TaskReport> {
    let container = ("[a-z]{0,3}", any::<bool>(), option::of(any::<i32>()), option::of(text()))
        .prop_map(|(name, essential, exit_code, reason)| ContainerReport {
            name: name.as_str().into(),
            essential,
            exit_code,
            reason,
        });
    (
        service(),
        text(),
        revision_of_anything(),
        time(),
        option::of(any_stop()),
        vec(container, 0..3),
    )
        .prop_map(|(service, task, revision, seen_at, stop, containers)| TaskReport {
            service,
            task: TaskId::new(task),
            revision,
            seen_at,
            stop,
            containers,
        })
}

pub(crate) fn any_reading() -> impl Strategy<Value = AlarmReading> {
    let state = prop::sample::select(vec![AlarmState::On, AlarmState::Quiet, AlarmState::NoData]);
    let name = prop_oneof![3 => "shop-(5xx|p99)", 1 => text()];
    let was = option::of(state.clone());
    (name, state, time(), text(), any::<Option<bool>>(), was).prop_map(
        |(alarm, state, since, reason, muted, was)| AlarmReading {
            alarm: AlarmName::new(alarm),
            state,
            since,
            reason,
            muted,
            was,
        },
    )
}

fn any_stop() -> impl Strategy<Value = Stop> {
    let code = "(EssentialContainerExited|TaskFailedToStart|UserInitiated|SpotInterruption|New)";
    (option::of(code), text()).prop_map(|(code, reason)| Stop { code, reason })
}

fn end() -> impl Strategy<Value = OneOffEnd> {
    (option::of(any::<i32>()), any_stop(), option::of(text()), option::of(text()))
        .prop_map(|(exit_code, stop, reason, beside)| OneOffEnd { exit_code, stop, reason, beside })
}

fn service() -> impl Strategy<Value = ServiceName> {
    prop_oneof![4 => "shop-(api|worker|web)", 1 => text()].prop_map(ServiceName::new)
}

fn revision_of_anything() -> impl Strategy<Value = Revision> {
    prop_oneof![
        4 => ("shop-(api|worker|web)", 1..=3_u32).prop_map(|(service, number)| revision(&service, number)),
        1 => text().prop_map(Revision::new),
    ]
}

/// From before the shop opened to the end of time.
pub(crate) fn time() -> impl Strategy<Value = Time> {
    prop_oneof![
        Just(Time::default()),
        Just(Time::from_millis(u64::MAX)),
        (0..7_200_000_u64).prop_map(|millis| Time::from_millis(START.millis() + millis)),
    ]
}

/// Words of every kind, and sometimes far too many of them.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9 :/-]{0,12}",
        2 => "\\PC{0,8}",
        1 => Just("ß".repeat(5_000)),
        1 => Just("OutOfMemoryError: \"\\\n\u{0}".to_owned()),
    ]
}
