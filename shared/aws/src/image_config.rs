//! What an image says about its build and its platform: in the annotations of its manifest, and in
//! its configuration, which is stored in S3 like a layer.

use crate::check::plain_words;
use crate::clients::Aws;
use crate::failure::{Failure, failure};
use crate::hex::hex;
use crate::images::{self, Image};
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use pipeline::names::{Digest, Repository};
use pipeline::release::Origin;
use pipeline::time::{Span, Time};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// A configuration has some kilobytes.
const CONFIG_MAX: usize = 4 * 1024 * 1024;
/// An image has the labels of its base image as well, if the build does not set its own. A label
/// with a date so long before the build is from the base image.
const LABELS_LATE: Span = Span::hours(7 * 24);

const CREATED: &str = "org.opencontainers.image.created";
const REVISION: &str = "org.opencontainers.image.revision";
const SOURCE: &str = "org.opencontainers.image.source";
const REVISION_MAX: usize = 80;
const SOURCE_MAX: usize = 200;

/// What an image says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BuildInfo {
    /// `linux/arm64`; for a multi-platform image it is one of them.
    pub(crate) platform: Option<String>,
    pub(crate) built_at: Option<Time>,
    pub(crate) origin: Origin,
}

/// Reads what an image says. For a multi-platform image one platform stands for all.
pub(crate) async fn read(
    aws: &Aws,
    repository: &Repository,
    digest: &Digest,
) -> Result<BuildInfo, Failure> {
    let image = one(aws, repository, digest).await?;
    let manifest = image.json();
    let annotations = Labels(&manifest["annotations"]).said();
    match child_of(&manifest) {
        Some(child) => {
            let child = one(aws, repository, &child).await?;
            Ok(annotations.or(of(aws, repository, &child).await?))
        }
        None => Ok(annotations.or(of(aws, repository, &image).await?)),
    }
}

/// Reads what a single-platform image says.
pub(crate) async fn of(
    aws: &Aws,
    repository: &Repository,
    image: &Image,
) -> Result<BuildInfo, Failure> {
    let manifest = image.json();
    let annotations = Labels(&manifest["annotations"]).said();
    let Some(digest) = manifest["config"]["digest"].as_str() else {
        return Err(Failure::Unreadable("its manifest names no configuration".into()));
    };
    let config = download(aws, repository, digest).await?;
    let config = serde_json::from_slice(&config);
    let config = config.map_err(|_| Failure::Unreadable("its configuration is not JSON".into()))?;
    Ok(annotations.or(said(&config)))
}

async fn one(aws: &Aws, repository: &Repository, digest: &Digest) -> Result<Image, Failure> {
    let mut read = images::read(aws, repository, &BTreeSet::from([digest.clone()])).await?;
    let missing = || Failure::Unreadable("it is not in ECR".into());
    match (read.found.remove(digest), read.missing.remove(digest)) {
        (Some(image), _) => Ok(image),
        (None, why) => {
            Err(why.map_or_else(missing, |why| Failure::Unreadable(format!("it {why}"))))
        }
    }
}

/// The first image of an index; the other entries are attestations.
fn child_of(manifest: &Value) -> Option<Digest> {
    let children = manifest["manifests"].as_array()?;
    let is_image = |child: &&Value| child["platform"]["os"].as_str() != Some("unknown");
    let child = children.iter().find(is_image)?;
    child["digest"].as_str().map(Digest::new)
}

/// Downloads a configuration from the URL that ECR returned.
async fn download(aws: &Aws, repository: &Repository, digest: &str) -> Result<Vec<u8>, Failure> {
    let asking = aws.ecr().get_download_url_for_layer();
    let asking = asking.repository_name(repository.as_str()).layer_digest(digest);
    let address = asking.send().await.map_err(failure)?.download_url;
    let address = address.ok_or_else(|| Failure::Passing("ECR returned no download URL".into()))?;
    let request = Request::builder().method(Method::GET).uri(address).body(SdkBody::empty());
    // The URL contains a signature, so no error repeats it.
    let request =
        request.map_err(|_| Failure::Unreadable("ECR returned an invalid download URL".into()))?;
    let response = aws.http.send(request).await;
    let response = response.map_err(|error| Failure::Passing(plain_words(&error)))?;
    if response.status() != StatusCode::OK {
        return Err(Failure::Passing(format!("S3 answered {}", response.status())));
    }
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::Passing("connection lost".into()))?;
        bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        if bytes.len() > CONFIG_MAX {
            return Err(Failure::Unreadable("its configuration is over 4 MiB long".into()));
        }
    }
    let hash = hex(&Sha256::digest(&bytes));
    match digest.strip_prefix("sha256:") {
        Some(expected) if expected != hash => {
            Err(Failure::Unreadable("its configuration does not match its digest".into()))
        }
        _ => Ok(bytes),
    }
}

fn said(config: &Value) -> BuildInfo {
    let platform = match (config["os"].as_str(), config["architecture"].as_str()) {
        (Some(system), Some(architecture)) => Some(format!("{system}/{architecture}")),
        _ => None,
    };
    let created = config["created"].as_str().and_then(time);
    let labels = Labels(&config["config"]["Labels"]).said();
    let inherited = match (labels.built_at, created) {
        (Some(label), Some(created)) => label + LABELS_LATE < created,
        _ => false,
    };
    let labels = if inherited { BuildInfo::default() } else { labels };
    labels.or(BuildInfo { platform, built_at: created, origin: Origin::default() })
}

impl BuildInfo {
    /// The values of `self`, and those of `other` where `self` has none.
    fn or(self, other: BuildInfo) -> BuildInfo {
        BuildInfo {
            platform: self.platform.or(other.platform),
            built_at: self.built_at.or(other.built_at),
            origin: Origin {
                revision: self.origin.revision.or(other.origin.revision),
                source: self.origin.source.or(other.origin.source),
            },
        }
    }
}

/// Labels of a configuration, or annotations of a manifest.
struct Labels<'a>(&'a Value);

impl Labels<'_> {
    fn said(&self) -> BuildInfo {
        let (revision, source) = (self.text(REVISION, REVISION_MAX), self.text(SOURCE, SOURCE_MAX));
        let source = source.map(without_login);
        let built_at = self.0[CREATED].as_str().and_then(time);
        BuildInfo { platform: None, built_at, origin: Origin { revision, source } }
    }

    /// Labels may hold anything; what is no name or address is ignored.
    fn text(&self, label: &str, most: usize) -> Option<String> {
        let text = self.0[label].as_str()?;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        (!text.is_empty() && text.len() <= most && is_plain).then(|| text.to_owned())
    }
}

fn time(text: &str) -> Option<Time> {
    let moment = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
    Some(Time::from_millis(u64::try_from(moment.to_millis().ok()?).ok()?))
}

/// `https://ann:token@github.com/acme/scr` without the credentials.
fn without_login(address: String) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{path}"),
        None => address,
    }
}

#[cfg(test)]
mod tests {
    use super::{BuildInfo, said, time, without_login};
    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    fn check(config: &Value, expected: &Expect) {
        let BuildInfo { platform, built_at, origin } = said(config);
        let built_at = built_at.map(|at| at.to_string());
        let shown = [platform, built_at, origin.revision, origin.source];
        expected.assert_eq(&shown.map(|text| text.unwrap_or("-".into())).join(" "));
    }

    fn labelled(created: &str, revision: &str, source: &str) -> Value {
        json!({
            "os": "linux",
            "architecture": "arm64",
            "created": "2026-11-20T10:00:03.123456789Z",
            "config": {"Labels": {
                "org.opencontainers.image.created": created,
                "org.opencontainers.image.revision": revision,
                "org.opencontainers.image.source": source,
            }},
        })
    }

    #[test]
    fn labels_say_more_than_the_date_of_the_build() {
        check(
            &labelled("2026-11-20T10:30:00+01:00", "3f2a9c1", "https://github.com/acme/scr"),
            &expect!["linux/arm64 2026-11-20T09:30:00Z 3f2a9c1 https://github.com/acme/scr"],
        );
        check(
            &json!({"os": "linux", "architecture": "amd64", "created": "2026-11-20T10:00:03Z"}),
            &expect!["linux/amd64 2026-11-20T10:00:03Z - -"],
        );
        check(&json!({"config": {"Labels": null}}), &expect!["- - - -"]);
    }

    #[test]
    fn labels_of_the_base_image_say_nothing() {
        check(
            &labelled("2026-10-01T10:00:00Z", "base", "https://github.com/acme/base"),
            &expect!["linux/arm64 2026-11-20T10:00:03Z - -"],
        );
    }

    #[test]
    fn what_no_build_would_say_is_left_out() {
        let long = "a".repeat(81);
        check(
            &labelled("yesterday", &long, "https://github.com/acme/scr\nforged line"),
            &expect!["linux/arm64 2026-11-20T10:00:03Z - -"],
        );
        check(&labelled("", "", ""), &expect!["linux/arm64 2026-11-20T10:00:03Z - -"]);
        assert_eq!(time("1970-01-01T00:00:00Z").map(|at| at.millis()), Some(0));
        assert_eq!(time("0001-01-01T00:00:00Z"), None);
    }

    #[test]
    fn an_address_is_kept_without_its_credentials() {
        let cases = [
            "https://ann:token@github.com/acme/scr",
            "https://token@github.com/acme/scr?a=b@c",
            "https://github.com/acme/scr@main",
            "git@github.com:acme/scr.git",
        ];
        let shown = cases.map(|address| without_login(address.into()) + "\n").concat();
        expect![[r#"
            https://github.com/acme/scr
            https://github.com/acme/scr?a=b@c
            https://github.com/acme/scr@main
            git@github.com:acme/scr.git
        "#]]
        .assert_eq(&shown);
    }
}
