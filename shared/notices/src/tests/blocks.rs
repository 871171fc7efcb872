//! What Slack is sent.

use super::{alarm, ended, told};
use crate::blocks;
use crate::words::Output;
use expect_test::expect;
use pipeline::notice::News;
use pipeline::verdict::Verdict;

#[test]
fn slack_shows_how_it_stands_and_keeps_the_details_in_the_thread() {
    let text = told(ended(Verdict::RolledBack { cause: alarm() }));
    let details = blocks::details(&text).expect("there are details");
    expect![[r#"
        {
          "blocks": [
            {
              "text": {
                "text": ":leftwards_arrow_with_hook: *scr/staging: 3f2a9c1 was rolled back*",
                "type": "mrkdwn"
              },
              "type": "section"
            },
            {
              "text": {
                "text": "alarm scr-staging-5xx: 7 &gt; 5 &lt;errors&gt;",
                "type": "mrkdwn"
              },
              "type": "section"
            },
            {
              "elements": [
                {
                  "text": "Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.",
                  "type": "mrkdwn"
                }
              ],
              "type": "context"
            }
          ],
          "text": "scr/staging: 3f2a9c1 was rolled back",
          "unfurl_links": false
        }
        {
          "blocks": [
            {
              "text": {
                "text": "*scr/staging: 3f2a9c1 was rolled back*\nalarm scr-staging-5xx: 7 &gt; 5 &lt;errors&gt;",
                "type": "mrkdwn"
              },
              "type": "section"
            },
            {
              "text": {
                "text": "• 09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.\n• 09:12:40 Ended: rolled back: alarm scr-staging-5xx: 7 &gt; 5 &lt;errors&gt;.",
                "type": "mrkdwn"
              },
              "type": "section"
            }
          ],
          "text": "scr/staging: 3f2a9c1 was rolled back",
          "unfurl_links": false
        }
    "#]].assert_eq(&format!("{:#}\n{details:#}\n", blocks::message(&text)));
}

#[test]
fn a_start_needs_no_thread() {
    let text = told(News::Started);
    assert_eq!(blocks::details(&text), None);
    expect![[r#"
        {
          "blocks": [
            {
              "text": {
                "text": ":hourglass_flowing_sand: *scr/staging: deploying 3f2a9c1*",
                "type": "mrkdwn"
              },
              "type": "section"
            },
            {
              "elements": [
                {
                  "text": "Deployment 17 of scr/staging. Started by a push of 3f2a9c1.",
                  "type": "mrkdwn"
                }
              ],
              "type": "context"
            },
            {
              "elements": [
                {
                  "text": "To stop it and roll back, invoke `slipway-rollback` with `{\"application\": \"scr\", \"environment\": \"staging\", \"why\": \"…\", \"by\": \"…\"}`",
                  "type": "mrkdwn"
                }
              ],
              "type": "context"
            }
          ],
          "text": "scr/staging: deploying 3f2a9c1",
          "unfurl_links": false
        }
    "#]].assert_eq(&format!("{:#}\n", blocks::message(&text)));
}

#[test]
fn a_webhook_gets_everything_at_once() {
    let text = told(ended(Verdict::Stuck { cause: alarm(), because: "nothing moved".into() }));
    expect![[r#"
        {
          "blocks": [
            {
              "text": {
                "text": ":rotating_light: *scr/staging: 3f2a9c1 is stuck; a person must act*",
                "type": "mrkdwn"
              },
              "type": "section"
            },
            {
              "text": {
                "text": "nothing moved. Original cause: alarm scr-staging-5xx: 7 &gt; 5 &lt;errors&gt;",
                "type": "mrkdwn"
              },
              "type": "section"
            },
            {
              "text": {
                "text": "• 09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.\n• 09:12:40 Ended: stuck: nothing moved (after: alarm scr-staging-5xx: 7 &gt; 5 &lt;errors&gt;).",
                "type": "mrkdwn"
              },
              "type": "section"
            },
            {
              "elements": [
                {
                  "text": "Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.",
                  "type": "mrkdwn"
                }
              ],
              "type": "context"
            },
            {
              "elements": [
                {
                  "text": "To retry the rollback, invoke `slipway-rollback` with `{\"application\": \"scr\", \"environment\": \"staging\", \"why\": \"…\", \"by\": \"…\"}`",
                  "type": "mrkdwn"
                }
              ],
              "type": "context"
            }
          ],
          "text": "scr/staging: 3f2a9c1 is stuck; a person must act",
          "unfurl_links": false
        }
    "#]].assert_eq(&format!("{:#}\n", blocks::everything(&text)));
}

#[test]
fn no_block_is_longer_than_slack_takes() {
    let text = told(News::Declined { why: "&<>ä".repeat(5000) });
    for block in blocks::everything(&text)["blocks"].as_array().expect("blocks") {
        let text = block.pointer("/text/text").or(block.pointer("/elements/0/text"));
        let length = text.and_then(|text| text.as_str()).expect("every block has a text");
        assert!(length.chars().count() <= 3000, "{} characters", length.chars().count());
    }
}

#[test]
fn what_a_container_wrote_stays_in_its_fence() {
    for backticks in 1..=9 {
        let mut text = told(ended(Verdict::RolledBack { cause: alarm() }));
        let lines = vec![format!("before {} after", "`".repeat(backticks))];
        text.output = Some(Output { whose: "web (task 0abc)".into(), lines });
        let text = blocks::details(&text).expect("there are details").to_string();
        assert_eq!(text.matches("```").count(), 2, "{text}");
    }
}
