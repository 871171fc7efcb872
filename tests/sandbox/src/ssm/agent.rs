//! The agents: what they do with commands, and what Run Command reports about it.

use super::command::Command;
use super::{Ran, Ssm, Standing};
use crate::place::{arn, text};
use crate::service::{Desk, Emission, Refusal};
use serde_json::{Value, json};

impl Ssm {
    /// Brings every command to the hosts whose turn it is.
    pub(super) fn deliver_all(&mut self, desk: &mut Desk<'_>) {
        for number in 0..self.commands.len() {
            while let Some(instance) = self.next_host(number) {
                self.deliver(number, &instance, desk);
            }
        }
    }

    /// A host that may have the command now, and whose agent listens.
    fn next_host(&mut self, number: usize) -> Option<String> {
        let command = self.commands.get_mut(number)?;
        let failed = |status: &str| !matches!(status, "Success" | "Undeliverable");
        let over = command.invocations.values().filter(|one| one.is_over());
        let errors = over.filter(|one| failed(one.status)).count();
        if errors > command.errors_allowed {
            for invocation in command.invocations.values_mut().filter(|one| one.status == "Pending")
            {
                invocation.status = "Terminated";
            }
            return None;
        }
        let busy = command.invocations.values().filter(|one| one.status == "InProgress").count();
        let mut waiting = command.invocations.iter().filter(|(_, one)| one.status == "Pending");
        let room = command.concurrency.saturating_sub(busy);
        let hosts = &self.hosts;
        let listens = |instance: &str| {
            hosts.get(instance).is_some_and(|host| host.standing == Standing::Online)
        };
        // Those that do not listen take up their room, too.
        let first = waiting.by_ref().take(room).find(|(instance, _)| listens(instance))?;
        Some(first.0.clone())
    }

    fn deliver(&mut self, number: usize, instance: &str, desk: &mut Desk<'_>) {
        let (Some(command), Some(host)) =
            (self.commands.get_mut(number), self.hosts.get_mut(instance))
        else {
            return;
        };
        let Some(invocation) = command.invocations.get_mut(instance) else { return };
        invocation.status = "InProgress";
        invocation.started_at = Some(desk.now);
        let ran = host.run(&command.script).unwrap_or_else(|problem| Ran {
            code: Some(1),
            stdout: String::new(),
            stderr: format!("the sandbox cannot run bash: {problem}"),
            seconds: 0,
        });
        invocation.code = ran.code.unwrap_or(-1);
        invocation.stdout = ran.stdout;
        invocation.stderr = ran.stderr;
        tell(command, Some(instance), desk);
        if ran.code.is_none() && host.dies_with_a_script {
            // Its outcome can no longer be reported.
            host.standing = Standing::Lost;
            host.lost_at = Some(desk.now);
            return;
        }
        if ran.seconds == 0 {
            return self.end(number, instance, None, desk);
        }
        let bell = json!({ "end": command.id, "on": instance });
        desk.later((1 + ran.seconds) as f64, bell);
    }

    /// What was planned has come due.
    pub(super) fn goes_on(&mut self, what: &Value, desk: &mut Desk<'_>) {
        if let (Some(number), Some(instance)) =
            (self.number_of(text(what, "end")), text(what, "on"))
        {
            let lost =
                self.hosts.get(instance).is_none_or(|host| host.standing != Standing::Online);
            if !lost {
                self.end(number, instance, None, desk);
                self.deliver_all(desk);
            }
        }
        if let Some(number) = self.number_of(text(what, "expire")) {
            let instances: Vec<String> =
                self.commands[number].invocations.keys().cloned().collect();
            for instance in instances {
                let begun = self.commands[number].invocations[&instance].started_at.is_some();
                // An agent that is silent does not say that it ended what took too long.
                let says =
                    self.hosts.get(&instance).is_some_and(|h| h.standing == Standing::Online);
                let status = if begun && says { "ExecutionTimedOut" } else { "DeliveryTimedOut" };
                self.end(number, &instance, Some(status), desk);
            }
        }
    }

    pub(super) fn cancel(&mut self, input: &Value, desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        let number = self.number_of(text(input, "CommandId"));
        let number = number.ok_or_else(|| Refusal::new("InvalidCommandId", "no such command"))?;
        let instances: Vec<String> = self.commands[number].invocations.keys().cloned().collect();
        for instance in instances {
            self.end(number, &instance, Some("Cancelled"), desk);
        }
        Ok(json!({}))
    }

    /// Ends an invocation, by what its script said or for another reason.
    fn end(
        &mut self,
        number: usize,
        instance: &str,
        status: Option<&'static str>,
        desk: &mut Desk<'_>,
    ) {
        let Some(command) = self.commands.get_mut(number) else { return };
        let Some(invocation) = command.invocations.get_mut(instance) else { return };
        if invocation.is_over() {
            return;
        }
        invocation.ended_at = Some(desk.now);
        match status {
            Some(status) => {
                invocation.status = status;
                invocation.code = -1;
                invocation.stdout.clear();
                invocation.stderr.clear();
            }
            None if invocation.code == 0 => invocation.status = "Success",
            None => {
                invocation.status = "Failed";
                let code = invocation.code;
                invocation.stderr.push_str(&format!("failed to run commands: exit status {code}"));
            }
        }
        let failed = invocation.status != "Success";
        if failed && command.errors_allowed == 0 {
            for waiting in command.invocations.values_mut().filter(|one| one.status == "Pending") {
                waiting.status = "Terminated";
            }
        }
        tell(command, Some(instance), desk);
        if command.is_over() {
            tell(command, None, desk);
        }
    }

    fn number_of(&self, id: Option<&str>) -> Option<usize> {
        self.commands.iter().position(|command| Some(command.id.as_str()) == id)
    }
}

/// One event about one host, or about the whole command.
fn tell(command: &Command, instance: Option<&str>, desk: &mut Desk<'_>) {
    let of_instance = |instance: &str| arn("ec2", &format!("instance/{instance}"));
    let (kind, detail, resources) = match instance {
        Some(instance) => (
            "EC2 Command Invocation Status-change Notification",
            command.invocations[instance].detail(command, instance),
            vec![of_instance(instance)],
        ),
        None => (
            "EC2 Command Status-change Notification",
            command.detail(),
            command.invocations.keys().map(|instance| of_instance(instance)).collect(),
        ),
    };
    let (source, detail_type) = ("aws.ssm".to_owned(), kind.to_owned());
    desk.emit(Emission { source, detail_type, resources, detail });
}
