//! Records in DynamoDB: read consistently, written only over the version that was read.

use super::keys::{APPLICATIONS, key_at, partition_of, place_of};
use super::refusals::{canceled, refused};
use crate::clients::Aws;
use crate::failure::{Failure, failure};
use crate::metrics::{Metric, count};
use crate::settings::TABLE;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem};
use engine::{Due, Key, Lookup, Record, SaveError, Stored, WorldError, Write};
use futures_util::future::try_join_all;
use pipeline::names::{ApplicationName, Repository};
use pipeline::time::{Span, Time};
use std::collections::HashMap;
use tracing::error;

pub type Item = HashMap<String, AttributeValue>;

/// DynamoDB returns keys that it could not read at the moment; they are requested this often, then
/// left to a retry.
const READS_MAX: usize = 4;
/// A large spec has thousands of look-up items, which take too long one after another.
const LISTED_AT_ONCE: usize = 25;
/// How long a record that has ended is kept.
pub const HISTORY: Span = Span::hours(24 * 400);
/// The value of `due` in every item that has it: the index has one partition, and is nearly empty.
const DUE: &str = "due";

impl Aws {
    pub fn table(&self) -> Result<String, Failure> {
        self.settings.required(TABLE)
    }

    pub(super) async fn read_records(
        &self,
        keys: &[Key],
    ) -> Result<Vec<Option<Stored>>, WorldError> {
        let places: Vec<_> = keys.iter().map(place_of).collect();
        let mut items = match places.as_slice() {
            [(partition, sort)] => {
                self.read_item(partition, sort).await?.into_iter().collect::<Vec<_>>()
            }
            _ => self.read_items(&places).await?,
        };
        let mut found = Vec::new();
        for (key, (partition, sort)) in keys.iter().zip(&places) {
            let is_it =
                |item: &Item| text(item, "pk") == Some(partition) && text(item, "sk") == Some(sort);
            let item = items.iter().position(is_it).map(|index| items.swap_remove(index));
            found.push(item.map(|item| open(key, &item)).transpose()?);
        }
        Ok(found)
    }

    pub async fn read_item(&self, partition: &str, sort: &str) -> Result<Option<Item>, Failure> {
        let reading = self.dynamodb().get_item().table_name(self.table()?).consistent_read(true);
        let reading = reading.key("pk", string(partition)).key("sk", string(sort));
        Ok(reading.send().await.map_err(failure)?.item)
    }

    async fn read_items(&self, places: &[(String, String)]) -> Result<Vec<Item>, Failure> {
        let table = self.table()?;
        let key = |(partition, sort): &(String, String)| {
            Item::from([("pk".into(), string(partition)), ("sk".into(), string(sort))])
        };
        let wanted = KeysAndAttributes::builder()
            .consistent_read(true)
            .set_keys(Some(places.iter().map(key).collect()));
        let wanted = wanted.build().map_err(|error| Failure::Misconfigured(error.to_string()))?;
        let mut wanted = HashMap::from([(table, wanted)]);
        let mut items = Vec::new();
        for _ in 0..READS_MAX {
            let reading = self.dynamodb().batch_get_item().set_request_items(Some(wanted));
            let answer = reading.send().await.map_err(failure)?;
            items.extend(answer.responses.unwrap_or_default().into_values().flatten());
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(items);
            }
        }
        Err(Failure::Passing("DynamoDB throttled the read; not everything was read".into()))
    }

    pub(super) async fn write_records(&self, writes: Vec<Write>) -> Result<(), SaveError> {
        let mut puts = Vec::new();
        for write in &writes {
            // The look-up items of a new spec are written before the spec: an event that finds no
            // spec is harmless, one that finds no application is not.
            if let Key::Spec(application) = &write.key {
                self.list_application(application, &write.lookups).await?;
            }
            self.list_push(write).await.map_err(WorldError::from)?;
            puts.push(self.put_of(write)?);
        }
        match puts.pop() {
            None => Ok(()),
            Some(put) if puts.is_empty() => self.put_one(put).await,
            Some(put) => {
                puts.push(put);
                self.put_all(puts).await
            }
        }
    }

    async fn put_one(&self, put: Put) -> Result<(), SaveError> {
        match self.put_on_condition(put).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SaveError::Conflict),
            Err(failure) => Err(refused(failure)),
        }
    }

    async fn put_all(&self, puts: Vec<Put>) -> Result<(), SaveError> {
        let items = puts.into_iter().map(|put| TransactWriteItem::builder().put(put).build());
        let writing = self.dynamodb().transact_write_items();
        match writing.set_transact_items(Some(items.collect())).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error().and_then(canceled) {
                Some(canceled) => Err(canceled),
                None => Err(refused(failure(error))),
            },
        }
    }

    fn put_of(&self, write: &Write) -> Result<Put, WorldError> {
        let Write { key, read_version, record, due, .. } = write;
        let (partition, sort) = place_of(key);
        let stored = record.write();
        let stored = stored.map_err(|source| WorldError::Stored { key: key.clone(), source })?;
        let mut put = Put::builder()
            .table_name(self.table()?)
            .item("pk", string(&partition))
            .item("sk", string(&sort))
            .item("version", number(read_version.unwrap_or_default() + 1))
            .item("record", string(&stored));
        if let Some(due) = due {
            put = put.item("due", string(DUE)).item("due_at", number(due.millis()));
        } else if is_over(record) {
            let expires = self.clock.now() + HISTORY;
            put = put.item("expires", number(expires.millis() / 1000));
        }
        put = match read_version {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => put
                .condition_expression("version = :read")
                .expression_attribute_values(":read", number(*version)),
        };
        put.build().map_err(|error| WorldError::Final(error.to_string()))
    }

    /// Reads the whole index. An item that is not a record is logged and skipped.
    pub(super) async fn due_records(&self, now: Time) -> Result<Vec<Due>, Failure> {
        let asking = self.dynamodb().query().table_name(self.table()?).index_name("due");
        let asking = asking
            .key_condition_expression("due = :due AND due_at <= :now")
            .expression_attribute_values(":due", string(DUE))
            .expression_attribute_values(":now", number(now.millis()));
        let mut due = Vec::new();
        let mut pages = asking.into_paginator().send();
        while let Some(page) = pages.next().await {
            for item in page.map_err(failure)?.items.unwrap_or_default() {
                let [partition, sort] =
                    ["pk", "sk"].map(|name| text(&item, name).cloned().unwrap_or_default());
                match (key_at(&partition, &sort), due_at(&item)) {
                    (Some(key), Some(since)) => due.push(Due { key, since }),
                    _ => {
                        error!("{partition} / {sort} is due but is not a record of Slipway's");
                        count(Metric::Unreadable);
                    }
                }
            }
        }
        Ok(due)
    }

    pub(super) async fn applications_found_by(
        &self,
        lookup: &Lookup,
    ) -> Result<Vec<ApplicationName>, Failure> {
        self.listed_under(&partition_of(lookup)).await
    }

    /// Every application that was ever configured.
    pub async fn applications(&self) -> Result<Vec<ApplicationName>, Failure> {
        self.listed_under(APPLICATIONS).await
    }

    async fn listed_under(&self, partition: &str) -> Result<Vec<ApplicationName>, Failure> {
        let items = self.query_partition(partition, None).await?;
        let name = |item: &Item| text(item, "sk")?.strip_prefix("app#").map(ApplicationName::new);
        Ok(items.iter().filter_map(name).collect())
    }

    /// Since when the specs of all applications that name this repository are unchanged.
    pub(crate) async fn watched_since(&self, repository: &Repository) -> Result<Time, Failure> {
        let lookup = Lookup::Repository(repository.clone());
        let items = self.query_partition(&partition_of(&lookup), None).await?;
        let since = items.iter().filter_map(|item| item.get("since")?.as_n().ok()?.parse().ok());
        Ok(Time::from_millis(since.max().unwrap_or_default()))
    }

    /// Reads a whole partition, or its items with the prefix `prefix`, page by page.
    pub async fn query_partition(
        &self,
        partition: &str,
        prefix: Option<&str>,
    ) -> Result<Vec<Item>, Failure> {
        let asking = self.dynamodb().query().table_name(self.table()?);
        let asking = asking.expression_attribute_values(":pk", string(partition));
        let asking = match prefix {
            None => asking.key_condition_expression("pk = :pk"),
            Some(prefix) => asking
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", string(prefix)),
        };
        let mut items = Vec::new();
        let mut pages = asking.into_paginator().send();
        while let Some(page) = pages.next().await {
            items.extend(page.map_err(failure)?.items.unwrap_or_default());
        }
        Ok(items)
    }

    /// Writes the look-up items of an application's spec.
    async fn list_application(
        &self,
        application: &ApplicationName,
        lookups: &[Lookup],
    ) -> Result<(), WorldError> {
        let partitions = lookups.iter().map(partition_of).chain([APPLICATIONS.to_owned()]);
        let partitions: Vec<String> = partitions.collect();
        for some in partitions.chunks(LISTED_AT_ONCE) {
            try_join_all(some.iter().map(|one| self.list_under(one, application))).await?;
        }
        Ok(())
    }

    async fn list_under(
        &self,
        partition: &str,
        application: &ApplicationName,
    ) -> Result<(), Failure> {
        let writing = self.dynamodb().put_item().table_name(self.table()?);
        let writing = writing
            .item("pk", string(partition))
            .item("sk", string(&format!("app#{application}")))
            .item("since", number(self.clock.now().millis()));
        writing.send().await.map_err(failure)?;
        Ok(())
    }
}

fn is_over(record: &Record) -> bool {
    match record {
        Record::Deployment(deployment) => deployment.verdict().is_some(),
        Record::Candidate(_) => true,
        Record::Spec(_) | Record::Head(_) => false,
    }
}

pub(super) fn open(key: &Key, item: &Item) -> Result<Stored, WorldError> {
    let broken = |what: &str| WorldError::Final(format!("the item {key} has no {what}"));
    let version = item.get("version").and_then(|value| value.as_n().ok());
    let version = version.and_then(|version| version.parse().ok());
    let version = version.ok_or_else(|| broken("version"))?;
    let record = Record::read(text(item, "record").ok_or_else(|| broken("record"))?);
    let record = record.map_err(|source| WorldError::Stored { key: key.clone(), source })?;
    Ok(Stored { version, due: due_at(item), record })
}

pub(super) fn due_at(item: &Item) -> Option<Time> {
    let due_at = item.get("due_at").and_then(|value| value.as_n().ok());
    due_at.and_then(|millis| millis.parse().ok()).map(Time::from_millis)
}

pub fn text<'a>(item: &'a Item, name: &str) -> Option<&'a String> {
    item.get(name).and_then(|value| value.as_s().ok())
}

pub fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
