//! WWHD: one service that always runs `latest`, between two and ten tasks.

use crate::behaviour::Behaviour;
use crate::story::Story;
use pipeline::time::Span;

const PLACE: &str = "production";

pub(super) fn good(story: &mut Story) {
    story.retag("monday", "latest").rest();
    story.retag("tuesday", "latest").rest();
}

pub(super) fn same_digest(story: &mut Story) {
    story.retag("monday", "latest").rest();
    story.retag("monday", "latest").rest();
}

pub(super) fn fresh(story: &mut Story) {
    story.retag("monday", "latest").rest();
    story.deploy(PLACE, "monday", |request| request.fresh = true).rest();
}

/// The tag does not move, and its release is not deployed again.
pub(super) fn rollback(story: &mut Story) {
    story.retag("monday", "latest").rest();
    story.retag("tuesday", "latest").rest();
    story.roll_back(PLACE, None, false).rest();
    story.retag("tuesday", "latest").rest();
}

pub(super) fn latency_alarm(story: &mut Story) {
    alarm(story, "HighLatency", Span::minutes(3));
}

pub(super) fn client_errors(story: &mut Story) {
    alarm(story, "HighErrorRate", Span::seconds(20));
}

fn alarm(story: &mut Story, name: &str, after: Span) {
    story.retag("monday", "latest").rest();
    story.behaves("backend", "tuesday", Behaviour::RaisesAlarm(name.into(), after));
    story.retag("tuesday", "latest").rest();
}

pub(super) fn autoscaling(story: &mut Story) {
    story.retag("monday", "latest").wait(Span::seconds(20)).scale(PLACE, "wwhd-service", 7);
    story.wait(Span::minutes(2)).scale(PLACE, "wwhd-service", 4);
    // And again at the very moment of the final verification.
    story.wait(Span::seconds(200)).scale(PLACE, "wwhd-service", 6).rest();
}
