//! Checks: one URL, requested once, and its answer in plain words.

#[cfg(test)]
mod tests;

use crate::clients::Aws;
use crate::failure::chain;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::{Method, Request, Response, Uri};
use http_body_util::BodyExt;
use pipeline::event::Outcome;
use pipeline::spec::{Check, without_query};
use pipeline::time::Span;
use std::error::Error;
use std::io;
use std::time::Duration;

/// How much of an answer is read, and how much of it is quoted.
const BODY_MAX: usize = 4096;
const QUOTE_MAX: usize = 160;
/// A value of a query that is as long as this may be a secret.
const SECRET_MIN: usize = 6;
/// Lambda ends the function after a minute, and the function has to report its result before that.
const TIMEOUT_MAX: Span = Span::seconds(45);
/// The texts by which rustls errors are recognized.
const TLS: &[&str] =
    &["certificate", "tls", "handshake", "corrupt message", "fatal alert", "peer is incompatible"];

/// Requests the URL once. Does not follow redirects: where one is expected, the spec says 307.
pub async fn check(aws: &Aws, spec: &Check) -> Outcome {
    match ask(aws, spec).await {
        Ok(()) => Outcome::Passed,
        Err(reason) => Outcome::Failed { reason },
    }
}

async fn ask(aws: &Aws, spec: &Check) -> Result<(), String> {
    let url: Uri = spec.url.parse().map_err(|error| format!("invalid URL: {error}"))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
        return Err("only http:// and https:// URLs can be checked".into());
    }
    let request = Request::builder()
        .method(Method::GET)
        .uri(url)
        .header("user-agent", "slipway")
        .header("accept", "*/*")
        .body(SdkBody::empty())
        .map_err(|error| format!("invalid request: {error}"))?;
    let patience = spec.timeout.min(TIMEOUT_MAX);
    let asking = async {
        let response = aws.http.send(request).await.map_err(|error| plain_words(&error))?;
        judge(response, spec).await
    };
    let late = || Err(format!("timed out after {patience}"));
    let limit = Duration::from_secs(patience.as_seconds());
    aws.clock.within(limit, asking).await.unwrap_or_else(late)
}

/// The body is read only if the status is wrong.
async fn judge(response: Response<SdkBody>, spec: &Check) -> Result<(), String> {
    let status = response.status();
    if spec.expect.contains(&status.as_u16()) {
        return Ok(());
    }
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let mut reason = format!("status {status}");
    if let Some(location) = location {
        let location = without_query(location);
        reason.push_str(&format!(" to {location:.QUOTE_MAX$}"));
    }
    let words = first_words(response.into_body(), &spec.url).await;
    if !words.is_empty() {
        reason.push_str(&format!(": {words}"));
    }
    Err(reason)
}

/// Reads the beginning of the body, as one line, without the secrets of the request.
async fn first_words(mut body: SdkBody, url: &str) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < BODY_MAX
        && let Some(Ok(frame)) = body.frame().await
    {
        bytes.extend(frame.data_ref().into_iter().flatten().take(BODY_MAX));
    }
    let text = String::from_utf8_lossy(&bytes);
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().map(printable).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = without_query_of(url, words.join(" "));
    match line.char_indices().nth(QUOTE_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Removes the query of the URL from what is reported: it can hold a token, and error pages often
/// repeat the URL.
fn without_query_of(url: &str, text: String) -> String {
    let query = url.split_once('?').map(|(_, query)| query.split('#').next().unwrap_or(query));
    let Some(query) = query.filter(|query| !query.is_empty()) else { return text };
    let values = query.split('&').filter_map(|one| one.split_once('=')).map(|(_, value)| value);
    // A short value is not a secret.
    let secrets = std::iter::once(query).chain(values.filter(|value| value.len() >= SECRET_MIN));
    secrets.fold(text, |text, secret| text.replace(secret, "…"))
}

/// Why the connection failed, in terms of who can fix it.
pub fn plain_words(error: &ConnectorError) -> String {
    let text = chain(error);
    let says = |words: &[&str]| words.iter().any(|word| text.to_lowercase().contains(word));
    let what = if says(&["dns", "failed to lookup address"]) {
        "the name cannot be resolved (DNS)"
    } else if says(TLS) {
        "TLS failed"
    } else if says(&["connection refused"]) {
        "connection refused"
    } else if is_timeout(error) || says(&["timed out", "deadline has elapsed"]) {
        "connection timed out"
    } else if says(&["connection reset", "broken pipe", "incomplete", "connection closed"]) {
        "connection lost"
    } else {
        "request failed"
    };
    let cause = innermost(error);
    if cause.to_lowercase().contains(what) { what.into() } else { format!("{what}: {cause}") }
}

fn is_timeout(error: &ConnectorError) -> bool {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if kind == Some(io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn innermost(error: &ConnectorError) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
