//! How a spec arrives: typed into the console, from CI, from Terraform or from CloudFormation.

use super::form::{is_the_consoles_example, plain};
use serde_json::{Map, Value, json};

#[derive(Debug)]
pub(crate) enum Document {
    /// JSON or YAML.
    Text(String),
    Value(Value),
}

#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) document: Document,
    /// Store it although the account lacks what it speaks of.
    pub(crate) force: bool,
    pub(crate) dry_run: bool,
    pub(crate) by: Option<String>,
    pub(crate) why: Option<String>,
}

const EXAMPLE: &str = "application: shop
images: {api: shop-api}
environments:
  staging:
    cluster: shop-staging
    deploy_on: {tags: [\"[0-9a-f]*\"]}
    services: [shop-api]
";

/// Finds the spec in a payload, and what is said beside it; or the answer to one without a spec.
pub(crate) fn read(payload: &Value) -> Result<Wish, Value> {
    let fields = match payload {
        Value::Object(fields) => fields,
        Value::String(text) => return from_text(text),
        other => return Ok(wish(Document::Value(other.clone()), &mut Map::new(), None)),
    };
    if is_the_consoles_example(fields) {
        return Err(json!({
            "accepted": false,
            "because": "this is the console's own example, which means nothing here; give a spec, as YAML or JSON",
            "example": {"dry_run": true, "spec": EXAMPLE},
        }));
    }
    if let Some(kind) = fields.get("RequestType").and_then(Value::as_str) {
        let stack = fields.get("StackId").and_then(Value::as_str).unwrap_or_default();
        let stack = stack.split('/').nth(1).unwrap_or("CloudFormation");
        let properties = fields.get("ResourceProperties").and_then(Value::as_object);
        let mut properties = properties.cloned().unwrap_or_default();
        // Not ours: which function to call, and how long to wait for it.
        properties.remove("ServiceToken");
        properties.remove("ServiceTimeout");
        return removed(kind)
            .map_or_else(|| Ok(from_fields(properties, Some(&format!("the stack {stack}")))), Err);
    }
    let mut fields = fields.clone();
    let terraform = fields.remove("tf");
    match terraform.as_ref().and_then(|tf| tf.get("action")?.as_str()) {
        Some(action) => {
            removed(action).map_or_else(|| Ok(from_fields(fields, Some("Terraform"))), Err)
        }
        None => Ok(from_fields(fields, None)),
    }
}

/// A text is a spec, or the whole payload once more as text.
fn from_text(text: &str) -> Result<Wish, Value> {
    match serde_json::from_str::<Value>(text) {
        Ok(payload @ Value::Object(_)) => read(&payload),
        _ => Ok(wish(Document::Text(text.to_owned()), &mut Map::new(), None)),
    }
}

fn from_fields(mut fields: Map<String, Value>, by: Option<&str>) -> Wish {
    let spec = take(&mut fields, "spec");
    match spec {
        Some(Value::String(text)) => wish(Document::Text(text), &mut fields, by),
        Some(value) => wish(Document::Value(value), &mut fields, by),
        None => {
            let mut options = Map::new();
            for name in ["force", "dry_run", "by", "why"] {
                if let Some(value) = take(&mut fields, name) {
                    options.insert(name.to_owned(), value);
                }
            }
            wish(Document::Value(fields.into()), &mut options, by)
        }
    }
}

fn wish(document: Document, options: &mut Map<String, Value>, by: Option<&str>) -> Wish {
    let mut flag = |name: &str| {
        let value = take(options, name).unwrap_or_default();
        let text = value.as_str().map(str::to_lowercase).unwrap_or_else(|| value.to_string());
        matches!(text.trim(), "true" | "yes" | "on" | "1")
    };
    let (force, dry_run) = (flag("force"), flag("dry_run"));
    let mut text = |name: &str| {
        let value = take(options, name)?;
        let text = value.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let by = text("by").or_else(|| by.map(ToOwned::to_owned));
    Wish { document, force, dry_run, by, why: text("why") }
}

/// Takes a field out, however it is spelled.
fn take(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = fields.keys().find(|key| plain(key) == name)?.clone();
    fields.remove(&key)
}

/// Whoever takes a resource out of a stack does not want an environment to be forgotten while
/// releases run in it.
fn removed(action: &str) -> Option<Value> {
    action.eq_ignore_ascii_case("delete").then(|| {
        json!({
            "accepted": true,
            "changed": false,
            "answer": "the spec stays as it is, and so does all that runs; nothing was removed",
        })
    })
}
