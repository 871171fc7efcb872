//! A function that is not part of Slipway: it writes down its payload and passes it on, through the
//! unmodified SDK. The tests of the sandbox run it as a process.

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
            http_client_fn,
        },
        orchestrator::HttpRequest,
        result::ConnectorError,
    },
    http::Response,
};
use aws_smithy_types::body::SdkBody;
use aws_types::region::Region;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as Plain},
    rt::TokioExecutor,
};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};
use std::env::var;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let echo = &Echo::new()?;
    let told = |problem: Error| Diagnostic {
        error_type: "Echo".to_owned(),
        error_message: chain(&*problem),
    };
    run(service_fn(async |event: LambdaEvent<Value>| echo.handle(event).await.map_err(told))).await
}

struct Echo {
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    sns: aws_sdk_sns::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    timeout: u64,
}

/// Builds one client of the SDK; their builders have no common type.
macro_rules! client {
    ($sdk:ident) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::latest())
                .region(Region::new(var("AWS_REGION")?))
                .endpoint_url(var("AWS_ENDPOINT_URL")?)
                .credentials_provider(Credentials::from_keys(
                    var("AWS_ACCESS_KEY_ID")?,
                    var("AWS_SECRET_ACCESS_KEY")?,
                    var("AWS_SESSION_TOKEN").ok(),
                ))
                .http_client(plain_http())
                .build(),
        )
    };
}

impl Echo {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            dynamodb: client!(aws_sdk_dynamodb),
            sqs: client!(aws_sdk_sqs),
            sns: client!(aws_sdk_sns),
            cloudwatch: client!(aws_sdk_cloudwatch),
            timeout: var("SLIPWAY_CLOCK_FROM_DEADLINE")?.parse()?,
        })
    }

    async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let now = event.context.deadline - self.timeout * 1000;
        let records = event.payload.get("Records").and_then(Value::as_array).cloned();
        let Some(records) = records else { return self.act(&event.payload.to_string(), now).await };
        let mut failed = Vec::new();
        for record in records {
            let body = record["body"].as_str().unwrap_or_default();
            if let Err(problem) = self.act(body, now).await {
                say(&format!("{problem:?}"));
                failed.push(json!({ "itemIdentifier": record["messageId"] }));
            }
        }
        Ok(json!({ "batchItemFailures": failed }))
    }

    /// Does what a text says, and writes the text down.
    async fn act(&self, text: &str, now: u64) -> Result<Value, Error> {
        use aws_sdk_dynamodb::types::AttributeValue::{N, S};
        say(&format!("got {text}"));
        let order: Value = serde_json::from_str(text)?;
        let order = order.get("detail").unwrap_or(&order);
        let put = self.dynamodb.put_item().table_name(var("TABLE")?);
        let put = put.item("pk", S(format!("echo#{}", order["say"].as_str().unwrap_or_default())));
        let put = put.item("sk", S(text.to_owned())).item("at", N(now.to_string()));
        put.condition_expression("attribute_not_exists(pk)").send().await?;
        if order["fail"] == true {
            return Err("told to fail".into());
        }
        if order["exit"] == true {
            std::process::exit(7);
        }
        if let Some(next) = order.get("next") {
            let send =
                self.sqs.send_message().queue_url(var("QUEUE")?).message_body(next.to_string());
            let delay =
                order["delay"].as_i64().and_then(|delay| delay.try_into().ok()).unwrap_or(0);
            send.delay_seconds(delay).send().await?;
        }
        if let Some(message) = order["publish"].as_str() {
            self.sns.publish().topic_arn(var("TOPIC")?).message(message).send().await?;
        }
        if let Some(name) = order["alarm"].as_str() {
            let found = self.cloudwatch.describe_alarms().alarm_names(name).send().await?;
            let states = found
                .metric_alarms()
                .iter()
                .map(|alarm| format!("{:?}", alarm.state_updated_timestamp()));
            return Ok(json!({ "alarms": states.collect::<Vec<_>>() }));
        }
        Ok(json!({ "said": order["say"] }))
    }
}

#[expect(clippy::print_stdout, reason = "this is how a function writes its log")]
fn say(line: &str) {
    println!("{line}");
}

/// The error and what it comes from, in one line.
fn chain(problem: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(problem), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An HTTP client without TLS: the sandbox has none.
fn plain_http() -> SharedHttpClient {
    let connector =
        SharedHttpConnector::new(Connector(Client::builder(TokioExecutor::new()).build_http()));
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct Connector(Client<Plain, SdkBody>);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|problem| ConnectorError::user(problem.into()))?;
            let response = client
                .request(request)
                .await
                .map_err(|problem| ConnectorError::io(problem.into()))?;
            let response = response.map(SdkBody::from_body_1_x);
            Response::try_from(response)
                .map_err(|problem| ConnectorError::other(problem.into(), None))
        })
    }
}
