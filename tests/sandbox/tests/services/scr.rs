//! A cluster with one service that runs a good image, and ways to describe it.

use crate::room::{Room, tail};
use sandbox::ecs::Ecs;
use serde_json::{Value, json};

pub(crate) fn register(room: &mut Room<Ecs>, image: &str) {
    room.say(
        "RegisterTaskDefinition",
        &json!({
            "family": "scr-api",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "taskRoleArn": "arn:aws:iam::123456789012:role/scr-task",
            "executionRoleArn": "arn:aws:iam::123456789012:role/scr-execution",
            "containerDefinitions": [
                { "name": "api", "image": image, "portMappings": [{ "containerPort": 8080 }] },
                { "name": "worker", "image": image, "essential": false },
            ],
        }),
    );
}

/// Ten minutes after the service was made. `more`: further members for CreateService.
pub(crate) fn service(desired: u32, more: &Value) -> Room<Ecs> {
    let mut room = Room::new("ecs", Ecs::new());
    room.service.create_cluster("scr");
    register(&mut room, "scr-api@sha256:good");
    let mut input = json!({
        "cluster": "scr",
        "serviceName": "api",
        "taskDefinition": "scr-api:1",
        "desiredCount": desired,
        "launchType": "FARGATE",
        "networkConfiguration": network(),
    });
    for (member, value) in more.as_object().into_iter().flatten() {
        input[member] = value.clone();
    }
    room.say("CreateService", &input);
    room.pass(600);
    room.story();
    room
}

pub(crate) fn network() -> Value {
    json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } })
}

/// Members that turn the circuit breaker on.
pub(crate) fn breaker(rollback: bool) -> Value {
    let breaker = json!({ "enable": true, "rollback": rollback });
    json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": breaker } })
}

pub(crate) fn update(room: &mut Room<Ecs>, definition: &str) {
    let input = json!({ "cluster": "scr", "service": "api", "taskDefinition": definition });
    room.say("UpdateService", &input);
}

/// The service as DescribeServices returns it, in a few lines.
pub(crate) fn describe(room: &mut Room<Ecs>) {
    let input = json!({ "cluster": "scr", "services": ["api"] });
    let answer = room.ask("DescribeServices", &input);
    let service = &answer["services"][0];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    room.line(&format!("= {} {}", text(&service["status"]), service["desiredCount"]));
    for one in service["deployments"].as_array().into_iter().flatten() {
        let line = format!(
            "= {} {} {} {}/{} failed {} {}: {}",
            text(&one["status"]),
            tail(&text(&one["id"])),
            tail(&text(&one["taskDefinition"])),
            one["runningCount"],
            one["desiredCount"],
            one["failedTasks"],
            text(&one["rolloutState"]),
            text(&one["rolloutStateReason"]),
        );
        room.line(&line);
    }
}

/// The last lines of the service's own events.
pub(crate) fn notes(room: &mut Room<Ecs>, count: usize) {
    let input = json!({ "cluster": "scr", "services": ["api"] });
    let answer = room.ask("DescribeServices", &input);
    for note in answer["services"][0]["events"].as_array().into_iter().flatten().take(count) {
        room.line(&format!("- {}", note["message"].as_str().unwrap_or_default()));
    }
}

/// The service deployments, the newest first.
pub(crate) fn deployments(room: &mut Room<Ecs>) -> Vec<String> {
    let answer = room.ask("ListServiceDeployments", &json!({ "cluster": "scr", "service": "api" }));
    let mut arns = vec![];
    for one in answer["serviceDeployments"].as_array().into_iter().flatten() {
        let text = |member: &str| one[member].as_str().unwrap_or("-").to_owned();
        let (to, reason) = (tail(&text("targetServiceRevisionArn")), text("statusReason"));
        room.line(&format!("~ to {to}: {} {reason}", text("status")));
        arns.push(text("serviceDeploymentArn"));
    }
    arns
}

/// A text without the events of single tasks.
pub(crate) fn without_tasks(story: &str) -> String {
    story.lines().filter(|line| !line.contains("  task ")).map(|line| format!("{line}\n")).collect()
}
