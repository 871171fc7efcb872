//! The variables of a container in a template. Their values are never repeated in a message.

use super::super::node::Node;
use super::super::secrets;
use serde_json::Value;

const MOST: usize = 500;
const VARIABLES: &str = "[{name: LOG_LEVEL, value: info}]";
const SECRETS: &str = "[{name: DATABASE_URL, valueFrom: the ARN of its secret}]";

pub(super) fn check(container: &Node) {
    for (key, example, check) in [
        ("environment", VARIABLES, check_variable as fn(&Node, &str)),
        ("secrets", SECRETS, check_secret),
    ] {
        let Some(list) = container.value().get(key).filter(|list| !list.is_null()) else {
            continue;
        };
        let node = container.below(key, list);
        if !list.is_array() {
            node.fault(format!("this is not a list; write {example}"));
            continue;
        }
        for variable in node.list(example, 0..=MOST) {
            match text(&variable, "name") {
                "" => variable.fault(format!("it has no name; write {}", unlisted(example))),
                name => check(&variable, name),
            }
        }
    }
}

/// Everybody who may read a task definition can read its variables.
fn check_variable(variable: &Node, name: &str) {
    let value = text(variable, "value");
    let is_secret = secrets::is_secret_name(name) && !value.is_empty();
    if is_secret || secrets::carries_login(value) {
        variable.fault(format!(
            "{name} is a secret that everyone could read here; move it to secrets: [{{name: \
             {name}, valueFrom: the ARN of its secret}}]"
        ));
    } else if variable.value().get("valueFrom").is_some() {
        variable.fault(format!("valueFrom belongs under secrets; move {name} there"));
    } else if variable.value().get("value").is_some_and(|v| v.is_array() || v.is_object()) {
        variable.fault(format!("the value of {name} is not text; write one value in quotes"));
    }
}

/// A secret is only referenced here; its value is stored elsewhere.
fn check_secret(secret: &Node, name: &str) {
    let from = text(secret, "valueFrom");
    if secret.value().get("value").is_some() || from.contains("://") {
        secret.fault(format!(
            "{name} contains the secret itself, which everyone could read here; keep it in Secrets \
             Manager and write valueFrom: its ARN"
        ));
    } else if from.trim().is_empty() {
        secret.fault(format!("nothing says where {name} is kept; write valueFrom: its ARN"));
    }
}

fn text<'a>(entry: &Node<'a>, key: &str) -> &'a str {
    entry.value().get(key).and_then(Value::as_str).unwrap_or_default()
}

fn unlisted(example: &str) -> &str {
    example.trim_start_matches('[').trim_end_matches(']')
}
