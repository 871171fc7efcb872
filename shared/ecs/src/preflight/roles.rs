//! The roles that a task definition names, and whether Slipway may pass them to ECS.
//!
//! ECS would refuse them one by one, after something was created.

use super::findings::{After, Plan};
use aws::clients::Aws;
use aws::settings::TASK_ROLES;
use pipeline::effect::Prepare;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Adds to the plan every role that the installation does not permit: those of new revisions, and
/// those of the revision that runs the migration.
pub(super) fn check(aws: &Aws, prepare: &Prepare, plan: &mut Plan) {
    let migrates = prepare.migration.as_ref().map(|(service, _)| service);
    let mut refused: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for planned in &plan.services {
        let is_handed_over =
            matches!(planned.after, After::Register(_)) || Some(&planned.name) == migrates;
        let roles = roles_of(planned.after.json()).into_iter().filter(|_| is_handed_over);
        for role in roles.filter(|role| !is_permitted(aws, role)) {
            refused.entry(role).or_default().push(planned.name.as_str());
        }
    }
    let faults: Vec<String> = refused.into_iter().map(told).collect();
    plan.faults.extend(faults);
}

fn told((role, services): (&str, Vec<&str>)) -> String {
    let services = services.join(", ");
    format!(
        "Slipway may not pass {role} (a role of {services}) to ECS; add it to TaskRoleArns of its \
         stack"
    )
}

/// A role without its ARN is left for ECS to find.
pub(super) fn roles_of(definition: &Value) -> BTreeSet<&str> {
    let roles = ["executionRoleArn", "taskRoleArn"].map(|member| definition[member].as_str());
    roles.into_iter().flatten().filter(|role| role.starts_with("arn:")).collect()
}

/// Without a list of the roles that may be passed to ECS, IAM alone decides.
pub(super) fn is_permitted(aws: &Aws, role: &str) -> bool {
    let permitted = aws.settings.optional(TASK_ROLES);
    permitted.is_none_or(|permitted| permitted.split(',').any(|one| fits(one.trim(), role)))
}

/// Matches as IAM does: a star matches any text, slashes included, and a question mark one
/// character.
fn fits(pattern: &str, text: &str) -> bool {
    fn rest_fits(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => (0..=text.len()).any(|at| rest_fits(rest, &text[at..])),
            (Some((b'?', rest)), Some((_, text))) => rest_fits(rest, text),
            (Some((one, rest)), Some((other, text))) => one == other && rest_fits(rest, text),
            _ => false,
        }
    }
    rest_fits(pattern.as_bytes(), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_are_compared_as_iam_does() {
        let role = "arn:aws:iam::123456789012:role/team/scr-api-task";
        for pattern in [
            role,
            "*",
            "arn:aws:iam::123456789012:role/*",
            "arn:aws:iam::*:role/*/scr-???-task",
            "*scr*task*",
        ] {
            assert!(fits(pattern, role), "{pattern}");
        }
        for pattern in ["", "arn:aws:iam::123456789012:role/scr-*", "*scr-??-task", "scr-api-task"]
        {
            assert!(!fits(pattern, role), "{pattern}");
        }
    }
}
