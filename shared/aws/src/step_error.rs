//! Why an effect ends early: a message for people, or a failure to retry later.

use crate::failure::Failure;

#[derive(Debug)]
pub enum StepError {
    /// A retry would fail as well; the text says what to do.
    Fault(String),
    Later(Failure),
}

impl StepError {
    /// The text for people; what has to be retried stays a failure.
    pub fn fault(self) -> Result<String, Failure> {
        match self {
            Self::Fault(text) => Ok(text),
            Self::Later(failure) => Err(failure),
        }
    }
}

/// Names the rejected request.
pub fn asked_to(what: impl Into<String>) -> impl FnOnce(Failure) -> StepError {
    let what = what.into();
    move |failure| match failure {
        Failure::Refused { code, message } => {
            let advice = advice(&code).map(|advice| format!("; {advice}")).unwrap_or_default();
            let message = message.trim_end_matches('.');
            StepError::Fault(format!(
                "AWS rejected the request to {what}: {message} ({code}){advice}"
            ))
        }
        other => StepError::Later(other),
    }
}

fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "AccessDenied" | "AccessDeniedException" => {
            "compare the scopes and TaskRoleArns of Slipway's stack; if they allow it, look for a \
             permissions boundary or a service control policy"
        }
        "ClusterNotFoundException" => "correct the cluster in the application's spec",
        "ServiceNotFoundException" | "ServiceNotActiveException" => {
            "create the service again, or remove it from the application's spec"
        }
        "RepositoryNotFoundException" => "correct the images in the application's spec",
        "PlatformTaskDefinitionIncompatibilityException" => {
            "raise the service's platform version, or correct the task definition"
        }
        _ => return None,
    })
}
