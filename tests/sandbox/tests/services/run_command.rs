//! Commands on hosts: delivered, run, over; or not.

use crate::room::Room;
use expect_test::expect;
use sandbox::ssm::{Host, Ssm, Standing};
use serde_json::{Value, json};

fn hosts() -> Room<Ssm> {
    let mut ssm = Ssm::new();
    for (instance, number) in [("i-0a1", "1"), ("i-0a2", "2")] {
        let host = Host::new(instance, &[("Component", "web"), ("Number", number)]);
        let host = host.expect("there is room for a folder");
        ssm.add(host);
    }
    Room::new("ssm", ssm)
}

/// A script that would take this many seconds.
fn command(script: &str, more: &Value) -> Value {
    let mut input = json!({
        "InstanceIds": ["i-0a1", "i-0a2"],
        "DocumentName": "AWS-RunShellScript",
        "Comment": "a test",
        "Parameters": {"commands": ["#!/bin/bash", script], "executionTimeout": ["60"]},
        "TimeoutSeconds": 30,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        input[key] = value.clone();
    }
    input
}

/// The statuses of the newest command, host by host.
fn statuses(room: &mut Room<Ssm>) -> String {
    let answer = room.ask("ListCommandInvocations", &json!({"Details": true}));
    let invocations = answer["CommandInvocations"].as_array().cloned().unwrap_or_default();
    let line = |one: &Value| {
        let plugin = &one["CommandPlugins"][0];
        format!(
            "{} {}/{} {} {}\n",
            one["InstanceId"],
            one["Status"],
            one["StatusDetails"],
            plugin["ResponseCode"],
            plugin["Output"]
        )
    };
    invocations.iter().map(line).collect()
}

fn told(room: &Room<Ssm>) -> String {
    let line = |told: &sandbox::service::Emission| {
        let host = told.detail["instance-id"].as_str().unwrap_or("whole");
        format!("{host} {}\n", told.detail["status"])
    };
    room.told.iter().map(line).collect()
}

#[test]
fn a_script_runs_on_every_host_and_its_end_is_reported_when_its_time_has_passed() {
    let mut room = hosts();
    let script = "echo hello; sleep 20; ls /nowhere; exit 3";
    room.ask("SendCommand", &command(script, &json!({"MaxErrors": "100%"})));
    room.pass(20);
    expect![[r#"
        "i-0a1" "InProgress"/"InProgress" -1 ""
        "i-0a2" "InProgress"/"InProgress" -1 ""
    "#]]
    .assert_eq(&statuses(&mut room));
    room.pass(1);
    let statuses = statuses(&mut room).replace("'/nowhere'", "/nowhere");
    expect![[r#"
        "i-0a1" "Failed"/"Failed" 3 "hello\n\n----------ERROR-------\nls: cannot access /nowhere: No such file or directory\nfailed to run commands: exit status 3"
        "i-0a2" "Failed"/"Failed" 3 "hello\n\n----------ERROR-------\nls: cannot access /nowhere: No such file or directory\nfailed to run commands: exit status 3"
    "#]].assert_eq(&statuses);
    expect![[r#"
        i-0a1 "InProgress"
        i-0a2 "InProgress"
        i-0a1 "Failed"
        i-0a2 "Failed"
        whole "Failed"
    "#]]
    .assert_eq(&told(&room));
}

#[test]
fn after_the_first_error_no_further_host_gets_it() {
    let mut room = hosts();
    let more = json!({"MaxConcurrency": "1", "MaxErrors": "0"});
    room.ask("SendCommand", &command("exit 1", &more));
    expect![[r#"
        "i-0a1" "Failed"/"Failed" 1 "\n----------ERROR-------\nfailed to run commands: exit status 1"
        "i-0a2" "Failed"/"Terminated" -1 ""
    "#]].assert_eq(&statuses(&mut room));
}

#[test]
fn a_lost_host_gets_it_when_it_reconnects_or_never() {
    let mut room = hosts();
    room.at_desk(|ssm, desk| ssm.set_standing("i-0a2", Standing::Lost, desk));
    room.ask("SendCommand", &command("echo hello", &json!({})));
    room.pass(60);
    expect![[r#"
        "i-0a1" "Success"/"Success" 0 "hello\n"
        "i-0a2" "Pending"/"Pending" -1 ""
    "#]]
    .assert_eq(&statuses(&mut room));
    room.at_desk(|ssm, desk| ssm.set_standing("i-0a2", Standing::Online, desk));
    expect![[r#"
        "i-0a1" "Success"/"Success" 0 "hello\n"
        "i-0a2" "Success"/"Success" 0 "hello\n"
    "#]]
    .assert_eq(&statuses(&mut room));
    room.at_desk(|ssm, desk| ssm.set_standing("i-0a2", Standing::Deaf, desk));
    room.ask("SendCommand", &command("echo hello", &json!({"InstanceIds": ["i-0a2"]})));
    room.pass(90);
    let newest = statuses(&mut room);
    expect![[r#""i-0a2" "TimedOut"/"DeliveryTimedOut" -1 """#]]
        .assert_eq(newest.lines().next().unwrap());
}

#[test]
fn a_command_can_be_cancelled_until_it_is_over() {
    let mut room = hosts();
    let sent = room.ask("SendCommand", &command("sleep 20", &json!({})));
    let id = &sent["Command"]["CommandId"];
    room.ask("CancelCommand", &json!({ "CommandId": id }));
    room.pass(60);
    expect![[r#"
        "i-0a1" "Cancelled"/"Cancelled" -1 ""
        "i-0a2" "Cancelled"/"Cancelled" -1 ""
    "#]]
    .assert_eq(&statuses(&mut room));
}

#[test]
fn what_run_command_refuses() {
    let mut room = hosts();
    let reference = json!({"commands": ["echo {{ssm:password}}"]});
    for more in [
        json!({"InstanceIds": ["i-0gone"]}),
        json!({"DocumentName": "mine"}),
        json!({"Comment": "a".repeat(101)}),
        json!({"TimeoutSeconds": 29}),
        json!({ "Parameters": reference }),
    ] {
        room.say("SendCommand", &command("true", &more));
    }
    room.say("GetCommandInvocation", &json!({"CommandId": "x", "InstanceId": "i-0a1"}));
    expect![[r#"
        00:00 SendCommand: InvalidInstanceId: Instances ["i-0gone"] not in a valid state for account 123456789012
        00:00 SendCommand: InvalidDocument: document does not exist
        00:00 SendCommand: ValidationException: Comment has more than 100 characters
        00:00 SendCommand: ValidationException: TimeoutSeconds is 30 to 2592000
        00:00 SendCommand: InvalidParameters: Parameters refer to a parameter in Parameter Store
        00:00 GetCommandInvocation: InvocationDoesNotExist: no such invocation
    "#]].assert_eq(&room.story());
}

#[test]
fn sending_is_allowed_by_document_and_by_each_hosts_tags() {
    let mut room = hosts();
    room.needs("SendCommand", &command("true", &json!({})));
    room.needs("ListCommands", &json!({}));
    expect![[r#"
        00:00 ssm:SendCommand on arn:aws:ssm:eu-central-1::document/AWS-RunShellScript
        00:00 ssm:SendCommand on arn:aws:ec2:eu-central-1:123456789012:instance/i-0a1 aws:ResourceTag/Component=web aws:ResourceTag/Number=1 ssm:resourceTag/Component=web ssm:resourceTag/Number=1
        00:00 ssm:SendCommand on arn:aws:ec2:eu-central-1:123456789012:instance/i-0a2 aws:ResourceTag/Component=web aws:ResourceTag/Number=2 ssm:resourceTag/Component=web ssm:resourceTag/Number=2
        00:00 ssm:ListCommands on *
    "#]].assert_eq(&room.story());
}
