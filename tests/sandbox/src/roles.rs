//! IAM's own API: the roles that tasks take, and whom they trust.

use crate::place::{ACCOUNT, sha256, text};
use crate::service::{Call, Desk, Need, Refusal, Service};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Roles {
    /// By ARN: the service that may take the role.
    roles: BTreeMap<String, String>,
}

impl Service for Roles {
    fn needs(&self, call: &Call) -> Vec<Need> {
        let name = text(&call.input, "RoleName").unwrap_or("*");
        let unknown = || format!("arn:aws:iam::{ACCOUNT}:role/{name}");
        let resource = self.find(name).map_or_else(unknown, |(arn, _)| arn.to_owned());
        vec![Need::new(&format!("iam:{}", call.operation), resource)]
    }

    fn answer(&mut self, call: &Call, _desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        if call.operation != "GetRole" {
            let message = format!("The sandbox's IAM knows nothing of {}.", call.operation);
            return Err(Refusal::new("InvalidAction", message));
        }
        let name = text(&call.input, "RoleName").unwrap_or_default();
        let Some((arn, trusted)) = self.find(name) else {
            let message = format!("The role with name {name} cannot be found.");
            return Err(Refusal { status: 404, ..Refusal::new("NoSuchEntity", message) });
        };
        let path = arn.split_once("role").and_then(|(_, path)| path.strip_suffix(name));
        let id = sha256(arn.as_bytes()).to_uppercase();
        Ok(json!({ "Role": {
            "Path": path.unwrap_or("/"),
            "RoleName": name,
            "RoleId": format!("AROA{}", id.get(..17).unwrap_or_default()),
            "Arn": arn,
            "CreateDate": "2026-01-05T08:00:00Z",
            "AssumeRolePolicyDocument": encoded(&trust(trusted).to_string()),
        } }))
    }

    fn rang(&mut self, _what: Value, _desk: &mut Desk<'_>) {}
}

impl Roles {
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a role that a service may take, such as `ecs-tasks.amazonaws.com`.
    pub fn create(&mut self, arn: &str, trusted: &str) {
        self.roles.insert(arn.to_owned(), trusted.to_owned());
    }

    pub fn delete(&mut self, arn: &str) {
        self.roles.remove(arn);
    }

    /// A name is taken once in an account, whatever the path.
    fn find(&self, name: &str) -> Option<(&str, &str)> {
        let mut all = self.roles.iter();
        let found = all.find(|(arn, _)| arn.rsplit('/').next() == Some(name));
        found.map(|(arn, trusted)| (arn.as_str(), trusted.as_str()))
    }
}

fn trust(service: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"},
    ]})
}

/// Percent signs and two digits for whatever is neither a letter, a digit, nor one of four signs.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
