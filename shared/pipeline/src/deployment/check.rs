//! Checks: each URL is requested until it answers as expected or its attempts are used up.

use super::state::CheckProgress;
use super::{Deployment, Reply, State};
use crate::effect::Effect;
use crate::event::Outcome;
use crate::time::{Span, Time};
use crate::verdict::Cause;

/// How much longer than all attempts together the answers may take.
const CHECK_PATIENCE: Span = Span::minutes(10);

impl Deployment {
    pub(super) fn begin_checks(&mut self, now: Time) {
        if self.rules.checks.is_empty() {
            return self.bake(now);
        }
        let longest =
            self.rules.checks.iter().map(|c| (c.every + c.timeout).times(u64::from(c.attempts)));
        let deadline = now + longest.max().unwrap_or_default() + CHECK_PATIENCE;
        let progress =
            self.rules.checks.iter().map(|_| CheckProgress { attempt: 1, passed: false });
        self.state = State::Checking { progress: progress.collect(), deadline };
        for check in 0..self.rules.checks.len() {
            self.ask_check(check, 1, Span::default(), now);
        }
    }

    fn ask_check(&mut self, check: usize, attempt: u32, pause: Span, now: Time) {
        if let Some(spec) = self.rules.checks.get(check).cloned() {
            self.ask(Effect::Check { check, attempt, pause, spec }, now);
        }
    }

    pub(super) fn checked(
        &mut self,
        check: usize,
        attempt: u32,
        outcome: Outcome,
        now: Time,
    ) -> Reply {
        let Some(spec) = self.rules.checks.get(check).cloned() else {
            return Reply::Ignored("there is no such check".into());
        };
        let State::Checking { progress, .. } = &mut self.state else {
            return Reply::Ignored("not checking".into());
        };
        let Some(own) = progress.get_mut(check).filter(|p| p.attempt == attempt && !p.passed)
        else {
            return Reply::Ignored("the answer to an earlier attempt".into());
        };
        match outcome {
            Outcome::Passed => {
                own.passed = true;
                let all = progress.iter().all(|p| p.passed);
                self.note(
                    now,
                    format!("{} answers as expected (attempt {attempt}).", spec.shown()),
                );
                if all {
                    self.bake(now);
                }
            }
            Outcome::Failed { reason } if attempt >= spec.attempts => {
                let url = spec.shown();
                self.note(now, format!("{url}: {reason} (attempt {attempt} of {attempt})."));
                self.start_rollback(Cause::CheckFailed { url, reason }, now);
            }
            Outcome::Failed { reason } => {
                own.attempt += 1;
                if attempt == 1 {
                    self.note(
                        now,
                        format!("{}: {reason} (attempt 1 of {}).", spec.shown(), spec.attempts),
                    );
                }
                self.ask_check(check, attempt + 1, spec.every, now);
            }
        }
        Reply::Done
    }
}
