//! Lambda's Runtime API for one process: it asks for the next event and posts its answer.

use super::{Answer, Invocation};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{Response, StatusCode},
    routing::{get, post},
};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};

/// What is between the process and its invoker.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    contents: Mutex<Contents>,
    work: Notify,
    /// Rung when the process asks for work.
    pub(super) asked: Notify,
}

#[derive(Debug, Default)]
struct Contents {
    next: Option<Invocation>,
    answer: Option<(String, oneshot::Sender<Answer>)>,
    /// Why the process could not start, which the first event is answered with.
    broken: Option<Answer>,
}

impl Inbox {
    pub(super) fn put(&self, invocation: Invocation, answer: oneshot::Sender<Answer>) {
        let mut contents = self.contents();
        if let Some(broken) = contents.broken.take() {
            let _ = answer.send(broken);
            return;
        }
        contents.answer = Some((invocation.id.clone(), answer));
        contents.next = Some(invocation);
        self.work.notify_one();
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, id: Option<&str>, answer: Answer) -> StatusCode {
        match self.contents().answer.take_if(|(waiting, _)| id.is_none_or(|id| id == waiting)) {
            Some((_, waiting)) => {
                // The invoker may have timed out meanwhile.
                let _ = waiting.send(answer);
                StatusCode::ACCEPTED
            }
            None => StatusCode::BAD_REQUEST,
        }
    }
}

pub(super) fn router(inbox: Arc<Inbox>) -> Router {
    const BASE: &str = "/2018-06-01/runtime";
    Router::new()
        .route(&format!("{BASE}/invocation/next"), get(next))
        .route(&format!("{BASE}/invocation/{{id}}/response"), post(response))
        .route(&format!("{BASE}/invocation/{{id}}/error"), post(error))
        .route(&format!("{BASE}/init/error"), post(init_error))
        .with_state(inbox)
}

async fn next(State(inbox): State<Arc<Inbox>>) -> Response<Body> {
    inbox.asked.notify_one();
    let invocation = loop {
        let waiting = inbox.contents().next.take();
        match waiting {
            Some(invocation) => break invocation,
            None => inbox.work.notified().await,
        }
    };
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &invocation.id)
        .header("lambda-runtime-deadline-ms", invocation.deadline_millis)
        .header("lambda-runtime-invoked-function-arn", &invocation.arn)
        .header("lambda-runtime-trace-id", "Root=1-67000000-000000000000000000000000;Sampled=0")
        .body(Body::from(invocation.payload.to_string()));
    response.unwrap_or_default()
}

async fn response(
    State(inbox): State<Arc<Inbox>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    match serde_json::from_slice(&body) {
        Ok(payload) => inbox.answer(Some(&id), Answer { payload, error: None }),
        Err(problem) => {
            let message = format!("the function answered what is not JSON: {problem}");
            inbox.answer(Some(&id), Answer::failure("Runtime.InvalidResponse", &message))
        }
    }
}

async fn error(State(inbox): State<Arc<Inbox>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    inbox.answer(Some(&id), described(&body))
}

async fn init_error(State(inbox): State<Arc<Inbox>>, body: Bytes) -> StatusCode {
    let answer = described(&body);
    if inbox.answer(None, answer.clone()) != StatusCode::ACCEPTED {
        inbox.contents().broken = Some(answer);
    }
    StatusCode::ACCEPTED
}

fn described(body: &[u8]) -> Answer {
    let payload: Value = serde_json::from_slice(body).unwrap_or_default();
    let kind = payload.get("errorType").and_then(Value::as_str).unwrap_or("Unhandled").to_owned();
    Answer { payload, error: Some(kind) }
}
