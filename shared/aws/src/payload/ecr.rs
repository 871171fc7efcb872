//! Pushes: from ECR, from its replication, or reported by hand.

use super::field::{required_text, required_time, text};
use super::{Heard, kind};
use crate::failure::Failure;
use pipeline::names::{Digest, Repository, Tag};
use pipeline::push::{Details, KEEP_PREFIX, Push};
use pipeline::time::Time;
use serde_json::Value;

/// Reads a push. One that is reported by hand happens `now`.
pub fn push(payload: &Value, now: Time) -> Result<Heard<Push>, Failure> {
    let expected = match kind(payload) {
        Some("ECR Image Action") => "PUSH",
        // An image that arrives from another region is replicated, not pushed.
        Some("ECR Replication Action") => "REPLICATE",
        Some(other) => return Ok(Heard::NotForUs(other.to_owned())),
        None => return by_hand(payload, now).map(Heard::News),
    };
    let action = required_text(payload, "detail.action-type")?;
    let result = required_text(payload, "detail.result")?;
    let repository = required_text(payload, "detail.repository-name")?;
    if action != expected || result != "SUCCESS" {
        return Ok(Heard::NotForUs(format!("{action} in {repository}: {result}")));
    }
    let tag = text(payload, "detail.image-tag");
    if let Some(ours) = tag.filter(|tag| tag.starts_with(KEEP_PREFIX)) {
        // Every deployment puts one on each of its images, so nothing has to be read for it.
        return Ok(Heard::NotForUs(format!("Slipway's own tag {ours}")));
    }
    Ok(Heard::News(Push {
        repository: Repository::new(repository),
        digest: Digest::new(required_text(payload, "detail.image-digest")?),
        tag: tag.map(Tag::from),
        artifact_media_type: text(payload, "detail.artifact-media-type").map(str::to_owned),
        pushed_at: required_time(payload, "time")?,
        details: Details::default(),
    }))
}

/// CI may report its push itself, because ECR's event can get lost.
fn by_hand(payload: &Value, now: Time) -> Result<Push, Failure> {
    let field = |name| {
        text(payload, name).ok_or_else(|| {
            Failure::Unreadable(format!(
                "`{name}` is missing; report a push like this: {{\"repository\": \"scr-api\", \
                 \"tag\": \"3f2a9c1\", \"digest\": \"sha256:…\"}}"
            ))
        })
    };
    let digest = field("digest")?;
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::Unreadable(format!(
            "`digest` is {digest:.80}; it should be sha256: and 64 hexadecimal digits, \
             as `docker push` prints it"
        )));
    }
    Ok(Push {
        repository: Repository::new(field("repository")?),
        digest: Digest::new(digest),
        tag: Some(Tag::from(field("tag")?)),
        artifact_media_type: None,
        pushed_at: now,
        details: Details::default(),
    })
}
