//! Which release a version names: one that was pushed, one that ran, or a tag in the registry.

use super::catalog::{EnvironmentView, Installed, Records};
use super::registry::{Found, Image, Registry};
use aws::failure::Failure;
use futures_util::future::try_join_all;
use pipeline::names::{Digest, ImageName, Tag, Version};
use pipeline::push::Candidate;
use pipeline::release::{Meant, Release, meant};
use pipeline::spec::{TagPattern, instead};
use pipeline::time::Time;
use std::collections::BTreeMap;

/// Tags that always count as moving, even if the spec does not list them.
const MOVING: [&str; 10] = [
    "latest",
    "main",
    "master",
    "develop",
    "dev",
    "staging",
    "production",
    "prod",
    "stable",
    "edge",
];

/// A version is, in this order: exactly a known one, exactly a tag in the registry, or the prefix
/// of a known one.
pub(crate) async fn by_version(
    world: &impl Records,
    registry: &impl Registry,
    installed: &Installed,
    site: &EnvironmentView<'_>,
    version: &str,
    given: &BTreeMap<String, String>,
    now: Time,
) -> Result<Result<Option<Release>, Vec<String>>, Failure> {
    let wanted = wanted(site, given);
    let moving = is_moving(installed, version);
    let known = match moving {
        // The digest that a moving tag had when it was pushed may not be its digest now.
        true => Vec::new(),
        false => known_releases(world, installed, site, version).await?,
    };
    if let Some(exact) = known.iter().find(|known| known.release.version.as_str() == version) {
        return completed(registry, site, exact, &wanted).await;
    }
    let faults = match tagged(registry, site, version, &wanted).await? {
        Ok(found) => return Ok(Ok(Some(of_images(version, moving, found, now)))),
        Err(faults) => faults,
    };
    if faults.len() < wanted.len() {
        return Ok(Err(faults)); // It was pushed, but not to every repository.
    }
    match meant(version, known.iter().map(|known| (&known.release.version, known))) {
        Meant::One(only) => completed(registry, site, only, &wanted).await,
        Meant::Several(names) => Ok(Err(vec![fits_several(version, &names)])),
        Meant::Nothing => Ok(Err(with_hint(world, site, version, faults).await?)),
    }
}

/// A release, and the tag of its images in the registry.
struct KnownRelease {
    release: Release,
    tag: String,
}

/// The pushed or deployed releases whose version has this prefix.
async fn known_releases(
    world: &impl Records,
    installed: &Installed,
    site: &EnvironmentView<'_>,
    version: &str,
) -> Result<Vec<KnownRelease>, Failure> {
    let candidates = world.candidates(&site.place().application, version).await?;
    let pushed = candidates.iter().map(|candidate| KnownRelease {
        release: of_candidate(candidate),
        tag: candidate.tag.to_string(),
    });
    let good = installed.heads.values().flat_map(|head| head.good.iter().rev());
    let live = installed.heads.values().filter_map(|head| head.live.as_ref());
    let ran = live.map(|live| &live.release).chain(good.map(|good| &good.release));
    let ran = ran
        .map(|release| KnownRelease { release: release.clone(), tag: release.version.to_string() });
    Ok(pushed.chain(ran).filter(|known| known.release.version.is_meant_by(version)).collect())
}

/// The known images of a release; images whose push was not reported come from the registry.
async fn completed(
    registry: &impl Registry,
    site: &EnvironmentView<'_>,
    known: &KnownRelease,
    wanted: &[ImageName],
) -> Result<Result<Option<Release>, Vec<String>>, Failure> {
    let mut release = known.release.clone();
    release.images.retain(|image, _| wanted.contains(image));
    let missing = wanted.iter().filter(|image| !release.images.contains_key(*image));
    let missing: Vec<ImageName> = missing.cloned().collect();
    let found = tagged(registry, site, &known.tag, &missing).await?;
    Ok(found.map(|found| {
        release.images.extend(found.into_iter().map(|(name, image)| (name, image.digest)));
        Some(release)
    }))
}

fn of_images(tag: &str, moving: bool, found: BTreeMap<ImageName, Image>, now: Time) -> Release {
    let built_at = found.values().filter_map(|image| image.pushed_at).max();
    let built_at = built_at.map_or(now, |at| at.min(now));
    let images: BTreeMap<_, _> =
        found.into_iter().map(|(name, image)| (name, image.digest)).collect();
    let version = match images.values().next() {
        Some(digest) if moving => Version::new(format!("{tag}@{}", digest.short())),
        _ => Version::new(tag),
    };
    Release::new(version, built_at, images)
}

/// The images of one tag in every repository, or the repositories that lack it.
async fn tagged(
    registry: &impl Registry,
    site: &EnvironmentView<'_>,
    tag: &str,
    images: &[ImageName],
) -> Result<Result<BTreeMap<ImageName, Image>, Vec<String>>, Failure> {
    let asked = images.iter().filter_map(|name| Some((name, site.spec.images.get(name)?)));
    let asking = asked.clone().map(|(_, repository)| registry.image(repository, tag));
    let answers = try_join_all(asking).await?;
    let (mut found, mut faults) = (BTreeMap::new(), Vec::new());
    for ((name, repository), answer) in asked.zip(answers) {
        match answer {
            Found::Image(image) => {
                found.insert(name.clone(), image);
            }
            Found::NoImage => faults.push(format!("{repository} has no image {tag}")),
            Found::NoRepository => faults.push(format!("there is no repository {repository}")),
        }
    }
    Ok(if faults.is_empty() { Ok(found) } else { Err(faults) })
}

async fn with_hint(
    world: &impl Records,
    site: &EnvironmentView<'_>,
    version: &str,
    mut faults: Vec<String>,
) -> Result<Vec<String>, Failure> {
    let candidates = world.newest(&site.place().application).await?;
    let names = candidates.iter().map(|candidate| candidate.version.as_str());
    let hint = instead(version, names);
    if hint.starts_with("did you mean") {
        faults.push(hint);
    }
    Ok(faults)
}

/// The images of a release that the environment needs, without those that the request gives.
pub(crate) fn wanted(site: &EnvironmentView, given: &BTreeMap<String, String>) -> Vec<ImageName> {
    let all: Vec<ImageName> = match &site.rules.deploy_on {
        Some(deploy_on) => deploy_on.images.clone(),
        None => site.spec.images.keys().cloned().collect(),
    };
    all.into_iter().filter(|image| !given.contains_key(image.as_str())).collect()
}

fn is_moving(installed: &Installed, tag: &str) -> bool {
    let rules = installed.spec.environments.values().filter_map(|rules| rules.deploy_on.as_ref());
    let mut patterns = rules.flat_map(|deploy_on| &deploy_on.tags);
    let word = tag.rsplit('-').next().unwrap_or(tag);
    MOVING.contains(&tag)
        || word == "latest"
        || patterns.any(|pattern| *pattern == TagPattern::Moving(Tag::new(tag)))
}

fn of_candidate(candidate: &Candidate) -> Release {
    let images = candidate.images.iter();
    let images: BTreeMap<ImageName, Digest> =
        images.map(|(image, arrived)| (image.clone(), arrived.digest.clone())).collect();
    candidate.release(candidate.version.clone(), images)
}

/// Says what a version may mean that was not written out.
pub(super) fn fits_several(typed: &str, versions: &[Version]) -> String {
    let versions: Vec<&str> = versions.iter().map(Version::as_str).collect();
    format!("{typed} matches several: {}; be more specific", versions.join(", "))
}
