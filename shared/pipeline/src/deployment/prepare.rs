//! Preparing: pre-flight, new revisions, and what each service runs before anything is changed.

use super::{AfterUndo, Deployment, Intent, Reply, Schema, Service, State, VISIBLE_AFTER};
use crate::effect::{Effect, Prepare, PrepareService, Purpose};
use crate::event::{AlarmState, Preparation, PreparedService};
use crate::names::{Digest, Repository, Tag};
use crate::notice::News;
use crate::request::Kind;
use crate::spec::{self, AtStart, Base, VERSION_PARAMETER};
use crate::time::{Span, Time};
use crate::verdict::{Cause, Verdict, list};
use std::collections::BTreeMap;

pub(super) const PREPARATION_PATIENCE: Span = Span::minutes(15);

impl Deployment {
    pub(super) fn prepare(&mut self, now: Time) {
        self.state = State::Preparing { deadline: now + PREPARATION_PATIENCE };
        // The rules already contain the services with their templates.
        let short = Prepare { services: Vec::new(), ..self.preparation() };
        self.ask(Effect::Prepare(Box::new(short)), now);
        self.announce(News::Started, now);
    }

    /// An effect as its worker needs it: the outbox does not repeat the rules.
    pub fn whole(&self, effect: &Effect) -> Effect {
        match effect {
            Effect::Prepare(short) if short.services.is_empty() => {
                let services = self.preparation().services;
                Effect::Prepare(Box::new(Prepare { services, ..(**short).clone() }))
            }
            effect => effect.clone(),
        }
    }

    /// What has to be checked and created before anything is changed.
    pub fn preparation(&self) -> Prepare {
        let services = self.rules.services().map(|(_, spec)| PrepareService {
            spec: self.with_version(spec),
            recorded: self.request.kind.recorded(&spec.name).cloned(),
            repository: spec
                .container
                .as_ref()
                .and_then(|container| self.repositories.get(&container.image).cloned()),
        });
        Prepare {
            application: self.id.place.application.clone(),
            target: self.rules.target.clone(),
            services: services.collect(),
            images: self.images(),
            alarms: self.rules.alarms.names.clone(),
            migration: self.migration_wanted().map(|m| (m.service.clone(), m.container.clone())),
            keep_tag: self.keep_tag(),
            tag: self.rules.tag.clone(),
        }
    }

    /// A template may use the version of the release.
    fn with_version(&self, spec: &spec::Service) -> spec::Service {
        let mut spec = spec.clone();
        if let Base::Template { parameters, .. } = &mut spec.base {
            let version = self.request.release.version.to_string();
            parameters.entry(VERSION_PARAMETER.to_owned()).or_insert(version);
        }
        spec
    }

    pub(super) fn prepared(&mut self, preparation: Preparation, now: Time) -> Reply {
        let services = match self.match_services(preparation.services, now) {
            Ok(services) => services,
            Err(faults) => {
                self.end(Verdict::Failed { cause: Cause::Preflight { faults }, left: vec![] }, now);
                return Reply::Done;
            }
        };
        self.services = services;
        let changed = self.services.iter().filter(|s| !s.is_unchanged());
        let changes = list(changed.map(|s| match &s.before {
            Some(before) => format!("{} {} -> {}", s.name, before.short(), s.after.short()),
            None => format!("{} (new) -> {}", s.name, s.after.short()),
        }));
        let changes = if changes.is_empty() { "nothing to change".into() } else { changes };
        self.note(now, format!("Prepared: {changes}."));
        for drift in self.drift() {
            self.note(now, format!("Warning: {drift}."));
        }
        self.forget_what_drifted();
        for warning in preparation.warnings {
            self.note(now, format!("Warning: {warning}."));
        }
        for reading in &preparation.alarms {
            self.remember(reading);
        }
        if !self.alarms_allow_the_start(now) {
            return Reply::Done;
        }
        match &self.request.kind {
            Kind::ManualRollback(restore) if restore.undo => {
                let then = AfterUndo::RollOut;
                self.undo(then, now);
            }
            _ if self.migration_wanted().is_some() => {
                let state = |run| State::Migrating { run, intent: Intent::Continue };
                self.begin_one_off(Purpose::Migrate, state, now);
            }
            _ => self.roll_out(0, now),
        }
        Reply::Done
    }

    /// A service that was updated outside Slipway does not run what the last deployment left.
    fn forget_what_drifted(&mut self) {
        let Some(left) = &mut self.last_known else { return };
        let services = &self.services;
        left.revisions.retain(|name, left| {
            services.iter().any(|s| s.name == *name && s.before.as_ref() == Some(left))
        });
    }

    fn drift(&self) -> Vec<String> {
        let Some(left) = &self.last_known else { return vec![] };
        let drifts = self.services.iter().map(|s| left.drift(&s.name, s.before.as_ref()));
        drifts.flatten().collect()
    }

    /// Notes which alarms are in ALARM before anything is changed, and returns whether the
    /// deployment may start.
    fn alarms_allow_the_start(&mut self, now: Time) -> bool {
        let on = self
            .alarms
            .iter()
            .filter(|(_, memory)| memory.state == AlarmState::On && !memory.muted);
        let on: Vec<_> = on.map(|(name, _)| name.clone()).collect();
        if on.is_empty() || matches!(self.request.kind, Kind::ManualRollback(_)) {
            // A rollback may be the fix for an alarm, so it never waits for one.
            self.begin_to_watch_alarms(now);
            return true;
        }
        match self.rules.alarms.at_start {
            AtStart::Block => {
                let cause = Cause::AlarmAlreadyOn { alarms: on };
                self.end(Verdict::Failed { cause, left: vec![] }, now);
                return false;
            }
            AtStart::Warn => {
                let text = "Warning: already in ALARM, ignored until it was OK once";
                self.note(now, format!("{text}: {}.", list(on)));
            }
            AtStart::Ignore => {}
        }
        self.begin_to_watch_alarms(now);
        true
    }

    /// Joins the answer with the rules; a missing or unexpected service is an error of the worker,
    /// and a reason to change nothing.
    fn match_services(
        &self,
        prepared: Vec<PreparedService>,
        now: Time,
    ) -> Result<Vec<Service>, Vec<String>> {
        let mut by_name: BTreeMap<_, _> =
            prepared.into_iter().map(|p| (p.name.clone(), p)).collect();
        let mut faults = Vec::new();
        let mut services = Vec::new();
        for (wave, spec) in self.rules.services() {
            match by_name.remove(&spec.name) {
                Some(prepared) => {
                    let wave = self.wave_of(wave);
                    let visible_from = now + VISIBLE_AFTER;
                    services.push(Service::new(prepared, wave, self.request.fresh, visible_from));
                }
                None => faults.push(format!("pre-flight did not report {}", spec.name)),
            }
        }
        faults.extend(by_name.keys().map(|name| {
            format!("pre-flight reported {name}, which is not part of this deployment")
        }));
        if faults.is_empty() { Ok(services) } else { Err(faults) }
    }

    /// A manual rollback goes through the waves from the last to the first.
    fn wave_of(&self, wave: usize) -> usize {
        match self.request.kind {
            Kind::Deploy => wave,
            Kind::ManualRollback(_) => self.rules.waves.len() - 1 - wave,
        }
    }

    /// The migration, if this deployment has one that has not run and is not to be skipped.
    fn migration_wanted(&self) -> Option<&crate::spec::Migration> {
        let wanted = self.request.kind == Kind::Deploy
            && self.schema == Schema::Untouched
            && self.request.skip_migration != Some(true);
        self.rules.migration.as_ref().filter(|_| wanted)
    }

    fn images(&self) -> BTreeMap<Repository, Digest> {
        let images = self.request.release.images.iter();
        let named = images.filter_map(|(image, digest)| {
            self.repositories.get(image).map(|repository| (repository.clone(), digest.clone()))
        });
        named.collect()
    }

    fn keep_tag(&self) -> Tag {
        let place = &self.id.place;
        Tag::new(format!(
            "{}{}.{}.{}",
            crate::push::KEEP_PREFIX,
            place.application,
            place.environment,
            self.id.number
        ))
    }
}
