//! The recorded deployments of an environment, page by page, the newest first.

use super::keys::{key_at, place_of};
use super::table::{due_at, open, string, text};
use crate::clients::Aws;
use crate::failure::{Failure, chain, failure};
use engine::{Key, Record, WorldError};
use pipeline::deployment::Deployment;
use pipeline::names::{DeploymentId, Place};
use pipeline::time::Time;

/// What is stored under the number of a deployment.
#[derive(Debug)]
pub struct Recorded {
    pub number: u64,
    /// The stored due time.
    pub woken_at: Option<Time>,
    pub read: Result<Box<Deployment>, String>,
}

#[derive(Debug, Default)]
pub struct Page {
    pub records: Vec<Recorded>,
    /// Items among the deployments that have no number.
    pub odd: Vec<String>,
    /// Below which number the next page starts; `None`: this is the last one.
    pub next: Option<u64>,
}

impl Aws {
    /// Reads as many deployments as DynamoDB returns at once, those below `before`.
    pub async fn recorded(&self, place: &Place, before: Option<u64>) -> Result<Page, Failure> {
        let sort =
            |number| place_of(&Key::Deployment(DeploymentId { place: place.clone(), number }));
        let (partition, lowest) = sort(0);
        // As text, a colon sorts after every digit.
        let highest = before.map_or("deployment#:".to_owned(), |before| sort(before.max(1) - 1).1);
        let asking = self.dynamodb().query().table_name(self.table()?);
        let asking = asking
            .consistent_read(true)
            .scan_index_forward(false)
            .key_condition_expression("pk = :pk AND sk BETWEEN :lowest AND :highest")
            .expression_attribute_values(":pk", string(&partition))
            .expression_attribute_values(":lowest", string(&lowest))
            .expression_attribute_values(":highest", string(&highest));
        let answer = asking.send().await.map_err(failure)?;
        let mut page = Page::default();
        for item in answer.items() {
            let sort = text(item, "sk").map_or("", String::as_str);
            let Some(key @ Key::Deployment(_)) = key_at(&partition, sort) else {
                page.odd.push(format!("{partition} / {sort} is not the record of a deployment"));
                continue;
            };
            let Key::Deployment(DeploymentId { number, .. }) = key else { continue };
            let read = match open(&key, item) {
                Ok(stored) => match stored.record {
                    Record::Deployment(deployment) => Ok(Box::new(deployment)),
                    _ => Err("it holds another kind of record".to_owned()),
                },
                Err(WorldError::Stored { source, .. }) => Err(chain(&source)),
                Err(error) => Err(chain(&error)),
            };
            page.records.push(Recorded { number, woken_at: due_at(item), read });
        }
        let lowest = page.records.iter().map(|recorded| recorded.number).min();
        page.next = lowest.filter(|_| answer.last_evaluated_key().is_some());
        Ok(page)
    }
}
