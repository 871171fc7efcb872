//! CloudFormation's custom resources: a request with the URL for its answer.

use super::configure_request::created;
use aws::Aws;
use aws::failure::{Failure, chain};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use std::time::Duration;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// CloudFormation accepts 4,096 bytes in total.
const REASON_MAX: usize = 2000;

/// The fields that the answer needs.
#[derive(Debug)]
pub(crate) struct Order {
    url: String,
    stack: String,
    request: String,
    logical_id: String,
    physical_id: Option<String>,
}

impl Order {
    /// `None`: it is no CloudFormation request.
    pub(crate) fn read(payload: &Value) -> Option<Self> {
        let text = |name: &str| payload.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        text("RequestType")?;
        Some(Self {
            url: text("ResponseURL")?,
            stack: text("StackId").unwrap_or_default(),
            request: text("RequestId").unwrap_or_default(),
            logical_id: text("LogicalResourceId").unwrap_or_default(),
            physical_id: text("PhysicalResourceId"),
        })
    }

    /// Reports the outcome to CloudFormation.
    pub(crate) async fn answer(
        &self,
        aws: &Aws,
        taken: &Result<Value, Failure>,
    ) -> Result<(), Failure> {
        let body = self.body(taken).to_string();
        let local = aws.settings.optional("AWS_ENDPOINT_URL").is_some();
        if !self.url.starts_with("https://") && !local {
            let why = "the ResponseURL does not begin with https://".to_owned();
            return Err(Failure::Unreadable(why));
        }
        // The URL is signed for a request without a content type.
        let request = http::Request::put(&self.url)
            .header("content-length", body.len())
            .body(SdkBody::from(body))
            .map_err(|error| Failure::Unreadable(format!("invalid ResponseURL: {error}")))?;
        let sending = aws.clock.within(ANSWER_TIMEOUT, aws.http.send(request));
        let passing =
            |why: String| Failure::Passing(format!("could not answer CloudFormation: {why}"));
        let response = sending.await.ok_or_else(|| passing("timed out".into()))?;
        let response = response.map_err(|error| passing(chain(&error)))?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(passing(status.to_string())),
        }
    }

    pub(super) fn body(&self, taken: &Result<Value, Failure>) -> Value {
        let physical_id = self.physical_id(taken.is_ok());
        let (status, reason, data) = match taken {
            Ok(answer) => {
                let field = |name: &str| answer.get(name).map(plain_text).unwrap_or_default();
                let data =
                    json!({"Application": field("application"), "Changed": field("changed")});
                ("SUCCESS", field("answer"), data)
            }
            Err(failure) => ("FAILED", shorten(chain(failure)), json!({})),
        };
        json!({
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": physical_id,
            "StackId": self.stack,
            "RequestId": self.request,
            "LogicalResourceId": self.logical_id,
            "Data": data,
        })
    }

    /// The id must never change: with another one CloudFormation would delete the old resource. A
    /// resource that could not be created has an id of its own, because CloudFormation requests its
    /// deletion too.
    fn physical_id(&self, is_ok: bool) -> String {
        let name = || match is_ok {
            true => created(&self.logical_id),
            false => format!("{}-not-created", created(&self.logical_id)),
        };
        self.physical_id.clone().unwrap_or_else(name)
    }
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn shorten(mut reason: String) -> String {
    if reason.len() > REASON_MAX {
        let end = (0..=REASON_MAX).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
        reason.truncate(end);
        reason.push('…');
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::Order;
    use aws::failure::Failure;
    use expect_test::{Expect, expect};
    use serde_json::json;

    fn check(
        kind: &str,
        physical_id: Option<&str>,
        taken: &Result<serde_json::Value, Failure>,
        expected: &Expect,
    ) {
        let mut payload = json!({
            "RequestType": kind,
            "ResponseURL": "https://cloudformation-custom-resource-response.example/",
            "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/shop/1",
            "RequestId": "r1",
            "LogicalResourceId": "Shop",
        });
        if let Some(physical_id) = physical_id {
            payload["PhysicalResourceId"] = json!(physical_id);
        }
        let body = Order::read(&payload).map(|order| order.body(taken)).unwrap_or_default();
        expected.assert_eq(&serde_json::to_string_pretty(&body).unwrap_or_default());
    }

    #[test]
    fn cloudformation_gets_the_outcome() {
        let taken = Ok(json!({"accepted": true, "application": "shop", "changed": true}));
        check(
            "Create",
            None,
            &taken,
            &expect![[r#"
            {
              "Data": {
                "Application": "shop",
                "Changed": "true"
              },
              "LogicalResourceId": "Shop",
              "PhysicalResourceId": "slipway-Shop",
              "Reason": "",
              "RequestId": "r1",
              "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/shop/1",
              "Status": "SUCCESS"
            }"#]],
        );
        let refused = Err(Failure::Refused { code: "Odd".into(), message: "no".into() });
        check(
            "Update",
            Some("known"),
            &refused,
            &expect![[r#"
                {
                  "Data": {},
                  "LogicalResourceId": "Shop",
                  "PhysicalResourceId": "known",
                  "Reason": "AWS rejected the request: no (Odd)",
                  "RequestId": "r1",
                  "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/shop/1",
                  "Status": "FAILED"
                }"#]],
        );
    }

    #[test]
    fn a_long_reason_is_cut() {
        let reason = super::shorten("ü".repeat(3000));
        assert_eq!((reason.len(), reason.ends_with('…')), (2003, true));
    }

    #[test]
    fn anything_else_is_no_order() {
        assert!(Order::read(&json!({"application": "shop"})).is_none());
    }
}
