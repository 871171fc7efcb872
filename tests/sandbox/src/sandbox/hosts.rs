//! The functions' processes, and one invocation from its beginning to its end.

use crate::{
    Account, Answer, Error,
    account::{Line, Running},
    lambda::{Instance, Invocation, Spawn, environment, timed_out},
    service::Need,
    sqs::Lineage,
    template::{Deployed, Function},
    trace::{Trigger, What},
    wire::Shared,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::Notify;

/// One process for each function, started when it is first needed.
#[derive(Debug)]
pub(super) struct Hosts {
    binaries_in: PathBuf,
    binaries: BTreeMap<String, PathBuf>,
    environment: BTreeMap<String, String>,
    instances: BTreeMap<String, Instance>,
    started: u64,
}

impl Hosts {
    pub(super) fn new(
        binaries_in: PathBuf,
        binaries: BTreeMap<String, PathBuf>,
        environment: BTreeMap<String, String>,
    ) -> Self {
        Self { binaries_in, binaries, environment, instances: BTreeMap::new(), started: 0 }
    }

    pub(super) fn give(&mut self, variable: &str, value: &str) {
        self.environment.insert(variable.to_owned(), value.to_owned());
    }

    /// The next invocation of the function starts a process of the binary in `folder`.
    pub(super) fn update(&mut self, function: &Function, folder: &Path) {
        self.binaries.insert(function.id.clone(), folder.join(&function.binary));
        self.instances.remove(&function.id);
    }

    /// A function processes one payload. The sandbox's time does not advance meanwhile, unless the
    /// function runs out of it.
    pub(super) async fn invoke(
        &mut self,
        account: &Shared,
        id: &str,
        payload: Value,
        trigger: Trigger,
        lineage: Lineage,
    ) -> Result<Answer, Error> {
        let (stack, request_id, now) = {
            let mut account = lock(account);
            (account.stack.clone(), account.request_id(), account.now)
        };
        let function = stack.functions.get(id).ok_or_else(|| Error::NoFunction(id.to_owned()))?;
        let begun = Instant::now();
        let kill = Arc::new(Notify::new());
        lock(account).begin(id, Running { lineage, kill: kill.clone(), timed_out: false });
        let cold = !self.instances.contains_key(id);
        if cold {
            let mut instance = self.start(account, &stack, function).await?;
            instance.ready().await;
            self.instances.insert(id.to_owned(), instance);
        }
        let Some(instance) = self.instances.get_mut(id) else {
            return Err(Error::NoFunction(id.to_owned()));
        };
        let cpu_before = if cold { 0 } else { instance.cpu_micros() };
        let seconds = function.timeout_seconds;
        let invocation = Invocation {
            id: request_id.clone(),
            arn: function.arn.clone(),
            deadline_millis: now + seconds * 1000,
            payload,
        };
        let mut run = instance.run(invocation, seconds, &kill).await;
        let cpu_micros = instance.cpu_micros().saturating_sub(cpu_before);
        if !run.alive {
            self.instances.remove(id);
        }
        let mut account = lock(account);
        if account.end(id).is_some_and(|running| running.timed_out) {
            run.answer = timed_out(&request_id, seconds);
            run.timed_out = true;
        }
        account.now += if run.timed_out { seconds * 1000 } else { 0 };
        if run.answer.error.is_some() || trigger == Trigger::Person {
            account.moved_at = account.now;
        }
        let wall_micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let failure = run.answer.failed();
        let function = id.to_owned();
        account.add(What::Invoked { function, trigger, cold, wall_micros, cpu_micros, failure });
        Ok(run.answer)
    }

    async fn start(
        &mut self,
        account: &Shared,
        stack: &Arc<Deployed>,
        function: &Function,
    ) -> Result<Instance, Error> {
        self.started += 1;
        let key = format!("ASIASANDBOX{:09}", self.started);
        {
            let mut account = lock(account);
            account.remember_key(&key, &function.id);
            may_log(&mut account, function);
        }
        let named = || self.binaries_in.join(&function.binary);
        let binary = self.binaries.get(&function.id).cloned().unwrap_or_else(named);
        let (extra, place, described) =
            (self.environment.clone(), stack.place.clone(), function.clone());
        let writer = (account.clone(), function.id.clone());
        Instance::start(Spawn {
            binary,
            environment: Box::new(move |runtime| {
                environment(&described, &place, runtime, &key, &extra)
            }),
            line: Arc::new(move |text| {
                let (account, function) = &writer;
                let mut account = lock(account);
                let at = account.now;
                account.logs.entry(function.clone()).or_default().push(Line { at, text });
            }),
        })
        .await
    }
}

/// Lambda writes a function's log in the function's own role.
fn may_log(account: &mut Account, function: &Function) {
    let place = account.stack.place.clone();
    let base =
        format!("arn:aws:logs:{}:{}:log-group:{}", place.region, place.account, function.log_group);
    for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        let need = Need::new(action, format!("{base}:log-stream:sandbox"));
        if account.iam.ask(&function.role, &need) != crate::iam::Verdict::Allowed {
            account
                .problem(format!("{} may not write its log: {action} is not allowed", function.id));
        }
    }
}

fn lock(account: &Shared) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}
