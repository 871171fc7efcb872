//! What each function may do: exactly what it does, on exactly what it does it to.

use aws::settings::QUEUES;
use contract::{Resource, Template, short};
use expect_test::{Expect, expect};
use serde_json::Value;
use std::collections::BTreeSet;

/// A function that changes records reads one and writes one. Not all of them read several at once,
/// or query without a key.
const RECORDS: [&str; 2] = ["dynamodb:GetItem Table", "dynamodb:PutItem Table"];

/// Where AWS offers nothing better than everything.
const EVERYTHING: [(&str, &str); 11] = [
    ("ecs:DescribeTaskDefinition", "has no resource"),
    ("cloudwatch:DescribeAlarmHistory", "hides composite alarms from a narrower permission"),
    ("cloudwatch:DescribeAlarms", "hides composite alarms from a narrower permission"),
    ("cloudwatch:ListAlarmMuteRules", "has no resource"),
    ("elasticloadbalancing:DescribeTargetGroups", "has no resource"),
    ("ssm:CancelCommand", "has no resource"),
    ("ssm:DescribeInstanceInformation", "has no resource"),
    ("ssm:DescribeParameters", "has no resource"),
    ("ssm:GetCommandInvocation", "has no resource"),
    ("ssm:ListCommandInvocations", "has no resource"),
    ("ssm:ListCommands", "has no resource"),
];

/// Checks what a function may do beyond its log, single records, its queues and the dead letters.
fn check(function: &str, beyond: &Expect) {
    let template = Template::load();
    let function = template.get(function);
    let mut permissions = permissions(&template, &function);
    for expected in by_wiring(&template, &function) {
        assert!(permissions.remove(&expected), "{} may not {expected}", function.id);
    }
    let lines: Vec<String> = permissions.into_iter().map(|line| line + "\n").collect();
    beyond.assert_eq(&lines.concat());
}

/// What follows from what feeds the function.
fn by_wiring(template: &Template, function: &Resource<'_>) -> Vec<String> {
    let log = short(&function["LoggingConfig"]["LogGroup"]);
    let mut expected =
        vec![format!("logs:CreateLogStream {log}"), format!("logs:PutLogEvents {log}")];
    if function.id != "Status" {
        expected.extend(RECORDS.map(str::to_owned));
    }
    let variables = function["Environment"]["Variables"].as_object().into_iter().flatten();
    let queues = variables.filter(|(name, _)| QUEUES.contains(&name.as_str()));
    expected.extend(queues.map(|(_, queue)| format!("sqs:SendMessage {}", short(queue))));
    if let Some(mapping) = template.mapping_of(function) {
        let queue = short(&mapping["EventSourceArn"]);
        let reading = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"];
        expected.extend(reading.map(|action| format!("sqs:{action} {queue}")));
    }
    let config = template.invocations_of(function);
    let failures =
        config.map(|config| short(&config["DestinationConfig"]["OnFailure"]["Destination"]));
    if let Some(failures) = failures.filter(|failures| failures != "null") {
        expected.push(format!("sqs:SendMessage {failures}"));
    }
    expected
}

/// One line for each action and resource, and the condition's keys.
fn permissions(template: &Template, function: &Resource<'_>) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for statement in template.statements_of(function) {
        assert_eq!(statement["Effect"], "Allow");
        let condition = condition(&statement["Condition"]);
        for action in one_or_many(&statement["Action"]) {
            for resource in one_or_many(&statement["Resource"]) {
                let line = format!("{} {}{condition}", short(action), short(resource));
                assert!(lines.insert(line.clone()), "{} is allowed twice to {line}", function.id);
            }
        }
    }
    lines
}

fn condition(condition: &Value) -> String {
    let operators = condition.as_object().into_iter().flatten();
    let keys = operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, value)| format!(" if {key} {operator} {}", short(value)))
    });
    keys.collect()
}

fn one_or_many(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

#[test]
fn no_function_may_do_everything() {
    let template = Template::load();
    for function in template.of("AWS::Lambda::Function") {
        for line in permissions(&template, &function) {
            let (action, resource) = line.split_once(' ').unwrap();
            assert!(!action.contains('*'), "{}: {line}", function.id);
            let excused = EVERYTHING.iter().any(|(excused, _)| *excused == action);
            assert_eq!(resource == "*", excused, "{}: {line}", function.id);
        }
    }
}

#[test]
fn roles_are_for_lambda_within_the_boundary_and_each_for_one_function() {
    let template = Template::load();
    let functions = template.of("AWS::Lambda::Function");
    let mut roles: Vec<String> = functions.map(|function| short(&function["Role"])).collect();
    for id in &roles {
        let role = template.get(id);
        let trust = role["AssumeRolePolicyDocument"]["Statement"].to_string();
        assert!(trust.contains(r#""Principal":{"Service":"lambda.amazonaws.com"}"#), "{id}");
        assert_eq!(role["PermissionsBoundary"]["Fn::If"][0], "HasBoundary", "{id}");
        assert!(role["ManagedPolicyArns"].is_null(), "{id} may do what is written elsewhere");
    }
    roles.sort();
    roles.dedup();
    assert_eq!(roles.len(), template.of("AWS::IAM::Role").count());
}

/// Anyone who may send a command to a host is root there.
#[test]
fn no_function_may_change_a_host_unless_the_stack_names_it() {
    let template = Template::load();
    assert_eq!(
        template.section("Parameters").find(|(name, _)| *name == "HostsTagged").unwrap().1["Default"],
        ""
    );
    for function in template.functions() {
        let role = template.get(&short(&function["Role"]));
        let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
        let touches = |one: &&Value| {
            one.to_string().replace("\"ssm:DescribeParameters\"", "").contains("\"ssm:")
        };
        for statement in statements.iter().filter(touches) {
            assert_eq!(statement["Fn::If"][0], "DeploysToHosts", "{}", function.id);
        }
    }
}

/// What is deleted cannot be restored.
#[test]
fn no_function_may_delete_a_service_unless_the_stack_allows_it() {
    let template = Template::load();
    let parameter = template.section("Parameters").find(|(name, _)| *name == "DeletesServices");
    assert_eq!(parameter.unwrap().1["Default"], "false");
    for function in template.functions() {
        let role = template.get(&short(&function["Role"]));
        let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
        for statement in statements.iter().filter(|one| one.to_string().contains("Delete")) {
            if !statement.to_string().contains("sqs:DeleteMessage") {
                assert_eq!(statement["Fn::If"][0], "DeletesServices", "{}", function.id);
            }
        }
    }
}

/// What installs the functions touches nothing but their code.
#[test]
fn fetch_code() {
    let template = Template::load();
    let lines = permissions(&template, &template.get("FetchCode")).into_iter();
    let lines: Vec<String> = lines.map(|line| line + "\n").collect();
    expect![[r#"
        iam:GetRole TaskRoleArns
        logs:CreateLogStream FetchCodeLogs
        logs:PutLogEvents FetchCodeLogs
        s3:DeleteObject ${CodeBucket.Arn}/slipway/*
        s3:ListBucket CodeBucket
        s3:PutObject ${CodeBucket.Arn}/slipway/*
    "#]]
    .assert_eq(&lines.concat());
}

#[test]
fn image_pushed() {
    check(
        "ImagePushed",
        &expect![[r#"
        dynamodb:Query Table
        ecr:BatchGetImage repository/${RepositoryScope}
        ecr:DescribeImages repository/${RepositoryScope}
        ecr:GetDownloadUrlForLayer repository/${RepositoryScope}
    "#]],
    );
}

#[test]
fn migrate() {
    check(
        "Migrate",
        &expect![[r#"
            dynamodb:BatchGetItem Table
            ecs:DescribeServices service/${ClusterScope}/${ServiceScope}
            ecs:DescribeTasks task/${ClusterScope}/*
            ecs:RunTask task-definition/${TaskDefinitionScope}:* if ecs:cluster ArnLike cluster/${ClusterScope}
            ecs:StopTask task/${ClusterScope}/*
            iam:PassRole TaskRoleArns if iam:PassedToService StringEquals ecs-tasks.amazonaws.com
            ssm:CancelCommand *
            ssm:DescribeInstanceInformation *
            ssm:ListCommandInvocations *
            ssm:ListCommands *
            ssm:SendCommand arn:${AWS::Partition}:ssm:${AWS::Region}::document/AWS-RunShellScript
            ssm:SendCommand instance/* if ssm:resourceTag/slipway StringEquals HostsTagged
        "#]],
    );
}

#[test]
fn rollout() {
    check(
        "Rollout",
        &expect![[r#"
            cloudwatch:DescribeAlarms *
            cloudwatch:ListAlarmMuteRules *
            dynamodb:BatchGetItem Table
            ecr:BatchGetImage repository/${RepositoryScope}
            ecr:DescribeImages repository/${RepositoryScope}
            ecr:GetDownloadUrlForLayer repository/${RepositoryScope}
            ecr:PutImage repository/${RepositoryScope}
            ecs:CreateService service/${ClusterScope}/${ServiceScope}
            ecs:DescribeServices service/${ClusterScope}/${ServiceScope}
            ecs:DescribeTaskDefinition *
            ecs:ListServiceDeployments service/${ClusterScope}/${ServiceScope}
            ecs:RegisterTaskDefinition task-definition/${TaskDefinitionScope}:*
            ecs:TagResource task-definition/${TaskDefinitionScope}:* if ecs:CreateAction StringEquals ["RegisterTaskDefinition"]
            ecs:UpdateService service/${ClusterScope}/${ServiceScope}
            elasticloadbalancing:DescribeTargetGroups *
            iam:GetRole TaskRoleArns
            iam:PassRole TaskRoleArns if iam:PassedToService StringEquals ecs-tasks.amazonaws.com
            logs:DescribeLogGroups log-group:*
            secretsmanager:DescribeSecret secret:*
            ssm:DescribeInstanceInformation *
            ssm:DescribeParameters *
            ssm:GetCommandInvocation *
            ssm:ListCommandInvocations *
            ssm:SendCommand arn:${AWS::Partition}:ssm:${AWS::Region}::document/AWS-RunShellScript
            ssm:SendCommand instance/* if ssm:resourceTag/slipway StringEquals HostsTagged
        "#]],
    );
}

#[test]
fn ecs_changed() {
    check(
        "EcsChanged",
        &expect![[r#"
            dynamodb:BatchGetItem Table
            dynamodb:Query Table
            ecs:DescribeServices service/${ClusterScope}/${ServiceScope}
            ssm:ListCommandInvocations *
        "#]],
    );
}

#[test]
fn alarm_changed() {
    check(
        "AlarmChanged",
        &expect![[r#"
        dynamodb:BatchGetItem Table
        dynamodb:Query Table
    "#]],
    );
}

#[test]
fn verify() {
    check(
        "Verify",
        &expect![[r#"
            cloudwatch:DescribeAlarmHistory *
            cloudwatch:DescribeAlarms *
            cloudwatch:ListAlarmMuteRules *
            dynamodb:BatchGetItem Table
        "#]],
    );
}

#[test]
fn rollback() {
    check(
        "Rollback",
        &expect![[r#"
            dynamodb:BatchGetItem Table
            dynamodb:Query Table
            ecr:BatchGetImage repository/${RepositoryScope}
            ecr:DescribeImages repository/${RepositoryScope}
            ecs:DeleteService service/${ClusterScope}/${ServiceScope}
            ecs:DescribeServices service/${ClusterScope}/${ServiceScope}
            ecs:DescribeTaskDefinition *
            ecs:ListServiceDeployments service/${ClusterScope}/${ServiceScope}
            ecs:RegisterTaskDefinition task-definition/${TaskDefinitionScope}:*
            ecs:StopServiceDeployment service-deployment/${ClusterScope}/${ServiceScope}/*
            ecs:StopServiceDeployment service/${ClusterScope}/${ServiceScope}
            ecs:TagResource task-definition/${TaskDefinitionScope}:* if ecs:CreateAction StringEquals ["RegisterTaskDefinition"]
            ecs:UpdateService service/${ClusterScope}/${ServiceScope}
            iam:PassRole TaskRoleArns if iam:PassedToService StringEquals ecs-tasks.amazonaws.com
            ssm:CancelCommand *
            ssm:DescribeInstanceInformation *
            ssm:SendCommand arn:${AWS::Partition}:ssm:${AWS::Region}::document/AWS-RunShellScript
            ssm:SendCommand instance/* if ssm:resourceTag/slipway StringEquals HostsTagged
        "#]],
    );
}

#[test]
fn deploy() {
    check(
        "Deploy",
        &expect![[r#"
            cloudwatch:DescribeAlarms *
            cloudwatch:ListAlarmMuteRules *
            dynamodb:BatchGetItem Table
            dynamodb:Query Table
            ecr:BatchGetImage repository/${RepositoryScope}
            ecr:DescribeImages repository/${RepositoryScope}
            ecr:GetDownloadUrlForLayer repository/${RepositoryScope}
            ecr:GetLifecyclePolicy repository/${RepositoryScope}
            ecs:DescribeServices service/${ClusterScope}/${ServiceScope}
            ecs:DescribeTaskDefinition *
            elasticloadbalancing:DescribeTargetGroups *
            iam:GetRole TaskRoleArns
            logs:DescribeLogGroups log-group:*
            secretsmanager:DescribeSecret secret:*
            ssm:DescribeInstanceInformation *
            ssm:DescribeParameters *
        "#]],
    );
}

#[test]
fn control() {
    check(
        "Control",
        &expect![[r#"
        dynamodb:BatchGetItem Table
        dynamodb:Query Table
    "#]],
    );
}

#[test]
fn status() {
    check(
        "Status",
        &expect![[r#"
        dynamodb:BatchGetItem Table
        dynamodb:GetItem Table
        dynamodb:Query Table
    "#]],
    );
}

#[test]
fn configure() {
    check(
        "Configure",
        &expect![[r#"
            cloudwatch:DescribeAlarms *
            dynamodb:BatchGetItem Table
            dynamodb:Query Table
            ecr:DescribeRepositories repository/${RepositoryScope}
            ecr:GetLifecyclePolicy repository/${RepositoryScope}
            ecs:DescribeServices service/${ClusterScope}/${ServiceScope}
            ssm:DescribeInstanceInformation *
        "#]],
    );
}

#[test]
fn wake() {
    check(
        "Wake",
        &expect![[r#"
            dynamodb:BatchGetItem Table
            dynamodb:Query ${Table.Arn}/index/due
            dynamodb:Query Table
            ecr:BatchGetImage repository/${RepositoryScope}
            ecr:DescribeImages repository/${RepositoryScope}
            ecr:GetDownloadUrlForLayer repository/${RepositoryScope}
            lambda:InvokeFunction AlarmChanged
            lambda:InvokeFunction EcsChanged
            lambda:InvokeFunction ImagePushed
            sqs:DeleteMessage EventDeadLetters
            sqs:ReceiveMessage EventDeadLetters
        "#]],
    );
}

#[test]
fn notify() {
    check(
        "Notify",
        &expect![[r#"
            dynamodb:BatchGetItem Table
            kms:Decrypt TopicKeyArn
            kms:GenerateDataKey TopicKeyArn
            logs:GetLogEvents log-group:${TaskLogGroups}:log-stream:*
            secretsmanager:GetSecretValue SlackSecretArn
            sns:Publish Topic
        "#]],
    );
}
