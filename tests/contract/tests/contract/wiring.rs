//! Functions, queues, dead letters, table: what triggers what, and where failures go.

use aws::settings;
use contract::{Resource, Template, short};
use expect_test::expect;
use pipeline::deployment::WORKER_LIFE;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

const WORKERS: [(&str, &str); 6] = [
    ("Migrate", "MigrateQueue"),
    ("Notify", "NotifyQueue"),
    ("Rollback", "RollbackQueue"),
    ("Rollout", "RolloutQueue"),
    ("Verify", "VerifyQueue"),
    ("Wake", "WakeQueue"),
];

/// What comes every minute is worth nothing when it is late: the next one follows.
const TICKS: &str = "SweepRule";

fn timeout(function: &Resource<'_>) -> u64 {
    function["Timeout"].as_u64().expect("every function has a timeout")
}

#[test]
fn each_folder_is_a_function_and_each_function_a_folder() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions"));
    let folders: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let template = Template::load();
    let functions = template.functions();
    let names: BTreeSet<String> = functions.iter().map(|f| f.name().to_owned()).collect();
    assert_eq!(names, folders);
    for function in functions {
        assert_eq!(camel(function.name()), function.id);
        let zip = function.name().to_owned() + ".zip";
        let key = json!([
            "FetchesCode",
            { "Fn::Sub": format!("${{Code}}/{zip}") },
            { "Fn::Sub": format!("${{ArtifactPrefix}}/{zip}") },
        ]);
        let bucket = json!(["FetchesCode", { "Ref": "CodeBucket" }, { "Ref": "ArtifactBucket" }]);
        let code = json!({ "S3Bucket": { "Fn::If": bucket }, "S3Key": { "Fn::If": key } });
        assert_eq!(function["Code"], code);
        assert_eq!(
            (&function["Runtime"], &function["Handler"]),
            (&"provided.al2023".into(), &"bootstrap".into())
        );
        assert_eq!(short(&function["Architectures"][0]), "Architecture");
    }
}

fn camel(name: &str) -> String {
    let words = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}

#[test]
fn each_function_gets_the_variables_that_it_reads_and_nothing_else() {
    let template = Template::load();
    for function in template.functions() {
        let variables = function["Environment"]["Variables"].as_object().unwrap();
        let told: BTreeSet<&str> = variables.keys().map(String::as_str).collect();
        let mut wanted = BTreeSet::from([settings::TABLE]);
        match function.id {
            "Configure" => wanted.extend([settings::DELETES_SERVICES]),
            "Status" => {}
            "ImagePushed" => wanted.extend(settings::PUSHES),
            "Notify" => wanted.extend(settings::QUEUES.iter().chain(&settings::PEOPLE)),
            "Wake" => wanted.extend(settings::QUEUES.iter().chain(&settings::REPLAYS)),
            "Deploy" | "Rollout" => {
                wanted.extend(settings::QUEUES.iter().chain([&settings::TASK_ROLES]));
            }
            _ => wanted.extend(settings::QUEUES),
        }
        assert_eq!(told, wanted, "{}", function.id);
        for (name, value) in variables {
            if name == settings::TASK_ROLES {
                assert_eq!(value["Fn::Join"], json!([",", {"Ref": "TaskRoleArns"}]));
                continue;
            }
            let words = name.trim_start_matches("SLIPWAY_").to_lowercase().replace('_', "-");
            let meant = match words.as_str() {
                "slack-secret" => "SlackSecretArn".to_owned(),
                "rollback-function" => "Rollback".to_owned(),
                "task-logs" => "TaskLogGroups".to_owned(),
                words => camel(words),
            };
            assert_eq!(short(value), meant, "{name} of {}", function.id);
        }
    }
}

/// After `WORKER_LIFE` the core considers a worker dead and permits another one.
#[test]
fn no_worker_outlives_what_the_core_thinks() {
    for function in Template::load().functions() {
        assert!(timeout(&function) < WORKER_LIFE.as_seconds(), "{}", function.id);
    }
}

#[test]
fn how_long_each_function_may_take() {
    let template = Template::load();
    let mut slow: Vec<&str> = Vec::new();
    for function in template.functions() {
        match timeout(&function) {
            60 => slow.push(function.id),
            seconds => assert_eq!(seconds, 30, "{}", function.id),
        }
    }
    assert_eq!(slow, ["Migrate", "Rollback", "Rollout", "Verify", "Wake"]);
}

#[test]
fn senders_of_effects_may_form_a_cycle() {
    for function in Template::load().functions() {
        let sends = function["Environment"]["Variables"].get(settings::WAKE_QUEUE).is_some();
        assert_eq!(function["RecursiveLoop"] == "Allow", sends, "{}", function.id);
    }
}

#[test]
fn each_worker_reads_its_queue_message_by_message() {
    let template = Template::load();
    let mut fed = Vec::new();
    for mapping in template.of("AWS::Lambda::EventSourceMapping") {
        let (worker, queue) = (short(&mapping["FunctionName"]), short(&mapping["EventSourceArn"]));
        assert_eq!(mapping["FunctionResponseTypes"][0], "ReportBatchItemFailures", "{worker}");
        assert_eq!(mapping["BatchSize"], 10, "{worker}");
        let visible_again = template.get(&queue)["VisibilityTimeout"].as_u64().unwrap();
        assert!(visible_again >= 6 * timeout(&template.get(&worker)), "{queue}");
        fed.push((worker, queue));
    }
    fed.sort();
    assert_eq!(fed, WORKERS.map(|(worker, queue)| (worker.to_owned(), queue.to_owned())));
}

#[test]
fn each_queue_keeps_what_it_cannot_deliver() {
    let template = Template::load();
    for queue in template.of("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{}", queue.id);
        assert_eq!(queue["MessageRetentionPeriod"], 14 * 24 * 3600, "{}", queue.id);
        if let Some(worker) = queue.id.strip_suffix("Queue") {
            let redrive = &queue["RedrivePolicy"];
            assert_eq!(short(&redrive["deadLetterTargetArn"]), format!("{worker}DeadLetters"));
            assert_eq!(redrive["maxReceiveCount"], 5, "{}", queue.id);
        } else {
            assert!(queue.id.ends_with("DeadLetters") && queue["RedrivePolicy"].is_null());
        }
    }
}

#[test]
fn each_rule_may_invoke_its_function_and_keeps_what_it_cannot_deliver() {
    let template = Template::load();
    let policy = &template.get("EventDeadLettersPolicy")["PolicyDocument"]["Statement"][0];
    let sources = policy["Condition"]["ArnEquals"]["aws:SourceArn"].as_array().unwrap();
    let mut admitted: Vec<String> = sources.iter().map(short).collect();
    admitted.sort();
    let rules: Vec<&str> = template.of("AWS::Events::Rule").map(|rule| rule.id).collect();
    let kept: Vec<&str> = rules.iter().copied().filter(|rule| *rule != TICKS).collect();
    assert_eq!(admitted, kept, "the dead letters admit exactly the rules of events");
    for rule in template.of("AWS::Events::Rule") {
        let permission = template.get(&format!("{}Permission", rule.id));
        assert_eq!(short(&permission["SourceArn"]), rule.id);
        assert_eq!(permission["Principal"], "events.amazonaws.com");
        for target in rule["Targets"].as_array().unwrap() {
            let kept = short(&target["DeadLetterConfig"]["Arn"]);
            let is_tick = rule.id == TICKS;
            assert_eq!(kept, if is_tick { "null" } else { "EventDeadLetters" }, "{}", rule.id);
            assert!(target["RetryPolicy"]["MaximumEventAgeInSeconds"].as_u64().unwrap() <= 3600);
            assert_eq!(short(&target["Arn"]), short(&permission["FunctionName"]));
        }
    }
    let permissions = template.of("AWS::Lambda::Permission").map(|permission| permission.id);
    let others: Vec<&str> = permissions.filter(|id| !id.ends_with("RulePermission")).collect();
    assert_eq!(others, ["AlarmSubscriptionPermission"], "nobody else invokes");
}

/// EventBridge is done once Lambda has taken the event: from there on the function's own
/// destination counts. CloudFormation calls configure in the same way.
#[test]
fn each_asynchronous_function_keeps_what_it_cannot_process() {
    let template = Template::load();
    let rules = template.of("AWS::Events::Rule").filter(|rule| rule.id != TICKS);
    let mut unattended: BTreeSet<String> =
        rules.map(|rule| short(&rule["Targets"][0]["Arn"])).collect();
    unattended.extend(["Configure", "Notify"].map(str::to_owned));
    let mut kept = BTreeSet::new();
    for config in template.of("AWS::Lambda::EventInvokeConfig") {
        if config.id == "WakeInvocations" {
            assert_eq!(config["MaximumRetryAttempts"], 0, "the next tick follows");
            assert!(config["DestinationConfig"].is_null());
            continue;
        }
        let failures = short(&config["DestinationConfig"]["OnFailure"]["Destination"]);
        assert_eq!(failures, "EventDeadLetters", "{}", config.id);
        kept.insert(short(&config["FunctionName"]));
    }
    assert_eq!(kept, unattended);
}

/// The queues' own policies deny requests without TLS; they contain nothing else, except the rules
/// that may send dead letters.
#[test]
fn queues_and_topic_are_reached_over_tls_only() {
    let template = Template::load();
    let insecure = json!({"Bool": {"aws:SecureTransport": "false"}});
    let refuses = |policy: &Resource<'_>| {
        let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
        statements.iter().any(|one| {
            one["Effect"] == "Deny" && one["Principal"] == "*" && one["Condition"] == insecure
        })
    };
    let mut covered = BTreeSet::new();
    for policy in template.of("AWS::SQS::QueuePolicy").filter(refuses) {
        for queue in policy["Queues"].as_array().unwrap() {
            assert!(covered.insert(short(queue)), "{} has two policies", short(queue));
        }
    }
    let queues: BTreeSet<String> =
        template.of("AWS::SQS::Queue").map(|queue| queue.id.to_owned()).collect();
    assert_eq!(covered, queues);
    assert!(refuses(&template.get("TopicPolicy")));
}

/// A new account has a concurrency of ten, of which nothing can be reserved.
#[test]
fn concurrency_is_reserved_when_asked_for_and_then_left_to_people_and_to_the_clock() {
    let template = Template::load();
    let parameters: Vec<(&str, &Value)> = template.section("Parameters").collect();
    let mut table = String::new();
    for function in template.functions() {
        let choice = &function["ReservedConcurrentExecutions"]["Fn::If"];
        if choice.is_null() {
            continue;
        }
        let (condition, parameter) = (short(&choice[0]), short(&choice[1]));
        let default = parameters.iter().find(|(name, _)| *name == parameter).unwrap().1;
        let asked = &template.tree["Conditions"][&condition]["Fn::Not"][0]["Fn::Equals"];
        assert_eq!(asked, &json!([{ "Ref": parameter }, default["Default"]]));
        let queue = template.mapping_of(&function).map_or("no queue".to_owned(), |mapping| {
            let scaling = &mapping["ScalingConfig"]["Fn::If"];
            assert_eq!(short(&scaling[0]), condition);
            format!("of which its queue takes {}", scaling[1]["MaximumConcurrency"])
        });
        table.push_str(&format!("{}: {parameter}, {queue}\n", function.id));
    }
    expect![[r#"
        AlarmChanged: EventConcurrency, no queue
        EcsChanged: EventConcurrency, no queue
        ImagePushed: EventConcurrency, no queue
        Rollback: ReservedConcurrency, of which its queue takes 4
        Wake: ReservedConcurrency, of which its queue takes 4
    "#]]
    .assert_eq(&table);
}

#[test]
fn the_table_is_as_the_store_expects_it_and_hard_to_lose() {
    let template = Template::load();
    let table = template.get("Table");
    assert_eq!(table.attribute("DeletionPolicy"), "RetainExceptOnCreate");
    assert_eq!(table.attribute("UpdateReplacePolicy"), "Retain");
    let keys = |keys: &Value| -> Vec<String> {
        keys.as_array().unwrap().iter().map(|key| short(&key["AttributeName"])).collect()
    };
    let index = &table["GlobalSecondaryIndexes"][0];
    expect![[r#"
        keys ["pk", "sk"], index due ["due", "due_at"] KEYS_ONLY, expires by expires, PAY_PER_REQUEST
    "#]].assert_eq(&format!(
        "keys {:?}, index {} {:?} {}, expires by {}, {}\n",
        keys(&table["KeySchema"]),
        short(&index["IndexName"]),
        keys(&index["KeySchema"]),
        short(&index["Projection"]["ProjectionType"]),
        short(&table["TimeToLiveSpecification"]["AttributeName"]),
        short(&table["BillingMode"]),
    ));
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
}
