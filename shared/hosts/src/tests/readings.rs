//! What reports of several hosts mean for the core, which has requested revision `new`.

use super::{foreign, ours, report, service};
use crate::answer::{Answer, Container, Report, Stage};
use crate::command::Sent;
use crate::look::Looked;
use crate::reading::{of_command, of_look};
use expect_test::expect;
use pipeline::names::{Revision, RolloutId};
use pipeline::observation::{Observation, Wanted};
use pipeline::time::Time;
use std::fmt::Write;

const NOW: Time = Time::from_millis(1_795_251_732_000);

fn dead(container: Container) -> Container {
    Container { status: "exited".to_owned(), code: 137, ..container }
}

fn read(hosts: &[Result<Option<Container>, &str>]) -> String {
    let looked: Looked = hosts
        .iter()
        .enumerate()
        .map(|(number, said)| {
            let said: Result<Report, String> = match said {
                Ok(container) => Ok(report(container.clone())),
                Err(why) => Err((*why).to_owned()),
            };
            (format!("i-0a{number}"), said)
        })
        .collect();
    let revision = Revision::new("hosts/faceplate:new");
    let sent = Sent::told(&revision, "command-1", &[]);
    let found = of_look(&service(), Some(&sent), &looked);
    let observation = Observation { service: service(), seen_at: NOW, found };
    let wanted = Wanted {
        revision: &revision,
        from: Some(&Revision::new("hosts/faceplate:old")),
        other_rollouts: &[],
        rollout: Some(&RolloutId::new("command-1")),
        visible_from: Some(NOW),
    };
    format!("{:?}", observation.read(wanted))
}

#[test]
fn a_service_is_up_only_if_every_host_runs_exactly_our_revision() {
    let new = || Ok(Some(ours("new")));
    let silent = || Err("i-0a1 is not connected to Systems Manager");
    let mut table = String::new();
    for (name, hosts) in [
        ("all of them", vec![new(), new()]),
        ("one still runs the old one", vec![new(), Ok(Some(ours("old")))]),
        ("one runs something by hand", vec![new(), Ok(Some(foreign("ab")))]),
        ("both run the old one", vec![Ok(Some(ours("old"))), Ok(Some(ours("old")))]),
        ("one runs nothing", vec![new(), Ok(None)]),
        ("one has died", vec![new(), Ok(Some(dead(ours("new"))))]),
        ("one is silent", vec![new(), silent()]),
        ("both are silent", vec![silent(), silent()]),
        ("none runs anything", vec![Ok(None), Ok(None)]),
        ("no host is left", vec![]),
    ] {
        writeln!(table, "{name:28} {}", read(&hosts)).unwrap();
    }
    expect![[r#"
        all of them                  Done
        one still runs the old one   TakenOver { revision: Revision("hosts/faceplate:as-found-a5a15542") }
        one runs something by hand   TakenOver { revision: Revision("hosts/faceplate:as-found-6ce38378") }
        both run the old one         TakenOver { revision: Revision("hosts/faceplate:old") }
        one runs nothing             Underway { waiting: Trouble(Trouble { told_by: RunCommand, text: "i-0a1 runs no faceplate", fault: Some(Platform) }) }
        one has died                 Failed { reason: "the container on i-0a1 is exited (exit code 137)" }
        one is silent                Underway { waiting: Trouble(Trouble { told_by: RunCommand, text: "i-0a1 is not connected to Systems Manager", fault: Some(Platform) }) }
        both are silent              Underway { waiting: Trouble(Trouble { told_by: RunCommand, text: "i-0a1 is not connected to Systems Manager", fault: Some(Platform) }) }
        none runs anything           Gone
        no host is left              Underway { waiting: Trouble(Trouble { told_by: RunCommand, text: "no host has the tags", fault: Some(Platform) }) }
    "#]].assert_eq(&table);
}

/// A truncated report, or one by a script of another version.
#[test]
fn a_host_that_does_not_speak_of_a_service_has_not_said_that_it_is_not_there() {
    let looked = |report: Report| -> Looked { [("i-0a0".to_owned(), Ok(report))].into() };
    let cut_off = Report { is_whole: false, ..report(Some(ours("old"))) };
    let of_others = Report { is_whole: true, ..Report::default() };
    for report in [cut_off, of_others] {
        let revision = Revision::new("hosts/faceplate:new");
        let sent = Sent::told(&revision, "command-1", &[]);
        for sent in [None, Some(&sent)] {
            let found = of_look(&service(), sent, &looked(report.clone()));
            let trouble = found.and_then(|found| found.trouble).map(|trouble| trouble.text);
            assert_eq!(trouble.as_deref(), Some("i-0a0 did not report faceplate"));
        }
    }
}

#[test]
fn a_command_is_over_when_every_host_that_it_went_to_has_said_so() {
    let answer = |host: &str, stage: Stage| Answer {
        host: host.to_owned(),
        comment: String::new(),
        stage,
        code: 0,
        report: Report::default(),
        ended_at: None,
    };
    let revision = Revision::new("hosts/faceplate:new");
    let sent = Sent::told(&revision, "command-1", &["i-0a0", "i-0a1"]);
    let read = |answers: &[Answer]| match of_command(&sent, "command-1", answers, &[]) {
        None => "look".to_owned(),
        Some(found) => {
            let rollout = &found.rollouts[0];
            format!("{:?} {}/{}", rollout.progress, rollout.running, rollout.desired)
        }
    };
    let done = |host| answer(host, Stage::Succeeded);
    let failed = |host| answer(host, Stage::Failed("why".to_owned()));
    let mut table = String::new();
    for (name, answers) in [
        ("none is shown yet", vec![]),
        ("one is shown, and done", vec![done("i-0a0")]),
        ("one is shown, and failed", vec![failed("i-0a0")]),
        ("both are done", vec![done("i-0a0"), done("i-0a1")]),
        ("one failed", vec![done("i-0a0"), failed("i-0a1")]),
        ("one runs", vec![done("i-0a0"), answer("i-0a1", Stage::Running)]),
    ] {
        writeln!(table, "{name:28} {}", read(&answers)).unwrap();
    }
    expect![[r#"
        none is shown yet            InProgress 0/2
        one is shown, and done       InProgress 1/2
        one is shown, and failed     InProgress 0/2
        both are done                look
        one failed                   Failed 1/2
        one runs                     InProgress 1/2
    "#]]
    .assert_eq(&table);
}
