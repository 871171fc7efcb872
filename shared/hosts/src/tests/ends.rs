//! How a one-off command ended, according to Run Command and the script.

use crate::answer::{Answer, Report, stage};
use crate::outcome::{Outcome, outcome};
use expect_test::expect;
use std::fmt::Write;

const ENDS: [(&str, i32); 8] = [
    ("Success", 0),
    ("Failed", 1),
    ("Failed", 22),
    ("Cancelled", -1),
    ("Delivery Timed Out", -1),
    ("Undeliverable", -1),
    ("Access Denied", -1),
    ("In Progress", -1),
];

#[test]
fn a_one_off_command_succeeded_only_if_the_script_says_so() {
    let mut table = String::new();
    let outputs = [
        "slipway {\"ended\":0,\"output\":\"/o\"}",
        "slipway {\"ended\":3,\"output\":\"/o\"}",
        "slipway {\"ended\":124,\"output\":\"/o\"}",
        "slipway {\"running\":true}",
        "slipway fault: there is no file",
        "",
    ];
    for output in outputs {
        for (details, code) in ENDS {
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
            let end = match outcome(&answer) {
                Outcome::Unclear => "the host is asked".to_owned(),
                Outcome::Lost => "lost".to_owned(),
                Outcome::Runs => "goes on".to_owned(),
                Outcome::Ended(end) if end.succeeded() => format!("succeeded, {end}"),
                Outcome::Ended(end) if end.never_ran() => format!("never ran, {end}"),
                Outcome::Ended(end) => format!("failed, {end}"),
            };
            writeln!(table, "{output:45} {details:18} {code:2} {end}").unwrap();
        }
    }
    expect![[r#"
        slipway {"ended":0,"output":"/o"}             Success             0 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":0,"output":"/o"}             Failed              1 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":0,"output":"/o"}             Failed             22 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":0,"output":"/o"}             Cancelled          -1 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":0,"output":"/o"}             Delivery Timed Out -1 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":0,"output":"/o"}             Undeliverable      -1 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":0,"output":"/o"}             Access Denied      -1 succeeded, exit code 0, its output is in /o on i-0a1
        slipway {"ended":0,"output":"/o"}             In Progress        -1 goes on
        slipway {"ended":3,"output":"/o"}             Success             0 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             Failed              1 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             Failed             22 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             Cancelled          -1 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             Delivery Timed Out -1 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             Undeliverable      -1 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             Access Denied      -1 failed, exit code 3, its output is in /o on i-0a1
        slipway {"ended":3,"output":"/o"}             In Progress        -1 goes on
        slipway {"ended":124,"output":"/o"}           Success             0 failed, exit code 124, it timed out and was stopped; its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           Failed              1 failed, exit code 124, it timed out and was stopped; its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           Failed             22 failed, exit code 124, it timed out and was stopped; its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           Cancelled          -1 failed, exit code 124, it timed out and was stopped; its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           Delivery Timed Out -1 failed, exit code 124, it timed out and was stopped; its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           Undeliverable      -1 failed, exit code 124, it timed out and was stopped; its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           Access Denied      -1 failed, exit code 124, it timed out and was stopped; its output is in /o on i-0a1
        slipway {"ended":124,"output":"/o"}           In Progress        -1 goes on
        slipway {"running":true}                      Success             0 goes on
        slipway {"running":true}                      Failed              1 goes on
        slipway {"running":true}                      Failed             22 goes on
        slipway {"running":true}                      Cancelled          -1 goes on
        slipway {"running":true}                      Delivery Timed Out -1 goes on
        slipway {"running":true}                      Undeliverable      -1 goes on
        slipway {"running":true}                      Access Denied      -1 goes on
        slipway {"running":true}                      In Progress        -1 goes on
        slipway fault: there is no file               Success             0 the host is asked
        slipway fault: there is no file               Failed              1 never ran, no exit code, i-0a1: there is no file
        slipway fault: there is no file               Failed             22 lost
        slipway fault: there is no file               Cancelled          -1 the host is asked
        slipway fault: there is no file               Delivery Timed Out -1 the host is asked
        slipway fault: there is no file               Undeliverable      -1 the host is asked
        slipway fault: there is no file               Access Denied      -1 never ran, no exit code, AWS denies the command access to i-0a1
        slipway fault: there is no file               In Progress        -1 goes on
                                                      Success             0 the host is asked
                                                      Failed              1 the host is asked
                                                      Failed             22 the host is asked
                                                      Cancelled          -1 the host is asked
                                                      Delivery Timed Out -1 the host is asked
                                                      Undeliverable      -1 the host is asked
                                                      Access Denied      -1 never ran, no exit code, AWS denies the command access to i-0a1
                                                      In Progress        -1 goes on
    "#]].assert_eq(&table);
}
