//! Which release a person means: one that was pushed, one that ran, or the image of a tag in the
//! registry.

use super::catalog::{EnvironmentView, Installed, Records};
use super::registry::{Found, Registry};
use super::version::{by_version, fits_several};
use aws::failure::Failure;
use pipeline::names::{EnvironmentName, ImageName, Version};
use pipeline::release::{Meant, Release, meant};
use pipeline::spec::instead;
use pipeline::time::Time;
use std::collections::BTreeMap;

/// The fields of the request about the release.
#[derive(Debug)]
pub(crate) struct TypedRelease {
    pub(crate) version: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) images: BTreeMap<String, String>,
}

/// Finds the release, or everything that prevents it.
pub(crate) async fn find(
    world: &impl Records,
    registry: &impl Registry,
    installed: &Installed,
    site: &EnvironmentView<'_>,
    wish: &TypedRelease,
    now: Time,
) -> Result<Result<Release, Vec<String>>, Failure> {
    let mut faults = unknown_images(site, wish);
    let found = match (&wish.from, &wish.version) {
        (Some(from), version) => promoted(installed, site, from, version.as_deref()),
        (None, Some(version)) => {
            by_version(world, registry, installed, site, version, &wish.images, now).await?
        }
        (None, None) => Ok(None),
    };
    let found = found.unwrap_or_else(|why| {
        faults.extend(why);
        None
    });
    let none = || Release::new(Version::new(""), now, BTreeMap::new());
    let mut release = found.unwrap_or_else(none);
    for (name, typed) in &wish.images {
        let name = ImageName::new(name.as_str());
        let Some(repository) = site.spec.images.get(&name) else { continue };
        match registry.image(repository, typed).await? {
            Found::Image(image) => {
                release.images.insert(name, image.digest);
            }
            Found::NoImage => faults.push(format!("{repository} has no image {typed}")),
            Found::NoRepository => faults.push(format!("there is no repository {repository}")),
        }
    }
    if release.images.is_empty() && faults.is_empty() {
        faults.push("pass \"version\", or \"from\" with an environment".into());
    }
    if !wish.images.is_empty() {
        release.version = named_after_images(&release, wish);
        // The build information of the version does not apply to these images.
        release = Release::new(release.version, release.built_at, release.images);
    }
    Ok(if faults.is_empty() { Ok(release) } else { Err(faults) })
}

/// The live release of another environment, or one that succeeded there.
fn promoted(
    installed: &Installed,
    site: &EnvironmentView,
    from: &str,
    version: Option<&str>,
) -> Result<Option<Release>, Vec<String>> {
    let others = || installed.heads.keys().filter(|name| **name != site.place().environment);
    let lower = from.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let Some(head) = installed.heads.get(&EnvironmentName::new(name)) else {
        let hint = instead(from, others().map(EnvironmentName::as_str));
        return Err(vec![format!("there is no environment {from} to promote from; {hint}")]);
    };
    let Some(version) = version else {
        return match &head.live {
            Some(live) => Ok(Some(live.release.clone())),
            None if head.good.is_empty() => {
                Err(vec![format!("nothing has succeeded in {from} yet")])
            }
            None => Err(vec![format!("the live release of {from} is unknown; pass \"version\"")]),
        };
    };
    let good: Vec<&Release> = head.good.iter().rev().map(|good| &good.release).collect();
    match meant(version, good.iter().map(|release| (&release.version, *release))) {
        Meant::One(release) => Ok(Some(release.clone())),
        Meant::Several(names) => Err(vec![fits_several(version, &names)]),
        Meant::Nothing => {
            let names: Vec<_> = good.iter().map(|release| release.version.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Err(vec![format!("{version} never succeeded in {from}; these did: {names}")])
        }
    }
}

fn unknown_images(site: &EnvironmentView, wish: &TypedRelease) -> Vec<String> {
    let known = || site.spec.images.keys().map(ImageName::as_str);
    let unknown = wish.images.keys().filter(|image| !known().any(|name| name == *image));
    unknown.map(|image| format!("there is no image {image}; {}", instead(image, known()))).collect()
}

fn named_after_images(release: &Release, wish: &TypedRelease) -> Version {
    let given: Vec<String> = wish
        .images
        .keys()
        .filter_map(|image| {
            let digest = release.images.get(&ImageName::new(image.as_str()))?;
            Some(format!("{image}@{}", digest.short()))
        })
        .collect();
    match release.version.as_str() {
        "" => Version::new(given.join(",")),
        version => Version::new(format!("{version},{}", given.join(","))),
    }
}
