//! How a story is printed and compared.

use engine::Pipeline;
use expect_test::{Expect, ExpectFile, expect_file};
use pipeline::event::Event;
use pipeline::names::{Revision, RolloutId};
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::time::Span;
use simulation::days::{DAYS, Day};
use simulation::faults::{Odds, Plan};
use simulation::happening::Happening;
use simulation::story::{Story, clock};
use simulation::systems::System;
use std::fmt::Write as _;
use std::path::Path;

/// Every event after the push is lost.
pub(super) const DEAF: Odds = Odds {
    crash: 0,
    conflict: 0,
    throttle: 0,
    duplicate: 0,
    drop: 0,
    delay_seconds_max: 0,
    lose_every_event: true,
};

/// Plays one of the days and compares its whole text.
pub(super) fn check_day(system: &str, name: &str) {
    let found = DAYS.iter().find(|day| day.system == system && day.name == name);
    let day = found.expect("the day is in the list");
    let mut story = Story::of(system).expect("the examples are valid");
    (day.play)(&mut story);
    snapshot(day).assert_eq(&format!("{}.\n\n{}", day.about, story.tell(day.environment)));
    assert_sound(&story);
}

fn snapshot(day: &Day) -> ExpectFile {
    let path = snapshots().join(day.system).join(format!("{}.txt", day.name));
    expect_file![path]
}

fn snapshots() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/days")
}

#[test]
fn every_day_has_its_timeline_and_every_timeline_its_day() {
    let mut files = Vec::new();
    for system in snapshots().read_dir().expect("the timelines are there").flatten() {
        for file in system.path().read_dir().expect("one directory for each system").flatten() {
            let name = file.path().with_extension("");
            let (system, name) = (system.file_name(), name.file_name().map(ToOwned::to_owned));
            files.push((system, name.expect("every file has a name")));
        }
    }
    files.sort();
    let mut days: Vec<_> = DAYS.iter().map(|day| (day.system.into(), day.name.into())).collect();
    days.sort();
    assert_eq!(files, days);
}

pub(super) fn story(system: &str) -> Story {
    Story::of(system).expect("the examples are valid")
}

/// A story in a world that is late, forgetful or repeats itself.
pub(super) fn rude_story(system: &str, odds: Odds) -> Story {
    seeded_story(system, 7, odds)
}

pub(super) fn seeded_story(system: &str, seed: u64, odds: Odds) -> Story {
    Story::with_plan(system, Plan::new(seed, odds)).expect("the examples are valid")
}

/// A story of an example with one thing in its spec changed.
pub(super) fn changed_story(system: &str, from: &str, to: &str) -> Story {
    let text = System::text(system).expect("there is such an example");
    assert!(text.contains(from), "the example has changed: {from}");
    Story::of_text(&text.replacen(from, to, 1)).expect("the change is valid")
}

/// Compares how each deployment ended, what people read, and what runs.
pub(super) fn check(story: &Story<Pipeline>, environment: &str, expected: &Expect) {
    expected.assert_eq(&outcome(story, environment));
    assert_sound(story);
}

/// Compares the timeline of the last deployment only.
pub(super) fn check_timeline(story: &Story<Pipeline>, environment: &str, expected: &Expect) {
    let deployments = story.sim.deployments(&story.place(environment));
    let last = deployments.last().expect("there is a deployment");
    let lines = last.timeline.entries().iter();
    let lines = lines.map(|entry| format!("{} {}\n", clock(entry.at), entry.text));
    expected.assert_eq(&lines.collect::<String>());
    assert_sound(story);
}

pub(super) fn assert_sound(story: &Story<Pipeline>) {
    assert_eq!(story.sim.invariants.violations, []);
}

fn outcome(story: &Story<Pipeline>, environment: &str) -> String {
    let mut text = String::new();
    for deployment in story.sim.deployments(&story.place(environment)) {
        let verdict = deployment.verdict().map_or("none".into(), ToString::to_string);
        let _ = writeln!(text, "{} {}", deployment.request.release, verdict);
    }
    let told = story.tell(environment);
    let spoken = |line: &&str| {
        line.starts_with("answered")
            || line.contains("is not deployed")
            || line.contains("is incomplete")
    };
    told.lines().filter(spoken).for_each(|line| text.push_str(&format!("{line}\n")));
    text.push_str(&story.what_runs(environment));
    if let Some(head) = story.sim.head(&story.place(environment)) {
        head.queue.iter().for_each(|waits| {
            let _ = writeln!(text, "waits {}: {}", waits.request.release, waits.why);
        });
        if let Some(hold) = &head.hold {
            let _ = writeln!(text, "hold by {}: {}", hold.by, hold.why);
        }
    }
    text
}

/// One thing that ECS shows of a service: its rollouts, the primary one first.
pub(super) fn shown(
    story: &Story<Pipeline>,
    service: &str,
    rollouts: &[(&str, Progress, u32)],
) -> Event {
    let rollouts = rollouts.iter().enumerate().map(|(index, (revision, progress, running))| {
        let arn = format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/{revision}");
        Rollout {
            id: RolloutId::new(format!("ecs-svc/{revision}")),
            revision: Revision::new(arn),
            primary: index == 0,
            progress: *progress,
            reason: String::new(),
            desired: 2,
            running: *running,
            failed: 0,
        }
    });
    let found = Found { rollouts: rollouts.collect(), ..Found::default() };
    let seen_at = story.sim.now;
    Event::Observed {
        services: vec![Observation { service: service.into(), seen_at, found: Some(found) }],
    }
}

/// An event about an environment, as a listener would report it.
pub(super) fn tell_of(story: &mut Story<Pipeline>, environment: &str, event: Event) {
    let place = story.place(environment);
    let fact = Happening::Fact { lookup: None, place, owner: None, event, tries: 1 };
    story.sim.after(Span::default(), fact);
    story.wait(Span::default());
}

/// What the deployment in progress waits for, as a person reads it.
pub(super) fn waits_for(story: &Story<Pipeline>, environment: &str) -> String {
    let deployments = story.sim.deployments(&story.place(environment));
    deployments.last().expect("there is a deployment").waiting().to_string()
}
