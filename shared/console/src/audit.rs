//! Whether the records of an environment are consistent. Changes nothing.

use super::answer::{Caller, Refusal, Shown, place_fields};
use super::catalog::{Catalog, Records};
use super::form::Form;
use super::place::{choose, named};
use aws::failure::{Failure, chain};
use aws::world::history::Page;
use aws::world::table::HISTORY;
use engine::{EngineError, Key, StoredError, World, WorldError};
use pipeline::audit::{Audit, Report, Rule};
use pipeline::environment::Head;
use pipeline::names::{ApplicationName, EnvironmentName, Place};
use pipeline::time::Time;
use serde_json::{Map, json};

/// At most this many findings are shown; the rest appear once these are fixed.
const FINDINGS_MAX: usize = 100;

pub(super) async fn audit(
    world: &impl Records,
    caller: &Caller,
    known: &Catalog,
    form: &mut Form,
) -> Result<Result<Shown, Refusal>, Failure> {
    let mut refusal = Refusal::default();
    let before = form.number("before");
    refusal.because.append(&mut form.mistakes);
    if !refusal.because.is_empty() {
        refusal.example = Some(form.typed().into());
        return Ok(Err(refusal));
    }
    let place = match place_named(form) {
        Some(place) => place,
        None => match choose(form, known, |_| false, &mut refusal) {
            Some(site) => site.place().clone(),
            None => return Ok(Err(refusal)),
        },
    };
    let head = read_head(world, &place).await?;
    let mut audit = Audit::new(place.clone(), world.now(), HISTORY);
    let (read, left_below) = take_in(world, &place, before, &mut audit).await?;
    if read == 0 && matches!(head, Ok(None)) {
        // If the spec has such an environment, nothing was deployed there yet.
        if choose(form, known, |_| false, &mut refusal).is_none() {
            return Ok(Err(refusal));
        }
    }
    let known_head = head.as_ref().ok().and_then(Option::as_ref).map(|(head, _)| head);
    let mut seen = Seen { place, with_head: false, not_checked: Vec::new(), left_below };
    let report = match (before, &head) {
        (Some(before), _) => {
            let what = format!("deployments {before} and later, and the environment's record");
            seen.not_checked.push(what);
            audit.finish_before(before, known_head)
        }
        (None, Err(why)) => {
            audit.odd(&format!("it cannot be read: {why}"));
            seen.not_checked.push("what depends on the environment's record".to_owned());
            audit.finish_without_head()
        }
        (None, Ok(None)) => {
            if read > 0 {
                audit.odd("it has no record, although it has deployments");
            }
            audit.finish_without_head()
        }
        // The records were read at two states of the environment.
        (None, Ok(Some(_))) if read_head(world, &seen.place).await? != head => {
            let what = "the environment's record, which changed while its deployments were read; \
                        run the audit again";
            seen.not_checked.push(what.to_owned());
            audit.finish_without_head()
        }
        (None, Ok(Some((head, woken_at)))) => {
            seen.with_head = true;
            audit.finish(head, *woken_at)
        }
    };
    if let Some(below) = left_below {
        let what = format!("deployments below {below}, because time ran out");
        seen.not_checked.push(what);
    }
    Ok(Ok(seen.told(caller, &report)))
}

/// What was checked, and what was not.
struct Seen {
    place: Place,
    with_head: bool,
    not_checked: Vec<String>,
    /// Below which number nothing was read, because time ran out.
    left_below: Option<u64>,
}

/// Any environment, even if it has left the spec.
fn place_named(form: &mut Form) -> Option<Place> {
    let named = named(form);
    Some(Place {
        application: ApplicationName::new(named.application?.to_lowercase()),
        environment: EnvironmentName::new(named.environment?.to_lowercase()),
    })
}

type KnownHead = Result<Option<(Head, Option<Time>)>, String>;

async fn read_head(world: &impl World, place: &Place) -> Result<KnownHead, Failure> {
    let key = [Key::Head(place.clone())];
    let stored = match world.load(&key).await {
        Ok(mut found) => found.pop().flatten(),
        Err(WorldError::Stored { source, .. }) => return Ok(Err(chain(&source))),
        Err(error) => return Err(EngineError::from(error).into()),
    };
    let head = stored.map(|stored| Ok((Head::try_from(stored.record)?, stored.due)));
    Ok(head.transpose().map_err(|error: StoredError| chain(&error)))
}

/// Adds page after page, as long as there is time; returns how many records were read, and below
/// which number none was.
async fn take_in(
    world: &impl Records,
    place: &Place,
    mut before: Option<u64>,
    audit: &mut Audit,
) -> Result<(usize, Option<u64>), Failure> {
    let mut read = 0;
    loop {
        let page = match world.within_limits(world.recorded(place, before)).await {
            Some(page) => page?,
            None if read > 0 => return Ok((read, before)),
            None => {
                return Err(Failure::Passing("timed out before any deployment was read".into()));
            }
        };
        let Page { records, odd, next } = page;
        odd.iter().for_each(|what| audit.odd(what));
        for recorded in &records {
            match &recorded.read {
                Ok(deployment) => {
                    audit.deployment(recorded.number, deployment, recorded.woken_at);
                }
                Err(why) => audit.unreadable(recorded.number, why),
            }
        }
        read += records.len();
        match next {
            Some(next) => before = Some(next),
            None => return Ok((read, None)),
        }
    }
}

impl Seen {
    fn told(self, caller: &Caller, report: &Report) -> Shown {
        let Self { place, with_head, not_checked, left_below } = self;
        let checked = checked(report, with_head);
        let found = report.findings.len();
        let summary = match found {
            0 if report.deployments.is_empty() && !with_head && not_checked.is_empty() => {
                format!("{place}: nothing was ever deployed here")
            }
            0 => format!("{place}: every rule holds for {checked}"),
            1 => format!("{place}: 1 rule violation in {checked}"),
            many => format!("{place}: {many} rule violations in {checked}"),
        };
        let findings = report.findings.iter().take(FINDINGS_MAX).map(ToString::to_string);
        let mut findings: Vec<String> = findings.collect();
        if found > FINDINGS_MAX {
            findings.push(format!("and {} more; fix these first", found - FINDINGS_MAX));
        }
        let mut lines = vec![format!("{summary}; {} rules", Rule::ALL.len())];
        lines.extend(findings.iter().map(|finding| format!("  {finding}")));
        lines.extend(not_checked.iter().map(|what| format!("  not checked: {what}")));
        let mut json = Map::new();
        json.insert("summary".into(), summary.into());
        json.insert("holds".into(), (found == 0).into());
        json.insert("findings".into(), findings.into());
        if !not_checked.is_empty() {
            json.insert("not_checked".into(), not_checked.into());
        }
        let rules: Vec<&str> = Rule::ALL.iter().map(|rule| rule.words()).collect();
        json.insert("rules".into(), rules.into());
        if let Some(below) = left_below {
            let mut payload = place_fields(&place);
            payload.insert("audit".into(), true.into());
            payload.insert("before".into(), below.into());
            let next = json!({"function": caller.sibling("status"), "payload": payload});
            json.insert("more".into(), next);
        }
        Shown { json: json.into(), lines }
    }
}

/// What was checked, so that "no findings" means something.
fn checked(report: &Report, with_head: bool) -> String {
    let deployments = match report.deployments.as_slice() {
        [] => "no deployment".to_owned(),
        [only] => format!("deployment {only}"),
        [first, .., last] => {
            format!("{} deployments ({first} to {last})", report.deployments.len())
        }
    };
    let head = if with_head { " and the environment's record" } else { "" };
    format!("{deployments}{head}")
}
