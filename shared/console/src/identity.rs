//! Duplicate requests: the same request twice within a short time is executed once.

use super::catalog::EnvironmentView;
use aws::hex::hex;
use pipeline::names::RequestId;
use pipeline::time::{Span, Time};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Two clicks within this time are one request; a later click is a second one. It may take up to
/// twice as long: time is divided into such intervals, and two clicks may lie on both sides of a
/// boundary.
const A_WHILE: Span = Span::minutes(2);

/// The id of a request: the one in the request, or its content and roughly its time.
///
/// Who requests it and why is not part of it: two people may click at the same time.
pub(crate) fn request_id(
    site: &EnvironmentView,
    wish: &str,
    content: &Value,
    given: Option<&str>,
    now: Time,
) -> RequestId {
    if let Some(given) = given {
        return RequestId::new(format!("{wish} by hand, {content:.500}, {given:.200}"));
    }
    let hash = Sha256::digest(content.to_string());
    let hash = hex(&hash[..6]);
    let span = now.millis() / (A_WHILE.as_seconds() * 1000);
    let id = |span: u64| RequestId::new(format!("{wish} by hand, {hash} {span}"));
    let before = id(span.saturating_sub(1));
    if is_known(site, &before) { before } else { id(span) }
}

/// Whether this request was made already.
pub(crate) fn is_known(site: &EnvironmentView, id: &RequestId) -> bool {
    let waiting = site.head.queue.iter().map(|waits| &waits.request.id);
    site.head
        .request_outcomes
        .iter()
        .map(|(known, _)| known)
        .chain(waiting)
        .any(|known| known == id)
}
