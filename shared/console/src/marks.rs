//! Which digest a person means: a literal one, or one of a version.

use super::answer::Refusal;
use super::catalog::EnvironmentView;
use super::form::Form;
use super::place::with_place;
use super::version::fits_several;
use pipeline::environment::{Bad, Failed, Head};
use pipeline::names::{Digest, ImageName, Version};
use pipeline::release::{Meant, Release, meant};
use pipeline::spec::instead;

/// The shortest prefix of a digest that is accepted.
const DIGEST_PREFIX_MIN: usize = 6;

/// The parsed fields.
pub(crate) struct Words {
    pub(crate) version: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) firm: bool,
}

/// Every known release, the newest first.
pub(crate) fn releases<'a>(site: &EnvironmentView<'a>) -> Vec<&'a Release> {
    let active = site.active.map(|active| &active.request.release);
    let queue = site.head.queue.iter().rev().map(|waits| &waits.request.release);
    let live = site.head.live.iter().map(|live| &live.release);
    let good = site.head.good.iter().rev().map(|good| &good.release);
    active.into_iter().chain(queue).chain(live).chain(good).collect()
}

/// The release of a digest, if it is known here.
pub(crate) fn version_of(releases: &[&Release], digest: &Digest) -> Option<Version> {
    let has_it = |release: &&&Release| release.images.values().any(|known| known == digest);
    releases.iter().find(has_it).map(|release| release.version.clone())
}

/// The digests to mark, each with its version: the named one, or those of a version.
pub(crate) fn digests(
    site: &EnvironmentView,
    releases: &[&Release],
    words: &Words,
    form: &Form,
    refusal: &mut Refusal,
) -> Vec<(Digest, Option<Version>)> {
    if let Some(typed) = &words.digest {
        let all = releases.iter().flat_map(|release| release.images.values());
        let digest = match is_whole(typed) {
            true => Some(Digest::new(typed.as_str())),
            false => by_prefix(typed, all, refusal),
        };
        let with_version = |digest: Digest| (digest.clone(), version_of(releases, &digest));
        return digest.map(with_version).into_iter().collect();
    }
    let Some(version) = &words.version else {
        refusal.because.push("pass \"digest\", or \"version\" and \"image\"".into());
        return Vec::new();
    };
    let known = releases.iter().map(|release| (&release.version, *release));
    let release = match meant(version, known) {
        Meant::One(release) => release,
        Meant::Several(names) => {
            refusal.because.push(fits_several(version, &names));
            return Vec::new();
        }
        Meant::Nothing => {
            let hint = instead(version, releases.iter().map(|release| release.version.as_str()));
            let place = site.place();
            refusal.because.push(format!("version {version} is not known in {place}; {hint}"));
            return Vec::new();
        }
    };
    let of_it = |digest: &Digest| (digest.clone(), Some(release.version.clone()));
    let image = words.image.as_deref().map(ImageName::new);
    match (image, release.images.len()) {
        (None, 1) => release.images.values().map(of_it).collect(),
        (Some(image), _) if release.images.contains_key(&image) => {
            release.images.get(&image).map(of_it).into_iter().collect()
        }
        _ => {
            let version = &release.version;
            refusal.because.push(format!("pass \"image\": which image of {version} is bad"));
            for image in release.images.keys() {
                let mut fields = form.typed();
                fields.insert("image".into(), image.as_str().into());
                refusal.choices.push(with_place(fields, site));
            }
            Vec::new()
        }
    }
}

/// The digests to allow again: only those that are marked, or that failed as a combination.
pub(crate) fn marked(
    site: &EnvironmentView,
    releases: &[&Release],
    words: &Words,
    form: &Form,
    refusal: &mut Refusal,
) -> Vec<Digest> {
    let bad = &site.head.bad;
    let found: Vec<Digest> = match (&words.digest, &words.version) {
        (Some(typed), _) if is_whole(typed) => vec![Digest::new(typed.as_str())],
        (Some(typed), _) => {
            let failed = site.head.failed.iter().flat_map(|failed| failed.images.values());
            let all = bad.iter().map(|bad| &bad.digest).chain(failed);
            by_prefix(typed, all, refusal).into_iter().collect()
        }
        (None, Some(version)) => {
            let image = words.image.as_deref().map(ImageName::new);
            marked_of(site, releases, version, image.as_ref(), refusal)
        }
        (None, None) => Vec::new(),
    };
    if found.is_empty() && refusal.because.is_empty() {
        let known = bad.iter().map(|bad| &bad.digest);
        let known: Vec<&Digest> = known
            .chain(unmarked(site).filter_map(|failed| failed.images.values().next()))
            .collect();
        refusal.because.push(match known.is_empty() {
            true => format!("nothing is marked bad in {}", site.place()),
            false => "pass \"digest\" with one that is marked bad".to_owned(),
        });
        for digest in known {
            let mut fields = form.typed();
            fields.remove("version");
            fields.insert("digest".into(), digest.as_str().into());
            refusal.choices.push(with_place(fields, site));
        }
    }
    found
}

/// Failed combinations without a marked digest.
pub(crate) fn unmarked<'a>(
    site: &EnvironmentView<'a>,
) -> impl Iterator<Item = &'a Failed> + use<'a> {
    let head: &'a Head = site.head;
    let is_marked = move |digest: &Digest| head.bad.iter().any(|bad| bad.digest == *digest);
    head.failed.iter().filter(move |failed| !failed.images.values().any(is_marked))
}

/// The marked digests of a version: those that were marked under it, and those of its images.
fn marked_of(
    site: &EnvironmentView,
    releases: &[&Release],
    typed: &str,
    image: Option<&ImageName>,
    refusal: &mut Refusal,
) -> Vec<Digest> {
    let bad = &site.head.bad;
    let of_releases = releases.iter().map(|release| &release.version);
    let versions = of_releases.chain(bad.iter().map(|bad| &bad.version));
    let versions = versions.chain(site.head.failed.iter().map(|failed| &failed.version));
    let version = match meant(typed, versions.map(|version| (version, version))) {
        Meant::One(version) => version,
        Meant::Several(names) => {
            refusal.because.push(fits_several(typed, &names));
            return Vec::new();
        }
        Meant::Nothing => return Vec::new(),
    };
    let of_it = releases.iter().filter(|release| release.version == *version);
    let images: Vec<(&ImageName, &Digest)> = of_it.flat_map(|release| &release.images).collect();
    let is_image = |digest: &Digest| images.iter().find(|(_, known)| *known == digest);
    let is_meant = |bad: &&Bad| match (is_image(&bad.digest), image) {
        (Some((name, _)), Some(image)) => *name == image,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => bad.version == *version,
    };
    let marked = bad.iter().filter(is_meant).map(|bad| bad.digest.clone());
    // With one of them, the whole failed combination is allowed again.
    let of_failed = unmarked(site).filter(|failed| failed.version == *version);
    let one = |failed: &Failed| match image {
        Some(image) => failed.images.get(image).cloned(),
        None => failed.images.values().next().cloned(),
    };
    marked.chain(of_failed.filter_map(one)).collect()
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
            let why = format!("no known digest begins with {typed}; write it in full: sha256:…");
            refusal.because.push(why);
            None
        }
        _ => {
            refusal.because.push(format!("{typed} matches several digests; be more specific"));
            None
        }
    }
}
