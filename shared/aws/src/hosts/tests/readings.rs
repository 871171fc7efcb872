//! What looks at several hosts mean for the core, which has asked for revision `new`.

use super::{foreign, id, ours, report, service};
use crate::hosts::answer::{Container, Report};
use crate::hosts::errand::Sent;
use crate::hosts::look::Looked;
use crate::hosts::reading::of_look;
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
    let sent = Sent::told(&revision, "command-1");
    let found = of_look(&id(), &service(), Some(&sent), &looked);
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
    let silent = || Err("i-0a1 has not been heard of");
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
        one is silent                Underway { waiting: Trouble(Trouble { told_by: RunCommand, text: "i-0a1 has not been heard of", fault: Some(Platform) }) }
        both are silent              Underway { waiting: Trouble(Trouble { told_by: RunCommand, text: "i-0a1 has not been heard of", fault: Some(Platform) }) }
        none runs anything           Gone
        no host is left              Underway { waiting: Trouble(Trouble { told_by: RunCommand, text: "no host carries the tags any more", fault: Some(Platform) }) }
    "#]].assert_eq(&table);
}
