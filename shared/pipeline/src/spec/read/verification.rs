//! What shows whether a release works: HTTP checks, and alarms.

use super::super::model::{Alarms, AtStart, Check, NoData};
use super::super::node::Node;
use super::super::syntax;
use crate::names::AlarmName;
use crate::time::Span;

const MOST_CHECKS: usize = 20;
const MOST_ALARMS: usize = 100;

pub(super) fn checks(node: &Node) -> Vec<Check> {
    let example = "[{url: \"https://example.com/health\"}]";
    node.list(example, 0..=MOST_CHECKS).iter().filter_map(check).collect()
}

fn check(node: &Node) -> Option<Check> {
    let mut entries = node.map("{url: \"https://example.com/health\", expect: [200]}")?;
    let url = entries.require("url", "\"https://example.com/health\"");
    let url = url.and_then(|n| n.name(syntax::url));
    let expect = entries.get("expect").map(|n| n.list_or_one("[200]", 1..=50));
    let attempts = entries.get("attempts").and_then(|n| n.whole(1..=100));
    let every = entries.get("every").and_then(|n| n.span(Span::seconds(1), Span::minutes(15)));
    let timeout = entries.get("timeout").and_then(|n| n.span(Span::seconds(1), Span::minutes(1)));
    entries.end();

    let status = |n: &Node| n.whole(100..=599).and_then(|status| u16::try_from(status).ok());
    let expect = expect.map(|statuses| statuses.iter().filter_map(status).collect());
    Some(Check {
        url: url?,
        expect: expect.unwrap_or_else(|| vec![200]),
        attempts: attempts.and_then(|attempts| u32::try_from(attempts).ok()).unwrap_or(5),
        every: every.unwrap_or(Span::seconds(10)),
        timeout: timeout.unwrap_or(Span::seconds(5)),
    })
}

pub(super) fn alarms(node: Option<&Node>) -> Alarms {
    let mut alarms = Alarms { names: Vec::new(), at_start: AtStart::Block, no_data: NoData::Pass };
    let Some(node) = node else { return alarms };
    if !node.is_map() {
        alarms.names = alarm_names(node, 0);
        return alarms;
    }
    let Some(mut entries) = node.map("{names: [scr-5xx]}") else { return alarms };
    let names = entries.require("names", "[scr-5xx]");
    let at_start = entries.get("at_start").and_then(|n| {
        n.choice(&[("block", AtStart::Block), ("warn", AtStart::Warn), ("ignore", AtStart::Ignore)])
    });
    let no_data = entries
        .get("no_data")
        .and_then(|n| n.choice(&[("pass", NoData::Pass), ("fail", NoData::Fail)]));
    entries.end();
    alarms.names = names.map(|n| alarm_names(&n, 1)).unwrap_or_default();
    alarms.at_start = at_start.unwrap_or(alarms.at_start);
    alarms.no_data = no_data.unwrap_or(alarms.no_data);
    alarms
}

fn alarm_names(node: &Node, least: usize) -> Vec<AlarmName> {
    let mut names = Vec::new();
    for item in node.list("[scr-5xx, scr-p99]", least..=MOST_ALARMS) {
        let Some(name) = item.name(syntax::alarm).map(AlarmName::new) else { continue };
        if names.contains(&name) {
            item.fault(format!("{name} is listed twice; keep one"));
        }
        names.push(name);
    }
    names
}
