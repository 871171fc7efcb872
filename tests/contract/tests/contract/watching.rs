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
    assert_eq!(template.of("AWS::Logs::LogGroup").count(), template.functions().len());
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
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of MigrateDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Migrate > 0 in 300s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of NotifyDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Notify > 0 in 300s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of RollbackDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Rollback > 0 in 300s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of RolloutDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Rollout > 0 in 300s, none is notBreaching
        EssentialAlarms: AWS/Lambda/Invocations of Wake < 1 in 600s, none is breaching
        FullAlarms: AWS/Lambda/Errors of Status > 0 in 300s, none is notBreaching
        EssentialAlarms: Slipway/Stuck > 0 in 60s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of VerifyDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Verify > 0 in 300s, none is notBreaching
        EssentialAlarms: AWS/SQS/ApproximateNumberOfMessagesVisible of WakeDeadLetters > 0 in 300s, none is notBreaching
        FullAlarms: AWS/Lambda/Errors of Wake > 0 in 300s, none is notBreaching
    "#]].assert_eq(&table);
}
