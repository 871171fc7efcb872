//! What the sweep needs besides the loop: how late it is, and pushes that no event told of.

use crate::clients::Aws;
use crate::failure::{Failure, failure};
use crate::world::table::{number, string};
use aws_sdk_ecr::types::{DescribeImagesFilter, ImageDetail, ImageStatus, TagStatus};
use engine::World;
use pipeline::names::{Digest, Repository, Tag};
use pipeline::push::Push;
use pipeline::time::{Span, Time};

/// Older pushes are history: whoever wants one of them says so.
const LOST_FOR: Span = Span::hours(24);
/// ECR's own event is given so long to arrive.
const GRACE: Span = Span::minutes(2);
const PAGE: i32 = 1000;

/// Since when the record that waits longest wants to be woken; `None`: nothing is due.
pub async fn oldest_due(aws: &Aws) -> Result<Option<Time>, Failure> {
    let asking = aws.dynamodb().query().table_name(aws.table()?).index_name("due");
    let asking = asking
        .key_condition_expression("due = :due AND due_at <= :now")
        .expression_attribute_values(":due", string("due"))
        .expression_attribute_values(":now", number(aws.now().millis()))
        .limit(1);
    let items = asking.send().await.map_err(failure)?.items.unwrap_or_default();
    let due_at = items.first().and_then(|item| item.get("due_at")?.as_n().ok());
    Ok(due_at.and_then(|millis| millis.parse().ok()).map(Time::from_millis))
}

/// Lists what was pushed into a repository lately, the newest first: what is older by then is no
/// longer wanted, and is not deployed on the way.
pub async fn recent_pushes(aws: &Aws, repository: &Repository) -> Result<Vec<Push>, Failure> {
    let asking = aws
        .ecr()
        .describe_images()
        .repository_name(repository.as_str())
        .filter(DescribeImagesFilter::builder().tag_status(TagStatus::Tagged).build())
        .max_results(PAGE);
    let mut pushes = Vec::new();
    let mut pages = asking.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failure)?;
        for image in page.image_details() {
            pushes.extend(pushes_of(repository, image, aws.now()));
        }
    }
    pushes.sort_by_key(|push| std::cmp::Reverse(push.pushed_at));
    Ok(pushes)
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
        built_at: None,
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
