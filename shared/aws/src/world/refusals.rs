//! Why a record was not written, and what follows.

use crate::failure::Failure;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use engine::{SaveError, WorldError};

/// Why a record was not written. While a transaction writes an item, every other write of it is
/// rejected: that is a conflict like any other.
pub(super) fn refused(failure: Failure) -> SaveError {
    if failure.is("TransactionConflictException") {
        return SaveError::Conflict;
    }
    WorldError::from(failure).into()
}

/// Why a transaction was cancelled, from the reasons of its items; `None`: none of them says that a
/// retry would help. The SDK does not retry because of an item.
pub(super) fn canceled(error: &TransactWriteItemsError) -> Option<SaveError> {
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error else {
        return None;
    };
    let says = |wanted: &[&str]| {
        let codes = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
        codes.into_iter().any(|code| wanted.contains(&code))
    };
    if says(&["ConditionalCheckFailed", "TransactionConflict"]) {
        return Some(SaveError::Conflict);
    }
    let is_busy =
        says(&["ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"]);
    is_busy.then(|| {
        WorldError::Passing("DynamoDB throttled the write; nothing was written".into()).into()
    })
}

#[cfg(test)]
mod tests {
    use super::{canceled, refused};
    use crate::failure::Failure;
    use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::TransactionCanceledException;
    use engine::{SaveError, WorldError};

    fn told(error: Option<&SaveError>) -> &'static str {
        match error {
            Some(SaveError::Conflict) => "conflict",
            Some(SaveError::World(WorldError::Passing(_))) => "passing",
            Some(SaveError::World(_)) => "final",
            None => "as AWS says",
        }
    }

    /// The outcome of a transaction with these cancellation reasons.
    fn of_items(codes: &[&str]) -> &'static str {
        let reasons = codes.iter().map(|code| CancellationReason::builder().code(*code).build());
        let error = TransactionCanceledException::builder()
            .set_cancellation_reasons(Some(reasons.collect()))
            .build();
        told(canceled(&TransactWriteItemsError::TransactionCanceledException(error)).as_ref())
    }

    #[test]
    fn a_transaction_is_rejected_permanently_only_if_its_items_say_so() {
        assert_eq!(of_items(&["None", "ConditionalCheckFailed"]), "conflict");
        assert_eq!(of_items(&["TransactionConflict", "None"]), "conflict");
        assert_eq!(of_items(&["None", "ThrottlingError"]), "passing");
        assert_eq!(of_items(&["ProvisionedThroughputExceeded", "None"]), "passing");
        assert_eq!(of_items(&["ThrottlingError", "TransactionConflict"]), "conflict");
        assert_eq!(of_items(&["None", "ValidationError"]), "as AWS says");
    }

    #[test]
    fn a_write_that_meets_a_transaction_is_decided_anew() {
        let of = |code: &str| {
            let message = "Transaction is ongoing for the item".to_owned();
            told(Some(&refused(Failure::Refused { code: code.into(), message })))
        };
        assert_eq!(of("TransactionConflictException"), "conflict");
        assert_eq!(of("ValidationException"), "final");
        assert_eq!(told(Some(&refused(Failure::Passing("throttled".into())))), "passing");
    }
}
