//! The crash sweep: each day with a crash at every single point, one after another.

use engine::Pipeline;
use pipeline::notice::News;
use simulation::days::{DAYS, Day};
use simulation::faults::Plan;
use simulation::story::Story;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::thread;

/// How a day ended, as far as it must not depend on the time of a crash.
#[derive(Debug, PartialEq, Eq)]
struct End {
    verdicts: Vec<String>,
    runs: String,
    announced: BTreeSet<String>,
    one_offs: usize,
}

fn play(day: &Day, plan: Plan) -> (End, Vec<String>) {
    let mut story: Story<Pipeline> =
        Story::with_plan(day.system, plan).expect("the examples are valid");
    (day.play)(&mut story);
    let environments: Vec<_> = story.sim.systems[0].spec.environments.keys().cloned().collect();
    let (mut verdicts, mut runs) = (Vec::new(), String::new());
    for environment in &environments {
        for deployment in story.sim.deployments(&story.place(environment.as_str())) {
            let verdict = deployment.verdict().map_or("none", |verdict| verdict.name());
            verdicts
                .push(format!("{} of {}: {verdict}", deployment.id, deployment.request.release));
        }
        let _ = write!(runs, "{}", story.what_runs(environment.as_str()));
    }
    let ended = story.sim.told.iter().filter_map(|notice| match &notice.news {
        News::Ended { verdict, .. } => Some(format!("{:?} {}", notice.deployment, verdict.name())),
        _ => None,
    });
    let end =
        End { verdicts, runs, announced: ended.collect(), one_offs: story.sim.cloud.tasks.len() };
    let violations =
        story.sim.invariants.violations.iter().map(|v| format!("{}: {}", v.invariant, v.what));
    (end, violations.collect())
}

fn sweep(day: &Day) -> Vec<String> {
    let calm = Plan::new(0, Default::default());
    let (undisturbed, violations) = play(day, calm.clone());
    let mut faults = violations;
    for point in 1..=calm.points() {
        let (end, violations) = play(day, Plan::crash_at(point));
        if end != undisturbed {
            faults.push(format!(
                "{}, crash at {point}: {end:#?}\nundisturbed: {undisturbed:#?}",
                day.name
            ));
        }
        faults
            .extend(violations.into_iter().map(|v| format!("{}, crash at {point}: {v}", day.name)));
    }
    faults
}

#[test]
fn a_crash_at_any_point_of_any_day_ends_as_the_undisturbed_day() {
    let days: Vec<&Day> = DAYS.iter().collect();
    let half = days.len() / 2;
    let faults: Vec<String> = thread::scope(|scope| {
        let workers = [&days[..half], &days[half..]].map(|days| {
            scope.spawn(move || days.iter().flat_map(|day| sweep(day)).collect::<Vec<_>>())
        });
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a day must not panic"))
            .collect()
    });
    let shown = faults.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("\n");
    let which: BTreeSet<_> = faults.iter().filter_map(|fault| fault.split(':').next()).collect();
    assert!(faults.is_empty(), "{} ends differ: {which:#?}\n{shown}", faults.len());
}
