//! Reads the references of task definitions.

use crate::preflight::roles::roles_of;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What AWS resolves only when a task starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// By the ARN of Secrets Manager.
    Secret,
    /// By the name in Parameter Store.
    Parameter,
    LogGroup,
    /// By its ARN.
    Role,
}

/// Names, each with the services that need it.
pub(super) type Names = BTreeMap<String, BTreeSet<String>>;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct References(BTreeMap<Kind, Names>);

/// The region and account: references elsewhere cannot be checked from here.
pub(super) struct Here {
    pub(super) region: String,
    pub(super) account: String,
}

impl References {
    pub(super) fn of(service: &str, definition: &Value, here: &Here) -> Self {
        let mut found = Self::default();
        for container in definition["containerDefinitions"].as_array().into_iter().flatten() {
            let logging = &container["logConfiguration"];
            let kept = [&container["secrets"], &logging["secretOptions"]];
            let kept = kept.into_iter().filter_map(Value::as_array).flatten();
            for from in kept.filter_map(|secret| secret["valueFrom"].as_str()) {
                found.note_secret(service, from, here);
            }
            let option = |name: &str| logging["options"][name].as_str();
            let is_here = option("awslogs-region").is_none_or(|at| at == here.region);
            let is_made = option("awslogs-create-group") == Some("true");
            if let Some(group) = option("awslogs-group").filter(|_| is_here && !is_made) {
                found.note(Kind::LogGroup, group, service);
            }
        }
        let is_here = |role: &&str| role.split(':').nth(4) == Some(here.account.as_str());
        for role in roles_of(definition).into_iter().filter(is_here) {
            found.note(Kind::Role, role, service);
        }
        found
    }

    fn note_secret(&mut self, service: &str, from: &str, here: &Here) {
        // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, with optional parts of the value.
        let parts: Vec<&str> = from.split(':').collect();
        let is_here = |region, account| here.region == region && here.account == account;
        let parameter = match parts[..] {
            ["arn", _, "secretsmanager", region, account, "secret", _, ..]
                if is_here(region, account) =>
            {
                return self.note(Kind::Secret, &parts[..7].join(":"), service);
            }
            ["arn", _, "ssm", region, account, name] if is_here(region, account) => {
                name.strip_prefix("parameter").unwrap_or(name)
            }
            [name] => name,
            _ => return,
        };
        // AWS's own parameters are not listed.
        if !parameter.starts_with("/aws/") {
            self.note(Kind::Parameter, &spelt(parameter), service);
        }
    }

    fn note(&mut self, kind: Kind, name: &str, service: &str) {
        let names = self.0.entry(kind).or_default();
        names.entry(name.to_owned()).or_default().insert(service.to_owned());
    }

    pub(super) fn retain(&mut self, kind: Kind, keep: impl Fn(&str) -> bool) {
        self.0.entry(kind).or_default().retain(|name, _| keep(name));
    }

    pub(super) fn has(&self, kind: Kind, name: &str) -> bool {
        self.0.get(&kind).is_some_and(|names| names.contains_key(name))
    }

    pub(super) fn add(&mut self, other: Self) {
        for (kind, names) in other.0 {
            let known = self.0.entry(kind).or_default();
            for (name, services) in names {
                known.entry(name).or_default().extend(services);
            }
        }
    }

    pub(super) fn names(&self, kind: Kind) -> impl Iterator<Item = &String> {
        self.0.get(&kind).into_iter().flat_map(BTreeMap::keys)
    }

    pub(super) fn services(&self, kind: Kind, name: &str) -> String {
        let services = self.0.get(&kind).and_then(|names| names.get(name)).into_iter().flatten();
        services.map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// `x` and `/x` have the same ARN; a name with further slashes begins with one.
pub(super) fn spelt(name: &str) -> String {
    let name = name.trim_start_matches('/');
    if name.contains('/') { format!("/{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Here, Kind, References};
    use expect_test::expect;
    use serde_json::{Value, json};

    fn here() -> Here {
        Here { region: "eu-central-1".into(), account: "1".into() }
    }

    fn definition() -> Value {
        let secret = |from: &str| json!({"name": "X", "valueFrom": from});
        json!({
            "executionRoleArn": "arn:aws:iam::1:role/pulls",
            "taskRoleArn": "arn:aws:iam::2:role/theirs",
            "containerDefinitions": [
                {
                    "name": "api",
                    "secrets": [
                        secret("arn:aws:secretsmanager:eu-central-1:1:secret:db-AbCdEf"),
                        secret("arn:aws:secretsmanager:eu-central-1:1:secret:db-AbCdEf:password::"),
                        secret("arn:aws:secretsmanager:us-east-1:1:secret:far-AbCdEf"),
                        secret("arn:aws:secretsmanager:eu-central-1:2:secret:theirs-AbCdEf"),
                        secret("arn:aws:ssm:eu-central-1:2:parameter/theirs"),
                        secret("/aws/reference/secretsmanager/db"),
                        secret("arn:aws:ssm:eu-central-1:1:parameter/plain"),
                        secret("arn:aws:ssm:eu-central-1:1:parameter/scr/api/token"),
                        secret("short"),
                    ],
                    "logConfiguration": {"logDriver": "awslogs", "options": {
                        "awslogs-group": "/ecs/api", "awslogs-region": "eu-central-1",
                    }},
                },
                {
                    "name": "log",
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {"awslogs-group": "/ecs/made", "awslogs-create-group": "true"},
                        "secretOptions": [secret("splunk-token")],
                    },
                },
            ],
        })
    }

    #[test]
    fn what_a_task_definition_refers_to_in_our_account_and_region() {
        let found = References::of("scr-api", &definition(), &here());
        let kinds = [Kind::Secret, Kind::Parameter, Kind::LogGroup, Kind::Role];
        let line = |kind| found.names(kind).cloned().collect::<Vec<_>>().join(" ");
        expect![[r#"
            arn:aws:secretsmanager:eu-central-1:1:secret:db-AbCdEf
            /scr/api/token plain short splunk-token
            /ecs/api
            arn:aws:iam::1:role/pulls"#]]
        .assert_eq(&kinds.map(line).join("\n"));
    }
}
