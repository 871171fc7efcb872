//! Whether ECS kept all of a task definition, and whether two of them are the same.
//!
//! ECS fills in defaults, normalizes some values (`1 vCPU` becomes `1024`) and may reorder lists.
//! What it must not do is drop a member: that would be a container without its health check,
//! unnoticed.

use serde_json::Value;

/// The paths in `sent` that are missing in `kept`.
pub fn lost(sent: &Value, kept: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    find_lost(sent, kept, "", &mut paths);
    paths
}

/// Whether `theirs` is what ECS makes of `ours`: all of it, and nothing more.
pub fn is_same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.iter().all(|(name, value)| match theirs.get(name) {
                Some(kept) => is_same(value, kept),
                None => is_blank(value),
            }) && theirs.iter().all(|(name, value)| {
                ours.contains_key(name) || is_blank(value) || is_default(name, value)
            })
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let kept = |(index, item): (usize, &Value)| {
                counterpart(item, index, theirs).is_some_and(|kept| is_same(item, kept))
            };
            ours.iter().enumerate().all(kept)
        }
        _ => ours == theirs || (is_blank(ours) && is_blank(theirs)),
    }
}

fn find_lost(sent: &Value, kept: &Value, path: &str, paths: &mut Vec<String>) {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            for (name, value) in sent {
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{name}");
                match kept.get(name) {
                    Some(kept) => find_lost(value, kept, &path, paths),
                    // Tags are returned beside the task definition, and not to every caller.
                    None if is_blank(value) || path == "tags" => {}
                    None => paths.push(path),
                }
            }
        }
        (Value::Array(sent), Value::Array(kept)) => {
            for (index, item) in sent.iter().enumerate() {
                let path = match item["name"].as_str() {
                    Some(name) => format!("{path}[{name}]"),
                    None => format!("{path}[{index}]"),
                };
                match counterpart(item, index, kept) {
                    Some(kept) => find_lost(item, kept, &path, paths),
                    None => paths.push(path),
                }
            }
        }
        (sent, Value::Null) if !is_blank(sent) => paths.push(path.to_owned()),
        _ => {}
    }
}

/// The item of a list that corresponds to `item`: same name, equal, or same position.
pub fn counterpart<'a>(item: &Value, index: usize, list: &'a [Value]) -> Option<&'a Value> {
    match item["name"].as_str() {
        Some(name) => list.iter().find(|other| other["name"].as_str() == Some(name)),
        None => list.iter().find(|other| *other == item).or_else(|| list.get(index)),
    }
}

/// A value that is equivalent to a missing one. An empty text is not: as the value of a variable it
/// means "empty".
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// What ECS fills in as a default.
pub fn is_default(name: &str, value: &Value) -> bool {
    match name {
        "cpu" | "startPeriod" => value == 0,
        "enableFaultInjection" | "readOnly" => value == false,
        "essential" => value == true,
        "hostPort" => true,
        "interval" => value == 30,
        "networkMode" => value == "bridge",
        "protocol" => value == "tcp",
        "retries" => value == 3,
        "timeout" => value == 5,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_same, lost};
    use serde_json::{Value, json};

    fn sent() -> Value {
        json!({
            "family": "scr-api", "cpu": "1 vCPU", "volumes": [], "pidMode": null,
            "tags": [{"key": "team", "value": "scr"}],
            "containerDefinitions": [
                {"name": "api", "command": ["serve", "--quiet"], "restartPolicy": {"enabled": true},
                 "environment": [{"name": "EMPTY", "value": ""}, {"name": "MODE", "value": "x"}]},
                {"name": "log", "essential": false},
            ],
        })
    }

    /// `sent` as ECS returns it: with defaults, in another order.
    fn kept() -> Value {
        json!({
            "family": "scr-api", "cpu": "1024", "placementConstraints": [],
            "containerDefinitions": [
                {"name": "log", "essential": false, "cpu": 0},
                {"name": "api", "essential": true, "command": ["serve", "--quiet"],
                 "restartPolicy": {"enabled": true}, "mountPoints": [],
                 "environment": [{"name": "MODE", "value": "x"}, {"name": "EMPTY", "value": ""}]},
            ],
        })
    }

    #[test]
    fn defaults_order_and_spelling_are_no_loss() {
        assert_eq!(lost(&sent(), &kept()), Vec::<String>::new());
    }

    #[test]
    fn every_dropped_member_is_named() {
        let mut kept = kept();
        kept["containerDefinitions"][1]["restartPolicy"] = json!({});
        kept["containerDefinitions"][1]["command"] = json!(["serve"]);
        kept["containerDefinitions"][1]["environment"] =
            json!([{"name": "MODE", "value": "x"}, {"name": "EMPTY"}]);
        kept.as_object_mut().unwrap().remove("cpu");
        assert_eq!(
            lost(&sent(), &kept),
            [
                "containerDefinitions[api].command[1]",
                "containerDefinitions[api].environment[EMPTY].value",
                "containerDefinitions[api].restartPolicy.enabled",
                "cpu",
            ]
        );
    }

    #[test]
    fn a_revision_is_ours_only_if_it_says_neither_less_nor_more() {
        let mut ours = sent();
        ours["cpu"] = json!("1024");
        ours.as_object_mut().unwrap().remove("tags");
        assert!(is_same(&ours, &kept()));
        let other = |pointer: &str, value: Value| {
            let mut theirs = kept();
            *theirs.pointer_mut(pointer).unwrap() = value;
            is_same(&ours, &theirs)
        };
        assert!(!other("/cpu", json!("512")));
        assert!(!other("/containerDefinitions/1/command", json!(["serve", "--quiet", "--slow"])));
        assert!(!other(
            "/containerDefinitions/0",
            json!({"name": "log", "essential": false, "user": "root"})
        ));
        assert!(!other("/placementConstraints", json!([{"type": "distinctInstance"}])));
    }
}
