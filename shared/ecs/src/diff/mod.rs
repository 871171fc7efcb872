//! The changes from one task definition to the next, in lines that a person can read.

mod words;

use aws::definitions::compare::{counterpart, is_default, is_same};
use serde_json::{Map, Value};
use words::line;

/// One line for each difference: `api.environment[MODE]: slow -> fast`.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", before, after, &mut lines);
    lines
}

fn compare(path: &str, before: &Value, after: &Value, lines: &mut Vec<String>) {
    if is_same(after, before) {
        return;
    }
    match (before, after) {
        (Value::Object(one), Value::Object(other)) => {
            let gone = one.keys().filter(|name| !other.contains_key(*name));
            for name in other.keys().chain(gone) {
                let (before, after) = (&before[name], &after[name]);
                let is_filled_in = after.is_null() && is_default(name, before);
                let is_in_path = name == "name" && !path.is_empty();
                if !is_filled_in && !is_in_path {
                    compare(&member(path, name), before, after, lines);
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if is_named(one) && is_named(other) => {
            for (index, item) in other.iter().enumerate() {
                let before = counterpart(item, index, one).unwrap_or(&Value::Null);
                compare(&element(path, item), before, item, lines);
            }
            for item in one.iter().filter(|item| counterpart(item, usize::MAX, other).is_none()) {
                compare(&element(path, item), item, &Value::Null, lines);
            }
        }
        // Added and removed members are shown one by one, so that no secret is shown with them.
        (Value::Array(list), Value::Null) if is_named(list) => {
            compare(path, before, &Value::Array(vec![]), lines);
        }
        (Value::Null, Value::Array(list)) if is_named(list) => {
            compare(path, &Value::Array(vec![]), after, lines);
        }
        (Value::Object(_), Value::Null) => {
            compare(path, before, &Value::Object(Map::new()), lines);
        }
        (Value::Null, Value::Object(_)) => {
            compare(path, &Value::Object(Map::new()), after, lines);
        }
        _ => lines.push(line(path, before, after)),
    }
}

/// `containerDefinitions` is shown as the container's name alone.
fn member(path: &str, name: &str) -> String {
    match (path, name) {
        ("", "containerDefinitions") => String::new(),
        ("", name) => name.to_owned(),
        (path, "value" | "valueFrom") if path.ends_with(']') => path.to_owned(),
        (path, name) => format!("{path}.{name}"),
    }
}

fn element(path: &str, item: &Value) -> String {
    let name = item["name"].as_str().unwrap_or_default();
    if path.is_empty() { name.to_owned() } else { format!("{path}[{name}]") }
}

fn is_named(list: &[Value]) -> bool {
    list.iter().all(|item| item["name"].is_string())
}

#[cfg(test)]
mod tests {
    use super::changes;
    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    fn before() -> Value {
        json!({
            "family": "scr-api", "cpu": "512", "memory": "1024", "executionRoleArn": "arn:run",
            "containerDefinitions": [
                {"name": "api", "image": "1.dkr.ecr.eu-central-1.amazonaws.com/scr/api@sha256:0a1b2c3d4e5f60718293",
                 "essential": true, "cpu": 0, "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
                 "environment": [{"name": "MODE", "value": "slow"}, {"name": "OLD", "value": "x"}, {"name": "DB_PASSWORD", "value": "hunter2"}],
                 "secrets": [{"name": "TOKEN", "valueFrom": "arn:one"}]},
                {"name": "log", "image": "fluent-bit:3", "essential": false},
            ],
        })
    }

    fn check(change: impl Fn(&mut Value), expected: &Expect) {
        let mut after = before();
        change(&mut after);
        expected.assert_eq(&changes(&before(), &after).join("\n"));
    }

    #[test]
    fn what_ecs_fills_in_is_no_change() {
        check(
            |after| {
                let api = after["containerDefinitions"][0].as_object_mut().unwrap();
                api.remove("cpu");
                api.remove("essential");
                after["volumes"] = json!([]);
            },
            &expect![""],
        );
    }

    #[test]
    fn a_new_image_is_shown_by_its_digest() {
        let image = "1.dkr.ecr.eu-central-1.amazonaws.com/scr/api@sha256:ffff2c3d4e5f60718293";
        check(
            |after| after["containerDefinitions"][0]["image"] = image.into(),
            &expect!["api.image: scr/api@0a1b2c3d4e5f -> scr/api@ffff2c3d4e5f"],
        );
    }

    #[test]
    fn every_other_change_is_shown_by_its_path() {
        check(
            |after| {
                after["cpu"] = "1024".into();
                after["taskRoleArn"] = "arn:task".into();
                after.as_object_mut().unwrap().remove("executionRoleArn");
                let api = &mut after["containerDefinitions"][0];
                api["command"] = json!(["serve", "--quiet"]);
                api["portMappings"][0]["containerPort"] = 8080.into();
                api["environment"] = json!([{"name": "MODE", "value": "fast"}, {"name": "EMPTY", "value": ""}, {"name": "DB_PASSWORD", "value": "hunter3"}]);
                api["secrets"][0]["valueFrom"] = "arn:two".into();
                after["containerDefinitions"][1] = json!({"name": "trace", "image": "x".repeat(200),
                    "environment": [{"name": "API_KEY", "value": "hunter4"}, {"name": "MODE", "value": "fast"}]});
            },
            &expect![[r#"
                api.command: nothing -> ["serve","--quiet"]
                api.environment[MODE]: slow -> fast
                api.environment[EMPTY]: nothing -> ""
                api.environment[DB_PASSWORD]: changes; its value is not shown
                api.environment[OLD]: x -> nothing
                api.portMappings: [{"containerPort":80,"hostPort":80,"protocol":"tcp"}] -> [{"containerPort":8080,"hostPort":80,"protocol":"tcp"}]
                api.secrets[TOKEN]: arn:one -> arn:two
                trace.environment[API_KEY]: appears; its value is not shown
                trace.environment[MODE]: nothing -> fast
                trace.image: nothing -> xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
                log.essential: false -> nothing
                log.image: fluent-bit:3 -> nothing
                cpu: 512 -> 1024
                taskRoleArn: nothing -> arn:task
                executionRoleArn: arn:run -> nothing"#]],
        );
    }

    #[test]
    fn what_is_added_as_a_whole_shows_no_secret_either() {
        check(
            |after| {
                let logging = json!({"logDriver": "splunk", "options": {"splunk-token": "hunter5", "splunk-url": "https://logs"}});
                after["containerDefinitions"][0]["logConfiguration"] = logging.clone();
                after["containerDefinitions"][1] = json!({"name": "trace", "logConfiguration": logging, "dockerLabels": {"api-key": "hunter6"}});
            },
            &expect![[r#"
                api.logConfiguration.logDriver: nothing -> splunk
                api.logConfiguration.options.splunk-token: appears; its value is not shown
                api.logConfiguration.options.splunk-url: nothing -> https://logs
                trace.dockerLabels.api-key: appears; its value is not shown
                trace.logConfiguration.logDriver: nothing -> splunk
                trace.logConfiguration.options.splunk-token: appears; its value is not shown
                trace.logConfiguration.options.splunk-url: nothing -> https://logs
                log.essential: false -> nothing
                log.image: fluent-bit:3 -> nothing"#]],
        );
    }
}
