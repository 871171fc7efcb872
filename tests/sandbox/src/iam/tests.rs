//! Statements against needs.

use super::{Effect, Statement, matches, service_may};
use crate::service::Need;
use serde_json::{Value, json};

#[test]
fn stars_and_question_marks() {
    let fits = |pattern: &str, text: &str| matches(pattern, text, false);
    assert!(
        fits("*", "")
            && fits("a*c", "abbc")
            && fits("a?c", "abc")
            && fits("*:service/*/scr-*", "x:service/a/scr-b")
    );
    assert!(!fits("a*c", "abcd") && !fits("a?c", "ac") && !fits("", "a") && !fits("A", "a"));
    assert!(matches("ECS:Update*", "ecs:UpdateService", true));
    assert!(fits("*a*b*c", "xxaxxbxxbxc") && !fits("*a*b*c", "xxaxxbxxbx"));
}

#[test]
fn an_action_on_a_resource() {
    let statement = json!({ "Effect": "Allow", "Action": ["ecs:Describe*", "ecs:UpdateService"], "Resource": "arn:x:*" });
    assert!(speaks(&statement, &Need::new("ecs:DescribeServices", "arn:x:1")));
    assert!(speaks(&statement, &Need::new("ecs:updateservice", "arn:x:1")));
    assert!(!speaks(&statement, &Need::new("ecs:DeleteService", "arn:x:1")));
    assert!(!speaks(&statement, &Need::new("ecs:UpdateService", "arn:y:1")));
    // Actions for which AWS has no resource are allowed for every resource only.
    assert!(!speaks(&statement, &Need::new("ecs:DescribeServices", "*")));
}

#[test]
fn conditions_look_at_the_context() {
    let when = |condition: Value, need: Need| {
        let action = need.action.clone();
        speaks(
            &json!({ "Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition }),
            &need,
        )
    };
    let pass =
        || Need::new("iam:PassRole", "r").with("iam:PassedToService", "ecs-tasks.amazonaws.com");
    assert!(when(
        json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } }),
        pass()
    ));
    assert!(when(
        json!({ "StringEquals": { "IAM:passedtoservice": ["a", "ecs-tasks.amazonaws.com"] } }),
        pass()
    ));
    assert!(!when(
        json!({ "StringEquals": { "iam:PassedToService": "ec2.amazonaws.com" } }),
        pass()
    ));
    assert!(!when(json!({ "StringEquals": { "ecs:cluster": "c" } }), pass()));
    assert!(when(json!({ "StringEqualsIfExists": { "ecs:cluster": "c" } }), pass()));
    assert!(when(json!({ "StringNotEquals": { "ecs:cluster": "c" } }), pass()));
    assert!(when(json!({ "Null": { "ecs:cluster": "true" } }), pass()));
    let run = || {
        Need::new("ecs:RunTask", "t")
            .with("ecs:cluster", "arn:aws:ecs:eu-central-1:1:cluster/scr-a")
    };
    assert!(when(json!({ "ArnLike": { "ecs:cluster": "arn:aws:ecs:*:1:cluster/scr-*" } }), run()));
    assert!(when(
        json!({ "ArnEquals": { "ecs:cluster": "arn:aws:ecs:*:1:cluster/scr-*" } }),
        run()
    ));
    assert!(!when(
        json!({ "ArnNotLike": { "ecs:cluster": "arn:aws:ecs:*:1:cluster/scr-*" } }),
        run()
    ));
    assert!(when(
        json!({ "Bool": { "ecs:enable-execute-command": false } }),
        run().with("ecs:enable-execute-command", "false")
    ));
    let tags =
        || Need::new("ecs:TagResource", "t").with("aws:TagKeys", "a").with("aws:TagKeys", "b");
    assert!(when(
        json!({ "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "b", "c"] } }),
        tags()
    ));
    assert!(!when(json!({ "ForAllValues:StringEquals": { "aws:TagKeys": ["a"] } }), tags()));
    assert!(when(json!({ "ForAnyValue:StringEquals": { "aws:TagKeys": ["a"] } }), tags()));
    assert!(when(json!({ "ForAllValues:StringEquals": { "aws:TagKeys": ["a"] } }), pass()));
    // Several conditions all have to hold.
    assert!(!when(
        json!({ "Null": { "ecs:cluster": "true", "iam:PassedToService": "true" } }),
        pass()
    ));
}

#[test]
fn what_is_not_understood_is_an_error() {
    let statement = json!({ "Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": { "DateLessThan": { "k": "v" } } });
    let problem = Statement::read("p", 0, &statement, "Role.Policies[0]").unwrap_err().to_string();
    assert!(
        problem.contains("condition operator DateLessThan") && problem.contains("Role.Policies[0]"),
        "{problem}"
    );
    let statement = json!({ "Effect": "Allow", "NotAction": "a:b", "Resource": "*" });
    assert!(
        Statement::read("p", 0, &statement, "here")
            .unwrap_err()
            .to_string()
            .contains("here.NotAction")
    );
}

#[test]
fn a_queue_lets_a_service_in_for_one_rule() {
    let need = |source: &str| Need::new("sqs:SendMessage", "q").with("aws:SourceArn", source);
    let allow = json!({
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" }, "Action": "sqs:SendMessage", "Resource": "q",
        "Condition": { "ArnEquals": { "aws:SourceArn": "rule/a" } },
    });
    let deny = json!({ "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "q" });
    let allow = Statement::read("p", 0, &allow, "").unwrap();
    let deny = Statement::read("p", 1, &deny, "").unwrap();
    assert!(service_may(std::slice::from_ref(&allow), "events.amazonaws.com", &need("rule/a")));
    assert!(!service_may(std::slice::from_ref(&allow), "events.amazonaws.com", &need("rule/b")));
    assert!(!service_may(std::slice::from_ref(&allow), "sns.amazonaws.com", &need("rule/a")));
    assert!(!service_may(&[allow, deny], "events.amazonaws.com", &need("rule/a")));
}

fn speaks(statement: &Value, need: &Need) -> bool {
    let statement = Statement::read("policy", 0, statement, "here").unwrap();
    assert_eq!(statement.effect, Effect::Allow);
    statement.speaks_of(need)
}
