//! One call of the API: faults, permissions, the service, and what follows from its answer.

use super::Account;
use crate::{
    PERSON,
    faults::Fault,
    iam::Verdict,
    service::{Call, Need, Refusal},
    trace::{Units, What},
};
use serde_json::Value;
use std::time::Duration;

/// How a call ends.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answered(Value),
    /// As above, after this long in real time.
    AnsweredLate(Value, Duration),
    Refused(Refusal),
    /// No answer arrives, because the caller's process is killed.
    Silence,
    /// The connection breaks.
    Disconnect,
}

impl Account {
    pub(crate) fn call(&mut self, call: &Call) -> Outcome {
        let by_person = call.caller == PERSON;
        self.calls += u64::from(!by_person);
        let fault = self.faults.for_call(call);
        if let Some(fault) = &fault {
            let what =
                format!("{fault:?} at {} -> {}:{}", call.caller, call.service, call.operation);
            self.add(What::Fault { what });
        }
        let answer = match &fault {
            Some(Fault::LoseCall) => {
                self.note(call, Some("(lost)".to_owned()), Units::default());
                return Outcome::Disconnect;
            }
            Some(Fault::KillBefore) => {
                self.note(call, Some("(died before)".to_owned()), Units::default());
                self.kill(&call.caller, false);
                return Outcome::Silence;
            }
            Some(Fault::Throttle) => Err(throttled(call.service)),
            Some(Fault::Refuse(refusal)) => Err(refusal.clone()),
            Some(Fault::LoseAnswer | Fault::KillAfter | Fault::TimeOut | Fault::Slow(_)) | None => {
                self.perform(call)
            }
        };
        let units = self.services.dynamodb.take_units();
        self.note(call, answer.as_ref().err().map(|refusal| refusal.code.clone()), units);
        match fault {
            Some(Fault::LoseAnswer) => Outcome::Disconnect,
            Some(fault @ (Fault::KillAfter | Fault::TimeOut)) => {
                self.kill(&call.caller, fault == Fault::TimeOut);
                Outcome::Silence
            }
            Some(Fault::Slow(time)) => {
                answer.map_or_else(Outcome::Refused, |answer| Outcome::AnsweredLate(answer, time))
            }
            _ => answer.map_or_else(Outcome::Refused, Outcome::Answered),
        }
    }

    fn perform(&mut self, call: &Call) -> Result<Value, Refusal> {
        let unknown =
            || Refusal::new("UnknownService", format!("the sandbox has no {}", call.service));
        let needs = self.services.get(call.service).ok_or_else(unknown)?.needs(call);
        if call.caller != PERSON {
            self.authorise(call, &needs)?;
        }
        let lineage = self.running.get(&call.caller).map(|running| running.lineage.clone());
        self.services.sqs.lineage = lineage.unwrap_or_default();
        let answer = self.at_desk(call.service, |services, desk| {
            services.get(call.service).ok_or_else(unknown)?.answer(call, desk)
        })?;
        if !READING.iter().any(|verb| call.operation.starts_with(verb)) {
            self.moved_at = self.now;
        }
        Ok(answer)
    }

    /// Takes an event for a function, as Lambda does when it is invoked with the type `Event`.
    pub(crate) fn take_event(
        &mut self,
        caller: String,
        function: &str,
        event: Value,
    ) -> Result<(), Refusal> {
        let stack = self.stack.clone();
        let (service, operation) = ("lambda", "Invoke".to_owned());
        let call = Call { caller, service, operation, input: Value::Null };
        let taken = match stack.function(function) {
            Some(function) => {
                let need = Need::new("lambda:InvokeFunction", &*function.arn);
                self.authorise(&call, &[need]).map(|()| function.id.clone())
            }
            None => {
                let message = format!("Function not found: {function}");
                Err(Refusal { status: 404, ..Refusal::new("ResourceNotFoundException", message) })
            }
        };
        let refused = taken.as_ref().err().map(|refusal| refusal.code.clone());
        self.note(&call, refused, Units::default());
        self.invoke_later(&taken?, event, false);
        Ok(())
    }

    fn authorise(&mut self, call: &Call, needs: &[Need]) -> Result<(), Refusal> {
        let stack = self.stack.clone();
        let Some(function) = stack.functions.get(&call.caller) else { return Ok(()) };
        for need in needs {
            let mut need = need.clone();
            let region = vec![stack.place.region.clone()];
            need.context.entry("aws:RequestedRegion".to_owned()).or_insert(region);
            let verdict = self.iam.ask(&function.role, &need);
            if verdict == Verdict::Allowed {
                continue;
            }
            let why = match verdict {
                Verdict::Denied => "with an explicit deny in an identity-based policy".to_owned(),
                _ => format!("because no identity-based policy allows the {} action", need.action),
            };
            let role =
                stack.roles.get(&function.role).map(|role| role.name.clone()).unwrap_or_default();
            let user = format!(
                "arn:aws:sts::{}:assumed-role/{role}/{}",
                stack.place.account, function.name
            );
            let message = format!(
                "User: {user} is not authorized to perform: {} on resource: {} {why}",
                need.action, need.resource
            );
            self.problem(format!("{}: {message}", function.id));
            return Err(denied(call.service, message));
        }
        Ok(())
    }

    fn note(&mut self, call: &Call, refused: Option<String>, units: Units) {
        self.add(What::Called {
            number: self.calls,
            caller: call.caller.clone(),
            service: call.service.to_owned(),
            operation: call.operation.clone(),
            // The table's engine names its errors with a namespace before them.
            refused: refused.map(|code| code.rsplit('#').next().unwrap_or_default().to_owned()),
            units,
        });
    }

    fn kill(&mut self, function: &str, timed_out: bool) {
        if let Some(running) = self.running.get_mut(function) {
            running.timed_out = timed_out;
            running.kill.notify_one();
        }
    }
}

/// Operations that change nothing begin with these.
const READING: [&str; 7] = ["BatchGet", "Describe", "Get", "List", "Query", "Receive", "Scan"];

fn denied(service: &str, message: String) -> Refusal {
    let (status, code) = match service {
        "sns" => (403, "AuthorizationError"),
        "sqs" => (403, "AccessDenied"),
        "cloudwatch" => (403, "AccessDenied"),
        _ => (400, "AccessDeniedException"),
    };
    Refusal { status, ..Refusal::new(code, message) }
}

fn throttled(service: &str) -> Refusal {
    let (status, code) = match service {
        "sns" | "cloudwatch" => (400, "Throttling"),
        "sqs" => (403, "RequestThrottled"),
        _ => (400, "ThrottlingException"),
    };
    Refusal { status, ..Refusal::new(code, "Rate exceeded") }
}
