//! What befalls a day from outside: alarms, autoscaling, silence, a new spec.

use crate::behaviour::Behaviour;
use crate::cloud::target_name;
use crate::happening::Happening;
use crate::story::{Story, digest_of};
use crate::systems::System;
use engine::Decide;
use pipeline::event::AlarmState;
use pipeline::names::ImageName;
use pipeline::time::Span;

/// How often a caller retries after an error.
const TRIES_MAX: u32 = 20;

impl<D: Decide> Story<D> {
    /// Says how this build of an image will behave.
    pub fn behaves(&mut self, image: &str, build: &str, behaviour: Behaviour) -> &mut Self {
        self.sim.behaves(&digest_of(&ImageName::new(image), build), behaviour);
        self
    }

    pub fn alarm(&mut self, name: &str, state: AlarmState) -> &mut Self {
        self.sim.set_alarm(name, state);
        self
    }

    /// Autoscaling wants another number of tasks.
    pub fn scale(&mut self, environment: &str, service: &str, desired: u32) -> &mut Self {
        let place = self.place(environment);
        if let Some(address) = self.sim.address(&place, &service.into()) {
            let ticks = self.sim.cloud.scale(&address, desired, self.sim.now);
            self.sim.schedule(ticks);
        }
        self
    }

    /// From now on nothing that is sent to this environment is ever finished.
    pub fn silence(&mut self, environment: &str) -> &mut Self {
        let environment = environment.into();
        if let Some(rules) = self.sim.systems[0].spec.environments.get(&environment) {
            let target = target_name(&rules.target);
            self.sim.cloud.silent.insert(target);
        }
        self
    }

    /// Advances time until the timeline of the deployment in progress has an entry with this
    /// beginning. What happens then happens at this point of the story, however late a crash has
    /// made it.
    pub fn until(&mut self, environment: &str, text: &str) -> &mut Self {
        let place = self.place(environment);
        for _ in 0..Span::hours(3).as_seconds() {
            let deployments = self.sim.deployments(&place);
            let open = deployments.last().filter(|newest| newest.verdict().is_none());
            let entries = open.map(|newest| newest.timeline.entries());
            if entries.is_some_and(|all| all.iter().any(|entry| entry.text.starts_with(text))) {
                return self;
            }
            self.wait(Span::seconds(1));
        }
        let what = format!("{place} never said: {text}");
        self.sim.invariants.violated("the_day_matches_its_expected_text", what);
        self
    }

    /// An event about a service, after which a listener asks ECS.
    pub fn hint(&mut self, environment: &str, service: &str) -> &mut Self {
        let place = self.place(environment);
        if let Some(address) = self.sim.address(&place, &service.into()) {
            self.sim.after(Span::default(), Happening::Look { address, tries: 1 });
        }
        self
    }

    /// For this many attempts there is no capacity for a one-off task.
    pub fn no_room_for_tasks(&mut self, tries: u32) -> &mut Self {
        self.sim.cloud.refusals = tries;
        self
    }

    /// `DescribeServices` shows everything so late.
    pub fn lag(&mut self, lag: Span) -> &mut Self {
        self.sim.cloud.lag = lag;
        self
    }

    /// The application gets a new spec.
    pub fn configure(&mut self, text: &str) -> &mut Self {
        let configured =
            (0..TRIES_MAX).any(|_| pollster::block_on(self.sim.engine().configure(text)).is_ok());
        match System::read(text) {
            Ok(system) if configured => self.sim.systems[0] = system,
            Ok(_) => self.sim.invariants.violated("the_spec_is_accepted", "it is not".into()),
            Err(why) => self.sim.invariants.violated("the_spec_is_accepted", why),
        }
        self
    }
}
