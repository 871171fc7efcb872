//! Lambda as the one that invokes: events from its own queue, and batches from ours.

use super::{Sandbox, Step};
use crate::{
    Account, Answer, Error,
    agenda::Asynchronous,
    sqs::{Lineage, Message},
    template::{Function, Mapping, Queue},
    trace::{Trigger, What},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Functions that were in the same chain more often than this are taken for a loop by Lambda.
const LOOP: u64 = 16;

impl Sandbox {
    /// Invokes a function with an event from Lambda's own queue.
    pub(super) async fn hand_over(&mut self, invocation: Asynchronous) -> Result<Step, Error> {
        let trigger = if invocation.scheduled { Trigger::Schedule } else { Trigger::Event };
        let (id, payload) = (invocation.function.clone(), invocation.payload.clone());
        let answer =
            self.hosts.invoke(&self.account, &id, payload, trigger, Lineage::new()).await?;
        let failure = answer.failed();
        if failure.is_some() {
            let mut account = self.account();
            let stack = account.stack.clone();
            if let Some(function) = stack.functions.get(&id) {
                account.failed(invocation, function, &answer);
            }
        }
        Ok(Step::Invoked { function: id, trigger, failure })
    }

    /// Invokes a function with a batch from its queue, and deletes what it took.
    pub(super) async fn work_off(&mut self, mapping: &Mapping) -> Result<Step, Error> {
        let stack = self.stack();
        let function = stack.functions.get(&mapping.function);
        let function = function.ok_or_else(|| Error::NoFunction(mapping.function.clone()))?;
        let Some(queue) = stack.queues.get(&mapping.queue) else { return Ok(Step::Nothing) };
        let messages = self.account().receive(queue, mapping.batch_size);
        let Some(messages) = self.account().without_loops(function, messages) else {
            // Everything that was due went to the dead letters, or was held back.
            return Ok(Step::Invoked {
                function: function.id.clone(),
                trigger: Trigger::Queue,
                failure: None,
            });
        };
        let region = &stack.place.region;
        let records: Vec<_> =
            messages.iter().map(|message| message.record(queue, region)).collect();
        let mut lineage = Lineage::new();
        for (name, times) in messages.iter().flat_map(|message| &message.lineage) {
            let known = lineage.entry(name.clone()).or_default();
            *known = (*known).max(*times);
        }
        *lineage.entry(function.id.clone()).or_default() += 1;
        let payload = json!({ "Records": records });
        let answer = self
            .hosts
            .invoke(&self.account, &function.id, payload, Trigger::Queue, lineage)
            .await?;
        let mut account = self.account();
        let refused = refused(&answer, mapping, &messages);
        if let Err(problem) = &refused {
            account.problem(format!("{}: {problem}", function.id));
        }
        let refused = refused.unwrap_or_else(|_| all(&messages));
        account.moved_at = account.now;
        // Lambda leaves what failed hidden for as long as the queue says.
        for message in messages.iter().filter(|message| !refused.contains(&message.id)) {
            account.services.sqs.delete(&queue.id, &message.receipt);
        }
        if !refused.is_empty() {
            account.add(What::Returned { queue: queue.id.clone(), count: refused.len() });
        }
        Ok(Step::Invoked {
            function: function.id.clone(),
            trigger: Trigger::Queue,
            failure: answer.failed(),
        })
    }
}

impl Account {
    fn receive(&mut self, queue: &Queue, most: usize) -> Vec<Message> {
        let (messages, redriven) = self.services.sqs.receive(&queue.id, most, self.now, None);
        for letter in redriven {
            self.bury(&letter.to, &letter.body);
        }
        messages
    }

    /// The messages that Lambda hands over: it stops chains that come back too often.
    fn without_loops(
        &mut self,
        function: &Function,
        messages: Vec<Message>,
    ) -> Option<Vec<Message>> {
        let looping = |message: &Message| {
            message.lineage.get(&function.id).is_some_and(|times| *times >= LOOP)
        };
        let (stopped, left): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| !function.loops && looping(message));
        if !stopped.is_empty() {
            let id = &function.id;
            self.problem(format!(
                "{id} was stopped by Lambda, which took it for a loop: it lacks RecursiveLoop"
            ));
        }
        (!left.is_empty()).then_some(left)
    }
}

fn all(messages: &[Message]) -> BTreeSet<String> {
    messages.iter().map(|message| message.id.clone()).collect()
}

/// The ids of the messages that the function did not take, as Lambda reads its answer.
fn refused(
    answer: &Answer,
    mapping: &Mapping,
    messages: &[Message],
) -> Result<BTreeSet<String>, String> {
    if answer.error.is_some() {
        return Ok(all(messages));
    }
    if !mapping.partial_failures {
        return Ok(BTreeSet::new());
    }
    let failures = match answer.payload.get("batchItemFailures") {
        None | Some(Value::Null) => return Ok(BTreeSet::new()),
        Some(failures) => failures
            .as_array()
            .ok_or("batchItemFailures is no list: Lambda takes all for failed")?,
    };
    let known = all(messages);
    let mut refused = BTreeSet::new();
    for failure in failures {
        let id = failure.get("itemIdentifier").and_then(Value::as_str).unwrap_or_default();
        if !known.contains(id) {
            return Err(format!(
                "itemIdentifier `{id}` is none of the batch: Lambda takes all for failed"
            ));
        }
        refused.insert(id.to_owned());
    }
    Ok(refused)
}
