//! Rules for a deployment, whether it has ended or not.

use super::{Audit, OVERDUE, Rule, SKEW};
use crate::deployment::{Deployment, Schema, State};
use crate::effect::Effect;
use crate::names::ServiceName;
use crate::request::{Kind, Override};
use crate::size::{RECORD_MAX, bytes};
use crate::time::Time;
use crate::verdict::list;

impl Audit {
    pub(super) fn course(&mut self, deployment: &Deployment, woken_at: Option<Time>) {
        let number = deployment.id.number;
        let found = [
            (Rule::Small, too_large(bytes(deployment))),
            (Rule::InTime, out_of_time(deployment, self.now)),
            (Rule::Woken, overdue(deployment.due(), woken_at, self.now)),
            (Rule::OnlyNotices, still_asks(deployment)),
            (Rule::MigratedFirst, touched_too_early(deployment)),
            (Rule::NotFrozen, started_in_a_freeze(deployment)),
        ];
        for (rule, found) in found {
            found.into_iter().for_each(|found| self.find(number, rule, found));
        }
    }
}

pub(super) fn too_large(bytes: usize) -> Option<String> {
    (bytes > RECORD_MAX).then(|| format!("it has {bytes} bytes; the limit is {RECORD_MAX}"))
}

/// `due` is its due time, `woken_at` the one in the table.
pub(super) fn overdue(due: Option<Time>, woken_at: Option<Time>, now: Time) -> Option<String> {
    let due = due?;
    match woken_at {
        None => Some(format!("it is due at {due}, but its item has no due time")),
        Some(woken_at) if woken_at > due => {
            Some(format!("it is due at {due}, but its item is due at {woken_at}"))
        }
        Some(_) if due + OVERDUE < now => {
            let late = now.since(due);
            Some(format!("it was due at {due}, {late} ago, and was not woken"))
        }
        Some(_) => None,
    }
}

fn out_of_time(deployment: &Deployment, now: Time) -> Option<String> {
    let started_at = deployment.started_at;
    let mut last = (started_at, "its start".to_owned());
    let ended = match &deployment.state {
        State::Ended { at, .. } => Some((*at, "its end".to_owned())),
        _ => None,
    };
    let entries = deployment.timeline.entries().iter();
    let said = entries.map(|entry| (entry.at, format!("\"{}\"", entry.text)));
    for (at, what) in said.chain(ended) {
        if at + SKEW < last.0 {
            return Some(format!("{what} is at {at}, and {} before it at {}", last.1, last.0));
        }
        last = (at, what);
    }
    (last.0 > now + SKEW).then(|| format!("{} is at {}, and now it is {now}", last.1, last.0))
}

fn still_asks(deployment: &Deployment) -> Option<String> {
    deployment.verdict()?;
    let entries = deployment.outbox.entries().iter();
    let asks = entries.filter(|entry| !matches!(entry.effect, Effect::Announce(_)));
    let asks: Vec<_> = asks.map(|entry| entry.effect.name()).collect();
    (!asks.is_empty()).then(|| format!("it has ended, but still requests {}", list(asks)))
}

fn touched_too_early(deployment: &Deployment) -> Option<String> {
    let wanted = match &deployment.request.kind {
        Kind::Deploy => {
            deployment.rules.migration.is_some() && deployment.request.skip_migration != Some(true)
        }
        Kind::ManualRollback(restore) => restore.undo,
    };
    let is_done = match deployment.request.kind {
        Kind::Deploy => !matches!(deployment.schema, Schema::Untouched | Schema::MigrationFailed),
        Kind::ManualRollback(_) => deployment.schema == Schema::Undone,
    };
    let touched: Vec<&ServiceName> =
        deployment.services.iter().filter(|s| s.touched()).map(|s| &s.name).collect();
    let early = wanted && !is_done && !touched.is_empty();
    let found = || format!("updated before the migration had succeeded: {}", list(touched));
    early.then(found)
}

fn started_in_a_freeze(deployment: &Deployment) -> Option<String> {
    let request = &deployment.request;
    let overruled = request.is_by_person() && request.overrides.contains(&Override::Freeze);
    if overruled || request.kind != Kind::Deploy {
        return None;
    }
    let until = deployment.rules.frozen_until(deployment.started_at)?;
    Some(format!("it started at {}, in a freeze until {until}", deployment.started_at))
}
