//! Which events reach which function: every rule against every sample.

use contract::{Template, matches, samples, short};
use expect_test::{expect, expect_file};
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
            .filter(|rule| matches(&rule["EventPattern"], &sample.payload))
            .map(|rule| rule.id)
            .collect();
        let told = if told.is_empty() { "-".to_owned() } else { told.join(", ") };
        table.push_str(&format!("{:40} {told}\n", sample.name));
    }
    expect_file!["../../rules.txt"].assert_eq(&table);
}

#[test]
fn each_rule_tells_one_function() {
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
        DeploymentRule -> EcsChanged on its events
        ImageRule -> ImagePushed on its events
        ServiceRule -> EcsChanged on its events
        SweepRule -> Wake on rate(1 minute)
        TaskRule -> EcsChanged on its events
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_pattern_means_what_eventbridge_means_by_it() {
    let event = json!({"detail": {"tag": "", "group": "service:api", "containers": [
        {"lastStatus": "RUNNING", "name": "api"}, {"lastStatus": "STOPPED", "name": "worker"}]}});
    let check = |detail: serde_json::Value| matches(&json!({"detail": detail}), &event);

    assert!(check(json!({"tag": [{"exists": true}]})), "an empty text is there");
    assert!(!check(json!({"tag": [{"anything-but": [""]}]})));
    assert!(!check(json!({"digest": [{"anything-but": [""]}]})), "what is missing is not another");
    assert!(check(json!({"digest": [{"exists": false}]})));
    assert!(check(json!({"group": [{"prefix": "family:"}, {"prefix": "service:"}]})));
    assert!(check(json!({"containers": {"lastStatus": ["STOPPED"]}})), "one of the list is enough");
    assert!(
        !check(json!({"containers": {"lastStatus": ["STOPPED"], "name": ["api"]}})),
        "but one of the list must be both"
    );
    assert!(check(json!({"$or": [{"tag": ["x"]}, {"group": ["service:api"]}]})));
    assert!(!check(json!({"$or": [{"tag": ["x"]}], "group": ["service:api"]})));
}
