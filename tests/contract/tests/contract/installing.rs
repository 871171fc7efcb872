//! What a person copies to install Slipway and to push to it, held against the template.

use contract::Template;
use sandbox::iam::matches;
use serde_json::Value;
use std::collections::BTreeSet;

const PACKAGE: &str = include_str!("../../../../infra/package");
const PAGE: &str = include_str!("../../../../infra/README.md");
const WORKFLOW: &str = include_str!("../../../../infra/examples/github-workflow.yml");
const PUSH: &str = include_str!("../../../../infra/examples/ecr-push-policy.json");
const TRUST: &str = include_str!("../../../../infra/examples/github-trust-policy.json");

/// CloudFormation's limit for a request in bytes.
const REQUEST_MAX: usize = 51_200;
/// All that pushing takes: the log-in, and an image that comes layer by layer.
const PUSHING: [&str; 7] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetAuthorizationToken",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
];

/// Every `aws cloudformation deploy` of a text, each up to the end of its last continued line.
fn deploys(text: &str) -> Vec<String> {
    let commands = text.split("aws cloudformation deploy ").skip(1);
    commands
        .map(|rest| {
            let mut command = String::new();
            for line in rest.lines() {
                let continued = line.trim_end().trim_end_matches('\\');
                command.push_str(continued);
                command.push(' ');
                if continued == line.trim_end() {
                    break;
                }
            }
            command
        })
        .collect()
}

/// The names of the parameters that a command sets.
fn parameters(command: &str) -> BTreeSet<&str> {
    let (_, overrides) = command.split_once("--parameter-overrides").unwrap_or_default();
    let words = overrides.split_whitespace().map(|word| word.trim_start_matches(['"', '\'']));
    words.filter_map(|word| word.split_once('=')).map(|(name, _)| name).collect()
}

#[test]
fn each_printed_command_sets_parameters_that_there_are_and_all_that_must_be_set() {
    let template = Template::load();
    let known: BTreeSet<&str> = template.section("Parameters").map(|(name, _)| name).collect();
    let needed: BTreeSet<&str> = template
        .section("Parameters")
        .filter(|(_, parameter)| parameter.get("Default").is_none())
        .map(|(name, _)| name)
        .collect();
    let printed = deploys(PACKAGE);
    assert!(!printed.is_empty(), "infra/package says how to install");
    for command in printed.iter().chain(&deploys(PAGE)) {
        let set = parameters(command);
        assert_eq!(&set - &known, BTreeSet::new(), "the template has no such parameters");
        assert_eq!(&needed - &set, BTreeSet::new(), "the template wants these to be set");
    }
}

/// What is too long for a request has to go through S3.
#[test]
fn each_printed_command_sends_the_template_through_s3() {
    let template = Template::load();
    assert!(template.text.len() > REQUEST_MAX, "--s3-bucket is no longer needed");
    for command in deploys(PACKAGE).iter().chain(&deploys(PAGE)) {
        assert!(command.contains("--s3-bucket"), "{command}");
    }
    assert!(PACKAGE.contains("51,200 bytes"), "a person is told why");
}

fn statements(policy: &str) -> Vec<Value> {
    let policy: Value = serde_json::from_str(policy).expect("a policy is JSON");
    policy["Statement"].as_array().expect("a policy has statements").clone()
}

fn texts(value: &Value) -> Vec<&str> {
    let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    values.iter().map(|value| value.as_str().expect("a text, or a list of texts")).collect()
}

#[test]
fn the_build_role_may_push_and_nothing_else() {
    let mut allowed = BTreeSet::new();
    for statement in statements(PUSH) {
        let members: Vec<&String> = statement.as_object().unwrap().keys().collect();
        assert_eq!(members, ["Action", "Effect", "Resource", "Sid"], "no `NotAction` and the like");
        assert_eq!(statement["Effect"], "Allow");
        let actions = texts(&statement["Action"]);
        let everywhere = texts(&statement["Resource"]).iter().any(|resource| {
            matches(resource, "arn:aws:ecr:eu-central-1:123456789012:repository/other", false)
        });
        assert_eq!(everywhere, actions == ["ecr:GetAuthorizationToken"], "{actions:?}");
        allowed.extend(actions.into_iter().map(str::to_owned));
    }
    assert_eq!(allowed, PUSHING.map(str::to_owned).into());
}

/// A star in the subject lets every branch, or every repository of GitHub, push.
#[test]
fn only_one_branch_of_one_repository_may_assume_the_build_role() {
    for statement in statements(TRUST) {
        assert_eq!(statement["Action"], "sts:AssumeRoleWithWebIdentity");
        let of = |key: &str| {
            let key = format!("token.actions.githubusercontent.com:{key}");
            statement["Condition"]["StringEquals"][&key].as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(of("aud"), "sts.amazonaws.com");
        let subject = of("sub");
        assert!(subject.starts_with("repo:") && !subject.contains('*'), "{subject:?}");
        assert!(subject.contains(":ref:refs/heads/"), "{subject:?}");
    }
}

#[test]
fn the_workflow_asks_github_for_no_more_and_every_action_is_pinned() {
    let workflow: Value = serde_saphyr::from_str(WORKFLOW).unwrap();
    let asked = serde_json::json!({ "contents": "read", "id-token": "write" });
    assert_eq!(workflow["permissions"], asked);
    for step in workflow["jobs"]["push"]["steps"].as_array().unwrap() {
        if let Some(action) = step["uses"].as_str() {
            let (_, pin) = action.split_once('@').unwrap();
            assert!(pin.len() == 40 && pin.bytes().all(|b| b.is_ascii_hexdigit()), "{action}");
        }
        let run = step["run"].as_str().unwrap_or_default();
        assert!(!run.contains("aws "), "it pushes, and asks AWS for nothing: {run}");
    }
}
