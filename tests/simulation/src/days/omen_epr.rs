//! Omen EPR: one service of two containers, made from a template.

use crate::behaviour::Behaviour;
use crate::story::Story;

const FIRST: &str = "20261121090000";
const SECOND: &str = "20261122090000";
const THIRD: &str = "20261123090000";
const EXAMPLE: &str = include_str!("../../../../infra/examples/omen-epr.yaml");

pub(super) fn first_deploy(story: &mut Story) {
    story.push(FIRST).rest();
}

pub(super) fn first_deploy_fails(story: &mut Story) {
    story.push_bad(FIRST, "epr", Behaviour::CrashesAtStart).rest();
    // A newer build fixes it; no person has to lift anything.
    story.push(SECOND).rest();
}

pub(super) fn first_deploy_removed(story: &mut Story) {
    let text = EXAMPLE.replace("    failures:", "    first_deploy: remove\n    failures:");
    story.configure(&text).push_bad(FIRST, "epr", Behaviour::CrashesAtStart).rest();
}

pub(super) fn api_crashes(story: &mut Story) {
    story.push(FIRST).rest();
    story.push_bad(SECOND, "epr", Behaviour::CrashesAtStart).rest();
}

pub(super) fn worker_crashes(story: &mut Story) {
    story.push(FIRST).rest();
    story.push_bad(SECOND, "epr", Behaviour::LosesSidecar).rest();
}

pub(super) fn worker_counts(story: &mut Story) {
    let text = EXAMPLE.replace("sidecars: warn", "sidecars: roll_back");
    story.configure(&text).push(FIRST).rest();
    story.push_bad(SECOND, "epr", Behaviour::LosesSidecar).rest();
}

pub(super) fn by_hand(story: &mut Story) {
    story.push(FIRST).rest();
    story.push(SECOND).rest();
    story.deploy("production", FIRST, |_| {}).rest();
    // The rolled back one is not deployed again, though its push is reported again; the next one
    // is.
    story.push(SECOND).rest();
    story.push(THIRD).rest();
}

pub(super) fn split(story: &mut Story) {
    story.push(FIRST).rest();
    story.configure(include_str!("omen-epr-split.yaml")).push(SECOND).rest();
}
