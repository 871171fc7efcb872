//! Logs and alarms: nothing is given up, or falls silent, without a word.

use contract::{Template, short};
use expect_test::expect;

#[test]
fn each_function_writes_json_to_a_log_of_its_own_that_forgets() {
    let template = Template::load();
    for function in template.functions() {
        let logging = &function["LoggingConfig"];
        assert_eq!(logging["LogFormat"], "JSON");
        // Metrics and the story of a deployment are lines, too: at WARN they would be gone.
        assert_eq!(logging["ApplicationLogLevel"], "INFO");
        let log = template.get(logging["LogGroup"]["Ref"].as_str().unwrap());
        assert_eq!(
            log["LogGroupName"]["Fn::Sub"],
            format!("/aws/lambda/${{AWS::StackName}}-{}", function.name())
        );
        assert_eq!(short(&log["RetentionInDays"]), "LogRetentionDays");
    }
    // One more is that of `FetchCode`.
    assert_eq!(template.of("AWS::Logs::LogGroup").count(), template.functions().len() + 1);
}

#[test]
fn what_the_alarms_watch() {
    let template = Template::load();
    let mut table = String::new();
    for alarm in template.of("AWS::CloudWatch::Alarm") {
        assert_eq!(short(&alarm["AlarmActions"][0]), "Topic", "{}", alarm.id);
        let of = alarm["Dimensions"].get(0).map(|of| format!(" of {}", short(&of["Value"])));
        table.push_str(&format!(
            "{}: {}/{}{} {} in {}s, none is {}\n",
            alarm.attribute("Condition").as_str().unwrap_or("always"),
            alarm["Namespace"].as_str().unwrap(),
            alarm["MetricName"].as_str().unwrap(),
            of.unwrap_or_default(),
            match alarm["ComparisonOperator"].as_str().unwrap() {
                "GreaterThanThreshold" => format!("> {}", alarm["Threshold"]),
                "LessThanThreshold" => format!("< {}", alarm["Threshold"]),
                other => other.to_owned(),
            },
            alarm["Period"],
            alarm["TreatMissingData"].as_str().unwrap(),
        ));
    }
    expect![[r#"
        FullAlarms: AWS/Lambda/Errors of AlarmChanged > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Configure > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Control > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Deploy > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of EcsChanged > 0 in 300s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of EventDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of ImagePushed > 0 in 300s, none is notBreaching
        EssentialAlarms: Slipway/OldestDueAge of Wake > 600 in 300s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of MigrateDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Migrate > 0 in 300s, none is notBreaching
        EssentialAlarms: Slipway/NotTold of Notify > 0 in 300s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of NotifyDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Notify > 0 in 300s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of RollbackDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Rollback > 0 in 300s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of RolloutDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Rollout > 0 in 300s, none is notBreaching
        EssentialAlarms: Slipway/Swept of Wake < 1 in 60s, none is breaching
        FullAlarms: AWS/Lambda/Errors of Status > 0 in 300s, none is notBreaching
        EssentialAlarms: Slipway/Stuck of Notify > 0 in 60s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of VerifyDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Verify > 0 in 300s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of WakeDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Wake > 0 in 300s, none is notBreaching
    "#]].assert_eq(&table);
}

/// Each kind of a metric is kept for the function that counts it: without it, two stacks of one
/// account would get each other's alarms.
#[test]
fn alarms_on_slipways_own_numbers_are_about_this_stack() {
    let template = Template::load();
    let own = template.of("AWS::CloudWatch::Alarm").filter(|alarm| alarm["Namespace"] == "Slipway");
    let mut count = 0;
    for alarm in own {
        let dimensions = alarm["Dimensions"].as_array().map_or(&[][..], Vec::as_slice);
        let names: Vec<&str> = dimensions.iter().filter_map(|one| one["Name"].as_str()).collect();
        assert_eq!(names, ["Function"], "{}", alarm.id);
        count += 1;
    }
    assert_eq!(count, 4);
}

/// It knows nothing yet when it is made, and nothing is what it rings for.
#[test]
fn an_installation_rings_no_alarm() {
    let template = Template::load();
    for alarm in template.of("AWS::CloudWatch::Alarm") {
        let patient = alarm["WarmUpConfiguration"]["WarmUpPeriodDurationInMinutes"].as_u64();
        let window =
            alarm["Period"].as_u64().unwrap() * alarm["EvaluationPeriods"].as_u64().unwrap();
        match alarm["TreatMissingData"].as_str().unwrap() {
            "notBreaching" => {}
            _ => assert!(patient.is_some_and(|minutes| minutes * 60 >= 2 * window), "{}", alarm.id),
        }
    }
}

/// A person who reads only Slack must see that Slipway itself has failed.
#[test]
fn slack_gets_the_alarms_and_no_notice_twice() {
    let template = Template::load();
    let subscription = template.get("AlarmSubscription");
    let permission = template.get("AlarmSubscriptionPermission");
    for one in [&subscription, &permission] {
        assert_eq!(one.attribute("Condition"), "HasSlack");
    }
    assert_eq!(short(&subscription["TopicArn"]), "Topic");
    assert_eq!(short(&permission["SourceArn"]), "Topic");
    assert_eq!(subscription["Protocol"], "lambda");
    assert_eq!(short(&subscription["Endpoint"]), "Notify");
    assert_eq!(short(&permission["FunctionName"]), "Notify");
    assert_eq!(subscription["FilterPolicyScope"], "MessageBody");
    let filter = &subscription["FilterPolicy"];
    let own = contract::samples().into_iter().find(|one| one.name == "own-alarm-by-sns").unwrap();
    let message = own.payload["Records"][0]["Sns"]["Message"].as_str().unwrap();
    assert!(sandbox::events::wants(filter, &serde_json::from_str(message).unwrap()));
    // What notify publishes is a text by mail, and facts for programs.
    let facts = serde_json::json!({"application": "scr", "environment": "staging"});
    assert!(!sandbox::events::wants(filter, &facts));
}

/// SQS redrives only what SQS has given up.
#[test]
fn each_alarm_on_dead_letters_says_what_to_do_that_can_be_done() {
    let template = Template::load();
    for alarm in template.of("AWS::CloudWatch::Alarm") {
        let description = alarm["AlarmDescription"]["Fn::Sub"].as_str().unwrap_or_default();
        let Some(queue) = alarm.id.strip_suffix("DeadLettersAlarm") else { continue };
        let is_redrivable = template.of("AWS::SQS::Queue").any(|one| {
            short(&one["RedrivePolicy"]["deadLetterTargetArn"]) == format!("{queue}DeadLetters")
        });
        assert_eq!(description.contains("start a redrive"), is_redrivable, "{description}");
        let replays = description.contains("invoke ${Wake} with {\"replay\": true}");
        assert_eq!(replays, !is_redrivable, "{description}");
    }
}
