//! Sends events to a function: one Lambda API call, signed here. The SDK's Lambda client is among
//! the largest, and nothing else of it is needed.

use crate::clients::Aws;
use crate::failure::{Failure, chain};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_types::body::SdkBody;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use std::error::Error;
use std::time::{Duration, SystemTime};

const TIMEOUT: Duration = Duration::from_secs(8);
const ANSWER_MAX: usize = 16 * 1024;

impl Aws {
    /// Invokes a function asynchronously, as EventBridge does: Lambda queues the event, calls the
    /// function, and retries failures.
    pub async fn invoke_later(&self, function: &str, event: &Value) -> Result<(), Failure> {
        let request = self.signed(function, &event.to_string(), SystemTime::now())?;
        let asking = async {
            let unreachable = |error: &dyn Error| Failure::Passing(chain(error));
            let response = self.http.send(request).await.map_err(|error| unreachable(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
            let body = body.map_err(|error| Failure::Passing(error.to_string()))?;
            Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
        };
        let late = || Err(Failure::Passing("the call to Lambda timed out".into()));
        let (status, answer) = self.clock.within(TIMEOUT, asking).await.unwrap_or_else(late)?;
        if status == StatusCode::ACCEPTED {
            return Ok(());
        }
        let why = format!("Lambda rejected an event for {function}: {status}: {answer:.300}");
        match status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            true => Err(Failure::Passing(why)),
            false => Err(Failure::Refused { code: status.to_string(), message: why }),
        }
    }

    fn signed(
        &self,
        function: &str,
        body: &str,
        now: SystemTime,
    ) -> Result<Request<SdkBody>, Failure> {
        let region = self.settings.required("AWS_REGION")?;
        let endpoint =
            self.settings.optional("AWS_ENDPOINT_URL").unwrap_or_else(|| endpoint(&region));
        let wrong = |error: &dyn Error| Failure::Misconfigured(chain(error));
        let mut request =
            Request::post(format!("{endpoint}/2015-03-31/functions/{function}/invocations"))
                .header("content-type", "application/json")
                .header("x-amz-invocation-type", "Event")
                .body(SdkBody::from(body))
                .map_err(|error| wrong(&error))?;
        let key = self.settings.required("AWS_ACCESS_KEY_ID")?;
        let secret = self.settings.required("AWS_SECRET_ACCESS_KEY")?;
        let token = self.settings.optional("AWS_SESSION_TOKEN");
        let identity = Credentials::new(key, secret, token, None, "Lambda").into();
        let signing = v4::SigningParams::builder()
            .identity(&identity)
            .region(&region)
            .name("lambda")
            .time(now)
            .settings(SigningSettings::default());
        let signing = signing.build().map_err(|error| wrong(&error))?.into();
        let instructions = {
            let headers = request.headers().iter();
            let headers =
                headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
            let (method, uri) = (request.method().as_str(), request.uri().to_string());
            let signable =
                SignableRequest::new(method, uri, headers, SignableBody::Bytes(body.as_bytes()));
            let signable = signable.map_err(|error| wrong(&error))?;
            sign(signable, &signing).map_err(|error| wrong(&error))?.into_parts().0
        };
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// Lambda's endpoint in a region.
fn endpoint(region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://lambda.{region}.{suffix}")
}

#[cfg(test)]
mod tests {
    use crate::{Aws, Settings};
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_call_is_signed_for_lambda() {
        let aws = Aws::new(Settings::given([
            ("AWS_REGION", "eu-central-1".into()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".into()),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into()),
            ("AWS_SESSION_TOKEN", "a-token".into()),
        ]));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_251_732);
        let request = aws.signed("slipway-image-pushed", "{}", now).unwrap();
        let expected = "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/slipway-image-pushed/invocations";
        assert_eq!(request.uri(), expected);
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-amz-invocation-type"), "Event");
        assert_eq!(header("x-amz-date"), "20261121T090212Z");
        assert_eq!(header("x-amz-security-token"), "a-token");
        let signed = header("authorization");
        let scope =
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/eu-central-1/lambda/aws4_request, ";
        assert!(signed.starts_with(scope), "{signed}");
        for name in ["host", "x-amz-date", "x-amz-invocation-type", "x-amz-security-token"] {
            assert!(signed.contains(name), "{name} is not signed: {signed}");
        }
    }
}
