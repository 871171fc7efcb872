//! What each verdict claims, held against the model.

use crate::cloud::{Caller, Cloud, target_name};
use crate::invariants::{Invariants, JUST_NOW};
use pipeline::deployment::{Deployment, Service, Standing};
use pipeline::environment::Kind;
use pipeline::event::AlarmState;
use pipeline::observation::Progress;
use pipeline::time::Time;
use pipeline::verdict::Verdict;

impl Invariants {
    pub(crate) fn claims(
        &mut self,
        deployment: &Deployment,
        verdict: &Verdict,
        cloud: &Cloud,
        now: Time,
    ) {
        match verdict {
            Verdict::Succeeded if deployment.request.kind == Kind::Deploy => {
                self.a_task_ran(deployment, cloud);
                self.alarms_stayed_quiet(deployment, cloud, now);
            }
            Verdict::Stuck { .. } => self.could_not_be_put_back(deployment, cloud),
            _ => {}
        }
    }

    fn a_task_ran(&mut self, deployment: &Deployment, cloud: &Cloud) {
        let target = target_name(&deployment.rules.target);
        let runs = |service: &Service| {
            let primary = cloud.primary(&(target.clone(), service.name.clone()));
            primary.is_some_and(|primary| primary.desired > 0)
        };
        if !deployment.services.iter().any(runs) {
            let what = format!("{} succeeded without a task", deployment.id);
            self.violated("succeeded_started_a_task", what);
        }
    }

    /// What turned on a moment ago nobody may have been told of yet.
    fn alarms_stayed_quiet(&mut self, deployment: &Deployment, cloud: &Cloud, now: Time) {
        let Some(from) = deployment.watched_from else { return };
        for name in &deployment.rules.alarms.names {
            let states = cloud.alarms.get(name).map(Vec::as_slice).unwrap_or_default();
            let at_start = states.iter().rfind(|(_, at)| *at <= from).map(|(state, _)| *state);
            let mut counts = at_start != Some(AlarmState::On);
            for (state, at) in states.iter().filter(|(_, at)| *at > from && *at + JUST_NOW < now) {
                counts |= *state == AlarmState::Quiet;
                if counts && *state == AlarmState::On {
                    let what = format!("{}: {name} rang at {at}", deployment.id);
                    self.violated("succeeded_only_if_the_alarms_stayed_quiet", what);
                }
            }
        }
    }

    /// Whoever has to look finds something: a service that is not back, and not because nobody
    /// tried to put it back.
    fn could_not_be_put_back(&mut self, deployment: &Deployment, cloud: &Cloud) {
        let target = target_name(&deployment.rules.target);
        let not_back = |service: &&Service| matches!(service.standing, Standing::NotPutBack { .. });
        let mut not_back = deployment.services.iter().filter(not_back).peekable();
        if not_back.peek().is_none() || cloud.silent.contains(&target) {
            return;
        }
        let mut is_something_wrong = false;
        for service in not_back {
            let address = (target.clone(), service.name.clone());
            if cloud.calls.iter().any(|c| c.address == address && c.by == Caller::Outsider) {
                return;
            }
            let primary = cloud.primary(&address);
            let runs = primary.map(|rollout| &rollout.revision);
            if runs == Some(&service.after) && service.before.as_ref() != Some(&service.after) {
                let what = format!("{}: {} is left on the release", deployment.id, service.name);
                self.violated("nothing_is_left_on_the_release_that_could_be_put_back", what);
            }
            is_something_wrong |= runs != service.before.as_ref()
                || primary
                    .is_some_and(|p| p.progress != Progress::Completed || p.running < p.desired);
        }
        if !is_something_wrong {
            let what = format!("{} is stuck, and everything is back", deployment.id);
            self.violated("stuck_only_if_something_is_not_back", what);
        }
    }
}
