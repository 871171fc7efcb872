//! The SNS topic: readable text for people, facts for programs, attributes for filters.

use super::NotSent;
use super::words::{NoticeText, cut, for_programs, kind};
use aws::clients::Aws;
use aws::failure::failure;
use aws::settings::TOPIC;
use aws_sdk_sns::types::MessageAttributeValue;
use pipeline::notice::{News, Notice};
use serde_json::{Value, json};

/// SNS accepts a subject of less than 100 ASCII characters.
const SUBJECT_MAX: usize = 99;
/// The length of an SMS in one part.
const SMS_MAX: usize = 140;

pub(super) async fn tell(aws: &Aws, notice: &Notice, text: &NoticeText) -> Result<(), NotSent> {
    let Some(topic) = aws.settings.optional(TOPIC) else { return Ok(()) };
    let mut publishing = aws
        .sns()
        .publish()
        .topic_arn(topic)
        .subject(subject(text))
        .message_structure("json")
        .message(message(notice, text).to_string());
    for (name, value) in attributes(notice) {
        let attribute = MessageAttributeValue::builder().data_type("String").string_value(value);
        let attribute = attribute.build().map_err(|error| NotSent::Final(error.to_string()))?;
        publishing = publishing.message_attributes(name, attribute);
    }
    publishing.send().await.map(|_| ()).map_err(|error| failure(error).into())
}

pub(super) fn subject(text: &NoticeText) -> String {
    let ascii = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.headline.chars().map(ascii).take(SUBJECT_MAX).collect()
}

/// One message for each kind of subscription.
pub(super) fn message(notice: &Notice, text: &NoticeText) -> Value {
    let (whole, facts) = (text.text(), for_programs(notice, text).to_string());
    json!({
        "default": whole,
        "email": whole,
        "sms": cut(&text.headline, SMS_MAX - 1),
        "sqs": facts,
        "lambda": facts,
        "http": facts,
        "https": facts,
    })
}

pub(super) fn attributes(notice: &Notice) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("application", notice.place.application.to_string()),
        ("environment", notice.place.environment.to_string()),
        ("news", kind(&notice.news).to_owned()),
    ];
    if let News::Ended { verdict, .. } = &notice.news {
        attributes.push(("verdict", verdict.name().to_owned()));
    }
    attributes
}
