//! The words of every piece of news.

use super::{alarm, ended, every_piece_of_news, notice, told};
use crate::topic;
use crate::words::text;
use expect_test::expect;
use pipeline::names::Version;
use pipeline::notice::{News, Notice};
use pipeline::release::Origin;
use pipeline::verdict::Verdict;
use std::fmt::Write;

#[test]
fn every_piece_of_news_reads_well() {
    let stories = every_piece_of_news().into_iter().map(|news| told(news).text() + "\n\n");
    expect![[r#"
        scr/staging: deploying 3f2a9c1
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1.
        To stop it and roll back, invoke the function slipway-rollback with {"application": "scr", "environment": "staging", "why": "…", "by": "…"}

        scr/staging: 3f2a9c1 is waiting for approval until 2026-11-22T09:02:12Z
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1.
        To approve, invoke the function slipway-control with {"application": "scr", "environment": "staging", "action": "approve", "version": "3f2a9c1", "by": "…"}

        scr/staging: rolling back 3f2a9c1
        Why: alarm scr-staging-5xx: 7 > 5 <errors>
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1.

        scr/staging: 3f2a9c1 is live
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.
        Last events:
          09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.
          09:12:40 Ended: succeeded.
        To roll back, invoke the function slipway-rollback with {"application": "scr", "environment": "staging", "why": "…", "by": "…"}

        scr/staging: 3f2a9c1 is deployed but unproven
        Why: scr-api ran no task: its desired count is 0. Slipway does not promote it and does not roll back to it: raise the desired count, then deploy it again
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.
        Last events:
          09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.
          09:12:40 Ended: unproven: scr-api ran no task: its desired count is 0.

        scr/staging: 3f2a9c1 was rolled back
        Why: 2 tasks of scr-api failed: container api exited with 1
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.
        Last events:
          09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.
          09:12:40 Ended: rolled back: 2 tasks of scr-api failed: container api exited with 1.

        scr/staging: 3f2a9c1 failed; no service was changed
        Why: pre-flight: repository scr-api has no such image; no service scr-web
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.
        Last events:
          09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.
          09:12:40 Ended: failed: pre-flight: repository scr-api has no such image; no service scr-web.

        scr/staging: 3f2a9c1 is partially deployed
        Why: scr-web could not be updated: no such cluster. Still on the new revision: scr-api, scr-web
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.
        Last events:
          09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.
          09:12:40 Ended: failed: scr-web could not be updated: no such cluster; still on the new revision: scr-api, scr-web.
        To roll back the remaining services, invoke the function slipway-rollback with {"application": "scr", "environment": "staging", "why": "…", "by": "…"}

        scr/staging: 3f2a9c1 was superseded
        Why: 77aa001 is newer
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.
        Last events:
          09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.
          09:12:40 Ended: superseded: 77aa001 is newer.

        scr/staging: 3f2a9c1 was rejected
        Why: ann: not on a Friday
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.
        Last events:
          09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.
          09:12:40 Ended: rejected by ann: not on a Friday.

        scr/staging: 3f2a9c1 was cancelled
        Why: bob: wrong branch
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.
        Last events:
          09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.
          09:12:40 Ended: cancelled by bob: wrong branch.

        scr/staging: 3f2a9c1 is stuck; a person must act
        Why: scr-api did not go back in time. Original cause: alarm scr-staging-5xx: 7 > 5 <errors>
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. It took 6m55s.
        Last events:
          09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.
          09:12:40 Ended: stuck: scr-api did not go back in time (after: alarm scr-staging-5xx: 7 > 5 <errors>).
        To retry the rollback, invoke the function slipway-rollback with {"application": "scr", "environment": "staging", "why": "…", "by": "…"}

        scr/staging: 3f2a9c1 will not be deployed
        Why: it is older than what runs here
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1.

        scr/staging: 3f2a9c1 is waiting
        Why: outside of the hours of production
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1.

        scr/staging: 3f2a9c1 is still incomplete
        Why: not pushed under this tag: web, gateway
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1.

    "#]].assert_eq(&stories.collect::<String>());
}

/// Whoever has clicked "rollback" is not told that something is deployed, nor how to stop it.
#[test]
fn every_piece_of_news_about_a_manual_rollback_reads_well() {
    let headlines = every_piece_of_news().into_iter().map(|news| {
        let rolls_back_from = Some(Version::new("4a1c22b"));
        let text = text(&Notice { rolls_back_from, ..notice(news) }, "slipway-rollback");
        let advice = text.advice.map(|next| format!("  {}\n", next.aim)).unwrap_or_default();
        format!("{}\n{advice}", text.headline)
    });
    expect![[r#"
        scr/staging: rolling back from 4a1c22b to 3f2a9c1
        scr/staging: 3f2a9c1 is waiting for approval until 2026-11-22T09:02:12Z
          To approve
        scr/staging: rolling back 3f2a9c1
        scr/staging: rolled back to 3f2a9c1
        scr/staging: rolled back to 3f2a9c1, but unproven
        scr/staging: the rollback to 3f2a9c1 was rolled back
        scr/staging: the rollback to 3f2a9c1 failed; no service was changed
        scr/staging: partially rolled back to 3f2a9c1
          To roll back the remaining services
        scr/staging: the rollback to 3f2a9c1 was superseded
        scr/staging: the rollback to 3f2a9c1 was rejected
        scr/staging: the rollback to 3f2a9c1 was cancelled
        scr/staging: the rollback to 3f2a9c1 is stuck; a person must act
          To retry the rollback
        scr/staging: 3f2a9c1 will not be deployed
        scr/staging: 3f2a9c1 is waiting
        scr/staging: 3f2a9c1 is still incomplete
    "#]]
    .assert_eq(&headlines.collect::<String>());
}

#[test]
fn a_subject_is_short_and_plain() {
    let mut notice = notice(ended(Verdict::Succeeded));
    notice.version = Version::new("größe\n".repeat(40));
    let subject = topic::subject(&text(&notice, "slipway-rollback"));
    assert_eq!(subject.len(), 99);
    expect!["scr/staging: gr??e?gr??e?gr??e?gr??e?gr??e?gr??e?gr??e?gr??e?gr??e?gr??e?gr??e?gr??e?gr??e?gr??e?gr"].assert_eq(&subject);
}

#[test]
fn people_get_text_and_programs_get_facts() {
    let notice = notice(ended(Verdict::RolledBack { cause: alarm() }));
    let text = text(&notice, "slipway-rollback");
    let message = topic::message(&notice, &text);
    let facts: serde_json::Value =
        serde_json::from_str(message["sqs"].as_str().expect("a text")).expect("facts are JSON");
    let mut all = String::new();
    writeln!(all, "{}", message["sms"]).expect("a string takes everything");
    writeln!(all, "{facts:#}").expect("a string takes everything");
    for (name, value) in topic::attributes(&notice) {
        writeln!(all, "{name} = {value}").expect("a string takes everything");
    }
    expect![[r#"
        "scr/staging: 3f2a9c1 was rolled back"
        {
          "application": "scr",
          "asked_by": "a push of 3f2a9c1",
          "at": "2026-11-21T09:02:12Z",
          "deployment": 17,
          "environment": "staging",
          "headline": "scr/staging: 3f2a9c1 was rolled back",
          "last_words": [
            "09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.",
            "09:12:40 Ended: rolled back: alarm scr-staging-5xx: 7 > 5 <errors>."
          ],
          "news": "ended",
          "took_seconds": 415,
          "verdict": "rolled back",
          "version": "3f2a9c1",
          "why": "alarm scr-staging-5xx: 7 > 5 <errors>"
        }
        application = scr
        environment = staging
        news = ended
        verdict = rolled back
    "#]]
    .assert_eq(&all);
    assert_eq!(message["default"], message["email"]);
    assert_eq!(message["default"].as_str(), Some(text.text().as_str()));
}

#[test]
fn the_source_of_the_images_is_shown() {
    let cases = [
        (Some("3f2a9c1d4e5f60718293a4b5c6d7e8f901234567"), Some("https://github.com/acme/scr.git")),
        (
            Some("3f2a9c1d4e5f60718293a4b5c6d7e8f901234567"),
            Some("https://gitlab.com/acme/team/scr"),
        ),
        (Some("3f2a9c1d4e5f60718293a4b5c6d7e8f901234567"), Some("https://git.acme.example/scr")),
        (Some("3f2a9c1"), Some("https://github.com/acme/scr")),
        (Some("r1742"), Some("git@github.com:acme/scr.git")),
        (Some("3f2a9c1"), None),
        (None, Some("https://github.com/acme/scr")),
    ];
    let facts = cases.map(|(revision, source)| {
        let mut notice = notice(News::Started);
        let (revision, source) = (revision.map(str::to_owned), source.map(str::to_owned));
        notice.origin = Origin { revision, source };
        text(&notice, "slipway-rollback").facts.join(" ") + "\n"
    });
    expect![[r#"
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. Built from commit 3f2a9c1d4e5f (https://github.com/acme/scr/commit/3f2a9c1d4e5f60718293a4b5c6d7e8f901234567).
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. Built from commit 3f2a9c1d4e5f (https://gitlab.com/acme/team/scr/-/commit/3f2a9c1d4e5f60718293a4b5c6d7e8f901234567).
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. Built from commit 3f2a9c1d4e5f of https://git.acme.example/scr.
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. Built from commit 3f2a9c1 of https://github.com/acme/scr.
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. Built from commit r1742 of git@github.com:acme/scr.git.
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. Built from commit 3f2a9c1.
        Deployment 17 of scr/staging. Started by a push of 3f2a9c1. Built from https://github.com/acme/scr.
    "#]]
    .assert_eq(&facts.concat());
}
