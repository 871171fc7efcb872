//! Asks AWS whether a reference exists. Reads no value.

use super::gather::spelt;
use aws::clients::Aws;
use aws::failure::{Failure, failure};
use aws_sdk_ssm::types::ParameterStringFilter;
use std::collections::BTreeSet;

/// How many names DescribeParameters accepts in a filter.
const NAMES_AT_ONCE: usize = 50;

/// The principal that a role has to trust, so that ECS may use it for a task.
const TASKS: &str = "ecs-tasks.amazonaws.com";

/// Its fault; `None`: none.
pub(super) async fn secret(aws: &Aws, arn: &str) -> Result<Option<String>, Failure> {
    match aws.secrets().describe_secret().secret_id(arn).send().await.map_err(failure) {
        // A deleted secret can be described for some days, but not read.
        Ok(secret) if secret.deleted_date().is_some() => Ok(Some(format!(
            "the secret {arn} is being deleted, so no task can start; restore it, or correct the \
             task definition"
        ))),
        Ok(_) => Ok(None),
        Err(error) if error.is("ResourceNotFoundException") => Ok(Some(absent("secret", arn))),
        Err(error) => Err(error),
    }
}

pub(super) async fn log_group(aws: &Aws, name: &str) -> Result<Option<String>, Failure> {
    let asking = aws.logs().describe_log_groups().log_group_name_prefix(name);
    let mut pages = asking.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failure)?;
        if page.log_groups().iter().any(|group| group.log_group_name() == Some(name)) {
            return Ok(None);
        }
    }
    Ok(Some(absent("log group", name)))
}

pub(super) async fn role(aws: &Aws, arn: &str) -> Result<Option<String>, Failure> {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let role = match aws.iam().get_role().role_name(name).send().await.map_err(failure) {
        Ok(answer) => answer.role,
        Err(error) if error.is("NoSuchEntity") => None,
        Err(error) => return Err(error),
    };
    // A role with another path is another role.
    let Some(role) = role.filter(|role| role.arn() == arn) else {
        return Ok(Some(absent("role", arn)));
    };
    // The policy is URL-encoded, which does not change these characters.
    let trusts = role.assume_role_policy_document().is_none_or(|policy| policy.contains(TASKS));
    Ok((!trusts).then(|| {
        format!(
            "the role {arn} does not trust {TASKS}, so no task can start; correct its trust policy"
        )
    }))
}

/// The faults of missing parameters.
pub(super) async fn parameters(
    aws: &Aws,
    names: &[&String],
) -> Result<Vec<(String, String)>, Failure> {
    let mut missing = Vec::new();
    for some in names.chunks(NAMES_AT_ONCE / 2) {
        let other = |name: &str| (!name.starts_with('/')).then(|| format!("/{name}"));
        let spellings = some.iter().flat_map(|name| [Some((*name).clone()), other(name)]);
        let filter = ParameterStringFilter::builder().key("Name").option("Equals");
        let filter = filter.set_values(Some(spellings.flatten().collect())).build();
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
        missing.extend(lacking.map(|name| ((*name).clone(), absent("parameter", name))));
    }
    Ok(missing)
}

fn absent(what: &str, name: &str) -> String {
    format!(
        "there is no {what} {name}, so no task can start; create it, or correct the task definition"
    )
}
