//! Distinguishes a retry of our own write from a conflicting write.
//!
//! The SDK retries a write whose answer was lost. If the first one succeeded, the second finds
//! another version than it expects, and DynamoDB rejects it like any conflicting write. So every
//! conditional write stores a unique id in the item, and a rejection that shows this id is a
//! success. (A transaction has a token for that: DynamoDB executes it once.)

use super::table::{Item, string, text};
use crate::clients::Aws;
use crate::failure::{Failure, failure};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure};
use std::hash::{BuildHasher, RandomState};

const WRITE: &str = "write";

impl Aws {
    /// Puts one item on its condition; `false`: another writer was first.
    pub async fn put_on_condition(&self, put: Put) -> Result<bool, Failure> {
        let id = unique();
        let mut item = put.item;
        item.insert(WRITE.to_owned(), string(&id));
        let writing = self.dynamodb().put_item().table_name(put.table_name);
        let writing = writing
            .set_item(Some(item))
            .set_condition_expression(put.condition_expression)
            .set_expression_attribute_values(put.expression_attribute_values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let refused = match writing.send().await {
            Ok(_) => return Ok(true),
            Err(refused) => refused,
        };
        match refused.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                Ok(refused.item().is_some_and(|found| is_by(found, &id)))
            }
            _ => Err(failure(refused)),
        }
    }
}

fn is_by(item: &Item, id: &str) -> bool {
    text(item, WRITE).is_some_and(|found| found == id)
}

/// The standard library seeds its maps at random, which is good enough.
fn unique() -> String {
    let random = || RandomState::new().hash_one(WRITE);
    format!("{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::unique;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_writes_have_the_same_id() {
        let ids: BTreeSet<String> = (0..10_000).map(|_| unique()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
