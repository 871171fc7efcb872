//! Plans: what would be done, step by step, from a rehearsal.

use super::catalog::EnvironmentView;
use aws::failure::{Failure, chain};
use aws::preview::Preview;
use engine::Rehearsal;
use pipeline::deployment::{AfterUndo, Deployment, Intent, Service, State};
use pipeline::names::{Revision, ServiceName};
use pipeline::release::Release;
use pipeline::request::{Kind, ManualRollback, Request};
use pipeline::spec::{Environment, FirstDeploy, Migration, Target};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a rollback would do; `None`: nothing.
pub(crate) fn of_rolling_back(site: &EnvironmentView, rehearsal: &Rehearsal) -> Option<Value> {
    let mut steps = Vec::new();
    let turned = rehearsal.deployment.as_ref().filter(|turned| {
        site.active.is_none_or(|before| before.state != turned.state) || is_rolling_back(turned)
    });
    if let Some(turned) = turned {
        steps.extend(steps_back(turned));
    }
    match (&rehearsal.started, turned) {
        (Some(started), _) => match &started.request.kind {
            Kind::ManualRollback(restore) => Some(of_restore(site, started, restore, steps)),
            // The request that is queued after the cancelled one is next.
            Kind::Deploy => {
                steps.push(format!("then deployment {} starts", words(started)));
                Some(json!({"environment": site.place().to_string(), "steps": steps}))
            }
        },
        (None, Some(turned)) => {
            let mut plan = Map::new();
            plan.insert("environment".into(), site.place().to_string().into());
            if steps_touch(turned) {
                plan.insert("from".into(), turned.request.release.version.as_str().into());
                plan.insert("to".into(), live(site, "previous revisions").into());
            } else {
                plan.insert("runs_on".into(), live(site, "current revisions").into());
            }
            plan.insert("steps".into(), steps.into());
            Some(plan.into())
        }
        (None, None) => None,
    }
}

/// What a deployment does that was just accepted, or would be.
pub(crate) fn of_deploying(site: &EnvironmentView, request: &Request) -> Value {
    let release = &request.release;
    let from = live(site, "current revisions");
    let live = site.head.live.as_ref().map(|live| &live.release);
    let mut steps = Vec::new();
    if let Some(approval) = &site.rules.approval {
        steps.push(format!("wait for approval, for {} at most", approval.expires));
    }
    let (register, fresh_ones) = match &site.rules.target {
        Target::Cluster(_) => ("register the new task definitions", "new tasks"),
        Target::Hosts(_) => ("store how to run each container", "a new container"),
    };
    steps.push(format!("run the pre-flight checks and {register}"));
    if let Some(migration) = &site.rules.migration {
        let run = command(&migration.command);
        steps.push(match request.skip_migration {
            Some(true) => format!("skip the migration, as requested: {run} is not run"),
            _ => format!("run the migration: {run}"),
        });
    }
    steps.extend(site.rules.waves.iter().map(|wave| {
        let names: Vec<_> = wave.iter().map(|service| service.name.as_str()).collect();
        format!("update {}", names.join(" and "))
    }));
    steps.extend(site.rules.checks.iter().map(|check| format!("check {}", check.shown())));
    if !site.rules.alarms.names.is_empty() && site.rules.bake.as_seconds() > 0 {
        steps.push(format!("watch the alarms for {}", site.rules.bake));
    }
    let mut plan = Map::new();
    plan.insert("environment".into(), site.place().to_string().into());
    plan.insert("from".into(), from.into());
    plan.insert("to".into(), release.version.as_str().into());
    plan.insert("images".into(), images(live, release).into());
    plan.insert("steps".into(), steps.into());
    if request.fresh {
        let what = format!("every service gets {fresh_ones}, changed or not");
        plan.insert("fresh".into(), what.into());
    }
    plan.into()
}

/// Adds the findings in AWS to a plan: the differences of each service, and the faults.
pub(crate) fn mention_what_is_found(
    site: &EnvironmentView,
    plan: &mut Value,
    preview: Result<Preview, Failure>,
) {
    let Value::Object(plan) = plan else { return };
    let mut preview = match preview {
        Ok(preview) => preview,
        Err(failure) => {
            let why = format!("could not check what would change: {}", chain(&failure));
            return drop(plan.insert("warnings".into(), vec![why].into()));
        }
    };
    match site.active {
        Some(active) => preview.warnings.push(format!(
            "these are the changes from the current revisions; deployment {} is in progress and \
             comes first",
            active.id.number
        )),
        None => {
            let found = preview.found.iter();
            let left = site.head.last_known();
            let drift =
                |(service, runs): (_, &Option<_>)| left.as_ref()?.drift(service, runs.as_ref());
            preview.warnings.extend(found.filter_map(drift));
        }
    }
    let services = preview.services.into_iter();
    let services: Map<String, Value> =
        services.map(|outlook| (outlook.service.to_string(), outlook.lines.into())).collect();
    if !services.is_empty() {
        plan.insert("changes".into(), services.into());
    }
    mention(plan, preview.warnings, preview.faults);
}

/// Adds to a plan the reasons why the rollback would fail.
pub(crate) fn mention_what_is_in_the_way(plan: &mut Value, preview: Preview) {
    if let Value::Object(plan) = plan {
        mention(plan, preview.warnings, preview.faults);
    }
}

fn mention(plan: &mut Map<String, Value>, warnings: Vec<String>, faults: Vec<String>) {
    if !warnings.is_empty() {
        plan.insert("warnings".into(), warnings.into());
    }
    if !faults.is_empty() {
        plan.insert("would_fail".into(), faults.into());
    }
}

fn of_restore(
    site: &EnvironmentView,
    started: &Deployment,
    restore: &ManualRollback,
    mut steps: Vec<String>,
) -> Value {
    let release = &started.request.release;
    let live = site.head.live.as_ref();
    if restore.undo {
        steps.extend(started.rules.migration.as_ref().and_then(undoing));
    }
    let now = live.and_then(|live| site.head.good.iter().find(|good| good.number == live.number));
    let nothing = BTreeMap::new();
    let now = now.map_or(&nothing, |good| &good.revisions);
    for wave in started.rules.waves.iter().rev() {
        for service in wave {
            steps.push(step_of(&service.name, now.get(&service.name), restore));
        }
    }
    let mut plan = Map::new();
    plan.insert("environment".into(), site.place().to_string().into());
    plan.insert("from".into(), restore.from.as_str().into());
    plan.insert("to".into(), release.version.as_str().into());
    plan.insert("images".into(), images(live.map(|live| &live.release), release).into());
    plan.insert("steps".into(), steps.into());
    plan.insert("schema".into(), schema(&started.rules, restore).into());
    plan.insert("afterwards".into(), afterwards(site, release).into());
    plan.into()
}

fn step_of(name: &ServiceName, now: Option<&Revision>, restore: &ManualRollback) -> String {
    let now = now.map_or("current revision", Revision::short);
    match restore.revisions.get(name) {
        Some(then) if then.short() == now => format!("{name}: stays at {now}"),
        Some(then) => format!("{name}: {now} -> {}", then.short()),
        None => format!("{name}: {now} -> a new task definition with that release's images"),
    }
}

fn steps_back(turned: &Deployment) -> Vec<String> {
    let what = words(turned);
    let services = || turned.services.iter().rev().filter(|service| service.touched());
    let back = |service: &Service| step_back(service, &turned.rules);
    match &turned.state {
        State::Ended { verdict, .. } => {
            vec![format!("deployment {what} ends here, no service was changed: {verdict}")]
        }
        State::Migrating { intent: Intent::RollBack { undo, .. }, .. } => {
            let mut steps = vec!["wait for the migration to finish".to_owned()];
            if *undo {
                steps.extend(turned.rules.migration.as_ref().and_then(undoing));
            }
            steps.push(format!("then deployment {what} ends; no service was changed"));
            steps
        }
        State::UndoingMigration { then: AfterUndo::RollBack { .. }, .. } => {
            let undo = turned.rules.migration.as_ref().and_then(undoing);
            undo.into_iter().chain(services().map(back)).collect()
        }
        _ => services().map(back).collect(),
    }
}

fn step_back(service: &Service, rules: &Environment) -> String {
    let (name, after) = (&service.name, service.after.short());
    match (&service.before, rules.first_deploy) {
        (Some(before), _) => format!("{name}: {after} -> {}", before.short()),
        (None, FirstDeploy::Remove) => {
            format!("{name}: created by this deployment, will be deleted")
        }
        (None, FirstDeploy::Leave) => {
            format!("{name}: created by this deployment, stays at {after}")
        }
    }
}

fn steps_touch(turned: &Deployment) -> bool {
    !matches!(turned.state, State::Ended { .. } | State::Migrating { .. })
}

fn is_rolling_back(deployment: &Deployment) -> bool {
    matches!(
        deployment.state,
        State::UndoingMigration { .. }
            | State::RollingBack { .. }
            | State::VerifyingRollback { .. }
    )
}

fn undoing(migration: &Migration) -> Option<String> {
    migration.undo.as_ref().map(|undo| format!("undo the migration: {}", command(undo)))
}

fn schema(rules: &Environment, restore: &ManualRollback) -> String {
    match (&rules.migration, restore.undo, &restore.undoes) {
        (None, ..) => "the spec has no migration".to_owned(),
        (Some(_), true, Some(undoes)) => {
            format!("the migration of {} is undone first", undoes.version)
        }
        (Some(_), true, None) => "the migration is undone first".to_owned(),
        (Some(_), false, _) => "the database schema stays as it is".to_owned(),
    }
}

fn afterwards(site: &EnvironmentView, release: &Release) -> String {
    let newest = site.head.newest(release.order()).version;
    format!("on hold: automation deploys only what is newer than {newest}")
}

/// Every image, and how it changes.
fn images(live: Option<&Release>, release: &Release) -> Vec<String> {
    let line = |(name, digest): (_, &pipeline::names::Digest)| {
        let before = live.and_then(|live| live.images.get(name));
        match before {
            Some(before) if before == digest => format!("{name}: {} stays", digest.short()),
            Some(before) => format!("{name}: {} -> {}", before.short(), digest.short()),
            None => format!("{name}: {}", digest.short()),
        }
    };
    release.images.iter().map(line).collect()
}

/// The live release, or `unknown` if it is not known.
fn live(site: &EnvironmentView, unknown: &str) -> String {
    let live = site.head.live.as_ref();
    live.map_or(unknown.to_owned(), |live| live.release.version.to_string())
}

fn words(deployment: &Deployment) -> String {
    format!("{} of {}", deployment.id.number, deployment.request.release.version)
}

fn command(words: &[String]) -> String {
    words.join(" ")
}
