//! What a person may override, and which overrides a request needs.

use super::catalog::EnvironmentView;
use super::form::Form;
use super::place::with_place;
use pipeline::environment::Admission;
use pipeline::request::{Override, Request};
use pipeline::spec::instead;
use pipeline::time::Time;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const OVERRIDES: [Override; 5] =
    [Override::Freeze, Override::Hold, Override::Promotion, Override::Bad, Override::Unfinished];

/// What the request overrides.
pub(crate) fn overrides(form: &mut Form) -> BTreeSet<Override> {
    let words = form.list("override");
    let mut overrides = BTreeSet::new();
    for word in words {
        let known = OVERRIDES.into_iter().find(|known| known.word() == word.to_lowercase());
        match known {
            Some(known) => {
                overrides.insert(known);
            }
            None => {
                let hint = instead(&word, OVERRIDES.map(Override::word));
                form.mistakes.push(format!("there is no override {word}; {hint}"));
            }
        }
    }
    overrides
}

/// The payload with exactly those overrides that would allow it.
pub(crate) fn what_would_do(
    site: &EnvironmentView,
    form: &Form,
    request: &Request,
    now: Time,
) -> Option<Value> {
    let context = site.context();
    let closed = |request: &Request| {
        matches!(site.head.admission(request, &context, now), Admission::Refuse { .. })
    };
    if !closed(request) {
        return None;
    }
    let mut allowed = request.clone();
    allowed.confirm = site.rules.confirm.clone().or(allowed.confirm);
    let enough = |allowed: &Request| {
        fewest(|overrides| {
            let overrides = overrides.clone();
            !closed(&Request { overrides, ..allowed.clone() })
        })
    };
    let overrides = enough(&allowed).or_else(|| {
        // It does not change the database: the person decides whether to run the migration.
        allowed.skip_migration = allowed.skip_migration.or(Some(true));
        enough(&allowed)
    })?;
    let mut typed = form.typed();
    if let Some(skip) = allowed.skip_migration {
        typed.insert("skip_migration".into(), skip.into());
    }
    if let Some(confirm) = &site.rules.confirm {
        typed.insert("confirm".into(), confirm.as_str().into());
    }
    Some(with_overrides(typed, &overrides, site))
}

/// The same for an approval.
pub(crate) fn what_would_do_to_approve(
    site: &EnvironmentView,
    typed: Map<String, Value>,
    overrides: &BTreeSet<Override>,
    now: Time,
) -> Option<Value> {
    let context = site.context();
    let active = site.active?;
    let goes_on = |overrides: &BTreeSet<Override>| {
        site.head.blocks_approval(active, overrides, &context, now).is_none()
    };
    if goes_on(overrides) {
        return None;
    }
    Some(with_overrides(typed, &fewest(goes_on)?, site))
}

/// The fewest overrides that are enough; `None`: all of them together are not.
fn fewest(is_enough: impl Fn(&BTreeSet<Override>) -> bool) -> Option<BTreeSet<Override>> {
    let mut needed: BTreeSet<Override> = OVERRIDES.into_iter().collect();
    if !is_enough(&needed) {
        return None;
    }
    for what in OVERRIDES {
        let mut fewer = needed.clone();
        fewer.remove(&what);
        if is_enough(&fewer) {
            needed = fewer;
        }
    }
    Some(needed)
}

fn with_overrides(
    mut typed: Map<String, Value>,
    overrides: &BTreeSet<Override>,
    site: &EnvironmentView,
) -> Value {
    if !overrides.is_empty() {
        let words: Vec<_> = overrides.iter().map(|what| what.word()).collect();
        typed.insert("override".into(), words.into());
    }
    with_place(typed, site)
}
