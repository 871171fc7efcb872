//! One process of a function: started cold, kept warm, killed when it hangs or a fault says so.

use super::{
    Answer,
    runtime_api::{Inbox, router},
};
use crate::Error;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::timeout,
};

/// One event for the process.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) deadline_millis: u64,
    pub(crate) payload: Value,
}

/// How to start a process.
pub(crate) struct Spawn {
    pub(crate) binary: PathBuf,
    /// The variables, once the address of the Runtime API is known.
    pub(crate) environment: Box<Variables>,
    /// Gets every line that the process writes.
    pub(crate) line: Arc<dyn Fn(String) + Send + Sync>,
}

type Variables = dyn Fn(&str) -> BTreeMap<String, String> + Send;

#[derive(Debug)]
pub(crate) struct Instance {
    child: Child,
    inbox: Arc<Inbox>,
    tasks: Vec<JoinHandle<()>>,
}

/// How an invocation went, as far as the process goes.
pub(crate) struct Run {
    pub(crate) answer: Answer,
    /// Whether the process can take another event.
    pub(crate) alive: bool,
    /// Whether the time ran out, be it for real.
    pub(crate) timed_out: bool,
}

/// How long a process may do nothing in real time before it counts as hanging, whatever the
/// function's own timeout: a test machine may be slow.
const LEAST_PATIENCE: Duration = Duration::from_secs(20);
/// So often a process may be found at work before it counts as going round in circles.
const GLANCES_MAX: u32 = 15;
/// How long a process that has answered may take to ask for more.
const LULL: Duration = Duration::from_secs(2);

impl Instance {
    pub(crate) async fn start(spawn: Spawn) -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener =
            listener.map_err(|source| Error::system("no port for the Runtime API", source))?;
        let address = listener
            .local_addr()
            .map_err(|source| Error::system("no port for the Runtime API", source))?;
        let mut child = Command::new(&spawn.binary)
            .env_clear()
            .envs((spawn.environment)(&address.to_string()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| {
                Error::system(format!("{} does not start", spawn.binary.display()), source)
            })?;
        let inbox = Arc::new(Inbox::default());
        let serving = axum::serve(listener, router(inbox.clone()));
        let mut tasks = vec![tokio::spawn(async move {
            // It serves until the process is gone and this task with it.
            let _ = serving.await;
        })];
        tasks.extend(child.stdout.take().map(|out| tokio::spawn(copy(out, spawn.line.clone()))));
        tasks.extend(child.stderr.take().map(|out| tokio::spawn(copy(out, spawn.line))));
        Ok(Self { child, inbox, tasks })
    }

    /// Gives the process one event and waits until it has answered, exited, hung, or been killed.
    pub(crate) async fn run(&mut self, invocation: Invocation, seconds: u64, kill: &Notify) -> Run {
        let (answer, mut answered) = oneshot::channel();
        let id = invocation.id.clone();
        self.inbox.put(invocation, answer);
        let patience = LEAST_PATIENCE.max(Duration::from_secs(seconds));
        let process = self.child.id();
        let answer = tokio::select! {
            biased;
            () = kill.notified() => None,
            answer = &mut answered => answer.ok(),
            status = self.child.wait() => {
                // It may have answered with its last breath: a failed start says why.
                self.drain().await;
                let said = answered.try_recv().ok();
                let message = format!("RequestId: {id} Error: Runtime exited with error: {}", ended(status.ok()));
                let answer = said.unwrap_or_else(|| Answer::failure("Runtime.ExitError", &message));
                return Run { answer, alive: false, timed_out: false };
            }
            () = hangs(process, patience) => {
                self.kill().await;
                return Run { answer: timed_out(&id, seconds), alive: false, timed_out: true };
            }
        };
        match answer {
            Some(answer) => {
                // What it writes about this event is out before it asks for the next.
                let lull = timeout(LULL, self.inbox.asked.notified());
                let alive = tokio::select! {
                    asked = lull => { let _ = asked; true }
                    _ = self.child.wait() => false,
                };
                Run { answer, alive, timed_out: false }
            }
            None => {
                self.kill().await;
                let message =
                    format!("RequestId: {id} Error: Runtime exited with error: signal: killed");
                Run {
                    answer: Answer::failure("Runtime.ExitError", &message),
                    alive: false,
                    timed_out: false,
                }
            }
        }
    }

    /// Waits until a new process has asked for its first event, so that its start is over.
    pub(crate) async fn ready(&mut self) {
        let process = self.child.id();
        tokio::select! {
            () = self.inbox.asked.notified() => {}
            _ = self.child.wait() => {}
            () = hangs(process, LEAST_PATIENCE) => {}
        }
    }

    /// How long the process has had a processor so far.
    pub(crate) fn cpu_micros(&self) -> u64 {
        cpu_micros(self.child.id())
    }

    async fn kill(&mut self) {
        // A process that is gone already is what was wanted.
        let _ = self.child.kill().await;
        self.drain().await;
    }

    /// Reads the last output of an exited process: it says why it exited.
    async fn drain(&mut self) {
        for reader in self.tasks.iter_mut().skip(1) {
            let _ = timeout(LULL, reader).await;
        }
    }
}

/// How much processor time a process has used. Only Linux reports it; elsewhere it is unknown.
fn cpu_micros(process: Option<u32>) -> u64 {
    let id = process.unwrap_or_default();
    let told = std::fs::read_to_string(format!("/proc/{id}/schedstat")).unwrap_or_default();
    told.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0) / 1000
}

/// Returns when a process has done nothing for as long as the patience lasts. On a busy machine a
/// slow process continues.
async fn hangs(process: Option<u32>, patience: Duration) {
    for _ in 0..GLANCES_MAX {
        let before = cpu_micros(process);
        tokio::time::sleep(patience).await;
        if cpu_micros(process) == before {
            return;
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

pub(crate) fn timed_out(id: &str, seconds: u64) -> Answer {
    let message = format!("RequestId: {id} Error: Task timed out after {seconds}.00 seconds");
    Answer::failure("Sandbox.Timedout", &message)
}

async fn copy(from: impl AsyncRead + Unpin, line: Arc<dyn Fn(String) + Send + Sync>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        line(text);
    }
}

fn ended(status: Option<ExitStatus>) -> String {
    match status.and_then(|status| status.code()) {
        Some(code) => format!("exit status {code}"),
        None => "signal: killed".to_owned(),
    }
}
