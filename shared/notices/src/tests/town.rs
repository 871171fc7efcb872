//! A server that plays the table, the topic, the secret and Slack.

use crate::Notifier;
use aws::clients::Aws;
use aws::settings::Settings;
use engine::{Message, Sender, World};
use pipeline::effect::Effect;
use pipeline::names::{ApplicationName, DeploymentId, EnvironmentName, Place, Version};
use pipeline::notice::{News, Notice};
use pipeline::release::Origin;
use pipeline::time::{Span, Time};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A world with a topic and a Slack, both of which can fail.
pub(super) struct Town {
    aws: Aws,
    notifier: Notifier,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    items: BTreeMap<String, Value>,
    secret: String,
    /// What Slack says instead of taking a message, and how often.
    pub(super) slack_says: Vec<(u16, Value)>,
    /// Slack takes what it is sent, and never answers.
    pub(super) slack_hangs: bool,
    pub(super) topic_is_gone: bool,
    messages: u32,
    calls: Vec<String>,
}

impl Town {
    pub(super) fn new(secret: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let state = State { secret: secret.into(), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(&connection, &state));
            }
        });
        let settings = [
            ("AWS_ENDPOINT_URL", endpoint.clone()),
            ("AWS_REGION", "eu-central-1".into()),
            ("AWS_ACCESS_KEY_ID", "test".into()),
            ("AWS_SECRET_ACCESS_KEY", "test".into()),
            ("SLIPWAY_TABLE", "slipway".into()),
            ("SLIPWAY_TOPIC", "arn:aws:sns:eu-central-1:123456789012:slipway".into()),
            ("SLIPWAY_SLACK_SECRET", "slack".into()),
            ("SLIPWAY_SLACK_CHANNEL", "#deployments".into()),
            ("SLIPWAY_ROLLBACK_FUNCTION", "slipway-rollback".into()),
        ];
        let notifier = Notifier::new(&format!("{endpoint}/slack"));
        Self { aws: Aws::new(Settings::given(settings)), notifier, state }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("the server lives"));
    }

    /// Starts an invocation that may last this long.
    pub(super) fn invoked(&self, lasts: Span) {
        self.aws.invoked(self.aws.now().millis() + lasts.as_seconds() * 1000);
    }

    /// Delivers an SNS payload, and returns the calls and the result.
    pub(super) async fn hear(&self, payload: &Value) -> String {
        let said = match self.notifier.tell_alarms(&self.aws, payload).await {
            Ok(_) => "told".to_owned(),
            Err(failure) => format!("{}: {failure}", failure.name()),
        };
        format!("{}{said}\n", self.calls())
    }

    fn calls(&self) -> String {
        let mut calls = std::mem::take(&mut self.state.lock().expect("the server lives").calls);
        // The topic and Slack are notified in parallel.
        calls.sort_by_key(|call| !call.starts_with("SNS"));
        calls.iter().map(|call| format!("  {call}\n")).collect()
    }

    /// Sends one notice, and returns the calls and the result.
    pub(super) async fn tell(&self, number: u64, age: Span, news: News) -> String {
        let place = Place {
            application: ApplicationName::new("scr"),
            environment: EnvironmentName::new("staging"),
        };
        let now = self.aws.now().millis();
        let notice = Notice {
            place: place.clone(),
            deployment: Some(17),
            version: Version::new("3f2a9c1"),
            origin: Origin::default(),
            rolls_back_from: None,
            asked_by: "a push of 3f2a9c1".into(),
            at: Time::from_millis(now - age.as_seconds() * 1000),
            news,
        };
        let from = Sender::Deployment(DeploymentId { place, number: 17 });
        let effect = Effect::Announce(Box::new(notice.clone()));
        let message = Message { from, number, effect };
        let said = match self.notifier.tell(&self.aws, &message, &notice).await {
            Ok(event) => event.name().to_owned(),
            Err(failure) => format!("{}: {failure}", failure.name()),
        };
        format!("{}{said}\n", self.calls())
    }
}

fn serve(connection: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(connection);
    while let Some((path, operation, body)) = read_request(&mut reader) {
        let (status, answer) = {
            let mut state = state.lock().expect("nobody panicked");
            if path.starts_with("/slack/") && state.slack_hangs {
                drop(state);
                thread::park();
                return;
            }
            match path.strip_prefix("/slack/") {
                Some(method) => state.slack(method, &body),
                None => state.aws(&operation, &body),
            }
        };
        let head = format!(
            "HTTP/1.1 {status} x\r\nretry-after: 30\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        let mut writer = connection;
        if writer
            .write_all(head.as_bytes())
            .and_then(|()| writer.write_all(answer.as_bytes()))
            .is_err()
        {
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<(String, String, String)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => operation = value.rsplit('.').next().unwrap_or_default().to_owned(),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, operation, String::from_utf8(body).ok()?))
}

impl State {
    fn slack(&mut self, method: &str, body: &str) -> (u16, String) {
        let body: Value = serde_json::from_str(body).expect("Slack is sent JSON");
        let mut call = format!("Slack {method}: {}", body["text"].as_str().unwrap_or("no text"));
        for name in ["channel", "ts", "thread_ts", "reply_broadcast"] {
            if let Some(value) = body.get(name) {
                call.push_str(&format!(", {name} {value}"));
            }
        }
        self.calls.push(call);
        if !self.slack_says.is_empty() {
            let (status, answer) = self.slack_says.remove(0);
            return (status, answer.to_string());
        }
        self.messages += 1;
        let ts = format!("17.{}", self.messages);
        (200, json!({"ok": true, "channel": "C1", "ts": ts}).to_string())
    }

    fn aws(&mut self, operation: &str, body: &str) -> (u16, String) {
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        let place = |key: &Value| format!("{} / {}", key["pk"]["S"], key["sk"]["S"]);
        match operation {
            "GetItem" => match self.items.get(&place(&json["Key"])) {
                Some(item) => (200, json!({"Item": item}).to_string()),
                None => (200, "{}".into()),
            },
            "PutItem" => {
                let place = place(&json["Item"]);
                let read = json["ExpressionAttributeValues"][":read"].clone();
                let known = self.items.get(&place).map(|item| item["version"].clone());
                if known.unwrap_or_default() != read {
                    let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                    return (400, json!({"__type": code, "message": "no"}).to_string());
                }
                self.items.insert(place, json["Item"].clone());
                (200, "{}".into())
            }
            "GetSecretValue" => {
                self.calls.push("read the secret".into());
                (200, json!({"SecretString": self.secret}).to_string())
            }
            _ => self.publish(body),
        }
    }

    /// SNS speaks in forms and XML.
    fn publish(&mut self, form: &str) -> (u16, String) {
        let subject = form.split('&').find_map(|field| field.strip_prefix("Subject="));
        let subject = subject.unwrap_or("no subject").replace("%2F", "/").replace("%3A", ":");
        self.calls.push(format!("SNS: {}", subject.replace("%20", " ")));
        if self.topic_is_gone {
            let error = "<ErrorResponse><Error><Code>NotFound</Code><Message>Topic does not exist</Message></Error></ErrorResponse>";
            return (404, error.into());
        }
        let answer = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
        (200, answer.into())
    }
}
