//! Which environment a request means.

use super::answer::{Refusal, place_fields};
use super::catalog::{Catalog, EnvironmentView, Named};
use super::form::Form;
use pipeline::spec::instead;
use serde_json::{Map, Value};

/// Finds the environment of the request: the named one, the only one that exists, or the only one
/// that `likely` accepts. Faults go to `refusal`.
pub(crate) fn choose<'a>(
    form: &mut Form,
    known: &'a Catalog,
    likely: impl Fn(&EnvironmentView) -> bool,
    refusal: &mut Refusal,
) -> Option<EnvironmentView<'a>> {
    let named = named(form);
    let mut sites: Vec<EnvironmentView> = known.sites().collect();
    let unreadable = known.unreadable(&named);
    if !unreadable.is_empty() {
        // The request may mean it, so none of the others is chosen.
        refusal.because.extend(unreadable);
        sites.retain(|site| named.is_place(site.place()));
        offer(form, &sites, refusal);
        return None;
    }
    if sites.is_empty() {
        let why = "nothing is configured yet; give the function configure a spec first";
        refusal.because.push(why.into());
        return None;
    }
    if let Some(name) = &named.application {
        let name_of = |site: &EnvironmentView<'a>| site.place().application.as_str();
        narrow(&mut sites, name, "application", name_of, refusal)?;
    }
    if let Some(name) = &named.environment {
        let name_of = |site: &EnvironmentView<'a>| site.place().environment.as_str();
        narrow(&mut sites, name, "environment", name_of, refusal)?;
    }
    let fitting: Vec<EnvironmentView> = sites.iter().copied().filter(|site| likely(site)).collect();
    match (sites.as_slice(), fitting.as_slice()) {
        ([only], _) | (_, [only]) => Some(*only),
        _ => {
            offer(form, &sites, refusal);
            None
        }
    }
}

fn offer(form: &Form, sites: &[EnvironmentView], refusal: &mut Refusal) {
    if !sites.is_empty() {
        refusal.because.push("pass \"application\" and \"environment\"".into());
        refusal.choices = sites.iter().map(|site| with_place(form.typed(), site)).collect();
    }
}

/// An environment for an example: one with a deployment in progress, or with a success.
pub(crate) fn showcase(known: &Catalog) -> Option<EnvironmentView<'_>> {
    let rank = |site: &EnvironmentView| (site.active.is_some(), site.head.good.len());
    let mut sites: Vec<EnvironmentView> = known.sites().collect();
    sites.sort_by_key(|site| std::cmp::Reverse(rank(site)));
    sites.first().copied()
}

/// The input, with this environment.
pub(crate) fn with_place(mut typed: Map<String, Value>, site: &EnvironmentView) -> Value {
    typed.extend(place_fields(site.place()));
    typed.into()
}

/// `scr/staging` in either field is both.
pub(crate) fn named(form: &mut Form) -> Named {
    let (application, environment) = (form.text("application"), form.text("environment"));
    let both = application.as_ref().or(environment.as_ref()).and_then(|text| text.split_once('/'));
    if let Some((first, second)) = both
        && (application.is_none() || environment.is_none())
    {
        let (first, second) = (first.trim().to_owned(), second.trim().to_owned());
        return Named { application: Some(first), environment: Some(second) };
    }
    Named { application, environment }
}

fn narrow<'a>(
    sites: &mut Vec<EnvironmentView<'a>>,
    name: &str,
    what: &str,
    name_of: impl Fn(&EnvironmentView<'a>) -> &'a str,
    refusal: &mut Refusal,
) -> Option<()> {
    let lower = name.to_lowercase();
    if !sites.iter().any(|site| name_of(site) == lower) {
        let mut names: Vec<&str> = sites.iter().map(name_of).collect();
        names.dedup();
        let hint = instead(name, names);
        refusal.because.push(format!("there is no {what} {name}; {hint}"));
        return None;
    }
    sites.retain(|site| name_of(site) == lower);
    Some(())
}
