//! What AWS and the script say of one command on one host.

use crate::hosts::answer::{Answer, Report, Stage, stage};
use crate::hosts::mark::{Errand, Mark};
use crate::hosts::one_off::end_of;
use expect_test::expect;
use pipeline::effect::Purpose;
use std::fmt::Write;

#[test]
fn every_status_of_run_commands_is_a_stage() {
    let mut table = String::new();
    for (details, code, fault) in [
        ("Pending", -1, None),
        ("InProgress", -1, None),
        ("In Progress", -1, None),
        ("Delayed", -1, None),
        ("Cancelling", -1, None),
        ("Success", 0, None),
        ("Cancelled", -1, None),
        ("DeliveryTimedOut", -1, None),
        ("Delivery Timed Out", -1, None),
        ("ExecutionTimedOut", -1, None),
        ("Undeliverable", -1, None),
        ("Terminated", -1, None),
        ("InvalidPlatform", -1, None),
        ("AccessDenied", -1, None),
        ("Failed", 14, Some("the host cannot pull it")),
        ("Failed", 127, None),
        ("Failed", -1, None),
        ("SomethingNew", 0, None),
    ] {
        let stage = stage("i-0a1", details, code, fault);
        writeln!(table, "{details:20} {code:4} {stage:?}").unwrap();
    }
    expect![[r#"
        Pending                -1 Waiting
        InProgress             -1 Running
        In Progress            -1 Running
        Delayed                -1 Waiting
        Cancelling             -1 Running
        Success                 0 Succeeded
        Cancelled              -1 Cancelled("somebody cancelled the command on i-0a1")
        DeliveryTimedOut       -1 NeverRan("i-0a1 did not take the command in time; look at its SSM agent")
        Delivery Timed Out     -1 NeverRan("i-0a1 did not take the command in time; look at its SSM agent")
        ExecutionTimedOut      -1 Failed("the command took too long on i-0a1 and was ended")
        Undeliverable          -1 NeverRan("the command cannot be delivered to i-0a1; it may be gone, or its SSM agent ended")
        Terminated             -1 NeverRan("i-0a1 was left out, because another host failed")
        InvalidPlatform        -1 NeverRan("i-0a1 does not run Linux")
        AccessDenied           -1 NeverRan("AWS denies the command access to i-0a1")
        Failed                 14 Failed("i-0a1: the host cannot pull it")
        Failed                127 Failed("i-0a1: the script ended with exit code 127")
        Failed                 -1 Failed("i-0a1: the script was killed")
        SomethingNew            0 Failed("i-0a1: the script ended with exit code 0")
    "#]].assert_eq(&table);
}

#[test]
fn the_scripts_words_are_read_and_other_words_passed_over() {
    let said = "Unable to find image\n\
        slipway {\"machine\":\"x86_64\"}\n\
        slipway {\"service\":\"faceplate\",\"container\":{\"id\":\"ab\",\"status\":\"running\",\"code\":0,\"restarts\":0,\"fleeting\":false,\"image\":\"x\",\"revision\":\"\",\"mark\":\"\"}}\n\
        slipway {\"service\":\"worker\",\"container\":null}\n\
        slipway {\"ended\":3,\"output\":\"/var/lib/slipway/output\"}\n\
        slipway {\"service\":\"cut off in the mid\n\
        slipway fault: something is wrong \n\
        slipwayfault: no\n";
    let report = Report::read(said);
    expect![[r#"
        Report {
            containers: {
                ServiceName(
                    "faceplate",
                ): Some(
                    Container {
                        id: "ab",
                        status: "running",
                        code: 0,
                        fleeting: false,
                        revision: "",
                        mark: "",
                    },
                ),
                ServiceName(
                    "worker",
                ): None,
            },
            machine: Some(
                "x86_64",
            ),
            ended: Some(
                (
                    3,
                    "/var/lib/slipway/output",
                ),
            ),
            fault: Some(
                "something is wrong",
            ),
        }
    "#]]
    .assert_debug_eq(&report);
}

#[test]
fn a_one_off_command_succeeded_only_if_the_script_says_so() {
    let mut table = String::new();
    let outputs = [
        "slipway {\"ended\":0,\"output\":\"/o\"}",
        "slipway {\"ended\":3,\"output\":\"/o\"}",
        "slipway {\"ended\":124,\"output\":\"/o\"}",
        "slipway fault: there is no file",
        "",
    ];
    for output in outputs {
        for (details, code) in [("Success", 0), ("Failed", 1), ("Failed", 22), ("Cancelled", -1)] {
            let report = Report::read(output);
            let stage = stage("i-0a1", details, code, report.fault.as_deref());
            let answer = Answer {
                host: "i-0a1".to_owned(),
                comment: String::new(),
                stage,
                code,
                report,
                ended_at: None,
            };
            let end = match end_of(&answer) {
                Err(_) => "nobody knows".to_owned(),
                Ok(None) => "goes on".to_owned(),
                Ok(Some(end)) if end.succeeded() => format!("succeeded, {end}"),
                Ok(Some(end)) if end.never_ran() => format!("never ran, {end}"),
                Ok(Some(end)) => format!("failed, {end}"),
            };
            writeln!(table, "{output:45} {details:9} {code:2} {end}").unwrap();
        }
    }
    expect![[r#"
        slipway {"ended":0,"output":"/o"}             Success    0 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":0,"output":"/o"}             Failed     1 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":0,"output":"/o"}             Failed    22 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":0,"output":"/o"}             Cancelled -1 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             Success    0 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             Failed     1 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             Failed    22 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             Cancelled -1 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           Success    0 failed, exit code 124, it took too long and was ended; its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           Failed     1 failed, exit code 124, it took too long and was ended; its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           Failed    22 failed, exit code 124, it took too long and was ended; its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           Cancelled -1 failed, exit code 124, it took too long and was ended; its output is in /o on i-0a1
        slipway fault: there is no file               Success    0 nobody knows
        slipway fault: there is no file               Failed     1 never ran, no exit code, i-0a1: there is no file
        slipway fault: there is no file               Failed    22 nobody knows
        slipway fault: there is no file               Cancelled -1 failed, no exit code, somebody cancelled the command on i-0a1
                                                      Success    0 nobody knows
                                                      Failed     1 nobody knows
                                                      Failed    22 nobody knows
                                                      Cancelled -1 failed, no exit code, somebody cancelled the command on i-0a1
    "#]].assert_eq(&table);
}

#[test]
fn a_mark_fits_into_a_comment_and_is_read_again() {
    let longest = "a".repeat(32);
    let place = pipeline::names::Place {
        application: longest.as_str().into(),
        environment: longest.as_str().into(),
    };
    let id = pipeline::names::DeploymentId { place, number: 99_999_999 };
    for errand in [
        Errand::Rollout,
        Errand::Back,
        Errand::Remove,
        Errand::OneOff(Purpose::Migrate),
        Errand::OneOff(Purpose::Undo),
    ] {
        let mark = Mark::new(&id, errand, 1000);
        assert!(mark.to_string().len() <= 100, "{mark}");
        assert_eq!(Mark::read(&mark.to_string()), Some(mark));
    }
    for other in [
        "",
        "slipway-look/a/b/17",
        "slipway/a/b/17/dance/1",
        "slipway/a/b/x/back/1",
        "nightly backup",
    ] {
        assert_eq!(Mark::read(other), None, "{other}");
    }
    assert_eq!(Stage::Running.is_over(), Stage::Waiting.is_over());
}
