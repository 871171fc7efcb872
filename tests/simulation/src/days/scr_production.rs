//! SCR in production: the digests that succeeded in staging, by a version tag or by hand.

use crate::behaviour::Behaviour;
use crate::story::Story;
use pipeline::time::Span;

const FIRST: &str = "3f2a9c1";
const SECOND: &str = "7b41d0e";

pub(super) fn promotion(story: &mut Story) {
    story.push(FIRST).rest();
    story.retag(FIRST, "v1.4.0").rest();
}

pub(super) fn tag_before_staging(story: &mut Story) {
    story.push(FIRST).wait(Span::minutes(2)).retag(FIRST, "v1.4.0").rest();
}

pub(super) fn staging_fails(story: &mut Story) {
    story.push_bad(FIRST, "web", Behaviour::CrashesAtStart).wait(Span::seconds(10));
    story.retag(FIRST, "v1.4.0").rest();
    story.deploy("production", FIRST, |request| request.confirm = Some("DEPLOY".into())).rest();
}

pub(super) fn word_missing(story: &mut Story) {
    story.push(FIRST).rest();
    story.deploy("production", FIRST, |_| {}).rest();
    story.deploy("production", FIRST, |request| request.confirm = Some("DEPLOY".into())).rest();
}

pub(super) fn rollback(story: &mut Story) {
    story.push(FIRST).rest();
    story.retag(FIRST, "v1.4.0").rest();
    story.push(SECOND).rest();
    story.retag(SECOND, "v1.5.0").rest();
    story.roll_back("production", None, false).rest();
}
