//! One-off commands: which source counts for how they ended, and who is asked.

use super::sending::{NEW, RunCommand, check, tags, with_hosts};
use super::{id, service};
use crate::{heard, look_at_one_off, run_one_off};
use aws::Settings;
use aws::clock::Clock;
use aws::settings::CLOCK_FROM_DEADLINE;
use canned::Canned;
use expect_test::expect;
use pipeline::effect::{OneOff, Purpose};
use pipeline::names::{Revision, TaskId};
use pipeline::spec::Target;
use pipeline::time::Span;
use serde_json::{Value, json};

fn one_off(attempt: u32) -> OneOff {
    OneOff {
        target: Target::Hosts(tags()),
        purpose: Purpose::Migrate,
        attempt,
        service: service(),
        revision: Revision::new(NEW),
        create: None,
        container: "faceplate".into(),
        host_container: None,
        command: vec!["/opt/migrate.sh".to_owned()],
        on_host: true,
        timeout: Span::minutes(10),
        client_token: String::new(),
        pause: Span::default(),
    }
}

/// Nothing started, and the next attempt uses another host.
#[tokio::test]
async fn a_migration_whose_host_takes_no_commands_is_tried_on_the_next_one() {
    let aws = with_hosts(2).takes_none().takes("migrate");
    let mut said = String::new();
    for attempt in [1, 2] {
        let event = run_one_off(&aws.aws, &id(), &tags(), &one_off(attempt)).await;
        said += &format!("{event:?}\n");
    }
    check(
        &aws,
        &said,
        &expect![[r#"
            slipway/05d5d9c7/faceplate/prod/17/migrate/1 'one-off' 300+1500 i-0a00
            slipway/05d5d9c7/faceplate/prod/17/migrate/2 'one-off' 300+1500 i-0a01
            Ok(OneOffNotStarted { purpose: Migrate, attempt: 1, fault: Platform, reason: "i-0a00 takes no commands: shutting down or gone, or without a running SSM agent" })
            Ok(OneOffStarted { purpose: Migrate, attempt: 2, task: TaskId("migrate") })

        "#]],
    );
}

const NOTE: [(&str, &str); 4] =
    [("host", "i-0a00"), ("nonce", "99"), ("command", "migrate"), ("installation", "05d5d9c7")];

fn ended(host: &str, comment: &str, details: &str, output: &str) -> Value {
    json!({"CommandInvocations": [{"InstanceId": host, "Comment": comment, "Status": details, "StatusDetails": details, "CommandPlugins": [{"Name": "aws:runShellScript", "ResponseCode": 0, "Output": output}]}]})
}

const DONE: &str = "slipway {\"ended\":0,\"output\":\"/o\"}\nslipway end 1\n";

/// Anyone who may send a command to their own machine can choose its comment and its output.
#[tokio::test]
async fn the_end_of_a_migration_is_believed_from_our_command_on_our_host() {
    let mark = "slipway/05d5d9c7/faceplate/prod/17/migrate/1";
    let old = "slipway/faceplate/prod/17/migrate/1";
    let other = "slipway/0badcafe/faceplate/prod/17/migrate/1";
    let unsent =
        &NOTE.map(|(key, text)| if key == "command" { ("other", text) } else { (key, text) });
    let of_old = &NOTE[..3];
    let mut told = String::new();
    for (what, note, command, host, comment) in [
        ("ours", &NOTE[..], "migrate", "i-0a00", mark),
        ("ours, before its id was noted", unsent, "migrate", "i-0a00", mark),
        ("ours, sent by an earlier version", of_old, "migrate", "i-0a00", old),
        ("another command", &NOTE[..], "forged", "i-0a00", mark),
        ("another host", &NOTE[..], "migrate", "i-0a77", mark),
        ("another host, before the id was noted", unsent, "forged", "i-0a77", mark),
        ("another installation", &NOTE[..], "migrate", "i-0a00", other),
        ("no installation", unsent, "forged", "i-0a00", old),
        ("nothing noted", &[], "migrate", "i-0a00", mark),
    ] {
        let aws =
            Canned::new().answers("ListCommandInvocations", ended(host, comment, "Success", DONE));
        let aws = if note.is_empty() { aws } else { aws.noted("host-migrate#1", note) };
        let event = heard(&aws.aws, command).await.unwrap();
        told += &format!("{what:40} {}\n", event.map_or("nobody's", |(_, event)| event.name()));
    }
    expect![[r#"
        ours                                     one-off reported
        ours, before its id was noted            one-off reported
        ours, sent by an earlier version         one-off reported
        another command                          nobody's
        another host                             nobody's
        another host, before the id was noted    nobody's
        another installation                     nobody's
        no installation                          nobody's
        nothing noted                            nobody's
    "#]]
    .assert_eq(&told);
}

/// "Delivery Timed Out" is reported both for a command that no agent took, and for one whose agent
/// died.
#[tokio::test]
async fn where_run_command_does_not_know_the_host_is_asked() {
    let unheard = || ended("i-0a00", "", "DeliveryTimedOut", "");
    let silent = json!({"CommandInvocations": [{"InstanceId": "i-0a00", "Status": "Pending", "StatusDetails": "Pending"}]});
    let failed = |code: i32, output: &str| {
        let mut answer = ended("i-0a00", "", "Failed", output);
        answer["CommandInvocations"][0]["CommandPlugins"][0]["ResponseCode"] = code.into();
        answer
    };
    let mut told = String::new();
    for (what, answer) in [
        ("it ended well", ended("i-0a00", "", "Success", DONE)),
        ("it runs", ended("i-0a00", "", "Success", "slipway {\"running\":true}\nslipway end 1\n")),
        ("it never began, and never will", failed(23, "slipway fault: it was called off\n")),
        ("it was begun", failed(22, "slipway fault: its end was not recorded\n")),
        ("it does not answer", silent),
    ] {
        let mut aws = Canned::new();
        aws.aws.clock = Clock::new(&Settings::given([(CLOCK_FROM_DEADLINE, "60".to_owned())]));
        let aws = aws.noted("host-migrate#1", &NOTE).takes("end");
        let aws = aws.answers("ListCommandInvocations", unheard());
        let aws = aws.answers("ListCommandInvocations", answer);
        let task = TaskId::new("migrate");
        let event = look_at_one_off(&aws.aws, &id(), Purpose::Migrate, 1, &task).await.unwrap();
        told += &format!("{what}: {event:?}\n{}", aws.commands());
    }
    expect![[r#"
        it ended well: OneOffSeen { purpose: Migrate, attempt: 1, task: TaskId("migrate"), end: Some(OneOffEnd { exit_code: Some(0), stop: Stop { code: Some("EssentialContainerExited"), reason: "its output is in /o on i-0a00" }, reason: None, beside: None }) }
        slipway-end/05d5d9c7/faceplate/prod/17 'end' 60+60 i-0a00
        it runs: OneOffSeen { purpose: Migrate, attempt: 1, task: TaskId("migrate"), end: None }
        slipway-end/05d5d9c7/faceplate/prod/17 'end' 60+60 i-0a00
        it never began, and never will: OneOffSeen { purpose: Migrate, attempt: 1, task: TaskId("migrate"), end: Some(OneOffEnd { exit_code: None, stop: Stop { code: Some("TaskFailedToStart"), reason: "i-0a00: it was called off" }, reason: None, beside: None }) }
        slipway-end/05d5d9c7/faceplate/prod/17 'end' 60+60 i-0a00
        it was begun: OneOffLost { purpose: Migrate, attempt: 1 }
        slipway-end/05d5d9c7/faceplate/prod/17 'end' 60+60 i-0a00
        it does not answer: OneOffSeen { purpose: Migrate, attempt: 1, task: TaskId("migrate"), end: None }
        slipway-end/05d5d9c7/faceplate/prod/17 'end' 60+60 i-0a00
    "#]]
    .assert_eq(&told);
}
