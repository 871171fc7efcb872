//! The roles that a task definition names, and whether Slipway may hand them to ECS.
//!
//! ECS would refuse each of them alone, after something was made.

use super::plan::{After, Plan};
use crate::clients::Aws;
use crate::settings::TASK_ROLES;
use serde_json::Value;

/// Adds to the plan every role that the installation does not permit.
pub(super) fn check(aws: &Aws, plan: &mut Plan) {
    let Some(permitted) = aws.settings.optional(TASK_ROLES) else { return };
    let permitted: Vec<&str> = permitted.split(',').map(str::trim).collect();
    let mut faults = Vec::new();
    for planned in &plan.services {
        let After::Register(definition) = &planned.after else { continue };
        let refused = named(definition).filter(|role| !permitted.iter().any(|one| fits(one, role)));
        faults.extend(refused.map(|role| {
            format!(
                "{} runs with {role}, which Slipway may not hand to ECS; add it to TaskRoleArns of \
                 its stack",
                planned.name
            )
        }));
    }
    plan.faults.extend(faults);
}

/// A role without its ARN is left for ECS to find.
fn named(definition: &Value) -> impl Iterator<Item = &str> {
    let roles = ["executionRoleArn", "taskRoleArn"].map(|member| definition[member].as_str());
    roles.into_iter().flatten().filter(|role| role.starts_with("arn:"))
}

/// As IAM compares: a star stands for any text, slashes included, and a question mark for one letter.
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
