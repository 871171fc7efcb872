//! What people read, what programs read, and where it goes.

mod blocks;
mod decisions;
mod telling;
mod town;
mod words;

use super::words::{NoticeText, text};
use pipeline::doubt::Doubt;
use pipeline::names::{AlarmName, ApplicationName, EnvironmentName, ImageName, Place};
use pipeline::names::{ServiceName, Version};
use pipeline::notice::{News, Notice};
use pipeline::release::Origin;
use pipeline::task::Fault;
use pipeline::time::{Span, Time};
use pipeline::verdict::{Cause, SupersededBy, Verdict};

pub(super) fn notice(news: News) -> Notice {
    Notice {
        place: Place {
            application: ApplicationName::new("scr"),
            environment: EnvironmentName::new("staging"),
        },
        deployment: Some(17),
        version: Version::new("3f2a9c1"),
        origin: Origin::default(),
        rolls_back_from: None,
        asked_by: "a push of 3f2a9c1".into(),
        at: Time::from_millis(1_795_251_732_000),
        news,
    }
}

pub(super) fn told(news: News) -> NoticeText {
    text(&notice(news), "slipway-rollback")
}

pub(super) fn ended(verdict: Verdict) -> News {
    let last_words = vec![
        "09:07:12 A task of scr-api died by itself, 2 of the 2 that are too many.".into(),
        format!("09:12:40 Ended: {verdict}."),
    ];
    News::Ended { verdict, took: Span::seconds(415), last_words, failed_container: None }
}

pub(super) fn alarm() -> Cause {
    Cause::Alarm { alarm: AlarmName::new("scr-staging-5xx"), reason: "7 > 5 <errors>".into() }
}

pub(super) fn every_piece_of_news() -> Vec<News> {
    let crash = Cause::TasksFailed {
        service: ServiceName::new("scr-api"),
        count: 2,
        fault: Fault::Code,
        reason: "container api exited with 1".into(),
    };
    let left = vec![ServiceName::new("scr-api"), ServiceName::new("scr-web")];
    let refused = Cause::RolloutRefused {
        service: ServiceName::new("scr-web"),
        reason: "no such cluster".into(),
    };
    let faults = vec!["repository scr-api has no such image".into(), "no service scr-web".into()];
    vec![
        News::Started,
        News::ApprovalWanted { until: Time::from_millis(1_795_338_132_000) },
        News::RollingBack { cause: alarm().to_string() },
        ended(Verdict::Succeeded),
        ended(Verdict::Unproven { doubts: [("scr-api".into(), Doubt::NoTask)].into() }),
        ended(Verdict::RolledBack { cause: crash }),
        ended(Verdict::Failed { cause: Cause::Preflight { faults }, left: vec![] }),
        ended(Verdict::Failed { cause: refused, left }),
        ended(Verdict::Superseded {
            by: SupersededBy::NewerRelease { version: Version::new("77aa001") },
        }),
        ended(Verdict::Rejected { by: "ann".into(), why: "not on a Friday".into() }),
        ended(Verdict::Cancelled { by: "bob".into(), why: "wrong branch".into() }),
        ended(Verdict::Stuck { cause: alarm(), because: "scr-api did not go back in time".into() }),
        News::Declined { why: "it is older than what runs here".into() },
        News::Waits { why: "outside of the hours of production".into() },
        News::Incomplete { missing: vec![ImageName::new("web"), ImageName::new("gateway")] },
    ]
}
