//! Slack: the bit of its API that posts and changes messages, and incoming webhooks.

mod page;

use crate::place::{list, sha256, text};
use crate::sites::{Request, Response};
use serde_json::{Value, json};
use std::collections::VecDeque;

#[derive(Debug)]
pub struct Slack {
    /// The bot's token: `xoxb-…`.
    token: String,
    /// The channels that the bot is in, without `#`.
    channels: Vec<String>,
    /// The path of the incoming webhook, and the channel that it posts to.
    webhook: (String, String),
    pub messages: Vec<Message>,
    troubles: VecDeque<Trouble>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub channel: String,
    pub ts: String,
    pub thread: Option<String>,
    pub text: String,
    pub blocks: Value,
    /// How often it was changed after it was posted.
    pub edits: u32,
}

/// What goes wrong with the next calls, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// 429, and when to retry.
    Busy { retry_after_seconds: u32 },
    /// 200 and `ok: false`.
    Error(String),
    /// A status such as 503 and no JSON.
    Down(u16),
}

const MOST_BLOCKS: usize = 50;
const MOST_TEXT: usize = 40_000;

impl Slack {
    pub fn new(token: &str, channels: &[&str]) -> Self {
        let first = channels.first().copied().unwrap_or("deploys").to_owned();
        Self {
            token: token.to_owned(),
            channels: channels.iter().map(|channel| (*channel).to_owned()).collect(),
            webhook: ("/services/T0SLIPWAY/B0SLIPWAY/sandbox".to_owned(), first),
            messages: vec![],
            troubles: VecDeque::new(),
        }
    }

    pub fn webhook(&self) -> String {
        format!("https://hooks.slack.com{}", self.webhook.0)
    }

    pub fn trouble(&mut self, trouble: Trouble) {
        self.troubles.push_back(trouble);
    }

    /// Slack's answer, or `None` for a request to another host. `now`: milliseconds since 1970.
    pub fn answer(&mut self, request: &Request, now: u64) -> Option<Response> {
        let hook = request.url.strip_prefix("https://hooks.slack.com");
        let method = request.url.strip_prefix("https://slack.com/api/");
        let (None, None) = (hook, method) else {
            if let Some(trouble) = self.troubles.pop_front() {
                return Some(trouble.response());
            }
            return match (hook, method) {
                (Some(path), _) => Some(self.hooked(path, request, now)),
                (_, Some(method)) => Some(self.called(method, request, now)),
                _ => None,
            };
        };
        None
    }

    fn called(&mut self, method: &str, request: &Request, now: u64) -> Response {
        let bearer = request.headers.get("authorization").map(String::as_str).unwrap_or_default();
        let refused = |error: &str| Response::json(&json!({ "ok": false, "error": error }));
        match bearer.strip_prefix("Bearer ") {
            None => return refused("not_authed"),
            Some(token) if token != self.token => return refused("invalid_auth"),
            Some(_) => {}
        }
        let kind = request.headers.get("content-type").map(String::as_str).unwrap_or_default();
        if !kind.starts_with("application/json") {
            return refused("invalid_post_type");
        }
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            return refused("invalid_json");
        };
        let outcome = match method {
            "chat.postMessage" => self.post(&body, now),
            "chat.update" => self.update(&body),
            _ => Err("unknown_method"),
        };
        match outcome {
            Ok(message) => Response::json(&message),
            Err(error) => refused(error),
        }
    }

    fn post(&mut self, body: &Value, now: u64) -> Result<Value, &'static str> {
        let named = text(body, "channel").ok_or("channel_not_found")?;
        let channel = self
            .channels
            .iter()
            .find(|known| *known == named.trim_start_matches('#') || channel_id(known) == named);
        let channel = channel.cloned().ok_or("channel_not_found")?;
        check(body)?;
        let thread = text(body, "thread_ts").map(str::to_owned);
        Ok(self.keep(&channel, thread, body, now))
    }

    /// Only the id of a channel counts here, not its name.
    fn update(&mut self, body: &Value) -> Result<Value, &'static str> {
        let (id, ts) = (text(body, "channel"), text(body, "ts"));
        let channel = self.channels.iter().find(|known| Some(channel_id(known).as_str()) == id);
        let channel = channel.cloned().ok_or("channel_not_found")?;
        check(body)?;
        let mut all = self.messages.iter_mut();
        let found = all.find(|known| known.channel == channel && Some(known.ts.as_str()) == ts);
        let message = found.ok_or("message_not_found")?;
        message.text = text(body, "text").unwrap_or_default().to_owned();
        message.blocks = body.get("blocks").cloned().unwrap_or_else(|| json!([]));
        message.edits += 1;
        Ok(json!({ "ok": true, "channel": id, "ts": ts, "text": message.text }))
    }

    /// A webhook has no answer that would let anybody change the message later.
    fn hooked(&mut self, path: &str, request: &Request, now: u64) -> Response {
        if path != self.webhook.0 {
            return Response::text(404, "no_service");
        }
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            return Response::text(400, "invalid_payload");
        };
        if let Err(error) = check(&body) {
            return Response::text(400, error);
        }
        let channel = self.webhook.1.clone();
        self.keep(&channel, None, &body, now);
        Response::text(200, "ok")
    }

    fn keep(&mut self, channel: &str, thread: Option<String>, body: &Value, now: u64) -> Value {
        let ts = format!("{}.{:06}", now / 1000, self.messages.len() + 1);
        let message = Message {
            channel: channel.to_owned(),
            ts: ts.clone(),
            thread,
            text: text(body, "text").unwrap_or_default().to_owned(),
            blocks: body.get("blocks").cloned().unwrap_or_else(|| json!([])),
            edits: 0,
        };
        let said = json!({ "type": "message", "ts": ts, "text": message.text });
        self.messages.push(message);
        json!({ "ok": true, "channel": channel_id(channel), "ts": ts, "message": said })
    }
}

impl Trouble {
    fn response(&self) -> Response {
        match self {
            Self::Busy { retry_after_seconds } => {
                Response::text(429, json!({ "ok": false, "error": "ratelimited" }).to_string())
                    .with("retry-after", retry_after_seconds.to_string())
            }
            Self::Error(error) => Response::json(&json!({ "ok": false, "error": error })),
            Self::Down(status) => Response::text(*status, "upstream connect error"),
        }
    }
}

/// The id that Slack would have given to a channel.
pub fn channel_id(name: &str) -> String {
    format!("C0{}", sha256(name.as_bytes()).get(..9).unwrap_or_default().to_uppercase())
}

fn check(body: &Value) -> Result<(), &'static str> {
    let blocks = list(body, "blocks");
    if text(body, "text").is_none() && blocks.is_empty() {
        return Err("no_text");
    }
    if text(body, "text").is_some_and(|text| text.len() > MOST_TEXT) {
        return Err("msg_too_long");
    }
    if blocks.len() > MOST_BLOCKS || blocks.iter().any(|block| text(block, "type").is_none()) {
        return Err("invalid_blocks");
    }
    Ok(())
}
