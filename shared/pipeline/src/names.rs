//! Names: one type for each kind, so that no service is ever confused with an image.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Accepts any text; it is validated where it enters.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

names! {
    /// What is deployed as a unit: `scr`.
    ApplicationName;
    /// Where an application runs: `staging`.
    EnvironmentName;
    /// The short name of one image of an application: `api`.
    ImageName;
    /// An ECR repository: `scr-api`.
    Repository;
    /// An image tag: `3f2a9c1`, `v1.4.2`, `latest`.
    Tag;
    /// The digest of an image's manifest: `sha256:…`.
    Digest;
    /// The name of a release: its tag, or a moving tag and its digest.
    Version;
    /// An ECS service, or a container on a host.
    ServiceName;
    /// A container of a task definition.
    ContainerName;
    /// A CloudWatch alarm.
    AlarmName;
    /// What a service runs: a task definition's ARN, or the image of a container on a host.
    Revision;
    /// The ARN of one ECS task, or the id of one command on a host.
    TaskId;
    /// ECS's id of one rollout of one service: `ecs-svc/…`, or the id of a command on a host.
    RolloutId;
    /// What identifies a request when it is repeated.
    RequestId;
}

impl Digest {
    /// The first twelve hexadecimal digits, for people.
    pub fn short(&self) -> &str {
        let hex = self.0.strip_prefix("sha256:").unwrap_or(&self.0);
        hex.get(..12).unwrap_or(hex)
    }
}

impl Revision {
    /// The last part of an ARN (`scr-api:12`), for people.
    pub fn short(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

/// An environment of an application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub application: ApplicationName,
    pub environment: EnvironmentName,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.application, self.environment)
    }
}

/// One deployment: the place and a consecutive number.
///
/// It is readable, sortable, and needs neither a clock nor randomness.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeploymentId {
    pub place: Place,
    pub number: u64,
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.place, self.number)
    }
}
