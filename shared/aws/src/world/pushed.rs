//! The last pushed versions of an application, without reading all of its candidates.
//!
//! A candidate is stored under its version, which has no time order. So every new one is also
//! listed under the time of its first push.

use super::table::{HISTORY, Item, number, string, text};
use crate::clients::Aws;
use crate::failure::{Failure, failure};
use engine::{Record, Write};
use pipeline::names::{ApplicationName, Version};

/// How many are listed; an older one is found by its version.
pub const NEWEST: usize = 50;

impl Aws {
    /// Lists a candidate before it is stored: a listed one that does not exist is harmless.
    pub(super) async fn list_push(&self, write: &Write) -> Result<(), Failure> {
        let (Record::Candidate(candidate), None) = (&write.record, write.read_version) else {
            return Ok(());
        };
        let millis = candidate.first_pushed_at.millis();
        let expires = (self.clock.now() + HISTORY).millis() / 1000;
        let writing = self.dynamodb().put_item().table_name(self.table()?);
        let writing = writing
            .item("pk", string(&partition(&candidate.application)))
            .item("sk", string(&format!("{millis:014}#{}", candidate.version)))
            .item("expires", number(expires));
        writing.send().await.map_err(failure)?;
        Ok(())
    }

    /// The last pushed versions, the newest first.
    pub async fn pushed_last(
        &self,
        application: &ApplicationName,
    ) -> Result<Vec<Version>, Failure> {
        let asking = self.dynamodb().query().table_name(self.table()?);
        let asking = asking
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(&partition(application)))
            .scan_index_forward(false)
            .limit(i32::try_from(NEWEST).unwrap_or(i32::MAX));
        let items = asking.send().await.map_err(failure)?.items.unwrap_or_default();
        let version = |item: &Item| Some(Version::new(text(item, "sk")?.split_once('#')?.1));
        Ok(items.iter().filter_map(version).collect())
    }
}

fn partition(application: &ApplicationName) -> String {
    format!("pushed#{application}")
}
