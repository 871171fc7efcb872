//! Smithy's RPC v2: CBOR in, CBOR out. A moment is a tagged number there, and in our JSON
//! `{"$time": seconds}`.

use super::json;
use crate::service::Refusal;
use axum::body::Body;
use ciborium::value::{Integer, Value as Cbor};
use serde_json::{Number, Value};

pub(super) const TYPE: &str = "application/cbor";
const MOMENT: u64 = 1;

/// The header by which an answer says that it is in this protocol.
pub(super) fn protocol() -> (&'static str, String) {
    ("smithy-protocol", "rpc-v2-cbor".to_owned())
}

pub(super) fn service(name: &str) -> Option<&'static str> {
    (name == "GraniteServiceVersion20100801").then_some("cloudwatch")
}

pub(super) fn decode(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let decoded: Cbor = ciborium::from_reader(body)
        .map_err(|problem| format!("the body is not CBOR: {problem}\n"))?;
    from_cbor(decoded).ok_or_else(|| "the body is CBOR that has no place in JSON\n".to_owned())
}

pub(super) fn encode(value: &Value) -> Body {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail, and a value of ours is always CBOR.
    let written = ciborium::into_writer(&to_cbor(value), &mut bytes);
    debug_assert!(written.is_ok(), "every JSON value is a CBOR value");
    bytes.into()
}

pub(super) fn refusal(refusal: &Refusal) -> Body {
    encode(&json::named(refusal, "message"))
}

fn to_cbor(value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(truth) => Cbor::Bool(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cbor::Integer(whole.into()),
            (None, Some(real)) => Cbor::Float(real),
            (None, None) => Cbor::Null,
        },
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(to_cbor).collect()),
        Value::Object(members) => match members.get("$time").and_then(Value::as_f64) {
            Some(time) if members.len() == 1 => Cbor::Tag(MOMENT, Box::new(Cbor::Float(time))),
            _ => {
                let member =
                    |(key, member): (&String, &Value)| (Cbor::Text(key.clone()), to_cbor(member));
                Cbor::Map(members.iter().map(member).collect())
            }
        },
    }
}

fn from_cbor(value: Cbor) -> Option<Value> {
    Some(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(truth) => Value::Bool(truth),
        Cbor::Integer(whole) => Value::Number(number(whole)?),
        Cbor::Float(real) => Value::Number(Number::from_f64(real)?),
        Cbor::Text(text) => Value::String(text),
        Cbor::Array(items) => items.into_iter().map(from_cbor).collect::<Option<_>>()?,
        Cbor::Map(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, member)| Some((key.into_text().ok()?, from_cbor(member)?)))
                .collect::<Option<_>>()?,
        ),
        Cbor::Tag(MOMENT, inner) => serde_json::json!({ "$time": from_cbor(*inner)? }),
        _ => return None,
    })
}

fn number(whole: Integer) -> Option<Number> {
    let whole = i128::from(whole);
    i64::try_from(whole).map(Number::from).or_else(|_| u64::try_from(whole).map(Number::from)).ok()
}
