//! The largest realistic deployment: fifty services in ten waves.

use crate::faults::Plan;
use crate::story::Story;
use crate::systems::System;
use engine::{Key, Pipeline};
use pipeline::deployment::{Deployment, advance};
use pipeline::event::{AlarmReading, AlarmState, Event};
use pipeline::names::DeploymentId;
use pipeline::time::Span;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

pub const SERVICES: usize = 50;

/// A spec with fifty services and everything else that a deployment may have.
pub fn spec() -> String {
    let names: Vec<String> =
        (1..=SERVICES).map(|number| format!("orders-{number:02}-service")).collect();
    let mut text = String::from("application: large\nimages:\n");
    for name in &names {
        let _ = writeln!(text, "  {name}: company/{name}");
    }
    let waves: Vec<String> = names.chunks(5).map(|wave| format!("[{}]", wave.join(", "))).collect();
    let _ = write!(
        text,
        "environments:\n  production:\n    cluster: large\n    deploy_on: {{tags: [\"r*\"]}}\n    services: [{}]\n",
        waves.join(", ")
    );
    text.push_str(
        "    migration: {service: orders-01-service, container: app, command: [migrate, up]}\n    \
         checks: [{url: \"https://large.example.com/\"}]\n    alarms: [large-5xx, large-p99]\n    bake: 5m\n",
    );
    text
}

/// Plays its whole day and returns the largest text that was stored of it, and the story.
pub fn play() -> Result<(usize, Story<Pipeline>), String> {
    let text = &spec();
    let mut story = Story::new(System::read(text)?, Pipeline, Plan::new(0, Default::default()))?;
    story.push("r1");
    let key = Key::Deployment(DeploymentId { place: story.place("production"), number: 1 });
    let mut largest = 0;
    for _ in 0..600 {
        story.wait(Span::seconds(2));
        largest = largest.max(stored_bytes(&story, &key));
    }
    story.rest();
    Ok((largest, story))
}

fn stored_bytes(story: &Story<Pipeline>, key: &Key) -> usize {
    let text = story.sim.memory.read(key).and_then(|record| record.write().ok());
    text.map_or(0, |text| text.len())
}

/// Measures the core and the stored form on a deployment of fifty services, half of them out.
pub fn bench() -> Result<String, String> {
    let (largest, _) = play()?;
    let text = &spec();
    let mut story = Story::new(System::read(text)?, Pipeline, Plan::new(0, Default::default()))?;
    story.push("r1").wait(Span::minutes(5));
    let place = story.place("production");
    let deployment = story.sim.deployments(&place).pop().ok_or("nothing was deployed")?;
    let service = deployment.services[SERVICES / 2].name.clone();
    let seen =
        story.sim.cloud.describe(&("large".into(), service), story.sim.now, Span::default(), false);
    let alarm = AlarmReading {
        alarm: "large-5xx".into(),
        state: AlarmState::On,
        since: story.sim.now,
        reason: "threshold crossed".into(),
        muted: Some(false),
        was: None,
    };
    let events =
        [Event::Woken, Event::Observed { services: vec![seen] }, Event::AlarmChanged(alarm)];
    let mut report = format!("a deployment of {SERVICES} services, {}:\n", deployment.state.name());
    for event in &events {
        let micros = measure(&deployment, |copy| {
            black_box(advance(copy, event.clone(), story.sim.now + Span::seconds(1)));
        });
        let _ = writeln!(report, "  advance, {:<14} {micros:>8.1} us", event.name());
    }
    let stored = serde_json::to_string(&deployment).map_err(|error| error.to_string())?;
    let write = measure(&deployment, |copy| {
        black_box(serde_json::to_string(&copy).is_ok());
    });
    let read = measure(&deployment, |_| {
        black_box(serde_json::from_str::<Deployment>(&stored).is_ok());
    });
    let _ = writeln!(report, "  write {write:>27.1} us\n  read {read:>28.1} us");
    let _ = writeln!(
        report,
        "  stored, at the most {largest:>13} bytes (an item of DynamoDB holds 409,600)"
    );
    Ok(report)
}

/// The median of many runs in microseconds, without what it costs to copy the deployment.
fn measure(deployment: &Deployment, mut run: impl FnMut(Deployment)) -> f64 {
    let mut times: Vec<f64> = (0..2000)
        .map(|_| {
            let copy = deployment.clone();
            let start = Instant::now();
            run(copy);
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
