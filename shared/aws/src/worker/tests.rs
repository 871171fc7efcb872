//! Truncated messages.

use super::{each_message, read_body};
use crate::failure::Failure;
use crate::{Aws, Settings};
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use engine::{Message, Timer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::Path;

/// Every message of every sample.
fn messages() -> Vec<SqsMessage> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_batch = |path: &std::path::PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sqs-"))
    };
    let batches = paths.filter(is_batch).map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str::<SqsEvent>(&text).unwrap().records
    });
    batches.flatten().collect()
}

fn is_refused<B: DeserializeOwned>(message: &SqsMessage) -> bool {
    matches!(read_body::<B>(message), Err(Failure::Unreadable(_)))
}

#[test]
fn a_message_cut_off_at_any_byte_is_unreadable() {
    let messages = messages();
    let whole = messages.iter().filter(|message| !is_refused::<Message>(message)).count();
    assert!(whole >= 10, "{whole} effects can be read");
    for mut message in messages {
        let body = message.body.take().unwrap();
        for end in (0..body.len()).filter(|end| body.is_char_boundary(*end)) {
            message.body = Some(body[..end].to_owned());
            assert!(is_refused::<Message>(&message), "{}", &body[..end]);
            assert!(is_refused::<Timer>(&message), "{}", &body[..end]);
        }
    }
}

#[tokio::test]
async fn of_a_batch_exactly_what_is_cut_off_is_delivered_again() {
    let message = messages().into_iter().find(|message| !is_refused::<Message>(message)).unwrap();
    let body = message.body.unwrap();
    let record = |tenth: usize| {
        let end = body.len() * tenth / 10;
        json!({"messageId": format!("{tenth} tenths"), "body": body[..end]})
    };
    let batch = json!({"Records": (1..=10).map(record).collect::<Vec<Value>>()});
    let aws = Aws::new(Settings::given([]));
    let answer = each_message(&aws, batch, async |record| read_body::<Message>(record).map(|_| ()));
    let failed: Vec<Value> =
        (1..10).map(|tenth| json!({"itemIdentifier": format!("{tenth} tenths")})).collect();
    assert_eq!(answer.await.unwrap(), json!({"batchItemFailures": failed}));
}
