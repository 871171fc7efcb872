//! Every sample without any of its fields, or with another type in it.
//!
//! Nothing panics, and nothing is lost silently: news stays news or is rejected as unreadable,
//! which is counted and kept. The exceptions are optional fields; they are listed.

use super::{NOW, outcome, show_alarms, show_ecs, show_push, table};
use crate::payload::{ecs_news, push};
use expect_test::expect;
use serde_json::{Value, json};

const NOT_FOR_US: &str = "not for us";

/// Where in a document: members by name, entries by number.
type Path = Vec<String>;

#[test]
fn a_push_is_a_push_or_refused() {
    expect![[r#"
        ecr-push-index-child-empty-tag
        ecr-push-index-child-no-tag
        ecr-push-semver
        ecr-push-signature
        ecr-push-tagged-index
        ecr-push-tagged
        ecr-push-without-media-types
        ecr-replication-success
    "#]]
    .assert_eq(&lost("ecr-", |payload| outcome(push(payload, NOW), show_push)));
}

#[test]
fn what_ecs_says_is_news_or_refused() {
    expect![[r#"
        ecs-deployment-breaker-going-back
        ecs-deployment-breaker-went-back
        ecs-deployment-completed
        ecs-deployment-failed
        ecs-deployment-in-progress
        ecs-service-deployment-failed
        ecs-service-desired-count
        ecs-service-placement-failure
        ecs-service-start-impaired
        ecs-service-steady-state
        ecs-task-one-off-cannot-pull             detail.startedBy
        ecs-task-one-off-exit-0-guardduty        detail.startedBy
        ecs-task-one-off-exit-0                  detail.startedBy
        ecs-task-one-off-exit-1                  detail.startedBy
        ecs-task-one-off-no-secret               detail.startedBy
        ecs-task-one-off-out-of-memory           detail.startedBy
        ecs-task-one-off-spot                    detail.startedBy
        ecs-task-one-off-stopped-by-person       detail.startedBy
        ecs-task-sidecar-died                    detail.containers, detail.containers.1
        ecs-task-sidecar-never-started           detail.containers, detail.containers.1
        ecs-task-stopped-cannot-pull
        ecs-task-stopped-crash-guardduty
        ecs-task-stopped-crash
        ecs-task-stopped-health-check
        ecs-task-stopped-scale-in
        ecs-task-stopped-spot
        ecs-task-undo-exit-0                     detail.startedBy
    "#]]
    .assert_eq(&lost("ecs-", |payload| outcome(ecs_news(payload), show_ecs)));
}

#[test]
fn an_alarm_is_an_alarm_or_refused() {
    expect![[r#"
        alarm-anomaly
        alarm-by-sns
        alarm-composite-suppressed
        alarm-composite
        alarm-insufficient-data
        alarm-lambda-action
        alarm-math
        alarm-metric-ok
        alarm-metric
        alarm-muted
    "#]]
    .assert_eq(&lost("alarm-", show_alarms));
}

/// Damages every field of every sample in every way, and lists what is then no longer for us.
fn lost(prefix: &str, read: impl Fn(&Value) -> String) -> String {
    let spoiled = table(&[prefix], |sample| {
        if read(sample).starts_with(NOT_FOR_US) {
            return "not for us anyway".into();
        }
        let mut lost = Vec::new();
        for path in paths(sample) {
            let others = [Value::Null, json!(7), json!("odd"), json!([]), json!({}), json!(true)];
            let mut ways = vec![without(sample, &path)];
            // Another word in place of a word may have another meaning.
            let is_text = sample.pointer(&pointer(&path)).is_some_and(Value::is_string);
            let others = others.into_iter().filter(|other| !(is_text && other.is_string()));
            ways.extend(others.map(|other| with(sample, &path, other)));
            if ways.iter().any(|way| read(way).starts_with(NOT_FOR_US)) {
                lost.push(path.join("."));
            }
        }
        lost.join(", ")
    });
    let news = spoiled.lines().filter(|line| !line.ends_with("not for us anyway"));
    news.map(|line| format!("{}\n", line.trim_end())).collect()
}

fn paths(value: &Value) -> Vec<Path> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, v)| (name.clone(), v)).collect(),
        Value::Array(entries) => {
            entries.iter().enumerate().map(|(number, v)| (number.to_string(), v)).collect()
        }
        _ => vec![],
    };
    let mut all = Vec::new();
    for (step, value) in below {
        all.push(vec![step.clone()]);
        all.extend(paths(value).into_iter().map(|path| [vec![step.clone()], path].concat()));
    }
    all
}

fn with(sample: &Value, path: &[String], other: Value) -> Value {
    let mut sample = sample.clone();
    if let Some(place) = sample.pointer_mut(&pointer(path)) {
        *place = other;
    }
    sample
}

fn without(sample: &Value, path: &[String]) -> Value {
    let mut sample = sample.clone();
    let Some((last, parents)) = path.split_last() else { return sample };
    match sample.pointer_mut(&pointer(parents)) {
        Some(Value::Object(members)) => {
            members.remove(last);
        }
        Some(Value::Array(entries)) => {
            let number: usize = last.parse().expect("entries are counted");
            entries.remove(number);
        }
        _ => {}
    }
    sample
}

fn pointer(path: &[String]) -> String {
    let escaped = path.iter().map(|step| step.replace('~', "~0").replace('/', "~1"));
    escaped.map(|step| format!("/{step}")).collect()
}
