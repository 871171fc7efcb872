//! A local server that answers each operation as a test says, and records the requests. The table
//! is a map, so notes work.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use aws::{Aws, Settings};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

pub struct Canned {
    pub aws: Aws,
    endpoint: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// By operation, or by operation and repository.
    answers: BTreeMap<String, Vec<Answer>>,
    items: BTreeMap<String, Value>,
    calls: Vec<(String, Value)>,
}

#[derive(Clone)]
enum Answer {
    Given(Value),
    Refused(Value),
    /// Answers a registration as ECS does: what was sent, and what ECS adds; without some members.
    Registered {
        arn: String,
        without: Vec<&'static str>,
    },
}

impl Default for Canned {
    fn default() -> Self {
        Self::new()
    }
}

impl Canned {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(&connection, &state));
            }
        });
        let variable = |name, value: &str| (name, value.to_owned());
        let settings = Settings::given([
            ("AWS_ENDPOINT_URL", endpoint.clone()),
            variable("AWS_REGION", "eu-central-1"),
            variable("AWS_ACCESS_KEY_ID", "test"),
            variable("AWS_SECRET_ACCESS_KEY", "test"),
            variable("SLIPWAY_TABLE", "slipway"),
        ]);
        Self { aws: Aws::new(settings), endpoint, state }
    }

    /// The next answer of an operation; the last one stays.
    pub fn answers(self, operation: &str, answer: Value) -> Self {
        self.add(operation, Answer::Given(answer))
    }

    /// The content of any layer URL that ECR returns.
    pub fn downloads(self, layer: Value) -> Self {
        let address = format!("{}/layer", self.endpoint);
        self.answers("GetDownloadUrlForLayer", json!({ "downloadUrl": address }))
            .answers("GET /layer", layer)
    }

    /// The answer about one repository, whenever it is asked.
    pub fn answers_about(self, repository: &str, operation: &str, answer: Value) -> Self {
        self.add(&format!("{operation} {repository}"), Answer::Given(answer))
    }

    pub fn refuses(self, operation: &str, code: &str, message: &str) -> Self {
        self.refuses_with(operation, json!({"__type": code, "message": message}))
    }

    pub fn refuses_with(self, operation: &str, answer: Value) -> Self {
        self.add(operation, Answer::Refused(answer))
    }

    pub fn registers(self, arn: String, without: &[&'static str]) -> Self {
        let answer = Answer::Registered { arn, without: without.to_vec() };
        self.add("RegisterTaskDefinition", answer)
    }

    fn add(self, operation: &str, answer: Answer) -> Self {
        let mut state = self.state.lock().unwrap();
        state.answers.entry(operation.to_owned()).or_default().push(answer);
        drop(state);
        self
    }

    /// Puts an item into the table.
    pub fn with_item(self, partition: &str, sort: &str, texts: &[(&str, &str)]) -> Self {
        let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), json!({"S": text})));
        let item = Value::Object(texts.collect::<Map<_, _>>());
        self.state.lock().unwrap().items.insert(format!("{partition} / {sort}"), item);
        self
    }

    /// The requests to AWS since the last call: without the table, and without what is long and the
    /// same everywhere. Images of several repositories are requested in parallel: sorted here.
    pub fn calls(&self) -> String {
        let mut calls = std::mem::take(&mut self.state.lock().unwrap().calls);
        let reads_image = |(operation, _): &(String, Value)| {
            ["BatchGetImage", "DescribeImages"].contains(&operation.as_str())
        };
        for side_by_side in
            calls.chunk_by_mut(|left, right| reads_image(left) && reads_image(right))
        {
            side_by_side
                .sort_by_cached_key(|(operation, body)| (operation.clone(), body.to_string()));
        }
        let brief = calls.into_iter().map(|(operation, mut body)| {
            let types = &body["acceptedMediaTypes"];
            if types.as_array().is_some_and(|types| types.len() == 4) {
                body.as_object_mut().unwrap().remove("acceptedMediaTypes");
            }
            let body = body.to_string().replace("arn:aws:ecs:eu-central-1:123456789012:", "");
            format!("{operation} {body}\n")
        });
        brief.collect()
    }

    /// The same without the times since when rollouts were requested.
    pub fn timeless_calls(&self) -> String {
        let calls = self.calls();
        let lines = calls.lines().map(|line| match line.split_once("\"createdAt\":{\"after\":") {
            Some((before, after)) => {
                let (_, after) = after.split_once('}').unwrap();
                format!("{before}\"createdAt\":{{\"after\":…}}{after}\n")
            }
            None => format!("{line}\n"),
        });
        lines.collect()
    }

    /// A text of an item in the table.
    pub fn text(&self, place: &str, name: &str) -> String {
        let state = self.state.lock().unwrap();
        state.items[place][name]["S"].as_str().unwrap().to_owned()
    }

    /// The keys in the table.
    pub fn items(&self) -> Vec<String> {
        self.state.lock().unwrap().items.keys().cloned().collect()
    }
}

fn serve(connection: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(connection);
    while let Some((operation, body)) = read_request(&mut reader) {
        let (status, answer) = state.lock().unwrap().answer(&operation, body);
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
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

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<(String, Value)> {
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with("GET ") {
            let path = line.split(' ').nth(1).unwrap_or_default();
            operation = format!("GET {path}");
        }
        let (name, value) = line.trim().split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => operation = value.rsplit('.').next().unwrap_or_default().to_owned(),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = if body.is_empty() { b"{}".to_vec() } else { body };
    Some((operation, serde_json::from_slice(&body).ok()?))
}

impl State {
    fn answer(&mut self, operation: &str, body: Value) -> (u16, Value) {
        let place = |key: &Value| {
            let text = |name: &str| key[name]["S"].as_str().unwrap_or_default().to_owned();
            format!("{} / {}", text("pk"), text("sk"))
        };
        match operation {
            "GetItem" => {
                let item = self.items.get(&place(&body["Key"]));
                return (200, item.map_or(json!({}), |item| json!({"Item": item})));
            }
            "PutItem" => {
                let place = place(&body["Item"]);
                if !is_met(&body, self.items.get(&place)) {
                    return (400, json!({"__type": "ConditionalCheckFailedException"}));
                }
                self.items.insert(place, body["Item"].clone());
                return (200, json!({}));
            }
            _ => {}
        }
        self.calls.push((operation.to_owned(), body.clone()));
        let about = format!("{operation} {}", body["repositoryName"].as_str().unwrap_or_default());
        let key = if self.answers.contains_key(&about) { &about } else { operation };
        let answers = self.answers.get_mut(key);
        let answer = answers.and_then(|answers| match answers.len() {
            0 | 1 => answers.first().cloned(),
            _ => Some(answers.remove(0)),
        });
        match answer {
            Some(Answer::Given(answer)) => (200, answer),
            Some(Answer::Refused(answer)) => (400, answer),
            Some(Answer::Registered { arn, without }) => (200, registered(body, &arn, &without)),
            None => (
                400,
                json!({"__type": "UnexpectedException", "message": "nobody expected this call"}),
            ),
        }
    }
}

/// Whether one of the two kinds of conditions of notes holds.
fn is_met(body: &Value, known: Option<&Value>) -> bool {
    match body["ConditionExpression"].as_str() {
        None => true,
        Some("attribute_not_exists(pk)") => known.is_none(),
        Some(_) => {
            let name = body["ExpressionAttributeNames"]["#known"].as_str().unwrap();
            known.is_some_and(|known| known[name] == body["ExpressionAttributeValues"][":known"])
        }
    }
}

fn registered(mut definition: Value, arn: &str, without: &[&str]) -> Value {
    let members = definition.as_object_mut().unwrap();
    let tags = members.remove("tags").unwrap_or_default();
    members.retain(|name, _| !without.contains(&name.as_str()));
    members.insert("taskDefinitionArn".into(), arn.into());
    members.insert("status".into(), "ACTIVE".into());
    members.insert("registeredAt".into(), 1_763_700_000.into());
    json!({"taskDefinition": definition, "tags": tags})
}
