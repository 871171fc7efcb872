//! One-off tasks.

use super::{Cloud, OneOffTask, Owner, Tick};
use pipeline::effect::Purpose;
use pipeline::names::{Revision, TaskId};
use pipeline::task::{OneOffEnd, Stop};
use pipeline::time::{Span, Time};

/// How soon ECS reports that it cannot place a task that it accepted.
const NO_ROOM_AFTER: Span = Span::seconds(15);

impl Cloud {
    /// The task that ECS answers with when the token comes again, if it remembers it.
    pub fn task_of(&self, cluster: &str, token: &str, now: Time) -> Option<&OneOffTask> {
        let hour = Span::hours(1);
        self.tasks.iter().find(|task| {
            let remembered = task.ends.as_ref().is_none_or(|(end, _)| now < *end + hour);
            task.cluster == cluster && task.token == token && remembered
        })
    }

    /// `RunTask` with a client token: the same token gives the same task while AWS remembers it.
    pub fn run_task(
        &mut self,
        cluster: &str,
        token: &str,
        owner: Owner,
        revision: &Revision,
        now: Time,
    ) -> (TaskId, Vec<(Span, Tick)>) {
        if let Some(task) = self.task_of(cluster, token, now) {
            return (task.id.clone(), vec![]);
        }
        let id = TaskId::new(self.next("arn:aws:ecs:eu-west-1:123456789012:task/one-off/"));
        let behaviour = self.behaviour_of(revision);
        let (ends, after) = match self.no_room_for {
            0 => behaviour.one_off(owner.purpose == Purpose::Undo),
            more => {
                self.no_room_for = more - 1;
                (Some(found_no_room()), NO_ROOM_AFTER)
            }
        };
        let ends = ends.filter(|_| !self.silent.contains(cluster));
        let task = OneOffTask {
            id: id.clone(),
            cluster: cluster.into(),
            token: token.into(),
            owner,
            started_at: now,
            ends: ends.map(|end| (now + after, end)),
            stopped: false,
        };
        let ticks = task.ends.iter().map(|_| (after, Tick::OneOffEnds(id.clone()))).collect();
        self.tasks.push(task);
        (id, ticks)
    }

    pub fn stop_task(&mut self, id: &TaskId, now: Time) -> Vec<(Span, Tick)> {
        let in_vain = self.stops_in_vain;
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == *id) else { return vec![] };
        if task.stopped || task.ends.as_ref().is_some_and(|(end, _)| *end <= now) || in_vain {
            return vec![];
        }
        task.stopped = true;
        let stop = Stop { code: Some("UserInitiated".into()), reason: "slipway: timed out".into() };
        task.ends = Some((
            now + Span::seconds(30),
            OneOffEnd { exit_code: Some(137), stop, reason: None, beside: None },
        ));
        vec![(Span::seconds(30), Tick::OneOffEnds(id.clone()))]
    }
}

/// `RunTask` took it, and then there was no room.
fn found_no_room() -> OneOffEnd {
    let reason = "Capacity is unavailable at this time. Please try again later".into();
    let stop = Stop { code: Some("TaskFailedToStart".into()), reason };
    OneOffEnd { exit_code: None, stop, reason: None, beside: None }
}
