//! A real process behind the sandbox's Runtime API, calling the sandbox through the real SDK.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use expect_test::{Expect, expect};
use http_body_util::BodyExt;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use sandbox::{
    Error, Options, Sandbox,
    cloudwatch::Kind,
    faults::{Calls, EventFault, Fault, When},
    service::Emission,
    trace::What,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[tokio::test]
async fn an_event_travels_through_rule_function_table_and_queue() {
    let mut sandbox = started().await;
    sandbox.emit(&said(json!({ "say": "ship", "next": { "say": "shape" }, "delay": 20 })));
    sandbox.emit(&said(json!({ "say": "silence" })));
    sandbox.run_until_quiet(600).await.unwrap();
    check(
        &sandbox,
        &expect![[r#"
        09:00:00.300 event Reply: EchoRule
        09:00:00.300 event Reply: no rule
        09:00:00.300 Echo -> dynamodb:PutItem
        09:00:00.300 Echo -> sqs:SendMessage
        09:00:00.300 Echo (cold) by an event
        09:00:20.300 Echo -> dynamodb:PutItem
        09:00:20.300 Echo by its queue
        item echo#shape after 20.3 s
        item echo#ship after 0.3 s
    "#]],
    );
    assert_eq!(sandbox.problems(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_fails_is_redelivered_and_ends_as_a_dead_letter() {
    let mut sandbox = started().await;
    sandbox
        .invoke("Echo", json!({ "say": "first", "next": { "say": "bad", "fail": true } }))
        .await
        .unwrap();
    sandbox.run_until_quiet(600).await.unwrap();
    check(
        &sandbox,
        &expect![[r#"
            09:00:00.000 Echo -> dynamodb:PutItem
            09:00:00.000 Echo -> sqs:SendMessage
            09:00:00.000 Echo (cold) by a person
            09:00:00.000 Echo -> dynamodb:PutItem
            09:00:00.000 Echo by its queue
            09:00:00.000 1 back in EchoQueue
            09:01:00.000 Echo -> dynamodb:PutItem refused: ConditionalCheckFailedException
            09:01:00.000 Echo by its queue
            09:01:00.000 1 back in EchoQueue
            09:02:00.000 dead letter in EchoDeadLetters: {"fail":true,"say":"bad"}
            item echo#bad after 0.0 s
            item echo#first after 0.0 s
            1 in EchoDeadLetters
        "#]],
    );
}

#[tokio::test]
async fn an_event_that_fails_is_tried_three_times_and_goes_to_the_destination() {
    let mut sandbox = started().await;
    sandbox.emit(&said(json!({ "say": "once", "exit": true })));
    sandbox.run_until_quiet(600).await.unwrap();
    check(
        &sandbox,
        &expect![[r#"
            09:00:00.300 event Reply: EchoRule
            09:00:00.300 Echo -> dynamodb:PutItem
            09:00:00.300 Echo (cold) by an event failed: Runtime.ExitError: RequestId: 00000001-a3a3-4000-8000-000000000000 Error: Runtime exited with error: exit status 7
            09:01:00.300 Echo -> dynamodb:PutItem refused: ConditionalCheckFailedException
            09:01:00.300 Echo (cold) by an event failed: Echo: service error: ConditionalCheckFailedException: The conditional request failed: ConditionalCheckFailedException: The conditional request failed
            09:03:00.300 Echo -> dynamodb:PutItem refused: ConditionalCheckFailedException
            09:03:00.300 Echo by an event failed: Echo: service error: ConditionalCheckFailedException: The conditional request failed: ConditionalCheckFailedException: The conditional request failed
            09:03:00.300 dead letter in EventDeadLetters: {"requestContext":{"approximateInvokeCount":3,"condition":"RetriesExhausted","functionArn":"arn:aws:lambda:eu-central-1:123456789012:function:slipway-echo:$LATEST","requestId":"00000007-a3a3-4000-8000-000000000000"},"requestPayload":{"account":"123456789012","detail":{"exit":true,"say":"once"},"detail-type":"Reply","id":"00000001-e0e0-4000-8000-000000000000","region":"eu-central-1","resources":[],"source":"aws.echo","time":"2026-11-21T09:00:00Z","version":"0"},"responseContext":{"executedVersion":"$LATEST","functionError":"Unhandled","statusCode":200},"responsePayload":{"errorMessage":"service error: ConditionalCheckFailedException: The conditional request failed: ConditionalCheckFailedException: The conditional request failed","errorType":"Echo"},"timestamp":"2026-11-21T09:03:00Z","version":"1.0"}
            item echo#once after 0.3 s
            1 in EventDeadLetters
        "#]],
    );
}

#[tokio::test]
async fn a_process_dies_before_and_after_a_call() {
    let mut sandbox = started().await;
    sandbox.faults(|faults| {
        faults.at_call(1, Fault::KillBefore);
        faults.at_call(3, Fault::KillAfter);
        faults.at_call(4, Fault::TimeOut);
    });
    sandbox.emit(&said(json!({ "say": "hard", "next": { "say": "soft" } })));
    sandbox.run_until_quiet(900).await.unwrap();
    check(
        &sandbox,
        &expect![[r#"
            09:00:00.300 event Reply: EchoRule
            09:00:00.300 fault: KillBefore at Echo -> dynamodb:PutItem
            09:00:00.300 Echo -> dynamodb:PutItem refused: (died before)
            09:00:00.300 Echo (cold) by an event failed: Runtime.ExitError: RequestId: 00000001-a3a3-4000-8000-000000000000 Error: Runtime exited with error: signal: killed
            09:01:00.300 Echo -> dynamodb:PutItem
            09:01:00.300 fault: KillAfter at Echo -> sqs:SendMessage
            09:01:00.300 Echo -> sqs:SendMessage
            09:01:00.300 Echo (cold) by an event failed: Runtime.ExitError: RequestId: 00000003-a3a3-4000-8000-000000000000 Error: Runtime exited with error: signal: killed
            09:01:00.300 fault: TimeOut at Echo -> dynamodb:PutItem
            09:01:00.300 Echo -> dynamodb:PutItem
            09:01:30.300 Echo (cold) by its queue failed: Sandbox.Timedout: RequestId: 00000006-a3a3-4000-8000-000000000000 Error: Task timed out after 30.00 seconds
            09:01:30.300 1 back in EchoQueue
            09:02:00.300 Echo -> dynamodb:PutItem refused: ConditionalCheckFailedException
            09:02:00.300 Echo (cold) by its queue
            09:02:00.300 1 back in EchoQueue
            09:03:00.300 Echo -> dynamodb:PutItem refused: ConditionalCheckFailedException
            09:03:00.300 Echo by an event failed: Echo: service error: ConditionalCheckFailedException: The conditional request failed: ConditionalCheckFailedException: The conditional request failed
            09:03:00.300 dead letter in EventDeadLetters: {"requestContext":{"approximateInvokeCount":3,"condition":"RetriesExhausted","functionArn":"arn:aws:lambda:eu-central-1:123456789012:function:slipway-echo:$LATEST","requestId":"0000000c-a3a3-4000-8000-000000000000"},"requestPayload":{"account":"123456789012","detail":{"next":{"say":"soft"},"say":"hard"},"detail-type":"Reply","id":"00000001-e0e0-4000-8000-000000000000","region":"eu-central-1","resources":[],"source":"aws.echo","time":"2026-11-21T09:00:00Z","version":"0"},"responseContext":{"executedVersion":"$LATEST","functionError":"Unhandled","statusCode":200},"responsePayload":{"errorMessage":"service error: ConditionalCheckFailedException: The conditional request failed: ConditionalCheckFailedException: The conditional request failed","errorType":"Echo"},"timestamp":"2026-11-21T09:03:00Z","version":"1.0"}
            09:03:00.300 dead letter in EchoDeadLetters: {"say":"soft"}
            item echo#hard after 60.3 s
            item echo#soft after 60.3 s
            1 in EchoDeadLetters
            1 in EventDeadLetters
        "#]],
    );
}

#[tokio::test]
async fn the_sdk_tries_again_when_it_is_throttled_or_loses_an_answer() {
    let mut sandbox = started().await;
    sandbox.faults(|faults| {
        faults.on_calls(Calls::to("sqs", "SendMessage"), When::First(1), Fault::Throttle);
        faults.on_calls(Calls::of("Echo"), When::Nth(1), Fault::LoseCall);
    });
    sandbox.invoke("Echo", json!({ "say": "again", "next": { "say": "done" } })).await.unwrap();
    sandbox.run_until_quiet(600).await.unwrap();
    check(
        &sandbox,
        &expect![[r#"
        09:00:00.000 fault: LoseCall at Echo -> dynamodb:PutItem
        09:00:00.000 Echo -> dynamodb:PutItem refused: (lost)
        09:00:00.000 Echo -> dynamodb:PutItem
        09:00:00.000 fault: Throttle at Echo -> sqs:SendMessage
        09:00:00.000 Echo -> sqs:SendMessage refused: RequestThrottled
        09:00:00.000 Echo -> sqs:SendMessage
        09:00:00.000 Echo (cold) by a person
        09:00:00.000 Echo -> dynamodb:PutItem
        09:00:00.000 Echo by its queue
        item echo#again after 0.0 s
        item echo#done after 0.0 s
    "#]],
    );
}

#[tokio::test]
async fn events_come_late_twice_and_never() {
    let mut sandbox = started().await;
    sandbox.faults(|faults| {
        faults.on_events(Some("Reply"), When::Nth(1), EventFault::Drop);
        faults.on_events(Some("Reply"), When::Nth(2), EventFault::DelaySeconds(90));
        faults.on_events(None, When::Nth(3), EventFault::Duplicate);
    });
    for word in ["one", "two", "three"] {
        sandbox.emit(&said(json!({ "say": word })));
    }
    sandbox.run_for(60).await.unwrap();
    check(
        &sandbox,
        &expect![[r#"
            09:00:00.000 fault: Drop Reply
            09:00:00.000 fault: DelaySeconds(90) Reply
            09:00:00.000 fault: Duplicate Reply
            09:00:00.300 event Reply: EchoRule
            09:00:00.300 Echo -> dynamodb:PutItem
            09:00:00.300 Echo (cold) by an event
            09:00:00.600 event Reply: EchoRule
            09:00:00.600 Echo -> dynamodb:PutItem refused: ConditionalCheckFailedException
            09:00:00.600 Echo by an event failed: Echo: service error: ConditionalCheckFailedException: The conditional request failed: ConditionalCheckFailedException: The conditional request failed
            item echo#three after 0.3 s
        "#]],
    );
}

#[tokio::test]
async fn what_no_policy_allows_is_refused_and_what_none_needs_is_reported() {
    let mut sandbox = started().await;
    let answer =
        sandbox.invoke("Echo", json!({ "say": "loud", "publish": "hear, hear" })).await.unwrap();
    assert!(answer.failed().unwrap().contains("AuthorizationError"), "{answer:?}");
    let mut told = sandbox.problems().join("\n");
    for grant in sandbox.permissions_unused() {
        told += &format!("\nunused: {} {} {}", grant.role, grant.statement, grant.action);
    }
    expect![[r#"
        Echo: User: arn:aws:sts::123456789012:assumed-role/slipway-EchoRole-SANDBOX/slipway-echo is not authorized to perform: sns:Publish on resource: arn:aws:sns:eu-central-1:123456789012:slipway-Topic-SANDBOX because no identity-based policy allows the sns:Publish action
        unused: EchoRole echo/#1 dynamodb:GetItem
        unused: EchoRole echo/#2 sqs:SendMessage
        unused: EchoRole echo/#4 cloudwatch:DescribeAlarms"#]].assert_eq(&told);
}

#[tokio::test]
async fn alarms_are_described_in_cbor() {
    let mut sandbox = started().await;
    let kind =
        Kind::Metric { namespace: "AWS/ECS".to_owned(), metric: "CPU".to_owned(), threshold: 1.0 };
    let now = sandbox.now();
    sandbox.at_desk("cloudwatch", |services, _| services.cloudwatch.create("busy", kind, now));
    let answer = sandbox.invoke("Echo", json!({ "say": "alarm", "alarm": "busy" })).await.unwrap();
    expect![[r#"{"alarms":["Some(2026-11-21T09:00:00Z)"]}"#]]
        .assert_eq(&answer.payload.to_string());
}

#[tokio::test]
async fn lambda_stops_what_it_takes_for_a_loop() {
    let mut sandbox = started().await;
    let mut order = json!({ "say": "0" });
    for round in 1..20 {
        order = json!({ "say": round.to_string(), "next": order });
    }
    sandbox.emit(&said(order));
    sandbox.run_until_quiet(600).await.unwrap();
    let problems = sandbox.problems();
    expect![[r#"17 ["Echo was stopped by Lambda, which took it for a loop: it lacks RecursiveLoop", "Echo was stopped by Lambda, which took it for a loop: it lacks RecursiveLoop"]"#]].assert_eq(&format!("{} {problems:?}", sandbox.table_items().len()));
}

#[tokio::test]
async fn waiting_for_what_never_happens_is_an_error() {
    let mut sandbox = started().await;
    let late = sandbox.run_until(|account| account.calls() > 0, 60).await;
    assert!(matches!(late, Err(Error::Late { .. })), "{late:?}");
}

#[tokio::test]
async fn a_bill_is_written() {
    let mut sandbox = started().await;
    sandbox.emit(&said(json!({ "say": "ship", "next": { "say": "shape" } })));
    sandbox.run_until_quiet(600).await.unwrap();
    expect![[r#"Usage { calls: {("dynamodb", "PutItem"): 2, ("sqs", "SendMessage"): 1}, invocations: {"Echo": 2}, cold_starts: 1, units: Units { read: 0.0, written: 2.0 } }"#]].assert_eq(&format!("{:?}", sandbox.usage()));
    let measured =
        |what: &What| matches!(what, What::Invoked { wall_micros, .. } if *wall_micros > 0);
    assert!(sandbox.account().trace.entries().iter().any(|entry| measured(&entry.what)));
}

#[tokio::test]
async fn people_call_and_are_allowed_everything() {
    let mut sandbox = started().await;
    let queue = sandbox.stack().queues["EchoQueue"].url.clone();
    sandbox
        .call(
            "sqs",
            "SendMessage",
            json!({ "QueueUrl": queue, "MessageBody": "{\"say\":\"by hand\"}" }),
        )
        .unwrap();
    let refused = sandbox
        .call("sqs", "SendMessage", json!({ "QueueUrl": "nowhere", "MessageBody": "x" }))
        .unwrap_err();
    sandbox.run_until_quiet(60).await.unwrap();
    assert_eq!(
        (sandbox.table_items().len(), refused.message.as_str()),
        (1, "The specified queue does not exist.")
    );
}

#[tokio::test]
async fn a_function_is_invoked_over_http_while_the_sandbox_serves() {
    let mut sandbox = started().await;
    let url = format!("{}/2015-03-31/functions/slipway-echo/invocations", sandbox.endpoint());
    let client = Client::builder(TokioExecutor::new()).build_http();
    let asked =
        client.request(http::Request::post(url).body(r#"{"say":"hello"}"#.to_owned()).unwrap());
    let answer = tokio::select! {
        answer = asked => answer.unwrap(),
        ended = sandbox.serve() => panic!("the sandbox ended: {ended:?}"),
    };
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], br#"{"said":"hello"}"#);
}

#[tokio::test]
async fn a_pause_of_a_day_is_over_in_no_time() {
    let mut sandbox = started().await;
    sandbox.run_for(86_400).await.unwrap();
    assert_eq!(sandbox.now() - Options::new("", "").now, 86_400_000);
}

/// Prints what happened and what is left.
fn check(sandbox: &Sandbox, expected: &Expect) {
    let mut told = String::new();
    for entry in sandbox.account().trace.entries() {
        told += &format!("{entry}\n");
    }
    let mut items: Vec<_> = sandbox.table_items().iter().map(item).collect();
    items.sort();
    for item in items {
        told += &format!("item {item}\n");
    }
    for (queue, count) in sandbox.queue_depths().iter().filter(|(_, count)| **count > 0) {
        told += &format!("{count} in {queue}\n");
    }
    expected.assert_eq(&told);
}

/// What was written down, and how many seconds after the start.
fn item(item: &Value) -> String {
    let at: u64 = item["at"]["N"].as_str().unwrap().parse().unwrap();
    let begun = Options::new("", "").now;
    format!("{} after {:.1} s", item["pk"]["S"].as_str().unwrap(), (at - begun) as f64 / 1000.0)
}

fn said(detail: Value) -> Emission {
    Emission {
        source: "aws.echo".to_owned(),
        detail_type: "Reply".to_owned(),
        resources: Vec::new(),
        detail,
    }
}

async fn started() -> Sandbox {
    let mut options = Options::new(data("echo.yaml"), "");
    options.binaries.insert("Echo".to_owned(), binary());
    Sandbox::start(options).await.unwrap()
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The example's binary, which `cargo test -p sandbox` builds, and `--test echo` alone does not.
fn binary() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().unwrap().parent().unwrap().join("examples/echo")
}
