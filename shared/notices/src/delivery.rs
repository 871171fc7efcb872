//! Records what was sent, so that each notice is sent once.

use aws::clients::Aws;
use aws::failure::Failure;
use aws::world::table::{Item, number, string, text};
use aws_sdk_dynamodb::types::Put;
use engine::{Key, Message, World};
use pipeline::names::Place;
use pipeline::time::{Span, Time};

/// A worker that claimed a notice and has not marked it by then has crashed.
const CLAIM_LIFE: Span = Span::minutes(2);
/// A record is needed as long as its deployment may send notices.
const LIFE: Span = Span::hours(24 * 30);

/// One item of the table: about one notice, or about the message of one deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DeliveryRecord {
    partition: String,
    sort: String,
    version: u64,
    claimed_at: Option<Time>,
    /// The verdict was counted.
    pub(super) counted: bool,
    /// The notice was sent to the topic, or never will be.
    pub(super) topic: bool,
    /// The notice was sent to Slack, or never will be.
    pub(super) slack: bool,
    /// Slack's message of the deployment, and the number of the notice that it shows.
    pub(super) message: Option<SlackMessage>,
    pub(super) shows: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlackMessage {
    pub(super) channel: String,
    pub(super) ts: String,
}

impl DeliveryRecord {
    /// The record of one notice.
    pub(super) async fn of_notice(
        aws: &Aws,
        place: &Place,
        message: &Message,
    ) -> Result<Self, Failure> {
        let sender = Key::from(&message.from).to_string();
        let sender = sender.split_once(" / ").map_or(sender.as_str(), |(_, sender)| sender);
        Self::read(aws, place, &format!("notice#{sender}#{}", message.number)).await
    }

    /// The record of a deployment's message; no notice has number 0.
    pub(super) async fn of_deployment(
        aws: &Aws,
        place: &Place,
        deployment: u64,
    ) -> Result<Self, Failure> {
        Self::read(aws, place, &format!("notice#deployment#{deployment:08}#0")).await
    }

    async fn read(aws: &Aws, place: &Place, sort: &str) -> Result<Self, Failure> {
        let partition = format!("env#{place}");
        let item = aws.read_item(&partition, sort).await?.unwrap_or_default();
        let count = |name: &str| {
            item.get(name).and_then(|value| value.as_n().ok()).and_then(|n| n.parse::<u64>().ok())
        };
        let message = match (text(&item, "channel"), text(&item, "ts")) {
            (Some(channel), Some(ts)) => {
                Some(SlackMessage { channel: channel.clone(), ts: ts.clone() })
            }
            _ => None,
        };
        Ok(Self {
            version: count("version").unwrap_or_default(),
            claimed_at: count("claimed_at").map(Time::from_millis),
            counted: item.contains_key("counted"),
            topic: item.contains_key("topic"),
            slack: item.contains_key("slack"),
            message,
            shows: count("shows").unwrap_or_default(),
            partition,
            sort: sort.to_owned(),
        })
    }

    /// Claims the work for this worker; `false`: another one has claimed it.
    pub(super) async fn claim(&mut self, aws: &Aws) -> Result<bool, Failure> {
        let now = aws.now();
        if self.claimed_at.is_some_and(|claimed_at| now < claimed_at + CLAIM_LIFE) {
            return Ok(false);
        }
        self.claimed_at = Some(now);
        self.write(aws).await
    }

    /// Records what was done, and releases the claim; `false`: another worker wrote meanwhile.
    pub(super) async fn release(&mut self, aws: &Aws) -> Result<bool, Failure> {
        self.claimed_at = None;
        self.write(aws).await
    }

    /// Records what was done so far; `false`: another worker wrote meanwhile.
    pub(super) async fn write(&mut self, aws: &Aws) -> Result<bool, Failure> {
        let put = Put::builder().table_name(aws.table()?);
        let put = put.set_item(Some(self.item(aws.now() + LIFE)));
        let put = match self.version {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            version => put
                .condition_expression("version = :read")
                .expression_attribute_values(":read", number(version)),
        };
        let put = put.build().map_err(|error| Failure::Misconfigured(error.to_string()))?;
        let written = aws.put_on_condition(put).await?;
        if written {
            self.version += 1;
        }
        Ok(written)
    }

    fn item(&self, expires: Time) -> Item {
        let mut item = Item::from([
            ("pk".into(), string(&self.partition)),
            ("sk".into(), string(&self.sort)),
            ("version".into(), number(self.version + 1)),
            ("expires".into(), number(expires.millis() / 1000)),
        ]);
        if let Some(claimed_at) = self.claimed_at {
            item.insert("claimed_at".into(), number(claimed_at.millis()));
        }
        if self.counted {
            item.insert("counted".into(), string("counted"));
        }
        if self.topic {
            item.insert("topic".into(), string("told"));
        }
        if self.slack {
            item.insert("slack".into(), string("told"));
        }
        if let Some(SlackMessage { channel, ts }) = &self.message {
            item.insert("channel".into(), string(channel));
            item.insert("ts".into(), string(ts));
            item.insert("shows".into(), number(self.shows));
        }
        item
    }
}
