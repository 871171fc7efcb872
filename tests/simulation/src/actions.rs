//! What is done to services and one-off tasks, held against the model at the moment that it is done.

use crate::cloud::{Address, Caller, Cloud, OneOffTask, target_name};
use crate::invariants::Invariants;
use pipeline::effect::{Effect, Purpose};
use pipeline::names::DeploymentId;
use pipeline::time::Time;

impl Invariants {
    /// Checks an action before it is performed.
    pub(crate) fn performs(
        &mut self,
        id: &DeploymentId,
        effect: &Effect,
        cloud: &Cloud,
        now: Time,
    ) {
        self.calls.performs(id, effect, now);
        match effect {
            Effect::RollOut(roll_out) => {
                self.migrated_before(id, cloud, now);
                let address = (target_name(&roll_out.target), roll_out.service.clone());
                if self.turned.contains(id) {
                    self.late.insert((id.clone(), address.clone()));
                }
                let runs = cloud.primary(&address).map(|rollout| rollout.revision.clone());
                self.before.entry(id.clone()).or_default().entry(address).or_insert(runs);
            }
            Effect::RollBack(roll_back) => {
                let address = (target_name(&roll_back.target), roll_back.service.clone());
                self.rolls_back(id, &address, cloud);
            }
            _ => {}
        }
    }

    /// Checks its effect.
    pub(crate) fn performed(
        &mut self,
        id: &DeploymentId,
        effect: &Effect,
        cloud: &Cloud,
        known: usize,
    ) {
        for (invariant, what) in self.calls.performed(id, effect, cloud, known) {
            self.violated(invariant, what);
        }
    }

    /// Where there is a migration, no service is touched before it ended well.
    fn migrated_before(&mut self, id: &DeploymentId, cloud: &Cloud, now: Time) {
        if !self.migrates.contains(id) {
            return;
        }
        let done = cloud.tasks.iter().any(|task| {
            task.owner.deployment == *id
                && task.ends.as_ref().is_some_and(|(end, how)| *end <= now && how.succeeded())
        });
        if !done {
            self.violated("nothing_rolls_out_before_the_migration", id.to_string());
        }
    }

    fn rolls_back(&mut self, id: &DeploymentId, address: &Address, cloud: &Cloud) {
        let wave =
            |address: &Address| self.waves.get(&(id.place.clone(), address.clone())).copied();
        let own = wave(address);
        let touched = self.before.get(id).cloned().unwrap_or_default();
        let early = touched.into_iter().find(|(other, before)| {
            let runs = cloud.primary(other).map(|rollout| &rollout.revision);
            let one = (id.clone(), other.clone());
            let begun = self.rolling_back.contains(&one) || self.late.contains(&one);
            wave(other) > own && !begun && before.is_some() && runs != before.as_ref()
        });
        self.rolling_back.insert((id.clone(), address.clone()));
        if let Some((other, _)) = early {
            let outsider =
                cloud.calls.iter().any(|c| c.address == other && c.by == Caller::Outsider);
            if !outsider {
                let what = format!("{id}: {} goes back before {}", address.1, other.1);
                self.violated("services_roll_back_in_reverse_order", what);
            }
        }
    }

    pub(crate) fn one_off_started(&mut self, cloud: &Cloud, now: Time) {
        let Some(newest) = cloud.tasks.last() else { return };
        let id = &newest.owner.deployment;
        let ran = |task: &&OneOffTask| {
            let never = task.ends.as_ref().is_some_and(|(_, end)| end.never_ran());
            task.owner.deployment == *id && task.owner.purpose == newest.owner.purpose && !never
        };
        if cloud.tasks.iter().filter(ran).count() > 1 {
            self.violated("the_migration_starts_at_most_once", format!("{id} ran it twice"));
        }
        let running = cloud.tasks.iter().filter(|task| {
            let over = task.ends.as_ref().is_some_and(|(end, _)| *end <= now);
            let forgotten =
                self.forgotten.get(&id.place).is_some_and(|since| task.started_at <= *since);
            task.owner.deployment.place == id.place && !over && !forgotten
        });
        if running.count() > 1 {
            self.violated("never_two_migrations_at_a_time", format!("at {}", id.place));
        }
        let migrated = cloud.tasks.iter().any(|task| {
            let done = task.ends.as_ref().is_some_and(|(end, how)| *end <= now && how.succeeded());
            task.owner.deployment.place == id.place
                && task.owner.purpose == Purpose::Migrate
                && done
        });
        if newest.owner.purpose == Purpose::Undo && !migrated {
            self.violated("undo_only_after_a_migration", format!("{id} undid nothing"));
        }
        self.undone_once(cloud, now);
    }

    /// Each migration is undone at most once: any that ran, and did not fail, may be undone.
    fn undone_once(&mut self, cloud: &Cloud, now: Time) {
        let Some(place) = cloud.tasks.last().map(|task| task.owner.deployment.place.clone()) else {
            return;
        };
        let here = || cloud.tasks.iter().filter(|task| task.owner.deployment.place == place);
        let ended_well = |task: &&OneOffTask| {
            task.ends.as_ref().is_some_and(|(end, how)| *end <= now && how.succeeded())
        };
        let done = here().filter(|task| task.owner.purpose == Purpose::Migrate).filter(ended_well);
        let begun = here().filter(|task| {
            let never = task.ends.as_ref().is_some_and(|(_, end)| end.never_ran());
            task.owner.purpose == Purpose::Undo && !never
        });
        let (done, begun) = (done.count(), begun.count());
        if begun > done {
            let what = format!("at {place}: {begun} of {done} migrations");
            self.violated("each_migration_is_undone_once_at_most", what);
        }
    }
}
