//! What task definitions refer to and AWS resolves only when a task starts: secrets, parameters,
//! log groups and roles.
//!
//! A rollout would find out, too, after minutes of tasks that cannot start. So these checks wait
//! only briefly: if AWS does not answer, that is a warning.

mod gather;
mod look;

use super::findings::{Plan, Planned, SIDE_BY_SIDE, Search};
use super::roles;
use aws::clients::{Aws, in_time};
use aws::failure::{Failure, not_asked};
use futures_util::join;
use futures_util::stream::{self, StreamExt};
use gather::{Here, Kind, References};

/// The findings of one kind.
#[derive(Default)]
struct Seen {
    /// Names, each with its fault.
    faults: Vec<(String, String)>,
    /// The first name that AWS did not answer for, and why.
    unknown: Option<(String, Failure)>,
}

/// Adds missing references to the plan.
pub(super) async fn check(aws: &Aws, search: Search, plan: &mut Plan) {
    let (Some(account), Some(region)) = (plan.account.clone(), aws.settings.optional("AWS_REGION"))
    else {
        return;
    };
    let here = Here { region, account };
    let mut wanted = References::default();
    for planned in &plan.services {
        wanted.add(references(planned, search, &here));
    }
    // This installation may not read other roles; where it would pass them to ECS, they are already
    // faults.
    wanted.retain(Kind::Role, |role| roles::is_permitted(aws, role));
    let parameters: Vec<&String> = wanted.names(Kind::Parameter).collect();
    let (secrets, parameters, log_groups, roles) = join!(
        each(aws, &wanted, Kind::Secret, async |arn| look::secret(aws, arn).await),
        all_at_once(aws, look::parameters(aws, &parameters), &parameters),
        each(aws, &wanted, Kind::LogGroup, async |name| look::log_group(aws, name).await),
        each(aws, &wanted, Kind::Role, async |arn| look::role(aws, arn).await),
    );
    for (kind, what, seen) in [
        (Kind::Secret, "secret", secrets),
        (Kind::Parameter, "parameter", parameters),
        (Kind::LogGroup, "log group", log_groups),
        (Kind::Role, "role", roles),
    ] {
        plan.faults.extend(seen.faults.into_iter().map(|(name, fault)| {
            let services = wanted.services(kind, &name);
            format!("{services}: {fault}")
        }));
        let unknown = seen.unknown;
        let told =
            unknown.map(|(name, failure)| not_asked(&format!("the {what} {name}"), &failure));
        plan.warnings.extend(told);
    }
}

/// A log group and a role that the service already uses rarely disappear; secrets and parameters
/// do, by a clean-up or a rename.
fn references(planned: &Planned, search: Search, here: &Here) -> References {
    let name = planned.name.as_str();
    let mut wanted = References::of(name, planned.after.json(), here);
    if let (Search::WhatIsNew, Some(running)) = (search, &planned.described) {
        let known = References::of(name, &running.json, here);
        for kind in [Kind::LogGroup, Kind::Role] {
            wanted.retain(kind, |name| !known.has(kind, name));
        }
    }
    wanted
}

async fn each<L>(aws: &Aws, wanted: &References, kind: Kind, look: L) -> Seen
where
    L: AsyncFn(&str) -> Result<Option<String>, Failure>,
{
    let looking =
        wanted.names(kind).map(async |name| (name, in_time(&aws.clock, look(name)).await));
    let mut looked = stream::iter(looking).buffered(SIDE_BY_SIDE);
    let mut seen = Seen::default();
    while let Some((name, looked)) = looked.next().await {
        match looked {
            Ok(fault) => seen.faults.extend(fault.map(|fault| (name.clone(), fault))),
            Err(failure) => seen.unknown = seen.unknown.or(Some((name.clone(), failure))),
        }
    }
    seen
}

async fn all_at_once(
    aws: &Aws,
    asking: impl Future<Output = Result<Vec<(String, String)>, Failure>>,
    names: &[&String],
) -> Seen {
    match in_time(&aws.clock, asking).await {
        Ok(faults) => Seen { faults, unknown: None },
        Err(failure) => {
            let first = names.first().map(ToString::to_string).unwrap_or_default();
            Seen { faults: vec![], unknown: Some((first, failure)) }
        }
    }
}
