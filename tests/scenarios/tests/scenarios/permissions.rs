//! The template's permissions are the least that the functions need: what no day needs must go.

use crate::hosts_many::with_services;
use crate::{STAGING, register_outside_slipway, scr, sound, start_from_newest};
use pipeline::verdict::Verdict;
use sandbox::ecr::Image;
use sandbox::ecs::{Behaviour, Ending};
use sandbox::faults::{Calls, EventFault, Fault, When};
use sandbox::iam::Grant;
use sandbox::service::Refusal;
use sandbox::ssm::Standing;
use scenarios::Team;
use serde_json::json;
use std::collections::BTreeSet;

/// A function that saves a deployment sends every overdue effect in its outbox, to any worker. Each
/// of these saves deployments, and which effect is overdue then is random.
const TURNS: [&str; 10] = [
    "AlarmChanged",
    "Control",
    "Deploy",
    "EcsChanged",
    "Migrate",
    "Notify",
    "Rollback",
    "Rollout",
    "Verify",
    "Wake",
];
const WORKERS: [&str; 6] = ["Migrate", "Notify", "Rollback", "Rollout", "Verify", "Wake"];

#[tokio::test]
async fn every_permission_is_needed_on_some_day() {
    let mut granted = BTreeSet::new();
    let mut used: BTreeSet<String> = by_chance().collect();
    let on_services = tokio::join!(there_and_back(), bad_days(), made_and_removed());
    let handed_on = replayed().await;
    sound(&handed_on);
    used.extend(handed_on.sandbox.permissions_used().iter().map(told));
    let beside = tokio::join!(found_again(), on_hosts(), many_on_a_host(), for_one_platform());
    let beside = [beside.0, beside.1, beside.2, beside.3];
    for team in [on_services.0, on_services.1, on_services.2].into_iter().chain(beside) {
        sound(&team);
        used.extend(team.sandbox.permissions_used().iter().map(told));
        granted.extend(team.sandbox.permissions_used().iter().map(told));
        granted.extend(team.sandbox.permissions_unused().iter().map(told));
    }
    let excused_in_vain: Vec<String> = by_chance().filter(|line| !granted.contains(line)).collect();
    assert_eq!(excused_in_vain, Vec::<String>::new());
    let unused: Vec<String> = granted.difference(&used).map(|line| format!("{line}\n")).collect();
    assert_eq!(unused.concat(), "");
}

fn by_chance() -> impl Iterator<Item = String> {
    let of = |function: &&str| {
        WORKERS.map(|worker| format!("{function} sqs:SendMessage slipway-{worker}Queue-SANDBOX"))
    };
    TURNS.iter().flat_map(of)
}

/// `Migrate ecs:RunTask task-definition/*:*`
fn told(grant: &Grant) -> String {
    let function = grant.role.trim_end_matches("Role");
    let resource = match grant.action.as_str() {
        // One parameter of the template, with any value of a team.
        "iam:GetRole" | "iam:PassRole" => "TaskRoleArns",
        _ => grant.resource.splitn(6, ':').last().unwrap_or_default(),
    };
    format!("{function} {} {resource}", grant.action)
}

/// From a push to production, and back by hand.
async fn there_and_back() -> Team {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    let production = json!({"application": "scr", "environment": "production", "from": "staging", "confirm": "DEPLOY", "by": "ann"});
    // With what a task needs to start.
    start_from_newest(&mut team, "scr-web-production").await;
    let secret = have_a_secret_and_a_parameter(&team);
    register_outside_slipway(&team, "scr-web-production", |newer| {
        newer["containerDefinitions"][0]["secrets"] =
            json!([{"name": "KEY", "valueFrom": secret}, {"name": "URL", "valueFrom": "url"}]);
    });
    let mut only_a_plan = production.clone();
    only_a_plan["dry_run"] = true.into();
    team.ask("deploy", only_a_plan).await.unwrap();
    team.ask("deploy", production).await.unwrap();
    let ended = team.until_ended("scr/production", 1).await.unwrap();
    assert_eq!(ended.verdict(), Some(&Verdict::Succeeded));
    let staging = json!({"application": "scr", "environment": "staging"});
    team.ask("rollback", staging.clone()).await.unwrap();
    team.until_ended(STAGING, 3).await.unwrap();
    team.ask("status", staging).await.unwrap();
    let unhold = json!({"application": "scr", "environment": "staging", "action": "unhold"});
    team.ask("control", unhold).await.unwrap();
    // Pushed before Slipway came, so that only ECR knows the tag.
    let before = json!({
        "application": "scr", "environment": "staging", "version": "before",
        "skip_migration": true,
    });
    let answer = team.ask("deploy", before).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(STAGING, 4).await.unwrap();
    a_person_rolls_back_by_hand(&mut team).await;
    team
}

/// In the console of ECS, so that ECS has to be asked who it was.
async fn a_person_rolls_back_by_hand(team: &mut Team) {
    team.push_all("4d2a9c1", "newer").unwrap();
    team.until_state(STAGING, 5, "rolling out").await.unwrap();
    team.sandbox.run_for(5).await.unwrap();
    let services = json!({"cluster": "scr-staging", "services": ["scr-api"]});
    let described = team.person("ecs", "DescribeServices", services).unwrap();
    let before = described["services"][0]["deployments"][1]["taskDefinition"].clone();
    let update = json!({"cluster": "scr-staging", "service": "scr-api", "taskDefinition": before});
    team.person("ecs", "UpdateService", update).unwrap();
    team.until_ended(STAGING, 5).await.unwrap();
}

/// The ARN of the secret; the parameter is `url`.
fn have_a_secret_and_a_parameter(team: &Team) -> String {
    let now = team.sandbox.now();
    let mut account = team.sandbox.account();
    account.services.ssm.put_parameter("url");
    account.services.secrets.put("key", "a value", now)
}

/// A migration that hangs, an image that is gone, and an alarm in the rollout and in the bake.
async fn bad_days() -> Team {
    let mut team = scr().await;
    team.one_off("", "alembic", Ending::Hangs);
    team.push_all("aaaaaa1", "hangs").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    team.one_off("", "alembic", Ending::Exits { code: 0, seconds: 8 });

    let digests = team.push_all("aaaaaa2", "gone").unwrap();
    team.sandbox.at_desk("ecr", |services, desk| {
        services.ecr.delete("scr-web", &digests["scr-web"], desk);
    });
    team.until_ended(STAGING, 3).await.unwrap();

    for (number, tag) in [(4, "aaaaaa3"), (5, "aaaaaa4")] {
        team.push_all(tag, tag).unwrap();
        team.until_state(STAGING, number, "rolling out").await.unwrap();
        team.sandbox.run_for(5).await.unwrap();
        team.alarm("scr-staging-5xx", "ALARM", "Threshold Crossed");
        team.until_ended(STAGING, number).await.unwrap();
        team.alarm("scr-staging-5xx", "OK", "quiet again");
        team.sandbox.run_for(60).await.unwrap();
        // The second one cannot be stopped at first, and why has to be found out.
        let stop = Calls::to("ecs", "StopServiceDeployment");
        let refusal =
            Refusal::new("ConflictException", "The service deployment cannot be stopped.");
        team.sandbox.faults(|faults| faults.on_calls(stop, When::Nth(1), Fault::Refuse(refusal)));
    }

    under_an_alarm(&mut team).await;

    team.push_all("aaaaaa5", "slow").unwrap();
    team.until_state(STAGING, 7, "baking").await.unwrap();
    for family in ["scr-api", "scr-ai-gateway", "scr-web"] {
        let definition = json!({ "taskDefinition": format!("{family}:2") });
        team.person("ecs", "DeregisterTaskDefinition", definition).unwrap();
    }
    let before = team.digest("scr-web", "0a1b2c3").unwrap();
    team.sandbox.at_desk("ecr", |services, desk| services.ecr.delete("scr-web", &before, desk));
    team.alarm("scr-staging-5xx", "ALARM", "Threshold Crossed");
    team.until_ended(STAGING, 7).await.unwrap();
    team
}

/// A plan and a push while an alarm is on, which a rule may mute.
async fn under_an_alarm(team: &mut Team) {
    team.alarm("scr-staging-5xx", "ALARM", "Threshold Crossed");
    team.push_all("aaaaaa6", "under an alarm").unwrap();
    team.until_ended(STAGING, 6).await.unwrap();
    let plan = json!({
        "application": "scr", "environment": "staging", "version": "aaaaaa6", "dry_run": true,
    });
    team.ask("deploy", plan).await.unwrap();
    team.alarm("scr-staging-5xx", "OK", "quiet again");
    team.sandbox.run_for(60).await.unwrap();
}

/// Events that were given up, one for each function that listens; and people who name nothing.
async fn replayed() -> Team {
    let mut team = scr().await;
    for letter in [
        include_str!("../../../../events/ecr-push-tagged.json"),
        include_str!("../../../../events/ecs-service-steady-state.json"),
        include_str!("../../../../events/alarm-metric.json"),
    ] {
        team.write_to("EventDeadLetters", letter).unwrap();
    }
    team.ask("wake", json!({"replay": true})).await.unwrap();
    team.until(3600, |team| team.left_over().is_empty()).await.unwrap();
    for function in ["control", "rollback"] {
        team.ask(function, json!({"dry_run": true})).await.unwrap();
    }
    team
}

/// A service that a deployment makes, and removes because it does not work.
async fn made_and_removed() -> Team {
    let mut team = Team::start("omen-epr").await.unwrap();
    let text = team.system.text.replace("    bake: 3m", "    first_deploy: remove\n    bake: 3m");
    team.respecify(&text).await.unwrap();
    let plan = json!({"application": "omen-epr", "environment": "production", "version": "before", "dry_run": true});
    team.ask("deploy", plan).await.unwrap();
    let digests = team.push_all("20261121100000", "bad").unwrap();
    team.behave(&digests["omen-epr"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_ended("omen-epr/production", 1).await.unwrap();
    team
}

/// On a host: a command that the rollback cancels, one with an unknown id that has to be ended, and
/// one that the host never takes.
async fn on_hosts() -> Team {
    let place = "faceplate/prod";
    let mut team = Team::start("faceplate").await.unwrap();
    team.push_all("main-aaaaaa1", "called off").unwrap();
    team.until_state(place, 1, "rolling out").await.unwrap();
    // The command is sent, and continues.
    team.sandbox.run_for(3).await.unwrap();
    let why = json!({"application": "faceplate", "environment": "prod", "by": "ann"});
    team.ask("rollback", why).await.unwrap();
    team.until_ended(place, 1).await.unwrap();

    team.on_hosts("prod", |host| host.write("command-seconds", "3600")).unwrap();
    let sending = Calls { caller: Some("Migrate".into()), ..Calls::to("ssm", "SendCommand") };
    team.sandbox.faults(|faults| faults.on_calls(sending, When::Nth(1), Fault::KillAfter));
    team.push_all("main-aaaaaa2", "unknown and too slow").unwrap();
    team.until_ended(place, 2).await.unwrap();

    team.push_all("main-aaaaaa3", "not taken").unwrap();
    team.until_state(place, 3, "migrating").await.unwrap();
    team.host_is("i-0prod1", Standing::Deaf);
    team.until_ended(place, 3).await.unwrap();

    let plan = json!({"application": "faceplate", "environment": "prod", "version": "main-aaaaaa3", "by": "ann", "dry_run": true});
    team.ask("deploy", plan).await.unwrap();
    team
}

/// An image whose configuration alone names its platform, and whose push has no event.
async fn for_one_platform() -> Team {
    let place = "wwhd/production";
    let mut team = Team::start("wwhd").await.unwrap();
    let pushes = Some("ECR Image Action");
    team.sandbox.faults(|faults| faults.on_events(pushes, When::Always, EventFault::Drop));
    let repository = team.system.spec.images.values().next().unwrap().to_string();
    team.push_image(&repository, "latest", &Image::single("new")).unwrap();
    let ended = team.until_ended(place, 1).await.unwrap();
    assert_eq!(ended.verdict(), Some(&Verdict::Succeeded));
    let plan = json!({"application": "wwhd", "environment": "production", "version": "latest", "by": "ann", "dry_run": true});
    team.ask("deploy", plan).await.unwrap();
    team
}

/// So many containers that a host's own invocation is read for its whole report.
async fn many_on_a_host() -> Team {
    let mut team = Team::start_with(with_services(14), 0).await.unwrap();
    team.push_all("v1", "first").unwrap();
    team.until_ended("shop/live", 1).await.unwrap();
    team
}

/// What is known only from the table and the registry: environments that leave the spec, and a
/// queued release that was not reported as incomplete, and is then pushed on.
async fn found_again() -> Team {
    let mut team = Team::start("power-pto").await.unwrap();
    let spec = team.system.text.clone();
    let more = spec.replace("environments:\n", ENVIRONMENTS_MORE);
    team.ask("configure", json!({ "spec": more, "force": true })).await.unwrap();
    let answer = team.ask("configure", json!({ "spec": spec })).await.unwrap();
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 2, "{answer}");

    // Not on the minute, when the sweep comes.
    team.sandbox.run_for(17).await.unwrap();
    team.push("power-pto/api", "3f2a9c1", "first").unwrap();
    let announced = |team: &mut Team| team.sandbox.queue_depths()["NotifyQueue"] > 0;
    team.until(3600, announced).await.unwrap();
    team.purge("NotifyQueue").unwrap();
    // The timer that would send it again is lost as well, and the sweep comes a moment too late.
    team.purge("WakeQueue").unwrap();
    team.sandbox.run_for(5 * 60 + 1).await.unwrap();
    team.push("power-pto/worker", "3f2a9c1", "first").unwrap();
    let told = |team: &mut Team| !team.sandbox.account().services.sns.published.is_empty();
    team.until(3600, told).await.unwrap();
    team.until(3600, |team| team.left_over().is_empty()).await.unwrap();
    team
}

const ENVIRONMENTS_MORE: &str = "environments:
  one: {cluster: one, services: [api]}
  two: {cluster: two, services: [api]}
";
