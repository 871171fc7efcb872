//! Rules for the verdict of a deployment.

use super::{Audit, Rule};
use crate::deployment::{Deployment, Schema, Service, ServiceState};
use crate::names::ServiceName;
use crate::request::Kind;
use crate::verdict::{SupersededBy, Verdict, list};

impl Audit {
    pub(super) fn outcome(&mut self, deployment: &Deployment) {
        let Some(verdict) = deployment.verdict() else { return };
        let found: Vec<(Rule, Option<String>)> = match verdict {
            Verdict::Succeeded => vec![
                (Rule::Complete, not_everywhere(deployment)),
                (Rule::Proven, without_a_task(deployment)),
                (Rule::Quiet, in_spite_of_an_alarm(deployment)),
                (Rule::Migrated, without_its_migration(deployment)),
            ],
            Verdict::Unproven { .. } => vec![
                (Rule::Complete, not_everywhere(deployment)),
                (Rule::Quiet, in_spite_of_an_alarm(deployment)),
                (Rule::Migrated, without_its_migration(deployment)),
            ],
            Verdict::RolledBack { .. } => vec![(Rule::Back, not_back(deployment, |_| false))],
            Verdict::Failed { left, .. } => vec![
                (Rule::LeftNamed, not_back(deployment, |s| may_be_unnamed(s, left))),
                (Rule::LeftNamed, wrongly_named(deployment, left)),
            ],
            Verdict::Stuck { because, .. } => {
                vec![(Rule::StuckNamed, not_named(deployment, because))]
            }
            Verdict::Superseded { by: SupersededBy::NewerRelease { .. } }
            | Verdict::Rejected { .. }
            | Verdict::Cancelled { .. } => vec![(Rule::Untouched, has_touched(deployment))],
            Verdict::Superseded { by: SupersededBy::OutsideUpdate { .. } } => vec![],
        };
        let number = deployment.id.number;
        for (rule, found) in found {
            found.into_iter().for_each(|found| self.find(number, rule, found));
        }
    }
}

fn not_everywhere(deployment: &Deployment) -> Option<String> {
    let known = |name: &ServiceName| deployment.services.iter().any(|s| s.name == *name);
    let unknown = deployment.rules.services().map(|(_, spec)| &spec.name);
    let unknown = unknown.filter(|name| !known(name));
    let unknown = unknown.map(|name| format!("{name} is not recorded"));
    let not_there = deployment.services.iter().filter(|s| s.state != ServiceState::Updated);
    let not_there = not_there.map(|service| {
        let (name, after) = (&service.name, service.after.short());
        format!("{name} was not observed on {after}: it {}", standing(service))
    });
    let found: Vec<String> = unknown.chain(not_there).collect();
    (!found.is_empty()).then(|| list(found))
}

/// The target of a manual rollback has run before.
fn without_a_task(deployment: &Deployment) -> Option<String> {
    let is_manual_rollback = matches!(deployment.request.kind, Kind::ManualRollback(_));
    let ran = deployment.services.iter().any(|service| service.ran);
    (!is_manual_rollback && !ran).then(|| "no task of it was observed on any service".to_owned())
}

/// The release that a manual rollback leaves triggers alarms, and they do not count.
fn in_spite_of_an_alarm(deployment: &Deployment) -> Option<String> {
    if matches!(deployment.request.kind, Kind::ManualRollback(_)) {
        return None;
    }
    let rang =
        deployment.alarms.iter().filter_map(|(name, memory)| Some((name, memory.rang_at()?)));
    let rang: Vec<_> = rang.map(|(name, at)| format!("{name} was in ALARM at {at}")).collect();
    (!rang.is_empty()).then(|| list(rang))
}

fn without_its_migration(deployment: &Deployment) -> Option<String> {
    let has_one = deployment.rules.migration.is_some();
    let wanted = match &deployment.request.kind {
        Kind::Deploy if has_one && deployment.request.skip_migration != Some(true) => {
            Schema::Migrated
        }
        Kind::ManualRollback(restore) if restore.undo => Schema::Undone,
        _ => Schema::Untouched,
    };
    let is = deployment.schema;
    (is != wanted).then(|| format!("{}; expected: {}", says(is), says(wanted)))
}

fn is_back(service: &Service) -> bool {
    match service.state {
        ServiceState::RolledBack => service.before.is_some(),
        ServiceState::Deleted => service.before.is_none(),
        _ => !service.touched(),
    }
}

/// Services that are not rolled back, and should be.
fn not_back(deployment: &Deployment, is_excused: impl Fn(&Service) -> bool) -> Option<String> {
    let services = deployment.services.iter();
    let not_back = services.filter(|service| !is_back(service) && !is_excused(service));
    let not_back = not_back.map(|service| format!("{} {}", service.name, standing(service)));
    let not_back: Vec<String> = not_back.collect();
    (!not_back.is_empty()).then(|| list(not_back))
}

/// What ECS was rolling back when the deployment failed is not left on the new revision.
fn may_be_unnamed(service: &Service, named: &[ServiceName]) -> bool {
    named.contains(&service.name) || service.is_rolled_back_by_ecs()
}

fn wrongly_named(deployment: &Deployment, named: &[ServiceName]) -> Option<String> {
    let changed = |name: &&ServiceName| {
        deployment.services.iter().any(|service| service.name == **name && !is_back(service))
    };
    let wrong: Vec<&ServiceName> = named.iter().filter(|name| !changed(name)).collect();
    (!wrong.is_empty())
        .then(|| format!("it says that {} stayed on the new revision, which is wrong", list(wrong)))
}

/// A reason that is too long to be stored is cut, and names fewer services.
fn not_named(deployment: &Deployment, because: &str) -> Option<String> {
    let services = deployment.services.iter();
    let not_back = services.filter(|s| matches!(s.state, ServiceState::NotRolledBack { .. }));
    let unnamed = not_back.filter(|service| !because.contains(service.name.as_str()));
    let unnamed: Vec<&ServiceName> = unnamed.map(|service| &service.name).collect();
    let is_cut = because.ends_with('…');
    (!is_cut && !unnamed.is_empty())
        .then(|| format!("not rolled back, and not named in \"{because}\": {}", list(unnamed)))
}

fn has_touched(deployment: &Deployment) -> Option<String> {
    let touched: Vec<_> = deployment.services.iter().filter(|s| s.touched()).collect();
    let touched = touched.into_iter().map(|s| format!("{} {}", s.name, standing(s)));
    let schema = (deployment.schema != Schema::Untouched).then(|| says(deployment.schema).into());
    let found: Vec<String> = touched.chain(schema).collect();
    (!found.is_empty()).then(|| list(found))
}

fn standing(service: &Service) -> &'static str {
    match service.state {
        ServiceState::Untouched => "is not updated",
        ServiceState::Updating { .. } => "is being updated",
        ServiceState::Updated => "is on the release",
        ServiceState::RollingBack { .. } => "is being rolled back",
        ServiceState::RolledBack => "is rolled back",
        ServiceState::Deleting { .. } => "is being deleted",
        ServiceState::Deleted => "is deleted",
        ServiceState::Kept => "was left as it was",
        ServiceState::NotRolledBack { .. } => "could not be rolled back",
        ServiceState::UpdatedOutside { .. } => "was updated outside Slipway",
    }
}

pub(super) fn says(schema: Schema) -> &'static str {
    match schema {
        Schema::Untouched => "no migration ran",
        Schema::Migrated => "the migration succeeded",
        Schema::Undone => "the migration was undone",
        Schema::MigrationFailed => "the migration failed",
        Schema::UndoFailed => "the undo of the migration failed",
    }
}
