//! How a spec arrives: from the console, CI, Terraform or CloudFormation.

use super::form::{is_the_consoles_example, plain};
use pipeline::spec;
use serde_json::{Map, Value, json};

#[derive(Debug)]
pub(crate) enum Document {
    /// JSON or YAML.
    Text(String),
    Value(Value),
}

/// An application, or one of its environments, to remove.
#[derive(Debug)]
pub(crate) struct Removal {
    pub(crate) application: String,
    pub(crate) environment: Option<String>,
    /// Terraform or CloudFormation deletes it: that it no longer exists is no mistake.
    pub(crate) is_deletion: bool,
}

#[derive(Debug)]
pub(crate) enum What {
    Store(Document),
    Remove(Removal),
}

#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) what: What,
    /// Store it even if the account lacks what it names.
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

/// Finds the spec and the other fields in a payload; or returns the answer to a payload without a
/// spec.
pub(crate) fn read(payload: &Value) -> Result<Wish, Value> {
    let fields = match payload {
        Value::Object(fields) => fields,
        Value::String(text) => return from_text(text),
        other => return Ok(wish(Document::Value(other.clone()), &mut Map::new(), None)),
    };
    if is_the_consoles_example(fields) {
        return Err(json!({
            "accepted": false,
            "because": "this is the Lambda console's sample event; replace it with a spec, as YAML or JSON",
            "example": {"dry_run": true, "spec": EXAMPLE},
        }));
    }
    if let Some(kind) = fields.get("RequestType").and_then(Value::as_str) {
        let stack = fields.get("StackId").and_then(Value::as_str).unwrap_or_default();
        let stack = stack.split('/').nth(1).unwrap_or("CloudFormation");
        let properties = fields.get("ResourceProperties").and_then(Value::as_object);
        let mut properties = properties.cloned().unwrap_or_default();
        // For CloudFormation itself: which function to call, and how long to wait for it.
        properties.remove("ServiceToken");
        properties.remove("ServiceTimeout");
        let by = format!("the stack {stack}");
        return of_tool(kind, properties, &by, is_ours(payload.as_object()));
    }
    let mut fields = fields.clone();
    let terraform = fields.remove("tf");
    match terraform.as_ref().and_then(|tf| tf.get("action")?.as_str()) {
        Some(action) => of_tool(action, fields, "Terraform", true),
        None => by_hand(fields),
    }
}

/// What Terraform or CloudFormation does with a resource. Deleting the resource changes nothing
/// here, unless the resource says otherwise.
fn of_tool(
    action: &str,
    mut fields: Map<String, Value>,
    by: &str,
    may_remove: bool,
) -> Result<Wish, Value> {
    let on_delete = take(&mut fields, "on_delete");
    let wish = from_fields(fields, Some(by));
    if !action.eq_ignore_ascii_case("delete") {
        return Ok(wish);
    }
    let is_wanted = on_delete.as_ref().and_then(Value::as_str) == Some("remove") && may_remove;
    let What::Store(document) = &wish.what else { return Err(kept()) };
    match document.application().filter(|_| is_wanted) {
        Some(application) => {
            let removal = Removal { application, environment: None, is_deletion: true };
            Ok(Wish { what: What::Remove(removal), ..wish })
        }
        None => Err(kept()),
    }
}

/// Whether Slipway created the resource: CloudFormation also requests the deletion of one that
/// could not be created, and that must not remove an application that was configured in another
/// way.
fn is_ours(order: Option<&Map<String, Value>>) -> bool {
    let text = |name: &str| order?.get(name)?.as_str();
    match (text("PhysicalResourceId"), text("LogicalResourceId")) {
        (Some(physical), Some(logical)) => physical == created(logical),
        _ => false,
    }
}

/// The physical id that CloudFormation gets for a resource.
pub(crate) fn created(logical_id: &str) -> String {
    format!("slipway-{logical_id}")
}

fn by_hand(mut fields: Map<String, Value>) -> Result<Wish, Value> {
    let removes = take(&mut fields, "remove").is_some_and(|value| is_yes(&value));
    if !removes {
        return Ok(from_fields(fields, None));
    }
    let mut text = |name: &str| {
        let value = take(&mut fields, name)?;
        value.as_str().map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty())
    };
    let (application, environment) = (text("application"), text("environment"));
    let Some(application) = application else {
        return Err(json!({
            "accepted": false,
            "because": "pass the \"application\" to remove",
            "example": {"application": "shop", "remove": true, "dry_run": true},
        }));
    };
    let removal = Removal { application, environment, is_deletion: false };
    let wish = wish(Document::Value(Value::Null), &mut fields, None);
    Ok(Wish { what: What::Remove(removal), ..wish })
}

impl Document {
    /// Its application, if that can be read.
    fn application(&self) -> Option<String> {
        match self {
            Self::Value(value) => value.get("application")?.as_str().map(ToOwned::to_owned),
            Self::Text(text) => Some(spec::parse(text).ok()?.application.to_string()),
        }
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
    let mut flag = |name: &str| take(options, name).is_some_and(|value| is_yes(&value));
    let (force, dry_run) = (flag("force"), flag("dry_run"));
    let mut text = |name: &str| {
        let value = take(options, name)?;
        let text = value.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let by = text("by").or_else(|| by.map(ToOwned::to_owned));
    Wish { what: What::Store(document), force, dry_run, by, why: text("why") }
}

fn is_yes(value: &Value) -> bool {
    let text = value.as_str().map(str::to_lowercase).unwrap_or_else(|| value.to_string());
    matches!(text.trim(), "true" | "yes" | "on" | "1")
}

/// Removes and returns a field, however it is spelled.
fn take(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = fields.keys().find(|key| plain(key) == name)?.clone();
    fields.remove(&key)
}

/// A resource that moves between stacks is deleted as well, so a spec is removed only if the
/// resource asks for it.
fn kept() -> Value {
    json!({
        "accepted": true,
        "changed": false,
        "answer": "nothing was removed: the spec stays as it is, and all services keep running",
    })
}
