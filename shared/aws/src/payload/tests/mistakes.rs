//! Mistakes of people and AWS, and the answers.

use super::{NOW, outcome, show_alarms, show_ecs, show_push};
use crate::payload::field::time;
use crate::payload::{ecs_news, push};
use expect_test::expect;
use serde_json::{Value, json};
use std::path::Path;

#[test]
fn a_push_can_be_reported_by_hand() {
    let digest = format!("sha256:{}", "1e434f08".repeat(8));
    let told = [
        json!({"repository": "scr-api", "tag": "3f2a9c1", "digest": digest}),
        json!({"repository": "scr-api", "digest": digest}),
        json!({"repository": "scr-api", "tag": "3f2a9c1", "digest": "latest"}),
        json!({"repository": "scr-api", "tag": "", "digest": digest}),
        json!({}),
        json!(null),
        json!("3f2a9c1"),
    ];
    let lines = told.map(|payload| outcome(push(&payload, NOW), show_push) + "\n").concat();
    expect![[r#"
        scr-api 3f2a9c1 1e434f081e43 at 2026-11-21T09:02:12Z
        Unreadable: `tag` is missing; report a push like this: {"repository": "scr-api", "tag": "3f2a9c1", "digest": "sha256:…"}
        Unreadable: `digest` is latest; it should be sha256: and 64 hexadecimal digits, as `docker push` prints it
        Unreadable: `tag` is missing; report a push like this: {"repository": "scr-api", "tag": "3f2a9c1", "digest": "sha256:…"}
        Unreadable: `digest` is missing; report a push like this: {"repository": "scr-api", "tag": "3f2a9c1", "digest": "sha256:…"}
        Unreadable: `digest` is missing; report a push like this: {"repository": "scr-api", "tag": "3f2a9c1", "digest": "sha256:…"}
        Unreadable: `digest` is missing; report a push like this: {"repository": "scr-api", "tag": "3f2a9c1", "digest": "sha256:…"}
    "#]].assert_eq(&lines);
}

/// Takes one sample and changes one thing in it.
fn changed(name: &str, pointer: &str, value: Value) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(name);
    let text = std::fs::read_to_string(path).expect("a sample");
    let mut payload: Value = serde_json::from_str(&text).expect("a sample is JSON");
    *payload.pointer_mut(pointer).expect("the sample has this") = value;
    payload
}

#[test]
fn what_is_missing_is_named_by_its_path() {
    let services = |value| changed("ecs-deployment-completed.json", "/resources", value);
    let one_off = |pointer, value| changed("ecs-task-one-off-exit-0.json", pointer, value);
    let lines = [
        outcome(
            push(&changed("ecr-push-tagged.json", "/detail/image-digest", json!(null)), NOW),
            show_push,
        ),
        outcome(
            push(&changed("ecr-push-tagged.json", "/time", json!("yesterday")), NOW),
            show_push,
        ),
        outcome(ecs_news(&services(json!([]))), show_ecs),
        outcome(ecs_news(&services(json!(["arn:aws:s3:::bucket"]))), show_ecs),
        outcome(
            ecs_news(&services(json!(["arn:aws:ecs:eu-central-1:123456789012:service/scr-api"]))),
            show_ecs,
        ),
        outcome(ecs_news(&one_off("/detail/startedBy", json!("slipway/scr/staging/17"))), show_ecs),
        outcome(
            ecs_news(&one_off(
                "/detail/startedBy",
                json!("slipway/5f1d7a90/scr/staging/17/dance/1"),
            )),
            show_ecs,
        ),
        outcome(
            ecs_news(&one_off(
                "/detail/startedBy",
                json!("slipway/5f1d7a90/scr/staging/x/migrate/1"),
            )),
            show_ecs,
        ),
        outcome(
            ecs_news(&one_off("/detail/startedBy", json!("slipway/scr/staging/17/migrate/1"))),
            show_ecs,
        ),
        outcome(ecs_news(&one_off("/detail/containers", json!([]))), show_ecs),
        show_alarms(&changed("alarm-metric.json", "/detail/state/timestamp", json!(7))),
        show_alarms(&changed("alarm-metric.json", "/detail/state/value", json!("WOBBLING"))),
        show_alarms(&changed("alarm-by-sns.json", "/Records/0/Sns/Message", json!("hello"))),
    ];
    expect![[r#"
        Unreadable: `detail.image-digest` is missing; it should be a text
        Unreadable: `time` is "yesterday"; it should be a time like 2026-11-20T10:00:03Z
        Unreadable: `resources.0` is missing; it should be a text
        Unreadable: `resources.0` is arn:aws:s3:::bucket; it should be the ARN of a service
        not for us: arn:aws:ecs:eu-central-1:123456789012:service/scr-api is an ARN in the old format, which does not name the cluster
        Unreadable: `detail.startedBy` is slipway/scr/staging/17; it should be slipway/INSTALLATION/APPLICATION/ENVIRONMENT/NUMBER/migrate (or undo)/ATTEMPT
        Unreadable: `detail.startedBy` is slipway/5f1d7a90/scr/staging/17/dance/1; it should be slipway/INSTALLATION/APPLICATION/ENVIRONMENT/NUMBER/migrate (or undo)/ATTEMPT
        Unreadable: `detail.startedBy` is slipway/5f1d7a90/scr/staging/x/migrate/1; it should be slipway/INSTALLATION/APPLICATION/ENVIRONMENT/NUMBER/migrate (or undo)/ATTEMPT
        - scr/staging/17 OneOffReported { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/c2f30147b0896994f152fb3eaa751fde"), end: Some(OneOffEnd { exit_code: Some(0), stop: Stop { code: Some("EssentialContainerExited"), reason: "Essential container in task exited" }, reason: None, beside: None }) }
        Unreadable: `detail.overrides.containerOverrides` gives no container of `detail.containers` a command, so the container that ran it is unknown
        Unreadable: `detail.state.timestamp` is 7; it should be a text
        scr-staging-5xx NoData since 2026-11-21T09:11:20Z
        not for us: a message that is not an alarm
    "#]].assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn times_are_read_as_aws_writes_them() {
    let texts = [
        "2026-11-21T09:05:20Z",
        "2026-11-21T09:05:20.123Z",
        "2026-03-05T15:54:41.618059641Z",
        "2019-10-02T17:04:40.989+0000",
        "2019-10-02T19:04:40.989+0200",
        "2019-10-02T19:04:40.989+02:00",
        "1969-12-31T23:59:59Z",
        "tomorrow",
        "",
        "é+00",
    ];
    let lines = texts.map(|text| {
        let read = time(text).map(|time| format!("{time} {:03}", time.millis() % 1000));
        format!("{text:32} {}\n", read.unwrap_or("unreadable".into()))
    });
    expect![[r#"
        2026-11-21T09:05:20Z             2026-11-21T09:05:20Z 000
        2026-11-21T09:05:20.123Z         2026-11-21T09:05:20Z 123
        2026-03-05T15:54:41.618059641Z   2026-03-05T15:54:41Z 618
        2019-10-02T17:04:40.989+0000     2019-10-02T17:04:40Z 989
        2019-10-02T19:04:40.989+0200     2019-10-02T17:04:40Z 989
        2019-10-02T19:04:40.989+02:00    2019-10-02T17:04:40Z 989
        1969-12-31T23:59:59Z             unreadable
        tomorrow                         unreadable
                                         unreadable
        é+00                             unreadable
    "#]]
    .assert_eq(&lines.concat());
}
