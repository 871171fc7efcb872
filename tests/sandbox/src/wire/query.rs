//! The query protocol: a form in, XML out. SNS, IAM and Elastic Load Balancing speak it.

use crate::service::Refusal;
use axum::body::Body;
use serde_json::{Map, Value};

/// The service, the operation and the input of a form.
pub(super) fn input(body: &[u8]) -> Option<(&'static str, String, Value)> {
    let text = std::str::from_utf8(body).ok()?;
    let mut input = Map::new();
    for pair in text.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let path = decode(key);
        insert(&mut input, &path.split('.').collect::<Vec<_>>(), decode(value));
    }
    let operation = input.remove("Action")?.as_str()?.to_owned();
    let service = match input.remove("Version")?.as_str()? {
        "2010-03-31" => "sns",
        "2010-05-08" => "iam",
        "2015-12-01" => "elasticloadbalancing",
        _ => return None,
    };
    Some((service, operation, lists(Value::Object(input))))
}

pub(super) fn answer(operation: &str, value: &Value, id: &str) -> Body {
    let mut inner = String::new();
    write(&mut inner, value);
    let result = format!("<{operation}Result>{inner}</{operation}Result>");
    let about = format!("<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>");
    format!("<{operation}Response>{result}{about}</{operation}Response>").into()
}

pub(super) fn refusal(refusal: &Refusal, id: &str) -> Body {
    let (code, message) = (escape(&refusal.code), escape(&refusal.message));
    let error = format!(
        "<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    format!("<ErrorResponse>{error}<RequestId>{id}</RequestId></ErrorResponse>").into()
}

fn insert(members: &mut Map<String, Value>, path: &[&str], value: String) {
    match path {
        [] => {}
        [last] => {
            members.insert((*last).to_owned(), Value::String(value));
        }
        [first, rest @ ..] => {
            let inner = members.entry(*first).or_insert_with(|| Value::Object(Map::new()));
            if let Some(inner) = inner.as_object_mut() {
                insert(inner, rest, value);
            }
        }
    }
}

/// Turns `{"entry": {"1": a, "2": b}}` and `{"member": ..}` into lists.
fn lists(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    if members.len() == 1
        && let Some(numbered) =
            members.get("entry").or_else(|| members.get("member")).and_then(Value::as_object)
    {
        let mut items: Vec<_> = numbered
            .iter()
            .filter_map(|(key, item)| Some((key.parse::<u64>().ok()?, item)))
            .collect();
        items.sort_by_key(|(number, _)| *number);
        return items.into_iter().map(|(_, item)| lists(item.clone())).collect();
    }
    Value::Object(members.into_iter().map(|(key, member)| (key, lists(member))).collect())
}

fn write(xml: &mut String, value: &Value) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                xml.push_str(&format!("<{key}>"));
                write(xml, member);
                xml.push_str(&format!("</{key}>"));
            }
        }
        Value::Array(items) => {
            for item in items {
                xml.push_str("<member>");
                write(xml, item);
                xml.push_str("</member>");
            }
        }
        Value::String(text) => xml.push_str(&escape(text)),
        Value::Null => {}
        other => xml.push_str(&other.to_string()),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let hex = std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok());
                bytes.push(hex.unwrap_or(b'%'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
