//! The secret that gives access to Slack.

use super::NotSent;
use aws::clients::Aws;
use aws::failure::failure;
use engine::World;
use pipeline::time::{Span, Time};
use serde_json::Value;
use std::cell::RefCell;

/// How long the secret is cached.
const LIFE: Span = Span::minutes(10);

/// How Slack is reached. It must never be printed, so it has no `Debug`.
#[derive(Clone)]
pub(super) enum Access {
    Bot(String),
    Webhook(String),
}

/// The secret as it was last read, for the lifetime of the process.
#[derive(Default)]
pub(super) struct CredentialsCache {
    known: RefCell<Option<(Time, Access)>>,
}

impl CredentialsCache {
    pub(super) async fn access(&self, aws: &Aws, secret: &str) -> Result<Access, NotSent> {
        let now = aws.now();
        let fresh =
            |(read_at, access): &(Time, Access)| (now < *read_at + LIFE).then(|| access.clone());
        let known = self.known.borrow().as_ref().and_then(fresh);
        if let Some(access) = known {
            return Ok(access);
        }
        let reading = aws.secrets().get_secret_value().secret_id(secret);
        let answer = reading.send().await.map_err(failure)?;
        let access = read(answer.secret_string().unwrap_or_default())?;
        self.known.replace(Some((now, access.clone())));
        Ok(access)
    }

    pub(super) fn forget(&self) {
        self.known.replace(None);
    }
}

/// Reads the token or the webhook, alone or in an object.
pub(super) fn read(secret: &str) -> Result<Access, NotSent> {
    let object: Option<Value> = serde_json::from_str(secret).ok();
    let entry = |name: &str| object.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let bare = match &object {
        Some(Value::String(text)) => text.clone(),
        _ => secret.trim().to_owned(),
    };
    let found = entry("bot_token").or_else(|| entry("webhook")).unwrap_or(bare);
    if found.starts_with("xox") {
        Ok(Access::Bot(found))
    } else if found.starts_with("https://") {
        Ok(Access::Webhook(found))
    } else {
        Err(NotSent::Final(
            "Slack's secret holds neither a token nor a webhook; it should be \
             {\"bot_token\": \"xoxb-…\"} or {\"webhook\": \"https://hooks.slack.com/…\"}"
                .into(),
        ))
    }
}
