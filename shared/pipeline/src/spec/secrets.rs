//! What is a secret: one list, for what a spec must not contain as plain text and for what no
//! answer shows. A detected secret is never repeated in a message.

use serde_json::Value;

/// Where a word has to be in a name so that the name certainly means a secret.
enum Certain {
    Anywhere,
    AsWord,
    /// After another word: `PWD` alone is a directory, and `KEY` alone can be anything.
    AsLastWord,
    Never,
}

/// A name that contains one of these may mean a secret, and its value is not shown: hiding too much
/// is safer. A value that is certainly a secret is rejected as plain text.
const SIGNS: [(&str, Certain); 11] = [
    ("AUTH", Certain::Never),
    ("CRED", Certain::Never),
    ("DSN", Certain::Never),
    ("KEY", Certain::AsLastWord),
    ("PASS", Certain::AsLastWord),
    ("PASSW", Certain::Anywhere),
    ("PRIVATE", Certain::Never),
    ("PWD", Certain::AsLastWord),
    ("SECRET", Certain::Anywhere),
    ("TOKEN", Certain::AsWord),
    ("WEBHOOK", Certain::Never),
];

/// JWT_SECRET_ARN and TOKEN_TTL describe a secret; they do not contain it.
const ABOUT: [&str; 10] =
    ["ARN", "BUCKET", "FILE", "ID", "NAME", "PATH", "PREFIX", "TTL", "URI", "URL"];

/// Returns whether a variable of this name holds a secret, by common naming.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> = name.split(['_', '-', '.']).collect();
    let last = words.last().copied().unwrap_or_default();
    let is_public = words.contains(&"PUBLIC") || words.contains(&"PUBLISHABLE");
    let is_certain = |(sign, certain): &(&str, Certain)| match certain {
        Certain::Anywhere => name.contains(sign),
        Certain::AsWord => words.contains(sign),
        Certain::AsLastWord => words.len() > 1 && last == *sign && !is_public,
        Certain::Never => false,
    };
    !ABOUT.contains(&last) && SIGNS.iter().any(is_certain)
}

/// Returns whether the value at a path may be a secret, or contain one: then it is not shown.
pub fn may_be_secret(path: &str, value: &Value) -> bool {
    // For a secret that is stored elsewhere only the reference is shown, which is public.
    if path.contains(".secrets[") || path.contains(".secretOptions[") {
        return false;
    }
    let name = path.rsplit(['[', '.']).next().unwrap_or(path);
    has_sign(name) || holds_secret(value)
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => carries_login(text) || assigns_secret(text),
        Value::Array(items) => items.iter().any(holds_secret),
        Value::Object(entries) => match named(value) {
            Some((name, Some(value))) => has_sign(name) || holds_secret(value),
            _ => entries.iter().any(|(key, value)| match (key.as_str(), value) {
                ("secrets" | "secretOptions", Value::Array(_)) => holds_secret(value),
                (key, value) => has_sign(key) || holds_secret(value),
            }),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The name of a variable or a tag, and its value.
fn named(value: &Value) -> Option<(&str, Option<&Value>)> {
    let name = value.get("name").or_else(|| value.get("key"))?.as_str()?;
    Some((name, value.get("value")))
}

fn has_sign(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SIGNS.iter().any(|(sign, _)| name.contains(sign))
}

/// Returns whether the text assigns a value to such a name: `?token=…`, `--password=…`,
/// `Password=…;`.
fn assigns_secret(text: &str) -> bool {
    let mut parts = text.split(['?', '&', ';', ' ', '"', '\'']);
    parts.any(|part| {
        let assigned = part.split_once('=').filter(|(_, value)| !value.is_empty());
        assigned.is_some_and(|(name, _)| has_sign(name))
    })
}

/// Returns whether it contains a URL with a password: `://user:pass@`.
pub fn carries_login(text: &str) -> bool {
    text.match_indices("://").any(|(position, separator)| {
        let rest = &text[position + separator.len()..];
        let authority = rest.split(['/', '?', '#', ' ', '"', '\'']).next().unwrap_or(rest);
        let login = authority.rsplit_once('@').map(|(login, _)| login);
        login
            .and_then(|login| login.split_once(':'))
            .is_some_and(|(_, password)| !password.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::{is_secret_name, may_be_secret};
    use serde_json::json;

    #[test]
    fn what_is_refused_is_hidden_too_and_much_else_is() {
        for (name, refused, hidden) in [
            ("DATABASE_PASSWORD", true, true),
            ("db-passwd", true, true),
            ("DB_PASS", true, true),
            ("DB_PWD", true, true),
            ("JWT_SECRET", true, true),
            ("SLACK_TOKEN", true, true),
            ("STRIPE_API_KEY", true, true),
            ("STRIPE_PUBLIC_KEY", false, true),
            ("JWT_SECRET_ARN", false, true),
            ("TOKEN_TTL", false, true),
            ("SENTRY_DSN", false, true),
            ("AUTH_MODE", false, true),
            ("SLACK_WEBHOOK_URL", false, true),
            ("PWD", false, true),
            ("LOG_LEVEL", false, false),
            ("DATABASE_URL", false, false),
        ] {
            assert_eq!(is_secret_name(name), refused, "{name} is refused");
            assert_eq!(may_be_secret(name, &json!("x")), hidden, "{name} is hidden");
        }
    }

    #[test]
    fn where_a_secret_is_kept_may_be_read() {
        let hidden = |path: &str| may_be_secret(path, &json!("arn:aws:ssm:::parameter/x"));
        assert!(!hidden("containerDefinitions[api].secrets[DB_PASSWORD]"));
        assert!(!hidden("containerDefinitions[api].logConfiguration.secretOptions[splunk-token]"));
        assert!(hidden("containerDefinitions[api].environment[DB_PASSWORD]"));
        assert!(hidden("containerDefinitions[api].logConfiguration.options.splunk-token"));
        assert!(!hidden("containerDefinitions[token].image"));
    }

    #[test]
    fn a_secret_is_found_however_deep_it_lies() {
        for value in [
            json!("postgres://scr:hunter2@db/scr"),
            json!("https://scr.example/health?token=hunter2"),
            json!(["migrate", "--db-password=hunter2"]),
            json!([{"name": "MODE", "value": "fast"}, {"name": "DB_PASS", "value": "hunter2"}]),
            json!({"environment": [{"name": "URL", "value": "redis://:hunter2@cache"}]}),
            json!({"options": {"splunk-token": "hunter2"}}),
            json!({"name": "db", "password": "hunter2"}),
            json!({"key": "Mode", "password": "hunter2"}),
            json!({"name": "A", "valueFrom": "postgres://scr:hunter2@db/scr"}),
            json!({"secrets": "hunter2"}),
            json!({"secretOptions": [{"name": "A", "valueFrom": "redis://:hunter2@cache"}]}),
        ] {
            assert!(may_be_secret("some", &value), "{value}");
        }
        for value in [
            json!("postgres://db/scr?sslmode=require"),
            json!([{"name": "MODE", "value": "fast"}]),
            json!({"secrets": [{"name": "DB_PASS", "valueFrom": "arn:aws:ssm:::parameter/x"}]}),
            json!({"name": "DB_PASS", "valueFrom": "arn:aws:ssm:::parameter/x"}),
            json!({"secretOptions": [{"name": "splunk-token", "valueFrom": "arn:aws:ssm:::x"}]}),
            json!({"name": "MODE"}),
            json!({"key": "Mode", "value": "fast"}),
            json!("https://scr.example/health?token="),
            json!("--password="),
            json!(["run", "x=1"]),
            json!([null, true, 5]),
        ] {
            assert!(!may_be_secret("some", &value), "{value}");
        }
    }
}
