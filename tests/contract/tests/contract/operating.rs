//! The page about installing and operating: whatever the template has stands there.

use contract::{Template, short};
use serde_json::Value;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../infra/README.md");
const README: &str = include_str!("../../../../README.md");
const POLICY: &str = include_str!("../../../../infra/examples/install-policy.json");

/// Actions of IAM that make a kind of resource, and delete it.
const KINDS: [(&str, &str, &str); 16] = [
    ("AWS::CloudWatch::Alarm", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
    ("AWS::CloudWatch::Dashboard", "cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"),
    ("AWS::DynamoDB::Table", "dynamodb:CreateTable", "dynamodb:DeleteTable"),
    ("AWS::Events::Rule", "events:PutRule", "events:DeleteRule"),
    ("AWS::IAM::Role", "iam:CreateRole", "iam:DeleteRole"),
    (
        "AWS::Lambda::EventInvokeConfig",
        "lambda:PutFunctionEventInvokeConfig",
        "lambda:DeleteFunctionEventInvokeConfig",
    ),
    (
        "AWS::Lambda::EventSourceMapping",
        "lambda:CreateEventSourceMapping",
        "lambda:DeleteEventSourceMapping",
    ),
    ("AWS::Lambda::Function", "lambda:CreateFunction", "lambda:DeleteFunction"),
    ("AWS::Lambda::Permission", "lambda:AddPermission", "lambda:RemovePermission"),
    ("AWS::Logs::LogGroup", "logs:CreateLogGroup", "logs:DeleteLogGroup"),
    ("AWS::S3::Bucket", "s3:CreateBucket", "s3:DeleteBucket"),
    ("AWS::S3::BucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
    ("AWS::SNS::Subscription", "sns:Subscribe", "sns:Unsubscribe"),
    ("AWS::SNS::Topic", "sns:CreateTopic", "sns:DeleteTopic"),
    ("AWS::SQS::Queue", "sqs:CreateQueue", "sqs:DeleteQueue"),
    // CloudFormation calls the function with the rights of whoever installs.
    ("Custom::Code", "lambda:InvokeFunction", "lambda:InvokeFunction"),
];

fn headings() -> BTreeSet<&'static str> {
    let lines = PAGE.lines().filter_map(|line| line.strip_prefix("### "));
    lines.flat_map(|line| line.split(", ")).collect()
}

#[test]
fn each_parameter_is_in_the_table_in_the_words_of_the_template() {
    let template = Template::load();
    for (name, parameter) in template.section("Parameters") {
        let default = match parameter.get("Default") {
            None => "required".to_owned(),
            Some(Value::String(text)) if text.is_empty() => "empty".to_owned(),
            Some(value) => format!("`{}`", short(value)),
        };
        let text = parameter["Description"].as_str().unwrap().replace('<', "\\<");
        let row = format!("| `{name}` | {default} | {text} |");
        assert!(PAGE.lines().any(|line| line == row), "infra/README.md has no row\n{row}");
    }
}

#[test]
fn each_alarm_has_a_section_about_what_to_do() {
    let template = Template::load();
    for alarm in template.of("AWS::CloudWatch::Alarm") {
        let id = if alarm.id.ends_with("ErrorsAlarm") { "ErrorsAlarm" } else { alarm.id };
        assert!(headings().contains(id), "infra/README.md says nothing about {id}");
    }
}

#[test]
fn each_verdict_has_a_section_about_what_to_do() {
    let table = README.split("| verdict | meaning |").nth(1).unwrap();
    let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("| "));
    let verdicts = rows.flat_map(|row| row.split(" |").next().unwrap_or_default().split(", "));
    let verdicts: Vec<&str> = verdicts.collect();
    assert!(verdicts.contains(&"rolled back") && verdicts.len() == 8, "{verdicts:?}");
    for verdict in verdicts {
        assert!(headings().contains(verdict), "infra/README.md says nothing about {verdict}");
    }
}

/// A resource that nobody may make, or delete, stops an installation half-way.
#[test]
fn the_policy_for_installing_covers_every_kind_of_resource() {
    let policy: Value = serde_json::from_str(POLICY).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|one| one["Action"].as_array().into_iter().flatten());
    let allowed: BTreeSet<&str> = actions.filter_map(Value::as_str).collect();
    assert!(allowed.iter().all(|action| !action.contains('*')), "{allowed:?}");
    // Policies of queues and topics are attributes of them; both custom resources are one function.
    let covered = ["AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "Custom::EmptyBucket"];
    for resource in Template::load().resources() {
        if covered.contains(&resource.kind) {
            continue;
        }
        let known = KINDS.iter().find(|(kind, ..)| *kind == resource.kind);
        let (_, make, delete) = known.expect(resource.kind);
        assert!(allowed.contains(make) && allowed.contains(delete), "{}", resource.kind);
    }
    // A managed policy may have 6,144 characters, blanks not counted.
    assert!(POLICY.chars().filter(|c| !c.is_whitespace()).count() <= 6144);
}
