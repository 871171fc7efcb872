//! Which digest a person means: one that is typed, or one of a version.

use super::answer::Refusal;
use super::form::Form;
use super::known::Site;
use super::place::with_place;
use pipeline::names::{Digest, ImageName};
use pipeline::release::Release;
use pipeline::spec::instead;

/// Of a digest, so much at least.
const DIGEST_PREFIX_MIN: usize = 6;

/// What was typed.
pub(crate) struct Words {
    pub(crate) version: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) firm: bool,
}

/// Every release that is known here, the newest first.
pub(crate) fn releases<'a>(site: &Site<'a>) -> Vec<&'a Release> {
    let active = site.active.map(|active| &active.request.release);
    let queue = site.head.queue.iter().rev().map(|waits| &waits.request.release);
    let live = site.head.live.iter().map(|live| &live.release);
    let good = site.head.good.iter().rev().map(|good| &good.release);
    active.into_iter().chain(queue).chain(live).chain(good).collect()
}

/// The digests that are to be marked: the one that is named, or those of a version.
pub(crate) fn digests(
    site: &Site,
    releases: &[&Release],
    words: &Words,
    form: &Form,
    refusal: &mut Refusal,
) -> Vec<Digest> {
    if let Some(typed) = &words.digest {
        if is_whole(typed) {
            return vec![Digest::new(typed.as_str())];
        }
        let all = releases.iter().flat_map(|release| release.images.values());
        return by_prefix(typed, all, refusal).into_iter().collect();
    }
    let Some(version) = &words.version else {
        refusal.because.push("say which \"digest\", or which \"version\" and \"image\"".into());
        return Vec::new();
    };
    let is_it = |release: &&&Release| release.version.as_str() == version;
    let starts = |release: &&&Release| release.version.as_str().starts_with(version.as_str());
    let found = releases.iter().find(is_it).or_else(|| releases.iter().find(starts));
    let Some(release) = found else {
        let names = releases.iter().map(|release| release.version.as_str());
        let hint = instead(version, names);
        let place = site.place();
        refusal.because.push(format!("{place} knows no version {version}; {hint}"));
        return Vec::new();
    };
    let image = words.image.as_deref().map(ImageName::new);
    match (image, release.images.len()) {
        (None, 1) => release.images.values().cloned().collect(),
        (Some(image), _) if release.images.contains_key(&image) => {
            release.images.get(&image).cloned().into_iter().collect()
        }
        _ => {
            let version = &release.version;
            refusal.because.push(format!("say which image of {version} is the bad one"));
            for image in release.images.keys() {
                let mut fields = form.typed();
                fields.insert("image".into(), image.as_str().into());
                refusal.choices.push(with_place(fields, site));
            }
            Vec::new()
        }
    }
}

/// The digests whose mark is to be taken away: only what is marked can be meant.
pub(crate) fn marked(
    site: &Site,
    words: &Words,
    form: &Form,
    refusal: &mut Refusal,
) -> Vec<Digest> {
    let bad = &site.head.bad;
    let found: Vec<Digest> = match (&words.digest, &words.version) {
        (Some(typed), _) if is_whole(typed) => vec![Digest::new(typed.as_str())],
        (Some(typed), _) => {
            let all = bad.iter().map(|bad| &bad.digest);
            by_prefix(typed, all, refusal).into_iter().collect()
        }
        (None, Some(version)) => {
            let of_version = bad.iter().filter(|bad| bad.version.as_str() == version);
            of_version.map(|bad| bad.digest.clone()).collect()
        }
        (None, None) => Vec::new(),
    };
    if found.is_empty() && refusal.because.is_empty() {
        refusal.because.push(match bad.is_empty() {
            true => format!("nothing is marked bad in {}", site.place()),
            false => "say which \"digest\" that is marked bad".to_owned(),
        });
        for bad in bad {
            let mut fields = form.typed();
            fields.remove("version");
            fields.insert("digest".into(), bad.digest.as_str().into());
            refusal.choices.push(with_place(fields, site));
        }
    }
    found
}

fn is_whole(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn by_prefix<'a>(
    typed: &str,
    known: impl Iterator<Item = &'a Digest>,
    refusal: &mut Refusal,
) -> Option<Digest> {
    let hex = typed.strip_prefix("sha256:").unwrap_or(typed);
    let starts = |digest: &&Digest| {
        let whole = digest.as_str();
        hex.len() >= DIGEST_PREFIX_MIN
            && whole.strip_prefix("sha256:").unwrap_or(whole).starts_with(hex)
    };
    let mut fitting: Vec<&Digest> = known.filter(starts).collect();
    fitting.sort();
    fitting.dedup();
    match fitting.as_slice() {
        [digest] => Some((*digest).clone()),
        [] => {
            let why = format!("no digest here begins with {typed}; write it whole: sha256:…");
            refusal.because.push(why);
            None
        }
        _ => {
            refusal.because.push(format!("{typed} fits several digests; write more of it"));
            None
        }
    }
}
