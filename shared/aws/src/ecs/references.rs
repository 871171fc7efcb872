//! What a task definition refers to and ECS looks up only when a task starts: secrets, parameters,
//! and log groups. Nothing is read but whether it is there.

use super::plan::{Planned, SIDE_BY_SIDE};
use crate::clients::Aws;
use crate::failure::{Failure, failure};
use aws_sdk_ssm::types::ParameterStringFilter;
use futures_util::future::try_join3;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// DescribeParameters takes so many names in a filter.
const NAMES_AT_ONCE: usize = 50;

/// Each with the services that need it.
#[derive(Debug, Default, PartialEq, Eq)]
struct References {
    /// ARNs of Secrets Manager.
    secrets: BTreeMap<String, BTreeSet<String>>,
    /// Names of Parameter Store.
    parameters: BTreeMap<String, BTreeSet<String>>,
    log_groups: BTreeMap<String, BTreeSet<String>>,
}

/// Where we are: about what lies elsewhere nobody here can be asked.
pub(super) struct Here {
    pub(super) region: String,
    pub(super) account: String,
}

/// Says what is missing, and what every task would therefore fail for.
pub(super) async fn missing(
    aws: &Aws,
    here: &Here,
    services: &[Planned],
) -> Result<Vec<String>, Failure> {
    let mut found = References::default();
    for planned in services {
        found.add(planned.name.as_str(), planned.after.json(), here);
    }
    let secrets = found.secrets.keys().map(|arn| look_for_secret(aws, arn));
    let secrets = stream::iter(secrets).buffered(SIDE_BY_SIDE).try_collect::<Vec<_>>();
    let log_groups = found.log_groups.keys().map(|name| look_for_log_group(aws, name));
    let log_groups = stream::iter(log_groups).buffered(SIDE_BY_SIDE).try_collect::<Vec<_>>();
    let parameters = missing_parameters(aws, found.parameters.keys().collect());
    let (secrets, parameters, log_groups) = try_join3(secrets, parameters, log_groups).await?;
    let mut missing = Vec::new();
    let mut add = |what: &str, names: Vec<String>, of: &BTreeMap<String, BTreeSet<String>>| {
        missing.extend(names.into_iter().map(|name| {
            let services: Vec<&str> = of[&name].iter().map(String::as_str).collect();
            format!("{}: there is no {what} {name}; no task could start", services.join(", "))
        }));
    };
    add("secret", secrets.into_iter().flatten().collect(), &found.secrets);
    add("parameter", parameters, &found.parameters);
    add("log group", log_groups.into_iter().flatten().collect(), &found.log_groups);
    Ok(missing)
}

impl References {
    fn add(&mut self, service: &str, definition: &Value, here: &Here) {
        for container in definition["containerDefinitions"].as_array().into_iter().flatten() {
            let logging = &container["logConfiguration"];
            let kept = [&container["secrets"], &logging["secretOptions"]];
            let kept = kept.into_iter().filter_map(Value::as_array).flatten();
            for from in kept.filter_map(|secret| secret["valueFrom"].as_str()) {
                // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, and then perhaps what of it.
                let parts: Vec<&str> = from.split(':').collect();
                match parts[..] {
                    ["arn", _, "secretsmanager", region, account, "secret", _, ..]
                        if here.is(region, account) =>
                    {
                        note(&mut self.secrets, parts[..7].join(":"), service);
                    }
                    ["arn", _, "ssm", region, account, name] if here.is(region, account) => {
                        let name = name.strip_prefix("parameter").unwrap_or(name);
                        note(&mut self.parameters, spelt(name), service);
                    }
                    [name] => note(&mut self.parameters, spelt(name), service),
                    _ => {}
                }
            }
            let option = |name: &str| logging["options"][name].as_str();
            let is_here = option("awslogs-region").is_none_or(|at| at == here.region);
            let is_made = option("awslogs-create-group") == Some("true");
            if let Some(group) = option("awslogs-group").filter(|_| is_here && !is_made) {
                note(&mut self.log_groups, group.to_owned(), service);
            }
        }
        // What AWS itself keeps is not listed.
        self.parameters.retain(|name, _| !name.starts_with("/aws/"));
    }
}

fn note(of: &mut BTreeMap<String, BTreeSet<String>>, name: String, service: &str) {
    of.entry(name).or_default().insert(service.to_owned());
}

/// `x` and `/x` have the same ARN; a name with further slashes begins with one.
fn spelt(name: &str) -> String {
    let name = name.trim_start_matches('/');
    if name.contains('/') { format!("/{name}") } else { name.to_owned() }
}

impl Here {
    fn is(&self, region: &str, account: &str) -> bool {
        self.region == region && self.account == account
    }
}

async fn look_for_secret(aws: &Aws, arn: &str) -> Result<Option<String>, Failure> {
    match aws.secrets().describe_secret().secret_id(arn).send().await.map_err(failure) {
        // For some days it can still be described, and not be read any more.
        Ok(secret) if secret.deleted_date().is_some() => Ok(Some(arn.to_owned())),
        Ok(_) => Ok(None),
        Err(error) if error.is("ResourceNotFoundException") => Ok(Some(arn.to_owned())),
        Err(error) => Err(error),
    }
}

async fn missing_parameters(aws: &Aws, names: Vec<&String>) -> Result<Vec<String>, Failure> {
    let mut missing = Vec::new();
    for some in names.chunks(NAMES_AT_ONCE / 2) {
        let spellings = some.iter().flat_map(|name| [(*name).clone(), format!("/{name}")]);
        let filter = ParameterStringFilter::builder().key("Name").option("Equals");
        let filter = filter.set_values(Some(spellings.collect())).build();
        let filter = filter.map_err(|error| Failure::Misconfigured(error.to_string()))?;
        let asking = aws.ssm().describe_parameters().parameter_filters(filter).max_results(50);
        let mut pages = asking.into_paginator().send();
        let mut known = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failure)?;
            let names = page.parameters().iter().filter_map(|parameter| parameter.name());
            known.extend(names.map(spelt));
        }
        let lacking = some.iter().filter(|name| !known.contains(name.as_str()));
        missing.extend(lacking.map(ToString::to_string));
    }
    Ok(missing)
}

async fn look_for_log_group(aws: &Aws, name: &str) -> Result<Option<String>, Failure> {
    let mut pages =
        aws.logs().describe_log_groups().log_group_name_prefix(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failure)?;
        if page.log_groups().iter().any(|group| group.log_group_name() == Some(name)) {
            return Ok(None);
        }
    }
    Ok(Some(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Here, References};
    use expect_test::expect;
    use serde_json::json;

    #[test]
    fn what_a_task_definition_refers_to_in_our_region() {
        let secret = |from: &str| json!({"name": "X", "valueFrom": from});
        let definition = json!({"containerDefinitions": [
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
        ]});
        let mut found = References::default();
        let here = Here { region: "eu-central-1".into(), account: "1".into() };
        found.add("scr-api", &definition, &here);
        let keys = |of: &std::collections::BTreeMap<String, _>| {
            of.keys().cloned().collect::<Vec<_>>().join(" ")
        };
        let text = format!(
            "{}\n{}\n{}\n",
            keys(&found.secrets),
            keys(&found.parameters),
            keys(&found.log_groups)
        );
        expect![[r#"
            arn:aws:secretsmanager:eu-central-1:1:secret:db-AbCdEf
            /scr/api/token plain short splunk-token
            /ecs/api
        "#]]
        .assert_eq(&text);
    }
}
