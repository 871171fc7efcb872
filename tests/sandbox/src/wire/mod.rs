//! The front: one port on which every service of AWS answers in its own protocol.

mod cbor;
mod json;
mod query;

use crate::{
    account::{Account, Outcome},
    ecr::LAYERS,
    service::{Call, Refusal},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) type Shared = Arc<Mutex<Account>>;

/// Everything that the front answers.
pub(crate) fn router(account: Shared) -> Router {
    Router::new().fallback(answer).with_state(account)
}

/// How a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Json(&'static str),
    Query,
    Cbor,
}

/// A request that was understood.
#[derive(Debug)]
struct Request {
    protocol: Protocol,
    service: &'static str,
    operation: String,
    input: Value,
}

async fn answer(
    State(account): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Some(function) = invoked(&method, &uri) {
        let kind = headers.get("x-amz-invocation-type").and_then(|kind| kind.to_str().ok());
        return match kind {
            Some("Event") => invoke_later(&account, function, &headers, &body),
            _ => invoke(&account, function, &body).await,
        };
    }
    if let Some(call) = read(&method, &uri) {
        return layer(&account, &call).await;
    }
    let Some(request) = understand(&method, &uri, &headers, &body) else {
        let problem = format!("the sandbox does not know what {method} {uri} is\n");
        return respond(StatusCode::NOT_FOUND, "text/plain", problem.into(), &[]);
    };
    let Request { protocol, service, operation, input } = match request {
        Ok(request) => request,
        Err(problem) => return respond(StatusCode::BAD_REQUEST, "text/plain", problem.into(), &[]),
    };
    let (outcome, id) = {
        let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = match caller(&account, &headers) {
            Some(caller) => {
                account.call(&Call { caller, service, operation: operation.clone(), input })
            }
            None => Outcome::Refused(Refusal {
                status: 403,
                ..Refusal::new(
                    "MissingAuthenticationTokenException",
                    "Missing Authentication Token",
                )
            }),
        };
        (outcome, account.request_id())
    };
    let id = ("x-amzn-requestid", id);
    let outcome = when_due(outcome).await;
    match outcome {
        Outcome::Answered(value) => match protocol {
            Protocol::Json(kind) => respond(StatusCode::OK, kind, json::answer(&value), &[id]),
            Protocol::Query => {
                respond(StatusCode::OK, "text/xml", query::answer(&operation, &value, &id.1), &[id])
            }
            Protocol::Cbor => {
                respond(StatusCode::OK, cbor::TYPE, cbor::encode(&value), &[id, cbor::protocol()])
            }
        },
        Outcome::Refused(refusal) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
            // Services that once spoke the query protocol repeat the code of old in a header.
            let old = ("x-amzn-query-error", format!("{};Sender", json::short(&refusal.code)));
            match protocol {
                Protocol::Json(kind) if service == "sqs" => {
                    respond(status, kind, json::refusal(&refusal), &[id, old])
                }
                Protocol::Json(kind) => respond(status, kind, json::refusal(&refusal), &[id]),
                Protocol::Query => {
                    respond(status, "text/xml", query::refusal(&refusal, &id.1), &[id])
                }
                Protocol::Cbor => respond(
                    status,
                    cbor::TYPE,
                    cbor::refusal(&refusal),
                    &[id, old, cbor::protocol()],
                ),
            }
        }
        // The caller's process is being killed: its connection ends with it.
        Outcome::Silence | Outcome::AnsweredLate(..) => std::future::pending().await,
        Outcome::Disconnect => respond(StatusCode::OK, "text/plain", broken(), &[id]),
    }
}

/// The function that a person invokes over HTTP, as the AWS CLI does.
fn invoked<'a>(method: &Method, uri: &'a Uri) -> Option<&'a str> {
    let path = uri.path().strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")?;
    (*method == Method::POST).then_some(path)
}

/// Takes an event for a function, which is called later.
fn invoke_later(
    account: &Shared,
    function: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Body> {
    let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
    let caller = caller(&account, headers).unwrap_or_default();
    match account.take_event(caller, function, json::input(body).unwrap_or_default()) {
        Ok(()) => respond(StatusCode::ACCEPTED, "application/json", Body::empty(), &[]),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
            let code = ("x-amzn-errortype", refusal.code.clone());
            let message = json!({ "Message": refusal.message }).to_string();
            respond(status, "application/json", message.into(), &[code])
        }
    }
}

/// Waits until the code that advances the time has invoked the function.
async fn invoke(account: &Shared, function: &str, body: &[u8]) -> Response<Body> {
    let waiting = {
        let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
        account.ask(function, json::input(body).unwrap_or_default())
    };
    let Some(waiting) = waiting else {
        let problem = json!({ "Message": format!("Function not found: {function}") }).to_string();
        return respond(StatusCode::NOT_FOUND, "application/json", problem.into(), &[]);
    };
    match waiting.await {
        Ok(answer) => {
            let failed = answer.error.map(|_| ("x-amz-function-error", "Unhandled".to_owned()));
            let headers: Vec<_> = failed.into_iter().collect();
            respond(StatusCode::OK, "application/json", answer.payload.to_string().into(), &headers)
        }
        Err(_) => respond(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain",
            "the sandbox has ended\n".into(),
            &[],
        ),
    }
}

/// What is read from S3 by an address that says itself who may.
fn read(method: &Method, uri: &Uri) -> Option<Call> {
    let key = uri.path().strip_prefix(LAYERS).filter(|_| *method == Method::GET)?;
    let (_, caller) = uri.query()?.split_once("X-Amz-Credential=")?;
    let (caller, operation) = (caller.to_owned(), "GetObject".to_owned());
    Some(Call { caller, service: "s3", operation, input: json!({ "Key": key }) })
}

/// An answer that comes late, once it is due.
async fn when_due(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::AnsweredLate(answer, time) => {
            tokio::time::sleep(time).await;
            Outcome::Answered(answer)
        }
        outcome => outcome,
    }
}

async fn layer(account: &Shared, call: &Call) -> Response<Body> {
    let outcome = account.lock().unwrap_or_else(PoisonError::into_inner).call(call);
    let outcome = when_due(outcome).await;
    match outcome {
        Outcome::Answered(value) => {
            let body = value["Body"].as_str().unwrap_or_default().to_owned();
            respond(StatusCode::OK, "application/octet-stream", body.into(), &[])
        }
        Outcome::Refused(refusal) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
            let text = format!("<Error><Code>{}</Code></Error>", refusal.code);
            respond(status, "application/xml", text.into(), &[])
        }
        Outcome::Silence | Outcome::AnsweredLate(..) => std::future::pending().await,
        Outcome::Disconnect => respond(StatusCode::OK, "text/plain", broken(), &[]),
    }
}

fn understand(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Result<Request, String>> {
    if *method != Method::POST {
        return None;
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(target) = header("x-amz-target") {
        let (prefix, operation) = target.split_once('.')?;
        let (service, kind) = json::service(prefix)?;
        let input = json::input(body);
        let (protocol, operation) = (Protocol::Json(kind), operation.to_owned());
        return Some(input.map(|input| Request { protocol, service, operation, input }));
    }
    if header("smithy-protocol") == Some("rpc-v2-cbor") {
        let (service, operation) =
            uri.path().strip_prefix("/service/")?.split_once("/operation/")?;
        let service = cbor::service(service)?;
        let input = cbor::decode(body);
        let (protocol, operation) = (Protocol::Cbor, operation.to_owned());
        return Some(input.map(|input| Request { protocol, service, operation, input }));
    }
    if header("content-type")?.starts_with("application/x-www-form-urlencoded") {
        let (service, operation, input) = query::input(body)?;
        return Some(Ok(Request { protocol: Protocol::Query, service, operation, input }));
    }
    None
}

/// Who signed the request: a function by the key that its process was given, or else a person.
fn caller(account: &Account, headers: &HeaderMap) -> Option<String> {
    let signed = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = signed.split_once("Credential=")?;
    let key = credential.split('/').next()?;
    Some(account.caller(key))
}

/// A body that ends in the middle, as a lost connection does.
fn broken() -> Body {
    let lost = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "a fault was put in here");
    Body::from_stream(futures_util::stream::iter([Err::<Bytes, _>(lost)]))
}

fn respond(
    status: StatusCode,
    kind: &str,
    body: Body,
    headers: &[(&'static str, String)],
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(kind) = HeaderValue::from_str(kind) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(*name, value);
        }
    }
    response
}
