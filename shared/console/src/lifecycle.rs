//! Lifecycle rules of a repository that would delete what a rollback may need.
//!
//! Slipway's tag prevents an image from expiring as untagged. A rule that counts tagged images
//! still applies, unless a rule of its own with a lower priority number keeps enough of them.
//! Enough is many: every deployment in every environment adds a tag, none is ever removed, and the
//! images that production has run for long are the oldest.

use pipeline::push::KEEP_PREFIX;
use serde_json::Value;

/// The prefix of Slipway's tags.
const OURS: &str = "slipway";
/// A year of three deployments a day.
const ENOUGH: u64 = 1000;

/// Names the dangerous rule and what to do about it; `None`: there is none.
pub(crate) fn danger(policy: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let mut rules: Vec<&Value> = policy["rules"].as_array()?.iter().collect();
    rules.sort_by_key(|rule| rule["rulePriority"].as_u64());
    // An image that matches one rule is not considered by later rules.
    let own = rules.iter().position(|rule| is_for_ours(rule)).unwrap_or(rules.len());
    let takes_tagged = |rule: &&&Value| rule["selection"]["tagStatus"] != "untagged";
    let ours = rules.get(own).filter(|rule| !keeps_enough(rule));
    let rule = rules.iter().take(own).find(takes_tagged).or(ours)?;
    let (priority, selection) = (&rule["rulePriority"], &rule["selection"]);
    let what = selection["countType"].as_str().unwrap_or_default();
    let unit = selection["countUnit"].as_str().map(|unit| format!(" {unit}")).unwrap_or_default();
    // An archived image cannot be pulled either.
    let does = if rule["action"]["type"] == "transition" { "archive" } else { "delete" };
    let advice = match is_for_ours(rule) {
        true => format!("let it expire images by imageCountMoreThan, {ENOUGH} or more"),
        false => format!(
            "put a rule before it that selects tagPatternList [\"{KEEP_PREFIX}*\"] and expires them \
             by imageCountMoreThan, {ENOUGH} or more"
        ),
    };
    Some(format!(
        "its lifecycle rule {priority} ({what} {}{unit}) may {does} an image that a rollback needs; \
         {advice}",
        selection["countNumber"]
    ))
}

fn keeps_enough(rule: &Value) -> bool {
    let selection = &rule["selection"];
    let many = selection["countNumber"].as_u64();
    selection["countType"] == "imageCountMoreThan" && many.is_some_and(|many| many >= ENOUGH)
}

/// A rule selects the images that match all of its tag patterns. One that matches every tag is not
/// Slipway's own rule, though it selects Slipway's tags as well.
fn is_for_ours(rule: &Value) -> bool {
    let selected = |list: &str| {
        let texts = rule["selection"][list].as_array().into_iter().flatten();
        texts.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let (prefixes, patterns) = (selected("tagPrefixList"), selected("tagPatternList"));
    let begins = |start: &str| start.starts_with(OURS) && KEEP_PREFIX.starts_with(start);
    let fits = |pattern: &str| pattern.strip_suffix('*').is_some_and(begins);
    let names_some = !prefixes.is_empty() || !patterns.is_empty();
    names_some && prefixes.iter().all(|one| begins(one)) && patterns.iter().all(|one| fits(one))
}

#[cfg(test)]
mod tests {
    use super::danger;
    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    fn check(rules: &[Value], expected: &Expect) {
        let policy = json!({ "rules": rules }).to_string();
        expected.assert_eq(&danger(&policy).unwrap_or_default());
    }

    fn rule(priority: u64, selection: &Value) -> Value {
        json!({"rulePriority": priority, "selection": selection, "action": {"type": "expire"}})
    }

    fn garbage() -> Value {
        rule(
            1,
            &json!({"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}),
        )
    }

    fn count() -> Value {
        rule(5, &json!({"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}))
    }

    #[test]
    fn what_takes_only_garbage_is_no_danger() {
        check(&[], &expect![""]);
        check(&[garbage()], &expect![""]);
        assert_eq!(danger("no JSON"), None);
    }

    #[test]
    fn what_counts_tagged_images_is_one() {
        check(
            &[garbage(), count()],
            &expect![[
                r#"its lifecycle rule 5 (imageCountMoreThan 10) may delete an image that a rollback needs; put a rule before it that selects tagPatternList ["slipway-keep-*"] and expires them by imageCountMoreThan, 1000 or more"#
            ]],
        );
        let old = json!({"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 90});
        check(
            &[rule(3, &old), garbage()],
            &expect![[
                r#"its lifecycle rule 3 (sinceImagePushed 90 days) may delete an image that a rollback needs; put a rule before it that selects tagPatternList ["slipway-keep-*"] and expires them by imageCountMoreThan, 1000 or more"#
            ]],
        );
    }

    #[test]
    fn what_is_archived_cannot_be_pulled_either() {
        let archive = json!({"rulePriority": 2, "selection": {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 90}, "action": {"type": "transition"}});
        check(
            &[garbage(), archive],
            &expect![[
                r#"its lifecycle rule 2 (sinceImagePulled 90 days) may archive an image that a rollback needs; put a rule before it that selects tagPatternList ["slipway-keep-*"] and expires them by imageCountMoreThan, 1000 or more"#
            ]],
        );
    }

    #[test]
    fn a_rule_takes_only_what_has_all_of_its_tags() {
        let tagged = |patterns: &[&str]| {
            let selection = json!({"tagStatus": "tagged", "tagPatternList": patterns, "countType": "imageCountMoreThan", "countNumber": 1000});
            rule(2, &selection)
        };
        check(
            &[tagged(&["slipway-keep-*", "v*"]), count()],
            &expect![[
                r#"its lifecycle rule 2 (imageCountMoreThan 1000) may delete an image that a rollback needs; put a rule before it that selects tagPatternList ["slipway-keep-*"] and expires them by imageCountMoreThan, 1000 or more"#
            ]],
        );
        check(
            &[tagged(&["slipway-keep-staging*"]), count()],
            &expect![[
                r#"its lifecycle rule 2 (imageCountMoreThan 1000) may delete an image that a rollback needs; put a rule before it that selects tagPatternList ["slipway-keep-*"] and expires them by imageCountMoreThan, 1000 or more"#
            ]],
        );
        check(&[tagged(&["slipway-*"]), count()], &expect![""]);
    }

    #[test]
    fn a_rule_for_every_tag_or_one_that_keeps_too_few_is_no_protection() {
        let tagged = |pattern: &str, kind: &str, many: u64| {
            let selection = json!({"tagStatus": "tagged", "tagPatternList": [pattern], "countType": kind, "countNumber": many});
            rule(2, &selection)
        };
        for (one, expected) in [
            (
                tagged("*", "imageCountMoreThan", 500),
                expect![[
                    r#"its lifecycle rule 2 (imageCountMoreThan 500) may delete an image that a rollback needs; put a rule before it that selects tagPatternList ["slipway-keep-*"] and expires them by imageCountMoreThan, 1000 or more"#
                ]],
            ),
            (
                tagged("slipway-keep-*", "imageCountMoreThan", 999),
                expect![
                    "its lifecycle rule 2 (imageCountMoreThan 999) may delete an image that a rollback needs; let it expire images by imageCountMoreThan, 1000 or more"
                ],
            ),
            (
                tagged("slipway-keep-*", "sinceImagePushed", 60),
                expect![
                    "its lifecycle rule 2 (sinceImagePushed 60) may delete an image that a rollback needs; let it expire images by imageCountMoreThan, 1000 or more"
                ],
            ),
            (tagged("slipway-keep-*", "imageCountMoreThan", 1000), expect![[""]]),
        ] {
            check(&[one, count()], &expected);
        }
    }

    #[test]
    fn a_rule_for_ours_that_comes_first_takes_them_out_of_its_reach() {
        let ours = |priority| {
            let selection = json!({"tagStatus": "tagged", "tagPatternList": ["slipway-keep-*"], "countType": "imageCountMoreThan", "countNumber": 1000});
            rule(priority, &selection)
        };
        check(&[count(), ours(2)], &expect![""]);
        check(
            &[count(), ours(9)],
            &expect![[
                r#"its lifecycle rule 5 (imageCountMoreThan 10) may delete an image that a rollback needs; put a rule before it that selects tagPatternList ["slipway-keep-*"] and expires them by imageCountMoreThan, 1000 or more"#
            ]],
        );
    }
}
