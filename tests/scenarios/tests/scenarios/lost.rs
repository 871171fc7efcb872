//! Calls whose answers are lost, functions that run out of time, events twice and late.

use crate::{STAGING, ended, scr, sound};
use expect_test::expect;
use sandbox::faults::{Calls, EventFault, Fault, When};
use sandbox::service::Refusal;
use sandbox::trace::{Entry, What};
use scenarios::Team;
use serde_json::{Value, json};

/// Deploys to staging with one fault at the first call of an operation of ECS.
async fn deploy_with(operation: &str, fault: Fault) -> Team {
    let mut team = scr().await;
    let calls = Calls::to("ecs", operation);
    team.sandbox.faults(|faults| faults.on_calls(calls, When::Nth(1), fault));
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    assert_struck(&team);
    assert_eq!(team.deployment(STAGING, 2).unwrap().verdict().unwrap().to_string(), "succeeded");
    sound(&team);
    team
}

/// A story of a fault that never was would prove nothing.
fn assert_struck(team: &Team) {
    let account = team.sandbox.account();
    let struck = |entry: &Entry| matches!(entry.what, What::Fault { .. });
    assert!(account.trace.entries().iter().any(struck));
}

/// How many rollouts each service has seen, revisions each family has, and tasks Slipway ran.
fn acts(team: &Team) -> (Vec<usize>, Vec<usize>, usize) {
    let count = |operation, input, list: &str| {
        let answer = team.person("ecs", operation, input).unwrap();
        answer[list].as_array().map_or(0, Vec::len)
    };
    let services = ["scr-api", "scr-ai-gateway", "scr-web"];
    let rollouts = services.map(|service| {
        let input = json!({"cluster": "scr-staging", "service": service});
        count("ListServiceDeployments", input, "serviceDeployments")
    });
    let revisions = services.map(|family| {
        let input = json!({ "familyPrefix": family });
        let answer = team.person("ecs", "ListTaskDefinitions", input).unwrap();
        let arns = answer["taskDefinitionArns"].as_array().unwrap().iter();
        let of_family = format!("/{family}:");
        arns.filter_map(Value::as_str).filter(|arn| arn.contains(&of_family)).count()
    });
    let tasks = team.sandbox.account().services.ecs.started("/scr/staging/2/");
    (rollouts.into(), revisions.into(), tasks)
}

/// What a deployment does where every answer arrives.
const ONCE: ([usize; 3], [usize; 3], usize) = ([3, 3, 3], [3, 3, 3], 1);

fn assert_once(team: &Team) {
    let (rollouts, revisions, tasks) = ONCE;
    assert_eq!(acts(team), (rollouts.into(), revisions.into(), tasks));
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_is_one_rollout() {
    assert_once(&deploy_with("UpdateService", Fault::LoseAnswer).await);
}

#[tokio::test]
async fn a_migration_whose_answer_is_lost_runs_once() {
    assert_once(&deploy_with("RunTask", Fault::LoseAnswer).await);
}

#[tokio::test]
async fn a_registration_whose_answer_is_lost_is_one_revision() {
    assert_once(&deploy_with("RegisterTaskDefinition", Fault::LoseAnswer).await);
}

#[tokio::test]
async fn a_registration_that_ecs_is_too_busy_for_is_tried_again() {
    let busy = "Too many concurrent attempts to create a new revision of the specified family.";
    let refusal = Refusal::new("ClientException", busy);
    assert_once(&deploy_with("RegisterTaskDefinition", Fault::Refuse(refusal)).await);
}

#[tokio::test]
async fn functions_that_run_out_of_time_act_once() {
    for operation in ["UpdateService", "RunTask", "RegisterTaskDefinition"] {
        assert_once(&deploy_with(operation, Fault::TimeOut).await);
    }
}

#[tokio::test]
async fn new_tasks_that_were_asked_for_are_started_once_though_the_answer_is_lost() {
    let mut team = scr().await;
    let calls = Calls::to("ecs", "UpdateService");
    team.sandbox.faults(|faults| faults.on_calls(calls, When::Nth(1), Fault::LoseAnswer));
    let fresh = json!({"environment": "staging", "version": "0a1b2c3", "fresh": true, "by": "ann"});
    let answer = team.ask("deploy", fresh).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(STAGING, 2).await.unwrap();
    assert_struck(&team);
    let (rollouts, ..) = acts(&team);
    assert_eq!(rollouts, [3, 3, 3], "the old one, the first release, and new tasks of it");
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
        succeeded
        runs
          scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
          scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
          scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
        told
          scr/staging: deploying 0a1b2c3
          scr/staging: 0a1b2c3 is live
          scr/staging: deploying 0a1b2c3
          scr/staging: 0a1b2c3 is live
    "#]],
    );
}

#[tokio::test]
async fn events_that_come_twice_and_late_change_nothing() {
    let mut team = scr().await;
    team.sandbox.faults(|faults| {
        let late = EventFault::DelaySeconds(90);
        faults.on_events(None, When::Share { percent: 40, seed: 3 }, EventFault::Duplicate);
        faults.on_events(None, When::Share { percent: 40, seed: 11 }, late);
    });
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    team.sandbox.run_for(600).await.unwrap();
    assert_eq!(team.deployments().len(), 2);
    assert_once(&team);
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
        succeeded
        runs
          scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
          scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
          scr-web: scr-web:3f2a9c1, scr-web:3f2a9c1
        told
          scr/staging: deploying 0a1b2c3
          scr/staging: 0a1b2c3 is live
          scr/staging: deploying 3f2a9c1
          scr/staging: 3f2a9c1 is live
    "#]],
    );
}
