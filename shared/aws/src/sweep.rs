//! What lies in a repository: pushes that no event told of.

use crate::clients::Aws;
use crate::failure::{Failure, failure};
use aws_sdk_ecr::types::{DescribeImagesFilter, ImageDetail, ImageStatus, TagStatus};
use engine::World;
use pipeline::names::{Digest, Repository, Tag};
use pipeline::push::{Details, Push};
use pipeline::time::{Span, Time};

/// Older pushes are history: whoever wants one of them says so.
const LOST_FOR: Span = Span::hours(24);
/// ECR's own event is given so long to arrive.
const GRACE: Span = Span::minutes(2);
const PAGE: i32 = 1000;
/// So many pages are read at a time; ECR sorts them by nothing, so that all of them have to be read.
const PAGES_MAX: usize = 20;

/// What was pushed lately, as far as it was read.
#[derive(Debug, Default)]
pub struct Recent {
    pub pushes: Vec<Push>,
    /// Where the next look goes on; `None`: everything was read.
    pub next: Option<String>,
}

/// Lists what was pushed into a repository lately, the newest first: what is older by then is no
/// longer wanted, and is not deployed on the way.
pub async fn recent_pushes(
    aws: &Aws,
    repository: &Repository,
    after: Option<String>,
) -> Result<Recent, Failure> {
    let asking = aws
        .ecr()
        .describe_images()
        .repository_name(repository.as_str())
        .filter(DescribeImagesFilter::builder().tag_status(TagStatus::Tagged).build())
        .max_results(PAGE);
    let mut recent = Recent { next: after, ..Recent::default() };
    for _ in 0..PAGES_MAX {
        let page = asking.clone().set_next_token(recent.next.take()).send().await;
        let page = page.map_err(failure)?;
        for image in page.image_details() {
            recent.pushes.extend(pushes_of(repository, image, aws.now()));
        }
        recent.next = page.next_token;
        if recent.next.is_none() {
            break;
        }
    }
    recent.pushes.sort_by_key(|push| std::cmp::Reverse(push.pushed_at));
    Ok(recent)
}

/// In whole seconds, as ECR's event tells of it: later by a moment would be a push of its own.
pub(crate) fn pushed_at(image: &ImageDetail) -> Option<Time> {
    let seconds = u64::try_from(image.image_pushed_at()?.secs()).ok()?;
    Some(Time::from_millis(seconds * 1000))
}

/// One for each tag, if the image came in the right time and can be pulled.
fn pushes_of(repository: &Repository, image: &ImageDetail, now: Time) -> Vec<Push> {
    let (Some(pushed_at), Some(digest)) = (pushed_at(image), image.image_digest()) else {
        return Vec::new();
    };
    let lost = pushed_at + GRACE <= now && now < pushed_at + LOST_FOR;
    if !lost || image.image_status() == Some(&ImageStatus::Archived) {
        return Vec::new();
    }
    let push = |tag: &String| Push {
        repository: repository.clone(),
        digest: Digest::new(digest),
        tag: Some(Tag::new(tag)),
        artifact_media_type: image.artifact_media_type().map(str::to_owned),
        pushed_at,
        details: Details::default(),
    };
    image.image_tags().iter().map(push).collect()
}

#[cfg(test)]
mod tests {
    use super::{ImageDetail, ImageStatus, Time, pushes_of};
    use aws_smithy_types::DateTime;
    use expect_test::expect;
    use pipeline::names::Repository;

    const NOW: u64 = 1_795_251_732;

    fn image(minutes_ago: u64, tags: &[&str], status: ImageStatus) -> String {
        let pushed_at = i64::try_from(NOW - minutes_ago * 60).expect("a time");
        let image = ImageDetail::builder()
            .image_digest("sha256:1e434f08c210f5f3")
            .image_pushed_at(DateTime::from_millis(pushed_at * 1000 + 345))
            .set_image_tags(Some(tags.iter().map(|tag| (*tag).to_owned()).collect()))
            .image_status(status)
            .build();
        let now = Time::from_millis(NOW * 1000);
        let pushes = pushes_of(&Repository::new("scr-api"), &image, now).into_iter();
        let tags = pushes.filter_map(|push| Some(format!("{} at {}", push.tag?, push.pushed_at)));
        format!("{minutes_ago} minutes ago: {:?}\n", tags.collect::<Vec<_>>())
    }

    #[test]
    fn a_push_is_lost_when_its_event_is_late_and_nobody_wants_it_any_more_after_a_day() {
        let images = [
            image(1, &["v1"], ImageStatus::Active),
            image(2, &["v1", "latest"], ImageStatus::Active),
            image(3, &["v1"], ImageStatus::Archived),
            image(24 * 60 - 1, &["v1"], ImageStatus::Active),
            image(24 * 60, &["v1"], ImageStatus::Active),
        ];
        expect![[r#"
            1 minutes ago: []
            2 minutes ago: ["v1 at 2026-11-21T09:00:12Z", "latest at 2026-11-21T09:00:12Z"]
            3 minutes ago: []
            1439 minutes ago: ["v1 at 2026-11-20T09:03:12Z"]
            1440 minutes ago: []
        "#]]
        .assert_eq(&images.concat());
    }
}
