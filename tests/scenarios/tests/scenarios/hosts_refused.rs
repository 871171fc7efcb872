//! Hosts that nothing is begun on, and what must never become a command there.

use crate::check;
use crate::faceplate::{HOST, PROD, faceplate, next};
use expect_test::expect;
use sandbox::ssm::Standing;
use serde_json::json;

#[tokio::test]
async fn a_host_that_is_not_heard_of_is_not_deployed_to() {
    let mut team = faceplate().await;
    team.host_is(HOST, Standing::Lost);
    next(&mut team).await;
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Ended: failed: pre-flight: i-0prod1 is not connected to Systems Manager (last ping 2026-11-21T09:15:33Z); start it or its SSM agent, or remove its tags.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 failed; no service was changed
        "#]],
    );
}

#[tokio::test]
async fn an_agent_that_does_not_answer_is_a_reason_not_to_begin() {
    let mut team = faceplate().await;
    team.host_is(HOST, Standing::Deaf);
    next(&mut team).await;
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Ended: failed: pre-flight: i-0prod1 is connected but does not answer; check its SSM agent.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 failed; no service was changed
        "#]],
    );
}

#[tokio::test]
async fn no_host_with_these_tags() {
    let mut team = faceplate().await;
    team.host_is(HOST, Standing::Terminated);
    next(&mut team).await;
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Ended: failed: pre-flight: no managed instance has the tags Component=faceplate, Environment=prod; correct hosts.tags in the spec, or register the instance with Systems Manager.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 failed; no service was changed
        "#]],
    );
}

/// Its owner has not said that Slipway may be root there.
#[tokio::test]
async fn a_host_without_the_tag_of_the_stack_is_not_touched() {
    let mut team = faceplate().await;
    let rules = team.system.environments().find(|(name, _)| *name == "prod").unwrap().1.clone();
    let pipeline::spec::Target::Hosts(tags) = &rules.target else { panic!("faceplate has hosts") };
    let foreign: Vec<(&str, &str)> = tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let foreign = sandbox::ssm::Host::new("i-0prod9", &foreign).unwrap();
    team.sandbox.account().services.ssm.add(foreign);
    next(&mut team).await;
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Ended: failed: pre-flight: Slipway may not send commands to i-0prod1, i-0prod9; give them the tag slipway with the value of HostsTagged of its stack.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 failed; no service was changed
            problem: Rollout: User: arn:aws:sts::123456789012:assumed-role/slipway-RolloutRole-SANDBOX/slipway-rollout is not authorized to perform: ssm:SendCommand on resource: arn:aws:ec2:eu-central-1:123456789012:instance/i-0prod9 because no identity-based policy allows the ssm:SendCommand action
        "#]],
    );
}

#[tokio::test]
async fn docker_is_missing_on_the_host() {
    let mut team = faceplate().await;
    team.on_hosts("prod", |host| host.remove("bin/docker")).unwrap();
    next(&mut team).await;
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Ended: failed: pre-flight: i-0prod1: docker is not installed on the host; install it.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 failed; no service was changed
        "#]],
    );
}

#[tokio::test]
async fn what_could_be_a_command_is_refused_or_means_nothing() {
    let mut team = faceplate().await;
    let spec = team.system.text.clone();
    for (from, to) in [
        ("env_file: /etc/faceplate.env", "env_file: \"/etc/$(reboot).env\""),
        ("env_file: /etc/faceplate.env", "env_file: \"/etc/it's.env\""),
        ("ports: [\"8000:8000\"]", "ports: [\"8000:8000; reboot\"]"),
        ("- name: faceplate", "- name: \"faceplate; reboot\""),
    ] {
        let payload = json!({ "spec": spec.replace(from, to) });
        let answer = team.invoke("configure", payload).await.unwrap();
        assert!(answer.payload.to_string().contains("is not "), "{to}: {}", answer.payload);
    }
    // A command may be anything; its words reach the script as they are.
    let words = "[/opt/faceplate/scripts/migrate.sh, \"it's\", \"$(touch /tmp/slipway-pwned)\", \"`id`\", \"{{ssm:x}}\"]";
    team.system.text = spec.replace("[/opt/faceplate/scripts/migrate.sh]", words);
    team.configure().await.unwrap();
    let script = "#!/bin/bash\nprintf '%s\\n' \"$@\" >\"${0%/*}/words\"\n";
    team.on_hosts("prod", |host| host.write("/opt/faceplate/scripts/migrate.sh", script)).unwrap();
    next(&mut team).await;
    let words = team.host(HOST, |host| host.read("/opt/faceplate/scripts/words")).flatten();
    assert_eq!(words.as_deref(), Some("it's\n$(touch /tmp/slipway-pwned)\n`id`\n{{ssm:x}}\n"));
    assert!(!std::path::Path::new("/tmp/slipway-pwned").exists());
    assert_eq!(team.sandbox.problems(), Vec::<String>::new());
}
