//! Which events reach which function: every rule against every sample.

use aws::payload::listener;
use contract::{Template, samples, short};
use expect_test::{expect, expect_file};
use sandbox::events::{check, wants};
use serde_json::json;

/// MiniStack's matcher is asked about the same table.
#[test]
fn each_sample_event_wakes_exactly_the_rules_that_it_should() {
    let template = Template::load();
    let mut table = String::new();
    for sample in samples() {
        if sample.payload.get("detail-type").is_none() {
            continue;
        }
        let told: Vec<&str> = template
            .of("AWS::Events::Rule")
            .filter(|rule| wants(&rule["EventPattern"], &sample.payload))
            .map(|rule| rule.id)
            .collect();
        let told = if told.is_empty() { "-".to_owned() } else { told.join(", ") };
        table.push_str(&format!("{:40} {told}\n", sample.name));
    }
    expect_file!["../../rules.txt"].assert_eq(&table);
}

#[test]
fn each_pattern_is_one_that_the_sandbox_understands() {
    let template = Template::load();
    for rule in template.of("AWS::Events::Rule") {
        if rule["ScheduleExpression"].is_null() {
            check(&rule["EventPattern"], rule.id).unwrap();
        }
    }
}

/// A replay sends an event to the function of its rule.
#[test]
fn what_is_replayed_goes_where_the_rules_send_it() {
    let template = Template::load();
    let wake = template.get("Wake");
    let mut heard = 0;
    for rule in template.of("AWS::Events::Rule") {
        for source in rule["EventPattern"]["source"].as_array().into_iter().flatten() {
            let variable = listener(&json!({ "source": source })).unwrap();
            let function = short(&wake["Environment"]["Variables"][variable]);
            assert_eq!(function, short(&rule["Targets"][0]["Arn"]), "{}", rule.id);
            heard += 1;
        }
    }
    assert!(heard >= 6, "{heard}");
}

#[test]
fn each_rule_invokes_one_function() {
    let template = Template::load();
    let mut table = String::new();
    for rule in template.of("AWS::Events::Rule") {
        let targets = rule["Targets"].as_array().unwrap();
        let told: Vec<String> = targets.iter().map(|target| short(&target["Arn"])).collect();
        let when = rule["ScheduleExpression"].as_str().unwrap_or("its events");
        table.push_str(&format!("{} on {when}\n", [rule.id, &told.join(", ")].join(" -> ")));
    }
    expect![[r#"
        AlarmRule -> AlarmChanged on its events
        CommandRule -> EcsChanged on its events
        DeploymentRule -> EcsChanged on its events
        ImageRule -> ImagePushed on its events
        ServiceRule -> EcsChanged on its events
        SweepRule -> Wake on rate(1 minute)
        TaskRule -> EcsChanged on its events
    "#]]
    .assert_eq(&table);
}
