//! Slack's API: four calls, and what its errors mean.

use super::delivery::SlackMessage;
use super::{NotSent, SLACK_ENDS};
use aws::clients::Aws;
use aws::plain_words;
use aws_smithy_types::body::SdkBody;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use std::time::Duration;

pub(super) const API: &str = "https://slack.com/api";
const TIMEOUT: Duration = Duration::from_secs(6);
/// The longest `Retry-After` that is waited for here; for a longer one the message returns to the
/// queue.
const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_MAX: usize = 64 * 1024;

pub(super) struct SlackApi<'a> {
    pub(super) aws: &'a Aws,
    pub(super) api: &'a str,
    /// A webhook needs none.
    pub(super) token: Option<&'a str>,
}

impl SlackApi<'_> {
    pub(super) async fn webhook(&self, url: &str, message: &Value) -> Result<(), NotSent> {
        let (status, answer) = self.send(url, message).await?;
        if status.is_success() { Ok(()) } else { Err(refusal(answer.trim())) }
    }

    pub(super) async fn post(
        &self,
        channel: &str,
        message: &Value,
    ) -> Result<SlackMessage, NotSent> {
        let answer = self.call("chat.postMessage", message, &[("channel", channel.into())]).await?;
        match (answer["channel"].as_str(), answer["ts"].as_str()) {
            (Some(channel), Some(ts)) => {
                Ok(SlackMessage { channel: channel.into(), ts: ts.into() })
            }
            _ => Err(NotSent::Final("Slack accepted the message but returned no timestamp".into())),
        }
    }

    pub(super) async fn update(
        &self,
        known: &SlackMessage,
        message: &Value,
    ) -> Result<(), NotSent> {
        let at = [("channel", known.channel.as_str().into()), ("ts", known.ts.as_str().into())];
        self.call("chat.update", message, &at).await.map(|_| ())
    }

    pub(super) async fn reply(
        &self,
        below: &SlackMessage,
        message: &Value,
        broadcast: bool,
    ) -> Result<(), NotSent> {
        let at = [
            ("channel", below.channel.as_str().into()),
            ("thread_ts", below.ts.as_str().into()),
            ("reply_broadcast", broadcast.into()),
        ];
        self.call("chat.postMessage", message, &at).await.map(|_| ())
    }

    async fn call(
        &self,
        method: &str,
        message: &Value,
        more: &[(&str, Value)],
    ) -> Result<Value, NotSent> {
        let mut body = message.clone();
        for (name, value) in more {
            body[*name] = value.clone();
        }
        let (status, answer) = self.send(&format!("{}/{method}", self.api), &body).await?;
        let answer: Value = serde_json::from_str(&answer).map_err(|_| {
            NotSent::Passing(format!("Slack answered {status} with a body that is not JSON"))
        })?;
        match answer["ok"].as_bool() {
            Some(true) => Ok(answer),
            _ => Err(refusal(answer["error"].as_str().unwrap_or("no reason given"))),
        }
    }

    /// Sends once, and again after a short `Retry-After`.
    async fn send(&self, url: &str, body: &Value) -> Result<(StatusCode, String), NotSent> {
        let (status, pause, answer) = self.send_once(url, body).await?;
        if status != StatusCode::TOO_MANY_REQUESTS {
            return as_answer(status, answer);
        }
        let pause = pause.unwrap_or(PATIENCE);
        if pause > PATIENCE.min(self.time_left()) {
            let pause = pause.as_secs();
            let why = format!("rate limited by Slack; retry after {pause} seconds");
            return Err(NotSent::Passing(why));
        }
        tokio::time::sleep(pause).await;
        let (status, _, answer) = self.send_once(url, body).await?;
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(NotSent::Passing("rate limited by Slack".into()));
        }
        as_answer(status, answer)
    }

    async fn send_once(
        &self,
        url: &str,
        body: &Value,
    ) -> Result<(StatusCode, Option<Duration>, String), NotSent> {
        let mut request = Request::post(url)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "slipway");
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(SdkBody::from(body.to_string())).map_err(|error| {
            NotSent::Final(format!("Slack's secret is not a valid URL: {error}"))
        })?;
        let asking = async {
            let response = self.aws.http.send(request).await;
            let response = response.map_err(|error| NotSent::Passing(plain_words(&error)))?;
            let (status, pause) = (response.status(), retry_after(&response));
            let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
            let body = body.map_err(|error| NotSent::Passing(error.to_string()))?;
            Ok((status, pause, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
        };
        let late = || Err(NotSent::Passing("Slack timed out".into()));
        let limit = TIMEOUT.min(self.time_left());
        self.aws.clock.within(limit, asking).await.unwrap_or_else(late)
    }

    /// The time left for Slack, which is not the only work.
    fn time_left(&self) -> Duration {
        self.aws.time_left().saturating_sub(SLACK_ENDS)
    }
}

fn as_answer(status: StatusCode, answer: String) -> Result<(StatusCode, String), NotSent> {
    if status.is_server_error() {
        return Err(NotSent::Passing(format!("Slack answered {status}")));
    }
    Ok((status, answer))
}

fn retry_after(response: &Response<SdkBody>) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What Slack's error code means, and what to do about it.
pub(super) fn refusal(word: &str) -> NotSent {
    let what = match word {
        "ratelimited"
        | "rate_limited"
        | "internal_error"
        | "fatal_error"
        | "request_timeout"
        | "service_unavailable"
        | "rollup_error" => {
            return NotSent::Passing(format!("Slack is busy ({word})"));
        }
        "message_not_found" => return NotSent::Gone,
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            return NotSent::Access(format!(
                "Slack rejected the token ({word}); put a new one into the secret"
            ));
        }
        "channel_not_found" => {
            "Slack does not know the channel; name it by its id (C…), and invite the app into it if it is private"
        }
        "not_in_channel" => "the app is not in the channel; invite it there with /invite",
        "is_archived" | "channel_is_archived" => "the channel is archived; name another one",
        "missing_scope" | "no_permission" => "the app may not write; give it the scope chat:write",
        "restricted_action" | "action_prohibited" => {
            "an administrator does not allow the app to write into this channel"
        }
        "no_service" | "no_team" | "invalid_token" => {
            "the webhook no longer exists; create a new one and put it into the secret"
        }
        "invalid_blocks" | "msg_too_long" | "invalid_payload" | "no_text" => {
            "Slack rejected the format of the message; please report this"
        }
        _ => "Slack rejected the message",
    };
    NotSent::Final(format!("{what} ({word:.100})"))
}
