//! What the services answer, held against Amazon's own model of their APIs.
//!
//! `BOTOCORE_DATA` names a folder with `ecs.json`, `ecr.json` and so on: botocore's
//! `service-2.json` of each service. It is no part of the project, so that the test only says that
//! it was skipped where it is missing.

use crate::room::Room;
use crate::scr;
use sandbox::balancers::{Balancers, TargetGroup};
use sandbox::cloudwatch::{CloudWatch, Kind};
use sandbox::ecr::{Ecr, Image, Mutability};
use sandbox::ecs::Behaviour;
use sandbox::logs::{Logs, Written};
use sandbox::roles::Roles;
use sandbox::secrets::Secrets;
use sandbox::service::{Refusal, Service};
use sandbox::sns::Sns;
use sandbox::ssm::{Host, Ssm};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// Errors that every operation may answer with and that the model does not repeat.
const COMMON: [&str; 3] = ["InvalidParameter", "NotFound", "ValidationError"];

struct Model(Value);

impl Model {
    fn load(service: &str) -> Option<Self> {
        let Some(folder) = std::env::var_os("BOTOCORE_DATA") else {
            // Straight to the terminal: the test harness would swallow it.
            let skipped = "SKIPPED: set BOTOCORE_DATA to hold the sandbox against botocore\n";
            let _ = std::io::stderr().write_all(skipped.as_bytes());
            return None;
        };
        let file = PathBuf::from(folder).join(format!("{service}.json"));
        let text = std::fs::read_to_string(&file);
        let text = text.expect("BOTOCORE_DATA names a folder with a model of each service");
        Some(Self(serde_json::from_str(&text).expect("a model is JSON")))
    }

    fn shape(&self, name: &Value) -> &Value {
        &self.0["shapes"][name.as_str().unwrap_or_default()]
    }

    fn operation(&self, name: &str) -> &Value {
        &self.0["operations"][name]
    }

    /// Everything in `value` that the shape does not allow.
    fn check(&self, path: &str, name: &Value, value: &Value, wrong: &mut Vec<String>) {
        let shape = self.shape(name);
        let fits = match shape["type"].as_str().unwrap_or_default() {
            "structure" => {
                for (member, value) in value.as_object().into_iter().flatten() {
                    let known = &shape["members"][member]["shape"];
                    if known.is_null() {
                        wrong.push(format!("{path}.{member} does not exist"));
                    } else {
                        self.check(&format!("{path}.{member}"), known, value, wrong);
                    }
                }
                value.is_object()
            }
            "list" => {
                for one in value.as_array().into_iter().flatten() {
                    self.check(&format!("{path}[]"), &shape["member"]["shape"], one, wrong);
                }
                value.is_array()
            }
            "map" => value.is_object(),
            "string" => {
                let allowed = shape["enum"].as_array();
                value.is_string() && allowed.is_none_or(|allowed| allowed.contains(value))
            }
            "integer" | "long" => value.is_i64() || value.is_u64(),
            "double" | "float" => value.is_number(),
            "boolean" => value.is_boolean(),
            "timestamp" if self.0["metadata"]["protocol"] == "query" => value.is_string(),
            "timestamp" => value.is_number() || value["$time"].is_number(),
            // A kind of shape that no answer has had so far.
            _ => false,
        };
        if !fits {
            wrong.push(format!("{path} is no {name}: {value}"));
        }
    }

    /// Every call of a room, and every call again without what it must not lack.
    fn judge<S: Service>(&self, room: &mut Room<S>) {
        let mut wrong = vec![];
        for (operation, input, outcome) in std::mem::take(&mut room.calls) {
            let model = self.operation(&operation);
            let path = operation.as_str();
            match outcome {
                Ok(answer) => self.check(path, &model["output"]["shape"], &answer, &mut wrong),
                Err(refusal) => self.check_refusal(path, model, &refusal, &mut wrong),
            }
            let wants = self.shape(&model["input"]["shape"]);
            for member in wants["required"].as_array().into_iter().flatten() {
                let mut without = input.clone();
                let removed =
                    member.as_str().and_then(|name| without.as_object_mut()?.remove(name));
                if removed.is_some() && room.call(&operation, &without).is_ok() {
                    wrong.push(format!("{operation} is answered without {member}"));
                }
            }
        }
        wrong.sort();
        wrong.dedup();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn check_refusal(&self, path: &str, model: &Value, refusal: &Refusal, wrong: &mut Vec<String>) {
        let mut errors = model["errors"].as_array().into_iter().flatten();
        let code = refusal.code.as_str();
        // The query protocol has names of its own for errors.
        let named = |error: &Value| self.shape(&error["shape"])["error"]["code"] == code;
        let known = errors.any(|error| error["shape"] == code || named(error));
        if !known && !COMMON.contains(&code) {
            wrong.push(format!("{path} never answers {code}"));
        }
    }
}

#[test]
fn ecs_answers_as_its_model_says() {
    let Some(model) = Model::load("ecs") else { return };
    let mut room = scr::service(2, &scr::breaker(true));
    let task = json!({
        "cluster": "scr",
        "taskDefinition": "scr-api",
        "networkConfiguration": scr::network(),
        "launchType": "FARGATE",
        "startedBy": "slipway/1",
    });
    let task = room.ask("RunTask", &task)["tasks"][0]["taskArn"].clone();
    room.service.behave("sha256:bad", Behaviour::CrashesAtStart { exit_code: 1 });
    scr::register(&mut room, "scr-api@sha256:bad");
    scr::update(&mut room, "scr-api:2");
    for seconds in [1, 30, 30, 300] {
        room.pass(seconds);
        let of_scr = json!({ "cluster": "scr", "services": ["api", "no"], "include": ["TAGS"] });
        room.ask("DescribeServices", &of_scr);
        room.ask("DescribeTasks", &json!({ "cluster": "scr", "tasks": [task, "no"] }));
        let arns = scr::deployments(&mut room);
        let described =
            room.ask("DescribeServiceDeployments", &json!({ "serviceDeploymentArns": arns }));
        let target = &described["serviceDeployments"][0]["targetServiceRevision"]["arn"];
        room.ask("DescribeServiceRevisions", &json!({ "serviceRevisionArns": [target] }));
        room.ask("StopServiceDeployment", &json!({ "serviceDeploymentArn": arns.last() }));
    }
    room.ask("ListTasks", &json!({ "cluster": "scr", "serviceName": "api" }));
    room.ask("StopTask", &json!({ "cluster": "scr", "task": task }));
    room.ask("DescribeClusters", &json!({ "clusters": ["scr"] }));
    let described = json!({ "taskDefinition": "scr-api:1", "include": ["TAGS"] });
    let known = room.ask("DescribeTaskDefinition", &described);
    let arn = &known["taskDefinition"]["taskDefinitionArn"];
    let tags = json!([{ "key": "app", "value": "scr" }]);
    room.ask("TagResource", &json!({ "resourceArn": arn, "tags": tags }));
    room.ask("ListTagsForResource", &json!({ "resourceArn": arn }));
    room.ask("ListTaskDefinitions", &json!({ "familyPrefix": "scr-api" }));
    room.ask("DeregisterTaskDefinition", &json!({ "taskDefinition": "scr-api:2" }));
    scr::update(&mut room, "scr-api:2");
    room.ask("DeleteService", &json!({ "cluster": "scr", "service": "api", "force": true }));
    scr::update(&mut room, "scr-api:1");
    model.judge(&mut room);
}

#[test]
fn ecr_answers_as_its_model_says() {
    let Some(model) = Model::load("ecr") else { return };
    let mut room = Room::new("ecr", Ecr::new());
    room.service.create_repository("scr", Mutability::ImmutableExcept(vec!["latest".into()]));
    let image = Image::buildx("one", &["linux/arm64"]);
    let pushed = room.at_desk(|ecr, desk| ecr.push("scr", "v1", &image, desk));
    assert!(pushed.is_ok());
    room.ask("DescribeRepositories", &json!({}));
    room.ask("DescribeRepositories", &json!({ "repositoryNames": ["no"] }));
    room.ask("GetLifecyclePolicy", &json!({ "repositoryName": "scr" }));
    room.service.put_lifecycle("scr", &json!({ "rules": [] }));
    room.ask("GetLifecyclePolicy", &json!({ "repositoryName": "scr" }));
    room.ask("DescribeImages", &json!({ "repositoryName": "scr" }));
    room.ask("ListImages", &json!({ "repositoryName": "scr" }));
    let ids = json!([{ "imageTag": "v1" }, { "imageTag": "no" }]);
    let by_ids = json!({ "repositoryName": "scr", "imageIds": ids });
    let found = room.ask("BatchGetImage", &by_ids)["images"][0].clone();
    room.ask("DescribeImages", &by_ids);
    let single = room.at_desk(|ecr, desk| ecr.push("scr", "v2", &Image::single("two"), desk));
    let id = json!({ "repositoryName": "scr", "imageIds": [{ "imageDigest": single.unwrap_or_default() }] });
    let single = room.ask("BatchGetImage", &id)["images"][0]["imageManifest"].clone();
    let single: Value = serde_json::from_str(single.as_str().unwrap_or("{}")).unwrap_or_default();
    for digest in [&single["config"]["digest"], &json!("sha256:0")] {
        let layer = json!({ "repositoryName": "scr", "layerDigest": digest });
        room.ask("GetDownloadUrlForLayer", &layer);
    }
    let manifest = &found["imageManifest"];
    for tag in ["keep", "keep", "latest"] {
        let put = json!({ "repositoryName": "scr", "imageManifest": manifest, "imageTag": tag });
        room.ask("PutImage", &put);
    }
    model.judge(&mut room);
}

#[test]
fn the_small_services_answer_as_their_models_say() {
    let Some(model) = Model::load("cloudwatch") else { return };
    let mut room = Room::new("monitoring", CloudWatch::new());
    let (namespace, metric) = ("scr".to_owned(), "errors".to_owned());
    let now = room.now();
    room.service.create("one", Kind::Metric { namespace, metric, threshold: 1.0 }, now);
    room.service.create("all", Kind::Composite { rule: "ALARM(one)".into() }, now);
    let types = json!({ "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 1 });
    room.ask("DescribeAlarms", &types);
    room.ask("DescribeAlarms", &json!({ "AlarmTypes": ["CompositeAlarm"] }));
    model.judge(&mut room);

    let Some(model) = Model::load("sns") else { return };
    let mut room = Room::new("sns", Sns::new());
    let topic = room.service.create_topic("slipway");
    room.ask("Publish", &json!({ "TopicArn": topic, "Message": "live" }));
    model.judge(&mut room);

    let Some(model) = Model::load("secretsmanager") else { return };
    let mut room = Room::new("secretsmanager", Secrets::new());
    let arn = room.service.put("slack", "xoxb-1", now);
    room.ask("GetSecretValue", &json!({ "SecretId": arn }));
    room.ask("GetSecretValue", &json!({ "SecretId": "no" }));
    room.ask("DescribeSecret", &json!({ "SecretId": arn }));
    room.ask("DescribeSecret", &json!({ "SecretId": "no" }));
    model.judge(&mut room);

    let Some(model) = Model::load("iam") else { return };
    let mut room = Room::new("iam", Roles::new());
    room.service.create("arn:aws:iam::123456789012:role/team/api", "ecs-tasks.amazonaws.com");
    for name in ["api", "no"] {
        room.ask("GetRole", &json!({ "RoleName": name }));
    }
    model.judge(&mut room);

    let Some(model) = Model::load("elbv2") else { return };
    let mut room = Room::new("elasticloadbalancing", Balancers::new());
    let [known, unknown] = ["api", "no"]
        .map(|name| sandbox::place::arn("elasticloadbalancing", &format!("targetgroup/{name}/1")));
    room.service.put(&known, TargetGroup { targets: "ip".into(), balancers: vec!["arn".into()] });
    for arn in [known, unknown] {
        room.ask("DescribeTargetGroups", &json!({ "TargetGroupArns": [arn] }));
    }
    model.judge(&mut room);

    let Some(model) = Model::load("logs") else { return };
    let mut room = Room::new("logs", Logs::new());
    let (group, stream) = ("/ecs/scr".to_owned(), "app/api/35a3".to_owned());
    room.service.create_group(&group);
    room.service.write(Written { group, stream, at: now, lines: vec!["fatal".into()] });
    room.ask("DescribeLogGroups", &json!({ "logGroupNamePrefix": "/ecs" }));
    for stream in ["app/api/35a3", "app/api/no"] {
        room.ask("GetLogEvents", &json!({ "logGroupName": "/ecs/scr", "logStreamName": stream }));
    }
    model.judge(&mut room);
}

#[test]
fn run_command_answers_as_its_model_says() {
    let Some(model) = Model::load("ssm") else { return };
    let mut ssm = Ssm::new();
    ssm.add(Host::new("i-0a1", &[("Component", "web")]).expect("there is room for a folder"));
    let mut room = Room::new("ssm", ssm);
    let of_web = json!([{ "Key": "tag:Component", "Values": ["web"] }]);
    room.ask("DescribeInstanceInformation", &json!({ "Filters": of_web }));
    let mut ids = vec![];
    for (instance, script) in [("i-0a1", "echo one"), ("i-0a1", "exit 3"), ("i-0no", "echo two")] {
        let input = json!({
            "InstanceIds": [instance], "DocumentName": "AWS-RunShellScript", "Comment": "a test",
            "Parameters": {"commands": ["#!/bin/bash", script], "executionTimeout": ["60"]},
        });
        let answer = room.ask("SendCommand", &input);
        ids.extend(answer["Command"]["CommandId"].as_str().map(str::to_owned));
    }
    room.ask("ListCommands", &json!({ "InstanceId": "i-0a1" }));
    room.service.put_parameter("/scr/token");
    let named = json!([{ "Key": "Name", "Option": "Equals", "Values": ["/scr/token", "no"] }]);
    room.ask("DescribeParameters", &json!({ "ParameterFilters": named }));
    room.ask("ListCommandInvocations", &json!({ "Details": true }));
    for id in ids.iter().map(String::as_str).chain(["none"]) {
        room.ask("GetCommandInvocation", &json!({ "CommandId": id, "InstanceId": "i-0a1" }));
        room.ask("CancelCommand", &json!({ "CommandId": id }));
    }
    model.judge(&mut room);
}
