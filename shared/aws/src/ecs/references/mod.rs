//! What task definitions refer to and AWS looks up only when a task starts: secrets, parameters, log
//! groups and roles.
//!
//! A rollout would find out, too, after minutes of tasks that cannot start. So nothing waits for these
//! looks: where AWS does not answer them, that is a warning.

mod gather;
mod look;

pub(super) use gather::roles as roles_of;

use super::plan::{Plan, Planned, SIDE_BY_SIDE, Search};
use super::roles;
use crate::clients::Aws;
use crate::failure::{Failure, not_asked};
use futures_util::join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use gather::{Here, Kind, References};

/// Each with what is wrong with it.
type Lacking = Result<Vec<(String, String)>, Failure>;

/// Adds to the plan what is missing.
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
    // About the others this installation may not even ask, and they are faults already.
    wanted.retain(Kind::Role, |role| roles::is_permitted(aws, role));
    let (secrets, parameters, log_groups, roles) = join!(
        each(&wanted, Kind::Secret, async |arn| look::secret(aws, arn).await),
        look::parameters(aws, wanted.names(Kind::Parameter).collect()),
        each(&wanted, Kind::LogGroup, async |name| look::log_group(aws, name).await),
        each(&wanted, Kind::Role, async |arn| look::role(aws, arn).await),
    );
    for (kind, what, lacking) in [
        (Kind::Secret, "secrets", secrets),
        (Kind::Parameter, "parameters", parameters),
        (Kind::LogGroup, "log groups", log_groups),
        (Kind::Role, "roles", roles),
    ] {
        match lacking {
            Ok(lacking) => plan.faults.extend(lacking.into_iter().map(|(name, fault)| {
                let services = wanted.services(kind, &name);
                format!("{services}: {fault}")
            })),
            Err(failure) => plan.warnings.push(not_asked(what, &failure)),
        }
    }
}

/// A log group and a role that the service uses already are rarely taken from under it; secrets and
/// parameters are, whenever somebody tidies up or renames.
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

async fn each<L>(wanted: &References, kind: Kind, look: L) -> Lacking
where
    L: AsyncFn(&str) -> Result<Option<String>, Failure>,
{
    let looking = wanted.names(kind).map(async |name| {
        let fault = look(name).await?;
        Ok::<_, Failure>(fault.map(|fault| (name.clone(), fault)))
    });
    let looked = stream::iter(looking).buffered(SIDE_BY_SIDE).try_collect::<Vec<_>>().await?;
    Ok(looked.into_iter().flatten().collect())
}
