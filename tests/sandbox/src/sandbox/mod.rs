//! The sandbox as scenarios use it: start it, advance time step by step, check what happened.

mod deliver;
mod hosts;
mod options;
mod step;

pub use options::Options;
pub use step::Step;

use crate::{
    Account, Answer, Error,
    account::Outcome,
    faults::Faults,
    iam::Grant,
    service::{Call, Desk, Emission, Refusal},
    services::Services,
    template::{self, Deployed, Place},
    trace::{Trigger, Usage},
    wire::{self, Shared},
};
use hosts::Hosts;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Gives the sandbox's time to code that cannot hold the sandbox: sites, a live view.
#[derive(Clone, Debug)]
pub struct Clock(Shared);

/// A running sandbox. Its processes and its port end with it.
#[derive(Debug)]
pub struct Sandbox {
    account: Shared,
    hosts: Hosts,
    server: JoinHandle<()>,
    /// Hours without a change after which waiting is an error.
    patience_hours: u64,
    most_steps: u64,
}

impl Sandbox {
    /// Deploys the template, opens the port, and starts no process yet.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await;
        let listener =
            listener.map_err(|source| Error::system("the sandbox gets no port", source))?;
        let address = listener
            .local_addr()
            .map_err(|source| Error::system("the sandbox gets no port", source))?;
        let place = Place { endpoint: format!("http://{address}"), ..options.place() };
        let text = std::fs::read_to_string(&options.template);
        let text = text.map_err(|source| {
            Error::system(format!("no template at {}", options.template.display()), source)
        })?;
        let stack = template::load(&text, &options.parameters, &place)?;
        let mut account = Account::new(stack, options.now)?;
        account.services.ecr.store_at(&place.endpoint);
        let account = Arc::new(Mutex::new(account));
        let serving = axum::serve(listener, wire::router(account.clone()));
        let server = tokio::spawn(async move {
            // It serves until the sandbox is dropped and this task with it.
            let _ = serving.await;
        });
        let hosts = Hosts::new(options.binaries_in, options.binaries, options.environment);
        let (patience_hours, most_steps) = (options.patience_hours, options.most_steps);
        Ok(Self { account, hosts, server, patience_hours, most_steps })
    }

    /// `http://127.0.0.1:4566`
    pub fn endpoint(&self) -> String {
        self.stack().place.endpoint.clone()
    }

    pub fn stack(&self) -> Arc<Deployed> {
        self.account().stack.clone()
    }

    /// Milliseconds since 1970, in the sandbox's own time.
    pub fn now(&self) -> u64 {
        self.account().now
    }

    pub fn clock(&self) -> Clock {
        Clock(self.account.clone())
    }

    /// Gives a variable to every process that is started from now on: a proxy, a certificate.
    pub fn give(&mut self, variable: &str, value: &str) {
        self.hosts.give(variable, value);
    }

    /// Gives a function, by its binary's name, the binary of that name in another folder, as an
    /// update of the stack does.
    pub fn update(&mut self, function: &str, folder: &Path) -> Result<(), Error> {
        let stack = self.stack();
        let found = stack.function(function);
        let function = found.ok_or_else(|| Error::NoFunction(function.to_owned()))?;
        self.hosts.update(function, folder);
        Ok(())
    }

    /// Everything inside, to read or to change. Do not keep it across a step.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans faults.
    pub fn faults<T>(&self, plan: impl FnOnce(&mut Faults) -> T) -> T {
        plan(&mut self.account().faults)
    }

    /// Changes the services as AWS itself would; a bell planned on the desk rings at `service`.
    pub fn at_desk<T>(
        &self,
        service: &'static str,
        act: impl FnOnce(&mut Services, &mut Desk<'_>) -> T,
    ) -> T {
        self.account().at_desk(service, act)
    }

    /// Puts an event on the bus.
    pub fn emit(&self, emission: &Emission) {
        self.account().emit(emission);
    }

    /// Invokes a function as a person does with the console's button: at once, without retries.
    pub async fn invoke(&mut self, function: &str, payload: Value) -> Result<Answer, Error> {
        let called = self.stack().function(function).map(|function| function.id.clone());
        let id = called.ok_or_else(|| Error::NoFunction(function.to_owned()))?;
        self.hosts.invoke(&self.account, &id, payload, Trigger::Person, BTreeMap::new()).await
    }

    /// Calls a service as a person does: `call("ecs", "CreateService", json!({ .. }))`.
    pub fn call(
        &self,
        service: &'static str,
        operation: &str,
        input: Value,
    ) -> Result<Value, Refusal> {
        let call = Call {
            caller: crate::PERSON.to_owned(),
            service,
            operation: operation.to_owned(),
            input,
        };
        match self.account().call(&call) {
            Outcome::Answered(answer) | Outcome::AnsweredLate(answer, _) => Ok(answer),
            Outcome::Refused(refusal) => Err(refusal),
            Outcome::Silence | Outcome::Disconnect => Err(Refusal::new("Lost", "no answer came")),
        }
    }

    /// Deletes the items of the table that will have expired after this many days, as if they had
    /// gone by; returns how many there were.
    pub fn expire_items(&self, days: u64) -> Result<usize, Error> {
        let account = self.account();
        account.services.dynamodb.expire(account.now + days * 24 * 3600 * 1000)
    }

    /// How many messages each queue holds, by logical id.
    pub fn queue_depths(&self) -> BTreeMap<String, usize> {
        self.account().services.sqs.depths()
    }

    /// All unreadable messages: the bodies in each queue that others redrive or give up to.
    pub fn dead_letters(&self) -> Vec<(String, String)> {
        let account = self.account();
        let stack = &account.stack;
        let redriven =
            stack.queues.values().filter_map(|queue| Some(queue.redrive.as_ref()?.to.clone()));
        let targets = stack.rules.values().flat_map(|rule| &rule.targets);
        let of_rules = targets.filter_map(|target| target.dead_letters.clone());
        let configs = stack.functions.values().map(|function| &function.asynchronous);
        let of_functions = configs
            .flat_map(|config| config.on_failure.iter().chain(&config.dead_letters))
            .cloned();
        let arns: BTreeSet<String> = redriven.chain(of_rules).chain(of_functions).collect();
        let mut letters = Vec::new();
        for queue in arns.iter().filter_map(|arn| stack.queue_by_arn(arn)) {
            let messages = account.services.sqs.messages(&queue.id);
            letters.extend(messages.into_iter().map(|message| (queue.id.clone(), message.body)));
        }
        letters
    }

    /// What the processes of a function wrote, line by line.
    pub fn logs(&self, function: &str) -> Vec<String> {
        self.account().logs(function).iter().map(|line| line.text.clone()).collect()
    }

    /// Every item of the template's only table, in the wire's form.
    pub fn table_items(&self) -> Vec<Value> {
        let account = self.account();
        account
            .stack
            .tables
            .keys()
            .flat_map(|table| account.services.dynamodb.items(table))
            .collect()
    }

    /// What went wrong that a sound template and sound functions do not let happen.
    pub fn problems(&self) -> Vec<String> {
        self.account().problems().to_vec()
    }

    pub fn usage(&self) -> Usage {
        self.account().trace.usage()
    }

    /// Grants that something was allowed by so far.
    pub fn permissions_used(&self) -> BTreeSet<Grant> {
        self.account().iam.used().clone()
    }

    /// Grants that nothing was allowed by so far.
    pub fn permissions_unused(&self) -> BTreeSet<Grant> {
        let account = self.account();
        account.iam.grants().difference(account.iam.used()).cloned().collect()
    }
}

impl Clock {
    /// Milliseconds since 1970, in the sandbox's own time.
    pub fn now(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
