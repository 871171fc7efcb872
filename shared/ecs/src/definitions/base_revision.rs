//! What a service runs, and what its new revision is based on.

use crate::services;
use aws::clients::Aws;
use aws::definitions::archived;
use aws::definitions::definition::{self, Definition};
use aws::step_error::{StepError, asked_to};
use aws_sdk_ecs::types::Service;
use pipeline::effect::PrepareService;
use pipeline::names::Revision;
use pipeline::spec::{Base, render};
use serde_json::Value;

pub(crate) struct Basis {
    /// The revision that it runs; `None`: the service does not exist.
    pub(crate) before: Option<Revision>,
    /// The same revision as a document, if ECS or the table has it.
    pub(crate) described: Option<Definition>,
    pub(crate) start: Start,
    pub(crate) warnings: Vec<String>,
}

pub(crate) enum Start {
    /// A manual rollback: exactly this revision.
    Recorded(Definition),
    /// This document with the release's images, unless one of the `known` revisions is identical.
    Render { base: Value, known: Vec<Definition> },
}

/// Checks one service. All of its messages are without the name of the service.
pub(crate) async fn of(
    aws: &Aws,
    wanted: &PrepareService,
    service: Option<&Service>,
) -> Result<Basis, StepError> {
    let before = service.and_then(services::revision_of);
    if service.is_none() && wanted.spec.create.is_none() {
        return Err(StepError::Fault(
            "does not exist; create it, correct its name, or describe it with create: in the spec"
                .into(),
        ));
    }
    let mut looking = Looking { aws, before, described: None, warnings: vec![] };
    let start = match (&wanted.recorded, &wanted.spec.base) {
        (Some(recorded), _) => looking.recorded(recorded).await?,
        (None, Base::Running) => looking.running().await?,
        (None, Base::Latest) => looking.latest().await?,
        (None, Base::Template { definition, parameters }) => {
            let base = render(definition, parameters).map_err(|names| {
                let names = names.join(", ");
                StepError::Fault(format!("uses a template without values for {names}"))
            })?;
            let known = looking.describe_before().await?.into_iter().collect();
            Start::Render { base, known }
        }
    };
    looking.mention_what_is_gone();
    let Looking { before, described, warnings, .. } = looking;
    Ok(Basis { before, described, start, warnings })
}

struct Looking<'a> {
    aws: &'a Aws,
    before: Option<Revision>,
    described: Option<Definition>,
    warnings: Vec<String>,
}

impl Looking<'_> {
    async fn recorded(&mut self, recorded: &Revision) -> Result<Start, StepError> {
        let running = self.describe_before().await?;
        let found = match running.filter(|running| running.revision == *recorded) {
            Some(running) => Some(running),
            None => self.find(recorded).await?,
        };
        let short = recorded.short();
        let found = found.ok_or_else(|| {
            StepError::Fault(format!(
                "cannot roll back to {short}: neither ECS nor Slipway has it; deploy another \
                 release"
            ))
        })?;
        if !found.is_active {
            self.warnings.push(format!(
                "rolls back to {short}, which was deregistered; Slipway registers it again"
            ));
        }
        Ok(Start::Recorded(found))
    }

    async fn running(&mut self) -> Result<Start, StepError> {
        let running = self.describe_before().await?;
        let running = running.ok_or_else(|| {
            StepError::Fault(match &self.before {
                Some(before) => format!(
                    "runs {}, which neither ECS nor Slipway has; give the service base: latest, or \
                     a template",
                    before.short()
                ),
                None => "does not exist, so there is no task definition to start from; give it a \
                         base with a template"
                    .to_owned(),
            })
        })?;
        Ok(Start::Render { base: running.json.clone(), known: vec![running] })
    }

    async fn latest(&mut self) -> Result<Start, StepError> {
        let before = self.before.clone();
        let (family, _) = before.as_ref().and_then(family_and_number).ok_or_else(|| {
            StepError::Fault(
                "does not exist, so its task definition family is unknown; give it a base with a \
                 template"
                    .into(),
            )
        })?;
        let what = format!("describe the task definition {family}");
        let newest = definition::describe(self.aws, family).await.map_err(asked_to(what))?;
        let newest = newest.ok_or_else(|| {
            StepError::Fault(format!(
                "starts from the latest {family}, and no revision of it is active; register one, \
                 or start from the running one (base: running)"
            ))
        })?;
        if Some(&newest.revision) == self.before.as_ref() {
            self.described = Some(newest.clone());
        } else if let Some(running) = self.describe_before().await? {
            self.warnings.push(format!(
                "runs {}, and its new revision starts from {}, which is newer",
                running.revision.short(),
                newest.revision.short()
            ));
        }
        Ok(Start::Render { base: newest.json.clone(), known: vec![newest] })
    }

    async fn describe_before(&mut self) -> Result<Option<Definition>, StepError> {
        if let (None, Some(before)) = (&self.described, self.before.clone()) {
            self.described = self.find(&before).await?;
        }
        Ok(self.described.clone())
    }

    async fn find(&self, revision: &Revision) -> Result<Option<Definition>, StepError> {
        let what = format!("describe the task definition {}", revision.short());
        archived::find(self.aws, revision).await.map_err(asked_to(what))
    }

    fn mention_what_is_gone(&mut self) {
        let Some(before) = &self.before else { return };
        match &self.described {
            Some(definition) if definition.is_active => {}
            Some(_) => self.warnings.push(format!(
                "runs {}, which was deregistered; a rollback registers it again",
                before.short()
            )),
            None => self.warnings.push(format!(
                "runs {}, which neither ECS nor Slipway has; a rollback may not be able to restore \
                 it",
                before.short()
            )),
        }
    }
}

/// The family and the number in a task definition's ARN.
pub(crate) fn family_and_number(revision: &Revision) -> Option<(&str, u64)> {
    let (family, number) = revision.short().rsplit_once(':')?;
    Some((family, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::family_and_number;
    use pipeline::names::Revision;

    #[test]
    fn family_and_number_stand_in_the_arn() {
        let of = |arn: &str| {
            let revision = Revision::new(arn);
            family_and_number(&revision).map(|(family, number)| (family.to_owned(), number))
        };
        let arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api";
        assert_eq!(of(&format!("{arn}:12")), Some(("scr-api".to_owned(), 12)));
        assert_eq!(of(arn), None);
    }
}
