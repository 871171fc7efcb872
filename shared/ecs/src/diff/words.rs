//! One difference in words: long values are shortened where they are equal, and possible secrets
//! are hidden.

use aws::definitions::compare::is_blank;
use pipeline::spec::may_be_secret;
use serde_json::Value;

/// The longest value that is shown.
const MOST: usize = 80;
/// How much of the common beginning of two long values is shown before they differ.
const LEAD: usize = 12;

pub(super) fn line(path: &str, before: &Value, after: &Value) -> String {
    let (before, after) = (value_of(before), value_of(after));
    if may_be_secret(path, before) || may_be_secret(path, after) {
        let what = match (is_blank(before), is_blank(after)) {
            (true, _) => "appears",
            (_, true) => "disappears",
            _ => "changes",
        };
        return format!("{path}: {what}; its value is not shown");
    }
    let (before, after) = contrasted(&said(before), &said(after));
    format!("{path}: {before} -> {after}")
}

/// The value of a variable or a secret: its name is in the path.
fn value_of(item: &Value) -> &Value {
    item.get("valueFrom").or_else(|| item.get("value")).unwrap_or(item)
}

fn said(value: &Value) -> String {
    match value {
        value if is_blank(value) => "nothing".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Both values shortened, but never so much that they look equal.
fn contrasted(before: &str, after: &str) -> (String, String) {
    if let (Some(before), Some(after)) = (image(before), image(after))
        && before != after
    {
        return (before, after);
    }
    let together = before.chars().zip(after.chars()).take_while(|(one, other)| one == other);
    let start = match before.chars().count().max(after.chars().count()) > MOST {
        true => together.count().saturating_sub(LEAD),
        false => 0,
    };
    (shortened(before, start), shortened(after, start))
}

fn shortened(text: &str, start: usize) -> String {
    let shown: String = text.chars().skip(start).take(MOST).collect();
    let before = if start > 0 { "..." } else { "" };
    let after = if text.chars().count() > start + MOST { "..." } else { "" };
    format!("{before}{shown}{after}")
}

/// An ECR image without its registry and with as much of its digest as people compare.
fn image(text: &str) -> Option<String> {
    let (registry, image) = text.split_once('/')?;
    if !registry.contains(".dkr.ecr.") {
        return None;
    }
    Some(match image.split_once("@sha256:") {
        Some((repository, digest)) => format!("{repository}@{digest:.12}"),
        None => image.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::line;
    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    fn check(path: &str, before: &Value, after: &Value, expected: &Expect) {
        expected.assert_eq(&line(path, before, after));
    }

    #[test]
    fn long_values_are_shown_where_they_part() {
        let arn = |end: &str| {
            json!(format!(
                "arn:aws:secretsmanager:eu-central-1:123456789012:secret:scr/production/database-{end}"
            ))
        };
        check(
            "api.secrets[URL]",
            &arn("AbCdEf"),
            &arn("GhIjKl"),
            &expect!["api.secrets[URL]: ...on/database-AbCdEf -> ...on/database-GhIjKl"],
        );
        check(
            "api.command",
            &json!(["x".repeat(100), "one"]),
            &json!(["x".repeat(100), "two"]),
            &expect![[r#"api.command: ...xxxxxxxxx","one"] -> ...xxxxxxxxx","two"]"#]],
        );
        check(
            "api.command",
            &Value::Null,
            &json!(["x".repeat(100)]),
            &expect![[
                r#"api.command: nothing -> ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."#
            ]],
        );
    }

    #[test]
    fn a_registry_is_shown_if_nothing_else_differs() {
        let image = |account: &str| {
            json!(format!(
                "{account}.dkr.ecr.eu-central-1.amazonaws.com/scr@sha256:0a1b2c3d4e5f607182"
            ))
        };
        check(
            "api.image",
            &image("1"),
            &image("2"),
            &expect![
                "api.image: 1.dkr.ecr.eu-central-1.amazonaws.com/scr@sha256:0a1b2c3d4e5f607182 -> 2.dkr.ecr.eu-central-1.amazonaws.com/scr@sha256:0a1b2c3d4e5f607182"
            ],
        );
        check(
            "api.environment[NOTE]",
            &json!("x"),
            &json!("see 1.dkr.ecr.eu/a"),
            &expect!["api.environment[NOTE]: x -> see 1.dkr.ecr.eu/a"],
        );
    }

    #[test]
    fn a_possible_secret_is_not_shown() {
        let url = json!("postgres://scr:hunter2@db/scr");
        check(
            "api.environment[DATABASE_URL]",
            &json!("postgres://db/scr"),
            &url,
            &expect!["api.environment[DATABASE_URL]: changes; its value is not shown"],
        );
        check(
            "api.environment[DB_PASS]",
            &json!("hunter2"),
            &Value::Null,
            &expect!["api.environment[DB_PASS]: disappears; its value is not shown"],
        );
        check(
            "api.logConfiguration.options.splunk-token",
            &Value::Null,
            &json!("hunter2"),
            &expect!["api.logConfiguration.options.splunk-token: appears; its value is not shown"],
        );
        check(
            "api.command",
            &json!(["run"]),
            &json!(["run", url]),
            &expect!["api.command: changes; its value is not shown"],
        );
        check(
            "api.secrets[DB_PASSWORD]",
            &json!("arn:one"),
            &json!("arn:two"),
            &expect!["api.secrets[DB_PASSWORD]: arn:one -> arn:two"],
        );
    }
}
