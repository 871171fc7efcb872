//! The tags that a repository had at the last scan: each with its digest, as a number.
//!
//! ECR knows when an image was pushed, but not when a tag was put on it. A tag that existed before
//! starts no deployment.

use crate::clients::Aws;
use crate::failure::{Failure, failure};
use crate::world::table::{number, string};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use pipeline::names::Repository;
use pipeline::time::Time;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// How many tags are remembered, those of the newest images: an item of the table has 400 KB, and
/// each takes eight bytes.
pub(crate) const TAGS_MAX: usize = 20_000;

const SORT: &str = "tags";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownTags {
    pub(crate) at: Time,
    /// Tags of images that were pushed before are not remembered; they are all history.
    pub(crate) since: Time,
    pub(crate) tags: BTreeSet<u64>,
}

impl KnownTags {
    pub(crate) fn knows(&self, tag: &str, digest: &str, pushed_at: Time) -> bool {
        pushed_at < self.since || self.tags.contains(&number_of(tag, digest))
    }
}

/// Two different tags have the same number once in 10^19 times.
pub(crate) fn number_of(tag: &str, digest: &str) -> u64 {
    let hash = Sha256::digest(format!("{tag}@{digest}").as_bytes());
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// `None`: this is the first scan.
pub(crate) async fn read(aws: &Aws, repository: &Repository) -> Result<Option<KnownTags>, Failure> {
    let item = aws.read_item(&partition(repository), SORT).await?;
    Ok(item.and_then(|item| {
        let time = |name: &str| Some(Time::from_millis(item.get(name)?.as_n().ok()?.parse().ok()?));
        let tags = item.get("tags")?.as_b().ok()?.as_ref().chunks_exact(8);
        let tags = tags.filter_map(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)));
        Some(KnownTags { at: time("looked_at")?, since: time("since")?, tags: tags.collect() })
    }))
}

pub(crate) async fn write(
    aws: &Aws,
    repository: &Repository,
    known: &KnownTags,
) -> Result<(), Failure> {
    let tags: Vec<u8> = known.tags.iter().flat_map(|number| number.to_be_bytes()).collect();
    let writing = aws
        .dynamodb()
        .put_item()
        .table_name(aws.table()?)
        .item("pk", string(&partition(repository)))
        .item("sk", string(SORT))
        .item("looked_at", number(known.at.millis()))
        .item("since", number(known.since.millis()))
        .item("tags", AttributeValue::B(Blob::new(tags)));
    writing.send().await.map_err(failure)?;
    Ok(())
}

/// Separate from the list of a repository's applications: that is read at each push.
fn partition(repository: &Repository) -> String {
    format!("tags#{repository}")
}
