//! The AWS service clients, each created on first use.
//!
//! The configuration is built by hand: Lambda gives region and credentials in the environment, so a
//! cold start reads no profile and calls no metadata service.

use crate::clock::Clock;
use crate::failure::Failure;
use crate::http::Http;
use crate::settings::Settings;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use std::sync::OnceLock;
use std::time::Duration;

/// How long one answer may take; AWS usually takes a hundredth of that.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);

/// How long to wait for an answer that is optional.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes an optional call, with a short time-out.
pub async fn in_time<T>(
    clock: &Clock,
    asking: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let late = || Err(Failure::Passing("timed out after 5s".into()));
    clock.within(PATIENCE, asking).await.unwrap_or_else(late)
}

/// AWS as one function uses it.
#[derive(Debug)]
pub struct Aws {
    pub settings: Settings,
    pub clock: Clock,
    pub http: Http,
    config: OnceLock<SdkConfig>,
    balancers: OnceLock<aws_sdk_elasticloadbalancingv2::Client>,
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    ecr: OnceLock<aws_sdk_ecr::Client>,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    logs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
    secrets: OnceLock<aws_sdk_secretsmanager::Client>,
    sns: OnceLock<aws_sdk_sns::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
}

impl Aws {
    pub fn new(settings: Settings) -> Self {
        Self {
            clock: Clock::new(&settings),
            settings,
            http: Http::default(),
            config: OnceLock::new(),
            balancers: OnceLock::new(),
            cloudwatch: OnceLock::new(),
            dynamodb: OnceLock::new(),
            ecr: OnceLock::new(),
            ecs: OnceLock::new(),
            iam: OnceLock::new(),
            logs: OnceLock::new(),
            secrets: OnceLock::new(),
            sns: OnceLock::new(),
            sqs: OnceLock::new(),
            ssm: OnceLock::new(),
        }
    }

    /// Starts an invocation that may last until `deadline` (milliseconds since 1970).
    pub fn invoked(&self, deadline: u64) {
        self.clock.invoked(deadline);
    }

    /// How much time the invocation has left.
    pub fn time_left(&self) -> Duration {
        self.clock.left()
    }

    /// Aborts work that is not done when only `reserve` is left of the invocation. Aborted work
    /// counts as crashed, and is done again.
    pub async fn leaving<T>(
        &self,
        reserve: Duration,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        match self.clock.left().checked_sub(reserve) {
            Some(limit) => self.clock.within(limit, work).await.unwrap_or(Err(Failure::OutOfTime)),
            None => Err(Failure::OutOfTime),
        }
    }

    pub fn balancers(&self) -> &aws_sdk_elasticloadbalancingv2::Client {
        self.balancers.get_or_init(|| aws_sdk_elasticloadbalancingv2::Client::new(self.config()))
    }

    pub fn cloudwatch(&self) -> &aws_sdk_cloudwatch::Client {
        self.cloudwatch.get_or_init(|| aws_sdk_cloudwatch::Client::new(self.config()))
    }

    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(self.config()))
    }

    pub fn ecr(&self) -> &aws_sdk_ecr::Client {
        self.ecr.get_or_init(|| aws_sdk_ecr::Client::new(self.config()))
    }

    pub fn ecs(&self) -> &aws_sdk_ecs::Client {
        self.ecs.get_or_init(|| aws_sdk_ecs::Client::new(self.config()))
    }

    pub fn iam(&self) -> &aws_sdk_iam::Client {
        self.iam.get_or_init(|| aws_sdk_iam::Client::new(self.config()))
    }

    pub fn logs(&self) -> &aws_sdk_cloudwatchlogs::Client {
        self.logs.get_or_init(|| aws_sdk_cloudwatchlogs::Client::new(self.config()))
    }

    pub fn secrets(&self) -> &aws_sdk_secretsmanager::Client {
        self.secrets.get_or_init(|| aws_sdk_secretsmanager::Client::new(self.config()))
    }

    pub fn sns(&self) -> &aws_sdk_sns::Client {
        self.sns.get_or_init(|| aws_sdk_sns::Client::new(self.config()))
    }

    pub fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.sqs.get_or_init(|| aws_sdk_sqs::Client::new(self.config()))
    }

    pub fn ssm(&self) -> &aws_sdk_ssm::Client {
        self.ssm.get_or_init(|| aws_sdk_ssm::Client::new(self.config()))
    }

    fn config(&self) -> &SdkConfig {
        self.config.get_or_init(|| {
            let mut config = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(SharedHttpClient::new(self.http.clone()))
                .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
                .retry_config(RetryConfig::standard())
                .timeout_config(self.timeouts());
            config.set_region(self.settings.optional("AWS_REGION").map(Region::new));
            config.set_endpoint_url(self.settings.optional("AWS_ENDPOINT_URL"));
            config.set_credentials_provider(self.credentials());
            config.build()
        })
    }

    /// Without a running clock no call times out: a retry on a slow machine would make runs differ.
    fn timeouts(&self) -> TimeoutConfig {
        match self.clock.stands_still() {
            true => TimeoutConfig::disabled(),
            false => TimeoutConfig::builder()
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        }
    }

    /// Lambda's credentials are valid as long as the process lives.
    fn credentials(&self) -> Option<SharedCredentialsProvider> {
        let key = self.settings.optional("AWS_ACCESS_KEY_ID")?;
        let secret = self.settings.optional("AWS_SECRET_ACCESS_KEY")?;
        let token = self.settings.optional("AWS_SESSION_TOKEN");
        let credentials = Credentials::new(key, secret, token, None, "Lambda");
        Some(SharedCredentialsProvider::new(credentials))
    }
}

#[cfg(test)]
mod tests {
    use super::{PATIENCE, in_time};
    use crate::clock::Clock;
    use crate::failure::Failure;
    use crate::settings::{CLOCK_FROM_DEADLINE, Settings};
    use std::future::{pending, ready};
    use std::time::Duration;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn a_call_without_an_answer_is_not_waited_for() {
        let clock = Clock::new(&Settings::given([]));
        let never = in_time(&clock, pending::<Result<(), Failure>>()).await;
        assert!(matches!(never, Err(Failure::Passing(_))), "{never:?}");
        assert!(matches!(in_time(&clock, ready(Ok(7))).await, Ok(7)));
    }

    #[tokio::test(start_paused = true)]
    async fn where_the_clock_stands_still_every_answer_is_in_time() {
        let clock = Clock::new(&Settings::given([(CLOCK_FROM_DEADLINE, "60".to_owned())]));
        let slow = async {
            sleep(PATIENCE + Duration::from_secs(1)).await;
            Ok(7)
        };
        assert!(matches!(in_time(&clock, slow).await, Ok(7)));
    }
}
