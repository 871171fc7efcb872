//! The failures of AWS calls, by what the caller should do.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::{EngineError, WorldError};
use lambda_runtime::Diagnostic;
use std::error::Error;
use thiserror::Error as ThisError;

#[derive(Debug, ThisError)]
pub enum Failure {
    /// Try again: a throttle, a time-out, a lost connection.
    #[error("temporary failure: {0}")]
    Passing(String),
    /// Trying again will not help.
    #[error("AWS rejected the request: {message} ({code})")]
    Refused { code: String, message: String },
    /// The function was not installed as the template says.
    #[error("{0}")]
    Misconfigured(String),
    /// Lambda would end the process before this is done.
    #[error("not enough time left in this invocation; retrying in another one")]
    OutOfTime,
    /// A payload that cannot be read, and what it should look like.
    #[error("{0}")]
    Unreadable(String),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Error codes of AWS that mean: retry later.
const PASSING: [&str; 22] = [
    "BandwidthLimitExceeded",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "KMSThrottlingException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServerException",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Classifies an SDK error, and keeps AWS's own words.
#[expect(clippy::needless_pass_by_value, reason = "so that it fits into map_err")]
pub fn failure<E>(error: SdkError<E, Response>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("Unknown").to_owned();
            let message = service.err().message().unwrap_or("no reason given").to_owned();
            let status = service.raw().status().as_u16();
            if status >= 500 || PASSING.contains(&code.as_str()) {
                Failure::Passing(format!("{message} ({code})"))
            } else {
                Failure::Refused { code, message }
            }
        }
        SdkError::ConstructionFailure(_) => {
            Failure::Refused { code: "Construction".into(), message: chain(&error) }
        }
        _ => Failure::Passing(chain(&error)),
    }
}

/// An error with all of its causes, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// For optional information, which must not block anything.
pub fn not_asked(what: &str, failure: &Failure) -> String {
    format!("could not check {what}: {}", chain(failure))
}

impl Failure {
    /// Whether AWS answered with this code.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }

    /// Whether a retry may succeed.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Passing(_) | Self::Engine(EngineError::World(WorldError::Passing(_))))
    }

    /// Its name for alarms and metrics, which never changes.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passing(_) | Self::Engine(EngineError::World(WorldError::Passing(_))) => {
                "Passing"
            }
            Self::Refused { .. } | Self::Engine(EngineError::World(WorldError::Final(_))) => {
                "Refused"
            }
            Self::Misconfigured(_) => "Misconfigured",
            Self::OutOfTime => "OutOfTime",
            Self::Unreadable(_) => "Unreadable",
            Self::Engine(EngineError::World(WorldError::Stored { .. })) => "Stored",
            Self::Engine(EngineError::Busy(_)) => "Busy",
            Self::Engine(EngineError::Spec(_)) => "Spec",
        }
    }
}

impl From<Failure> for WorldError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing(why) => Self::Passing(why),
            Failure::OutOfTime => Self::Passing(failure.to_string()),
            Failure::Engine(EngineError::World(error)) => error,
            other => Self::Final(other.to_string()),
        }
    }
}

impl From<WorldError> for Failure {
    fn from(error: WorldError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.name().to_owned(), error_message: chain(&failure) }
    }
}
