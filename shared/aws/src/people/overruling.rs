//! What a person may overrule, and what exactly would have to be overruled.

use super::form::Form;
use super::known::Site;
use super::place::with_place;
use pipeline::environment::{Door, Override, Request};
use pipeline::spec::instead;
use pipeline::time::Time;
use serde_json::Value;
use std::collections::BTreeSet;

const OVERRIDES: [Override; 5] =
    [Override::Freeze, Override::Hold, Override::Promotion, Override::Bad, Override::Unfinished];

/// The things that are named to be overruled.
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
                form.mistakes.push(format!("there is nothing called {word} to override; {hint}"));
            }
        }
    }
    overrides
}

/// The payload with exactly those words added that would open the door.
pub(crate) fn what_would_do(
    site: &Site,
    form: &Form,
    request: &Request,
    now: Time,
) -> Option<Value> {
    let context = site.context();
    let mut all = request.clone();
    all.overrides = OVERRIDES.into_iter().collect();
    all.confirm = site.rules.confirm.clone().or(all.confirm);
    let closed =
        |request: &Request| matches!(site.head.door(request, &context, now), Door::Closed { .. });
    if closed(&all) && all.skip_migration.is_none() {
        // The database as it is: the other way would have to be written by hand.
        all.skip_migration = Some(true);
    }
    if closed(&all) || !closed(request) {
        return None;
    }
    for what in OVERRIDES {
        let mut fewer = all.clone();
        fewer.overrides.remove(&what);
        if !closed(&fewer) {
            all = fewer;
        }
    }
    let mut typed = form.typed();
    if let Some(skip) = all.skip_migration {
        typed.insert("skip_migration".into(), skip.into());
    }
    if let Some(confirm) = &site.rules.confirm {
        typed.insert("confirm".into(), confirm.as_str().into());
    }
    if !all.overrides.is_empty() {
        let words: Vec<_> = all.overrides.iter().map(|what| what.word()).collect();
        typed.insert("override".into(), words.into());
    }
    Some(with_place(typed, site))
}
