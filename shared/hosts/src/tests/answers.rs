//! What AWS and the script say of one command on one host.

use crate::answer::{Report, stage};
use expect_test::expect;
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
        Cancelled              -1 Cancelled("the command on i-0a1 was cancelled")
        DeliveryTimedOut       -1 Unheard("i-0a1 did not answer the command before it timed out; check its SSM agent")
        Delivery Timed Out     -1 Unheard("i-0a1 did not answer the command before it timed out; check its SSM agent")
        ExecutionTimedOut      -1 Failed("the command timed out on i-0a1 and was stopped")
        Undeliverable          -1 Unheard("the command cannot be delivered to i-0a1; the host may be gone, or its SSM agent stopped")
        Terminated             -1 NeverRan("i-0a1 was skipped because another host failed")
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
        slipway {\"s\":\"faceplate\",\"is\":\"running\",\"code\":0,\"r\":\"hosts/faceplate:1-2\",\"ours\":true}\n\
        slipway {\"s\":\"web\",\"is\":\"exited\",\"code\":137,\"id\":\"ab\",\"rm\":true}\n\
        slipway {\"s\":\"worker\"}\n\
        slipway {\"ended\":3,\"output\":\"/var/lib/slipway/output\"}\n\
        slipway fault: something is wrong \n\
        slipwayfault: no\n\
        slipway end 5\n\
        slipway {\"s\":\"late\"}\n";
    let report = Report::read(said);
    expect![[r#"
        Report {
            is_whole: true,
            containers: {
                ServiceName(
                    "faceplate",
                ): Some(
                    Container {
                        what: Revision(
                            "hosts/faceplate:1-2",
                        ),
                        status: "running",
                        code: 0,
                        fleeting: false,
                        is_ours: true,
                    },
                ),
                ServiceName(
                    "web",
                ): Some(
                    Container {
                        what: Container(
                            "ab",
                        ),
                        status: "exited",
                        code: 137,
                        fleeting: true,
                        is_ours: false,
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
            runs: false,
            fault: Some(
                "something is wrong",
            ),
        }
    "#]]
    .assert_debug_eq(&report);
}

/// Run Command keeps the beginning: wherever it ends, a missing line does not mean "no container".
#[test]
fn a_report_that_is_cut_off_anywhere_is_not_whole() {
    let said = "slipway {\"machine\":\"x86_64\"}\n\
        slipway {\"s\":\"a\"}\nslipway {\"s\":\"b\"}\nslipway {\"s\":\"c\"}\n\
        slipway {\"s\":\"d\"}\nslipway {\"s\":\"e\"}\nslipway {\"s\":\"f\"}\n\
        slipway {\"s\":\"g\"}\nslipway {\"s\":\"h\"}\nslipway {\"s\":\"i\"}\n\
        slipway end 10\n";
    assert!(Report::read(said).is_whole);
    for at in 0..said.trim_end().len() {
        let cut = said.get(..at).unwrap();
        for after in ["", "\n---Output truncated---"] {
            assert!(!Report::read(&format!("{cut}{after}")).is_whole, "{cut}");
        }
    }
    // A line in the middle that is not from the script.
    assert!(!Report::read(&said.replace("{\"s\":\"c\"}", "{\"s\":")).is_whole);
}

/// The report of a host that got the script from an earlier version.
#[test]
fn a_report_of_an_earlier_version_is_not_whole() {
    let said = "slipway {\"service\":\"faceplate\",\"container\":null}\n";
    assert!(!Report::read(said).is_whole);
}
