//! The scan of a repository: pushes that no event reported.

use crate::clients::Aws;
use crate::failure::{Failure, failure};
use crate::known_tags::{self, KnownTags};
use aws_sdk_ecr::types::{DescribeImagesFilter, ImageDetail, ImageStatus, TagStatus};
use engine::World;
use pipeline::names::{Digest, Repository, Tag};
use pipeline::push::{Details, KEEP_PREFIX, Push};
use pipeline::time::{Span, Time};

/// Older pushes are history: a person deploys one of them by hand.
const LOST_FOR: Span = Span::hours(24);
/// How long ECR's own event may take to arrive.
const GRACE: Span = Span::minutes(2);
/// How often unchanged tags are stored again.
const REMEMBERED: Span = Span::hours(1);
const PAGE: i32 = 1000;
/// How many pages are read at a time; ECR does not sort them, so all of them have to be read.
const PAGES_MAX: usize = 20;

/// Tags in a repository that did not exist at the last scan.
#[derive(Debug)]
pub struct Look {
    repository: Repository,
    /// The newest first: an older one is then no longer wanted, and is not deployed first.
    pub pushes: Vec<Push>,
    /// Where the next scan continues; `None`: everything was read.
    pub next: Option<String>,
    /// The current tags, if all of them were read in one scan.
    now: Option<KnownTags>,
    before: Option<KnownTags>,
}

/// Scans a repository for tags whose event may be lost.
///
/// Tags from before an application watched the repository, or from before its spec changed, are
/// history: a spec that is new or that wants more tags starts no deployment.
///
/// A repository that is so large that it takes several scans: only images that were pushed lately
/// are found, and no tag that was put on an old image.
pub async fn look(
    aws: &Aws,
    repository: &Repository,
    after: Option<String>,
) -> Result<Look, Failure> {
    let is_first = after.is_none();
    let (before, watched_since, (images, next)) = futures_util::try_join!(
        known_tags::read(aws, repository),
        aws.watched_since(repository),
        images(aws, repository, after)
    )?;
    let is_whole = is_first && next.is_none();
    let before = before.filter(|_| is_whole);
    let (pushes, now) = compare(repository, &images, before.as_ref(), watched_since, aws.now());
    let now = is_whole.then_some(now);
    Ok(Look { repository: repository.clone(), pushes, next, now, before })
}

fn compare(
    repository: &Repository,
    images: &[ImageDetail],
    before: Option<&KnownTags>,
    watched_since: Time,
    at: Time,
) -> (Vec<Push>, KnownTags) {
    let mut pushes = Vec::new();
    let mut now = KnownTags { at, ..KnownTags::default() };
    for image in images {
        let Some(pushed_at) = pushed_at(image).filter(|pushed_at| *pushed_at + GRACE <= at) else {
            continue;
        };
        if now.tags.len() >= known_tags::TAGS_MAX {
            now.since = pushed_at + Span::seconds(1);
            break;
        }
        for (tag, digest) in tags_of(image) {
            now.tags.insert(known_tags::number_of(tag, digest));
            let since = match before {
                Some(before) if before.knows(tag, digest, pushed_at) => continue,
                // An existing image got its tag after that scan.
                Some(before) if pushed_at + GRACE <= before.at => before.at,
                // The previous scan ignored it as too new, or there was none.
                _ => pushed_at,
            };
            let is_history = since < watched_since || since + LOST_FOR <= at;
            if !is_history && image.image_status() != Some(&ImageStatus::Archived) {
                pushes.push(push(repository, image, tag, digest, since, at));
            }
        }
    }
    pushes.sort_by_key(|push| std::cmp::Reverse(push.pushed_at));
    (pushes, now)
}

impl Look {
    /// Remembers the current tags, once all except these pushes were recorded.
    pub async fn remember(self, aws: &Aws, not_taken_in: &[Push]) -> Result<(), Failure> {
        let Some(mut now) = self.now else { return Ok(()) };
        for push in not_taken_in {
            if let Some(tag) = &push.tag {
                now.tags.remove(&known_tags::number_of(tag.as_str(), push.digest.as_str()));
            }
        }
        let is_same = |before: &KnownTags| (before.since, &before.tags) == (now.since, &now.tags);
        match &self.before {
            // Unchanged tags are not written again for a while.
            Some(before) if is_same(before) && before.at + REMEMBERED > now.at => Ok(()),
            _ => known_tags::write(aws, &self.repository, &now).await,
        }
    }
}

/// Tagged images, the newest first, as many as are read at a time, and where the rest starts.
async fn images(
    aws: &Aws,
    repository: &Repository,
    mut next: Option<String>,
) -> Result<(Vec<ImageDetail>, Option<String>), Failure> {
    let asking = aws
        .ecr()
        .describe_images()
        .repository_name(repository.as_str())
        .filter(DescribeImagesFilter::builder().tag_status(TagStatus::Tagged).build())
        .max_results(PAGE);
    let mut images = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = asking.clone().set_next_token(next.take()).send().await.map_err(failure)?;
        images.extend(page.image_details.unwrap_or_default());
        next = page.next_token;
        if next.is_none() {
            break;
        }
    }
    images.sort_by_key(|image| std::cmp::Reverse(pushed_at(image)));
    Ok((images, next))
}

/// In whole seconds, as in ECR's event: another time would be another push.
pub fn pushed_at(image: &ImageDetail) -> Option<Time> {
    let seconds = u64::try_from(image.image_pushed_at()?.secs()).ok()?;
    Some(Time::from_millis(seconds * 1000))
}

/// Each tag with the image's digest. Slipway's own tags change with every deployment.
fn tags_of(image: &ImageDetail) -> impl Iterator<Item = (&str, &str)> {
    let tags = image.image_tags().iter().map(String::as_str);
    let theirs = tags.filter(|tag| !tag.starts_with(KEEP_PREFIX));
    theirs.filter_map(|tag| Some((tag, image.image_digest()?)))
}

fn push(
    repository: &Repository,
    image: &ImageDetail,
    tag: &str,
    digest: &str,
    since: Time,
    asked_at: Time,
) -> Push {
    let details = Details {
        asked_at: Some(asked_at),
        image_pushed_at: pushed_at(image),
        ..Details::default()
    };
    Push {
        repository: repository.clone(),
        digest: Digest::new(digest),
        tag: Some(Tag::new(tag)),
        artifact_media_type: image.artifact_media_type().map(str::to_owned),
        pushed_at: since,
        details,
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageDetail, ImageStatus, KnownTags, Push, Time, compare};
    use aws_smithy_types::DateTime;
    use expect_test::expect;
    use pipeline::names::Repository;
    use pipeline::time::Span;

    const NOW: Time = Time::from_millis(1_795_251_732_000);

    fn ago(minutes: u64) -> Time {
        Time::from_millis(NOW.millis() - minutes * 60_000)
    }

    fn image(minutes_ago: u64, tags: &[&str], status: ImageStatus) -> ImageDetail {
        let pushed_at = i64::try_from(ago(minutes_ago).millis()).expect("a time");
        ImageDetail::builder()
            .image_digest(format!("sha256:{minutes_ago}"))
            .image_pushed_at(DateTime::from_millis(pushed_at + 345))
            .set_image_tags(Some(tags.iter().map(|tag| (*tag).to_owned()).collect()))
            .image_status(status)
            .build()
    }

    type Look = (Vec<Push>, KnownTags);

    fn looked(images: &[ImageDetail], before: Option<&KnownTags>, watched_since: Time) -> Look {
        compare(&Repository::new("scr-api"), images, before, watched_since, NOW)
    }

    fn found(look: &Look) -> String {
        let line = |push: &Push| {
            let tag = push.tag.as_ref().map_or("none", |tag| tag.as_str());
            format!(
                "{tag} of {}, {} minutes ago\n",
                push.digest,
                NOW.since(push.pushed_at).as_seconds() / 60
            )
        };
        look.0.iter().map(line).collect()
    }

    #[test]
    fn a_push_is_lost_when_its_event_is_late_and_is_ignored_after_a_day() {
        let images = [
            image(1, &["v1"], ImageStatus::Active),
            image(2, &["v1", "latest"], ImageStatus::Active),
            image(3, &["v1"], ImageStatus::Archived),
            image(24 * 60 - 1, &["v1"], ImageStatus::Active),
            image(24 * 60, &["v1"], ImageStatus::Active),
        ];
        expect![[r#"
            v1 of sha256:2, 2 minutes ago
            latest of sha256:2, 2 minutes ago
            v1 of sha256:1439, 1439 minutes ago
        "#]]
        .assert_eq(&found(&looked(&images, None, Time::default())));
    }

    #[test]
    fn what_was_there_before_a_spec_wanted_it_is_history() {
        let images = [
            image(10, &["v2"], ImageStatus::Active),
            image(30, &["v1"], ImageStatus::Active),
            image(600, &["v0"], ImageStatus::Active),
        ];
        let first = looked(&images, None, ago(20));
        expect![[r#"
            v2 of sha256:10, 10 minutes ago
        "#]]
        .assert_eq(&found(&first));
        assert_eq!(first.1.tags.len(), 3);
        // It is unknown whether the tag existed before the spec changed.
        let before = KnownTags { at: ago(15), ..looked(&images[1..], None, ago(20)).1 };
        let more = [image(600, &["v0", "v3"], ImageStatus::Active)];
        assert_eq!(found(&looked(&more, Some(&before), ago(14))), "");
        expect![[r#"
            v3 of sha256:600, 15 minutes ago
        "#]]
        .assert_eq(&found(&looked(&more, Some(&before), ago(20))));
    }

    #[test]
    fn a_tag_that_was_put_on_an_old_image_is_as_late_as_the_look_before_it() {
        let old = 60 * 24 * 9;
        let there = [
            image(20, &["latest"], ImageStatus::Active),
            image(old, &["3f2a9c1", "slipway-keep-scr.staging.1"], ImageStatus::Active),
        ];
        let before = KnownTags { at: ago(15), ..looked(&there, None, Time::default()).1 };
        assert_eq!(found(&looked(&there, Some(&before), Time::default())), "");
        // `latest` is moved back, and the image gets a second tag.
        let moved = [
            image(20, &["second"], ImageStatus::Active),
            image(
                old,
                &["3f2a9c1", "latest", "v1.4.0", "slipway-keep-scr.staging.2"],
                ImageStatus::Active,
            ),
        ];
        expect![[r#"
            second of sha256:20, 15 minutes ago
            latest of sha256:12960, 15 minutes ago
            v1.4.0 of sha256:12960, 15 minutes ago
        "#]]
        .assert_eq(&found(&looked(&moved, Some(&before), Time::default())));
        // If the last scan was days ago, only the image itself can be new.
        let long_ago = KnownTags { at: ago(old), ..before };
        expect![[r#"
            second of sha256:20, 20 minutes ago
        "#]]
        .assert_eq(&found(&looked(&moved, Some(&long_ago), Time::default())));
    }

    #[test]
    fn an_image_that_came_just_before_a_look_is_as_late_as_its_push() {
        let before = KnownTags { at: ago(15), ..KnownTags::default() };
        let images =
            [image(16, &["latest"], ImageStatus::Active), image(17, &["v2"], ImageStatus::Active)];
        expect![[r#"
            v2 of sha256:17, 15 minutes ago
            latest of sha256:16, 16 minutes ago
        "#]]
        .assert_eq(&found(&looked(&images, Some(&before), Time::default())));
    }

    #[test]
    fn of_more_tags_than_can_be_remembered_the_newest_are() {
        let tags: Vec<String> = (0..20_000).map(|number| format!("t{number}")).collect();
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let images =
            [image(60, &tags, ImageStatus::Active), image(70, &["old"], ImageStatus::Active)];
        let before = KnownTags { at: ago(15), ..looked(&images, None, Time::default()).1 };
        assert_eq!((before.tags.len(), before.since), (20_000, ago(70) + Span::seconds(1)));
        let tagged = [
            image(60, &["new"], ImageStatus::Active),
            image(70, &["old", "older"], ImageStatus::Active),
        ];
        expect![[r#"
            new of sha256:60, 15 minutes ago
        "#]]
        .assert_eq(&found(&looked(&tagged, Some(&before), Time::default())));
    }
}
