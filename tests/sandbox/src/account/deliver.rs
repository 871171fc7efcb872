//! How events reach their targets, and where undeliverable ones go.

use super::Account;
use crate::{
    Answer,
    agenda::{Asynchronous, Planned},
    events,
    iam::{Verdict, matches, service_may},
    service::Need,
    template::{Function, Rule, Target},
    trace::What,
};
use serde_json::{Value, json};

const EVENTS: &str = "events.amazonaws.com";

impl Account {
    /// Hands an event to one target of a rule that wanted it.
    pub(super) fn target(&mut self, rule: &Rule, target: &Target, event: &Value, scheduled: bool) {
        let payload = target.input.as_ref().unwrap_or(event);
        let stack = self.stack.clone();
        if let Some(function) = stack.function(&target.arn) {
            let allowed = stack.permissions.values().any(|permission| {
                permission.function == function.id
                    && permission.principal == EVENTS
                    // EventBridge does not say which account it acts for, so that nothing fits.
                    && permission.source_account.is_none()
                    && permission.source_arn.as_ref().is_none_or(|source| matches(source, &rule.arn, false))
            });
            if allowed {
                self.invoke_later(&function.id, payload.clone(), scheduled);
                return;
            }
            self.problem(format!(
                "{} may not invoke {}: a Lambda permission is missing",
                rule.id, function.id
            ));
        } else if let Some(queue) = stack.queue_by_arn(&target.arn) {
            if self.may_send(rule, &queue.arn) {
                self.services.sqs.put(&queue.id, &payload.to_string(), self.now);
                return;
            }
            self.problem(format!(
                "{} may not send to {}: its queue policy does not say so",
                rule.id, queue.id
            ));
        } else {
            self.problem(format!(
                "{} has a target that is not in the template: {}",
                rule.id, target.arn
            ));
        }
        self.give_event_up(rule, target, payload);
    }

    /// What Lambda does with an event that its function failed on.
    pub(crate) fn failed(
        &mut self,
        mut invocation: Asynchronous,
        function: &Function,
        answer: &Answer,
    ) {
        let config = &function.asynchronous;
        invocation.failed += 1;
        // Lambda waits one minute before the first retry and two before the second.
        let retry_at = self.now + invocation.failed * 60_000;
        let in_time = retry_at <= invocation.since + config.maximum_age_seconds * 1000;
        if invocation.failed <= config.retries && in_time {
            self.agenda.add(retry_at, Planned::Invoke(invocation));
            return;
        }
        if let Some(to) = &config.on_failure {
            let condition = if in_time { "RetriesExhausted" } else { "EventAgeExceeded" };
            let told = json!({
                "version": "1.0",
                "timestamp": events::seconds(self.now),
                "requestContext": {
                    "requestId": self.request_id(),
                    "functionArn": format!("{}:$LATEST", function.arn),
                    "condition": condition,
                    "approximateInvokeCount": invocation.failed,
                },
                "requestPayload": invocation.payload,
                "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
                "responsePayload": answer.payload,
            });
            self.give_up(function, to, &told);
        }
        if let Some(to) = &config.dead_letters {
            self.give_up(function, to, &invocation.payload);
        }
        // A tick contains no data, and the next one is like it.
        let is_kept = config.on_failure.is_some() || config.dead_letters.is_some();
        if !is_kept && !invocation.scheduled {
            self.problem(format!(
                "{} failed on an event that is now lost: it has no destination",
                function.id
            ));
        }
    }

    /// Puts an unreadable message where people look for it.
    pub(crate) fn bury(&mut self, queue: &str, body: &str) {
        self.add(What::DeadLetter { queue: queue.to_owned(), body: body.to_owned() });
    }

    fn give_up(&mut self, function: &Function, to: &str, letter: &Value) {
        let stack = self.stack.clone();
        let Some(queue) = stack.queue_by_arn(to) else {
            self.problem(format!(
                "{} fails to {to}, which is no queue of the template",
                function.id
            ));
            return;
        };
        if self.iam.ask(&function.role, &Need::new("sqs:SendMessage", to)) != Verdict::Allowed {
            self.problem(format!("{} may not send what failed to {}", function.id, queue.id));
            return;
        }
        let body = letter.to_string();
        self.services.sqs.put(&queue.id, &body, self.now);
        self.bury(&queue.id, &body);
    }

    fn give_event_up(&mut self, rule: &Rule, target: &Target, payload: &Value) {
        let stack = self.stack.clone();
        let queue = target.dead_letters.as_ref().and_then(|arn| stack.queue_by_arn(arn));
        let Some(queue) = queue else {
            self.problem(format!("{} lost an event: its target has no dead-letter queue", rule.id));
            return;
        };
        if !self.may_send(rule, &queue.arn) {
            self.problem(format!("{} may not send dead letters to {}", rule.id, queue.id));
            return;
        }
        let body = payload.to_string();
        self.services.sqs.put(&queue.id, &body, self.now);
        self.bury(&queue.id, &body);
    }

    fn may_send(&self, rule: &Rule, queue_arn: &str) -> bool {
        let need = Need::new("sqs:SendMessage", queue_arn).with("aws:SourceArn", &*rule.arn);
        let statements = self.stack.queue_policies.get(queue_arn);
        statements.is_some_and(|statements| service_may(statements, EVENTS, &need))
    }
}
