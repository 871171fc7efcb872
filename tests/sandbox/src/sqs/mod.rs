//! Queues: messages that wait, are hidden while they are processed, reappear, and end as dead
//! letters.

mod calls;
mod message;

pub use message::Message;

use crate::template::{Deployed, Queue};
use std::collections::BTreeMap;

/// The functions that a chain of messages went through, and how often: Lambda counts them.
pub(crate) type Lineage = BTreeMap<String, u64>;

#[derive(Debug)]
pub struct Sqs {
    queues: BTreeMap<String, Holding>,
    made: u64,
    /// The chain that the caller of the moment is part of.
    pub(crate) lineage: Lineage,
}

/// A queue and what is in it.
#[derive(Debug)]
struct Holding {
    queue: Queue,
    messages: Vec<Message>,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redriven {
    pub(crate) to: String,
    pub(crate) body: String,
}

impl Sqs {
    pub fn new(stack: &Deployed) -> Self {
        let holding = |queue: &Queue| Holding { queue: queue.clone(), messages: Vec::new() };
        let queues = stack.queues.iter().map(|(id, queue)| (id.clone(), holding(queue))).collect();
        Self { queues, made: 0, lineage: Lineage::new() }
    }

    /// How many messages each queue holds, by logical id: waiting, delayed and in flight.
    pub fn depths(&self) -> BTreeMap<String, usize> {
        self.queues.iter().map(|(id, holding)| (id.clone(), holding.messages.len())).collect()
    }

    pub fn messages(&self, queue: &str) -> Vec<Message> {
        self.queues.get(queue).map(|holding| holding.messages.clone()).unwrap_or_default()
    }

    /// When the next message of a queue can be received, and its place among all messages.
    pub(crate) fn next(&self, queue: &str) -> Option<(u64, u64)> {
        let messages = &self.queues.get(queue)?.messages;
        messages.iter().map(|message| (message.visible_at, message.number)).min()
    }

    /// Puts a message in without asking anybody.
    pub(crate) fn put(&mut self, queue: &str, body: &str, now: u64) -> Option<String> {
        self.made += 1;
        let lineage = Lineage::new();
        let holding = self.queues.get_mut(queue)?;
        Some(holding.add(self.made, body, holding.queue.delay_seconds, now, lineage))
    }

    /// Takes up to `most` visible messages, and moves those that were received too often to the
    /// dead letters.
    pub(crate) fn receive(
        &mut self,
        queue: &str,
        most: usize,
        now: u64,
        visibility_seconds: Option<u64>,
    ) -> (Vec<Message>, Vec<Redriven>) {
        let Some(holding) = self.queues.get_mut(queue) else { return (Vec::new(), Vec::new()) };
        let retention = holding.queue.retention_seconds * 1000;
        holding.messages.retain(|message| message.sent_at + retention > now);
        let visible_at =
            now + visibility_seconds.unwrap_or(holding.queue.visibility_seconds) * 1000;
        let (mut received, mut given_up) = (Vec::new(), Vec::new());
        holding.messages.sort_by_key(|message| (message.visible_at, message.number));
        let redrive = holding.queue.redrive.clone();
        holding.messages.retain_mut(|message| {
            if message.visible_at > now || received.len() == most {
                return true;
            }
            if redrive.as_ref().is_some_and(|redrive| message.received >= redrive.after) {
                given_up.push(message.clone());
                return false;
            }
            message.received += 1;
            message.first_received_at.get_or_insert(now);
            message.visible_at = visible_at;
            message.receipt = format!("{}/{}", message.id, message.received);
            received.push(message.clone());
            true
        });
        let mut redriven = Vec::new();
        for message in given_up {
            let to = redrive.as_ref().map(|redrive| redrive.to.as_str()).unwrap_or_default();
            if let Some((id, holding)) =
                self.queues.iter_mut().find(|(_, holding)| holding.queue.arn == to)
            {
                redriven.push(Redriven { to: id.clone(), body: message.body.clone() });
                holding.messages.push(Message { visible_at: now, ..message });
            }
        }
        (received, redriven)
    }

    pub(crate) fn delete(&mut self, queue: &str, receipt: &str) {
        if let Some(holding) = self.queues.get_mut(queue) {
            holding.messages.retain(|message| message.receipt != receipt);
        }
    }

    /// Lets a message be received again `after_seconds` from now.
    pub(crate) fn show(&mut self, queue: &str, receipt: &str, after_seconds: u64, now: u64) {
        let messages = self.queues.get_mut(queue).map(|holding| &mut holding.messages);
        for message in messages.into_iter().flatten().filter(|message| message.receipt == receipt) {
            message.visible_at = now + after_seconds * 1000;
        }
    }
}

impl Holding {
    fn add(
        &mut self,
        number: u64,
        body: &str,
        delay_seconds: u64,
        now: u64,
        lineage: Lineage,
    ) -> String {
        let id = format!("{number:08x}-0000-4000-8000-000000000000");
        self.messages.push(Message {
            id: id.clone(),
            body: body.to_owned(),
            sent_at: now,
            visible_at: now + delay_seconds * 1000,
            received: 0,
            first_received_at: None,
            receipt: String::new(),
            number,
            lineage,
        });
        id
    }
}

#[cfg(test)]
mod tests;
