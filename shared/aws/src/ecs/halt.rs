//! Why an effect ends early: something to tell people, or something to try again later.

use crate::failure::Failure;

#[derive(Debug)]
pub(crate) enum Halt {
    /// It will be so the next time as well; the text says what to do.
    Fault(String),
    Later(Failure),
}

impl Halt {
    /// The text for people; what has to be tried again stays a failure.
    pub(crate) fn fault(self) -> Result<String, Failure> {
        match self {
            Self::Fault(text) => Ok(text),
            Self::Later(failure) => Err(failure),
        }
    }
}

/// Says what AWS was asked to do when it refused.
pub(crate) fn asked_to(what: impl Into<String>) -> impl FnOnce(Failure) -> Halt {
    let what = what.into();
    move |failure| match failure {
        Failure::Refused { code, message } => {
            let advice = advice(&code).map(|advice| format!("; {advice}")).unwrap_or_default();
            let message = message.trim_end_matches('.');
            Halt::Fault(format!("AWS refused to {what}: {message} ({code}){advice}"))
        }
        other => Halt::Later(other),
    }
}

fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "AccessDenied" | "AccessDeniedException" => "allow it in the role of this function",
        "ClusterNotFoundException" => "correct the cluster in the application's spec",
        "ServiceNotFoundException" | "ServiceNotActiveException" => {
            "create the service again, or take it out of the application's spec"
        }
        "RepositoryNotFoundException" => "correct the images in the application's spec",
        "PlatformTaskDefinitionIncompatibilityException" => {
            "raise the service's platform version, or correct the task definition"
        }
        _ => return None,
    })
}
