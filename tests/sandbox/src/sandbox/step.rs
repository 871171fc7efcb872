//! How time passes: from one planned thing, or one visible message, to the next.

use super::Sandbox;
use crate::{Account, Error, agenda::Planned, template::Mapping, trace::Trigger};
use std::fmt;

/// What a step did.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A function was invoked; with an error where it failed.
    Invoked { function: String, trigger: Trigger, failure: Option<String> },
    /// An event reached the bus, and these rules wanted it.
    Event { detail_type: String, rules: Vec<String> },
    /// Something that a service had planned happened.
    Bell { service: &'static str },
    /// A schedule fired.
    Tick { rule: String },
    /// Nothing is planned and no message waits.
    Nothing,
}

/// What is next: something planned, or a message of a mapping's queue.
enum Due {
    Nothing,
    Planned,
    Messages(Mapping),
}

impl Sandbox {
    /// Performs the next event.
    pub async fn step(&mut self) -> Result<Step, Error> {
        self.step_until(u64::MAX).await
    }

    /// Advances time by `seconds`, with everything that happens meanwhile.
    pub async fn run_for(&mut self, seconds: u64) -> Result<(), Error> {
        let end = self.now() + seconds * 1000;
        let mut steps = 0;
        while self.step_until(end).await? != Step::Nothing {
            steps += 1;
            self.endless(steps)?;
        }
        let mut account = self.account();
        account.now = account.now.max(end);
        Ok(())
    }

    /// Advances time until `done`, by at most `seconds`.
    pub async fn run_until(
        &mut self,
        mut done: impl FnMut(&mut Account) -> bool,
        seconds: u64,
    ) -> Result<(), Error> {
        let end = self.now() + seconds * 1000;
        let mut steps = 0;
        self.account().moved_at = self.now();
        loop {
            if done(&mut self.account()) {
                return Ok(());
            }
            if self.step_until(end).await? == Step::Nothing {
                let lately = self.account().trace.tail(LATELY);
                return Err(Error::Late { seconds, lately });
            }
            steps += 1;
            self.endless(steps)?;
        }
    }

    /// Advances the sandbox's time with the real time, endlessly: for people with the AWS CLI.
    pub async fn serve(&mut self) -> Result<(), Error> {
        let begun = (std::time::Instant::now(), self.now());
        loop {
            let passed = u64::try_from(begun.0.elapsed().as_millis()).unwrap_or(u64::MAX);
            let end = begun.1.saturating_add(passed);
            while self.step_until(end).await? != Step::Nothing {}
            self.account().arrive(end, &Due::Nothing);
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Advances time until only the schedules are left.
    pub async fn run_until_quiet(&mut self, seconds: u64) -> Result<(), Error> {
        self.run_until(|account| account.is_quiet(), seconds).await
    }

    async fn step_until(&mut self, end: u64) -> Result<Step, Error> {
        let next = self.account().next();
        let Some((at, due)) = next.filter(|(at, _)| *at <= end) else { return Ok(Step::Nothing) };
        let planned = self.account().arrive(at, &due);
        if let Due::Messages(mapping) = due {
            return self.work_off(&mapping).await;
        }
        match planned {
            None => Ok(Step::Nothing),
            Some(Planned::Event { emission, envelope }) => {
                let rules = self.account().event(&emission, &envelope);
                Ok(Step::Event { detail_type: emission.detail_type, rules })
            }
            Some(Planned::Bell { service, what }) => {
                self.account().ring(service, what);
                Ok(Step::Bell { service })
            }
            Some(Planned::Tick { rule }) => {
                self.account().tick(&rule);
                Ok(Step::Tick { rule })
            }
            Some(Planned::Invoke(invocation)) => self.hand_over(invocation).await,
            Some(Planned::Ask { function, payload, reply }) => {
                let answer = self.invoke(&function, payload).await?;
                let failure = answer.failed();
                // The caller may have gone away.
                let _ = reply.send(answer);
                Ok(Step::Invoked { function, trigger: Trigger::Person, failure })
            }
        }
    }

    fn endless(&self, steps: u64) -> Result<(), Error> {
        let account = self.account();
        let lately = || account.trace.tail(LATELY);
        if steps >= self.most_steps {
            return Err(Error::Endless { steps, lately: lately() });
        }
        let hours = self.patience_hours;
        if account.now > account.moved_at + hours * 3_600_000 {
            return Err(Error::Stalled { hours, lately: lately() });
        }
        Ok(())
    }
}

/// How often `serve` checks whether anything is due.
const GLANCE: std::time::Duration = std::time::Duration::from_millis(20);
const LATELY: usize = 40;

impl Account {
    /// Whether nothing is left to happen besides the schedules.
    pub fn is_quiet(&self) -> bool {
        let waiting = self
            .stack
            .mappings
            .values()
            .any(|mapping| self.services.sqs.next(&mapping.queue).is_some());
        !waiting && !self.agenda.is_busy()
    }

    /// Sets the clock, and takes what is planned off the agenda.
    fn arrive(&mut self, at: u64, due: &Due) -> Option<Planned> {
        self.now = self.now.max(at);
        match due {
            Due::Planned => self.agenda.take(),
            Due::Nothing | Due::Messages(_) => None,
        }
    }

    fn next(&self) -> Option<(u64, Due)> {
        let planned = self.agenda.next().map(|at| (at, 0, Due::Planned));
        let mappings = self.stack.mappings.values().filter(|mapping| mapping.enabled);
        let messages = mappings.filter_map(|mapping| {
            let (at, number) = self.services.sqs.next(&mapping.queue)?;
            Some((at, number, Due::Messages(mapping.clone())))
        });
        // What was planned goes before messages of the same moment, and those in the order they were sent.
        let first = planned
            .into_iter()
            .chain(messages)
            .min_by_key(|(at, number, _)| (*(at).max(&self.now), *number));
        first.map(|(at, _, due)| (at, due))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoked { function, trigger, failure } => {
                write!(f, "{function} by {trigger}")?;
                failure.as_ref().map_or(Ok(()), |failure| write!(f, " failed: {failure}"))
            }
            Self::Event { detail_type, rules } => {
                write!(f, "event {detail_type}: {}", rules.join(", "))
            }
            Self::Bell { service } => write!(f, "{service} goes on"),
            Self::Tick { rule } => write!(f, "{rule} fires"),
            Self::Nothing => f.write_str("nothing is left to happen"),
        }
    }
}
