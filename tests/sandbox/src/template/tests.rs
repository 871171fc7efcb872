//! The fixture of the sandbox's own tests, and mistakes in it.

use super::{Deployed, Place, load};
use expect_test::{Expect, expect};
use std::collections::BTreeMap;

const ECHO: &str = include_str!("../../tests/data/echo.yaml");

#[test]
fn a_stack_is_resolved() {
    let stack = deployed(ECHO, &[]).unwrap();
    let echo = &stack.functions["Echo"];
    let queue = &stack.queues["EchoQueue"];
    let told = format!(
        "{} {} {}\n{} {} loops: {}\n{:#?}\n{} {}\n{:?}\n{:?}\n{:?}\n",
        echo.binary,
        echo.name,
        echo.arn,
        echo.role,
        echo.log_group,
        echo.loops,
        echo.environment,
        queue.url,
        queue.arn,
        queue.redrive,
        echo.asynchronous,
        stack.permissions,
    );
    expect![[r#"
        echo slipway-echo arn:aws:lambda:eu-central-1:123456789012:function:slipway-echo
        EchoRole /aws/lambda/slipway-echo loops: false
        {
            "GREETING": "well hello",
            "QUEUE": "http://127.0.0.1:4566/123456789012/slipway-EchoQueue-SANDBOX",
            "TABLE": "slipway-Table-SANDBOX",
            "TOPIC": "arn:aws:sns:eu-central-1:123456789012:slipway-Topic-SANDBOX",
        }
        http://127.0.0.1:4566/123456789012/slipway-EchoQueue-SANDBOX arn:aws:sqs:eu-central-1:123456789012:slipway-EchoQueue-SANDBOX
        Some(Redrive { to: "arn:aws:sqs:eu-central-1:123456789012:slipway-EchoDeadLetters-SANDBOX", after: 2 })
        AsyncConfig { retries: 2, maximum_age_seconds: 21600, on_failure: Some("arn:aws:sqs:eu-central-1:123456789012:slipway-EventDeadLetters-SANDBOX"), dead_letters: None }
        {"EchoRulePermission": Permission { function: "Echo", principal: "events.amazonaws.com", source_arn: Some("arn:aws:events:eu-central-1:123456789012:rule/slipway-EchoRule-SANDBOX"), source_account: None }}
    "#]].assert_eq(&told);
}

#[test]
fn parameters_decide_what_is_there() {
    let stack = deployed(ECHO, &[("Greeting", "goodbye")]).unwrap();
    let echo = &stack.functions["Echo"];
    assert_eq!((echo.loops, echo.environment.get("GREETING")), (true, None));
}

#[test]
fn mistakes_say_where_they_are() {
    let wrong = |from: &str, to: &str, expected: Expect| {
        assert!(ECHO.contains(from), "{from} is not in the template");
        let problem = deployed(&ECHO.replacen(from, to, 1), &[]).unwrap_err();
        expected.assert_eq(&problem.to_string());
    };
    wrong(
        "Role: {Fn::GetAtt: [EchoRole, Arn]}",
        "Role: {Fn::GetAtt: [EkoRole, Arn]}",
        expect!["the template is wrong at `Echo.Role`: there is no parameter or resource EkoRole"],
    );
    wrong(
        "QUEUE: {Ref: EchoQueue}",
        "QUEUE: {Fn::Sub: \"${EchoQueue.Url}\"}",
        expect![
            "the template is wrong at `Echo.Environment.Variables.QUEUE`: the sandbox knows no attribute Url of AWS::SQS::Queue"
        ],
    );
    wrong(
        "ArnEquals",
        "ArnResembles",
        expect![
            "the template is wrong at `EventDeadLettersPolicy.PolicyDocument.Statement[0].Condition.ArnResembles`: the sandbox does not know the condition operator ArnResembles"
        ],
    );
    wrong(
        "anything-but: silence",
        "nothing-but: silence",
        expect![[
            r#"the template is wrong at `EchoRule.EventPattern.detail.say`: the sandbox does not know the filter {"nothing-but":"silence"}"#
        ]],
    );
    wrong(
        "Fn::If: [Polite, {Fn::Join",
        "Fn::If: [Rude, {Fn::Join",
        expect![
            "the template is wrong at `Echo.Environment.Variables.GREETING`: there is no condition Rude"
        ],
    );
    wrong(
        "FunctionName: {Ref: Echo}",
        "FunctionName: Eko",
        expect![
            "the template is wrong at `EchoInvocations.FunctionName`: there is no function Eko"
        ],
    );
    wrong(
        "Timeout: 30",
        "Timeout: half a minute",
        expect!["the template is wrong at `Echo.Timeout`: `half a minute` is not a whole number"],
    );
    wrong(
        "Principal: {Service: events",
        "Principle: {Service: events",
        expect![
            "the template is wrong at `EventDeadLettersPolicy.PolicyDocument.Statement[0].Principle`: the sandbox does not know this in a statement"
        ],
    );
}

#[test]
fn a_parameter_is_known_and_allowed() {
    let problem = |name, value| deployed(ECHO, &[(name, value)]).unwrap_err().to_string();
    expect!["the template is wrong at `Parameters.Greeting`: `hi` is not one of hello, goodbye"]
        .assert_eq(&problem("Greeting", "hi"));
    expect!["the template is wrong at `Parameters.Salute`: the template has no such parameter"]
        .assert_eq(&problem("Salute", "hello"));
}

#[test]
fn what_aws_would_refuse_is_refused() {
    let refused = |from: &str, to: &str, expected: Expect| {
        assert!(ECHO.contains(from), "{from} is not in the template");
        let stack = deployed(&ECHO.replacen(from, to, 1), &[]).unwrap();
        let mut iam = crate::iam::Iam::new(&stack);
        expected.assert_eq(&crate::account::check(&stack, &mut iam).unwrap_err().to_string());
    };
    refused(
        "\"sqs:ReceiveMessage\", ",
        "",
        expect![
            "AWS would refuse this stack: Echo: the function's execution role does not have permission to sqs:ReceiveMessage on arn:aws:sqs:eu-central-1:123456789012:slipway-EchoQueue-SANDBOX"
        ],
    );
    refused(
        "VisibilityTimeout: 60",
        "VisibilityTimeout: 20",
        expect![
            "AWS would refuse this stack: EchoQueue: its visibility timeout is below the timeout of Echo"
        ],
    );
    refused(
        "Service: lambda.amazonaws.com",
        "Service: ec2.amazonaws.com",
        expect!["AWS would refuse this stack: Echo: the role cannot be assumed by Lambda"],
    );
    refused(
        "TABLE: {Ref: Table}",
        "AWS_REGION: here",
        expect!["AWS would refuse this stack: Echo: AWS_REGION is Lambda's own variable"],
    );
    refused(
        "Service: events.amazonaws.com",
        "Service: sns.amazonaws.com",
        expect![
            "AWS would refuse this stack: EchoRule: the policy of arn:aws:sqs:eu-central-1:123456789012:slipway-EventDeadLetters-SANDBOX does not let EventBridge send there for this rule, and AWS would only say so by losing events"
        ],
    );
    refused(
        "- {Effect: Allow, Action: sqs:SendMessage, Resource: {Fn::GetAtt: [EventDeadLetters, Arn]}}",
        "",
        expect![
            "AWS would refuse this stack: Echo: the function's execution role does not have permission to sqs:SendMessage on arn:aws:sqs:eu-central-1:123456789012:slipway-EventDeadLetters-SANDBOX"
        ],
    );
}

#[test]
fn slipways_own_template_can_be_deployed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/template.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let given = [
        ("ArtifactBucket", "artifacts"),
        ("TaskRoleArns", "arn:aws:iam::123456789012:role/scr-*"),
        ("ClusterScope", "*"),
        ("RepositoryScope", "*"),
    ];
    let stack = deployed(&text, &given).unwrap();
    let mut iam = crate::iam::Iam::new(&stack);
    crate::account::check(&stack, &mut iam).unwrap();
    let names: Vec<_> = stack.functions.values().map(|function| function.binary.as_str()).collect();
    expect!["alarm-changed configure control deploy ecs-changed image-pushed migrate notify rollback rollout status verify wake"].assert_eq(&names.join(" "));
}

fn deployed(text: &str, given: &[(&str, &str)]) -> Result<Deployed, crate::Error> {
    let given: BTreeMap<_, _> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let place = Place {
        account: "123456789012".to_owned(),
        region: "eu-central-1".to_owned(),
        stack: "slipway".to_owned(),
        endpoint: "http://127.0.0.1:4566".to_owned(),
    };
    load(text, &given, &place)
}
