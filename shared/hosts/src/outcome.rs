//! How a one-off command ended.

use super::answer::{Answer, Stage};
use pipeline::task::{OneOffEnd, Stop};

/// The script knows that the command started, but not how it ended.
const LOST: i32 = 22;

/// How a one-off command ended.
pub(super) enum Outcome {
    Runs,
    Ended(OneOffEnd),
    /// The host itself does not know.
    Lost,
    /// Run Command does not know, but the host may: ask it.
    Unclear,
}

pub(super) fn outcome(answer: &Answer) -> Outcome {
    let (host, report) = (&answer.host, &answer.report);
    if !answer.stage.is_over() {
        return Outcome::Runs;
    }
    // The core uses the terms of tasks: EssentialContainerExited is ECS's word for a container that
    // exited.
    if let Some((code, output)) = &report.ended {
        let late = if *code == 124 { "it timed out and was stopped; " } else { "" };
        let reason = format!("{late}its output is in {output} on {host}");
        return ended(Some(*code), "EssentialContainerExited", reason);
    }
    match &answer.stage {
        _ if report.runs => Outcome::Runs,
        Stage::NeverRan(why) => ended(None, "TaskFailedToStart", why.clone()),
        Stage::Failed(_) if report.fault.is_some() && answer.code == LOST => Outcome::Lost,
        // It reports why it did not start.
        Stage::Failed(why) if report.fault.is_some() => {
            ended(None, "TaskFailedToStart", why.clone())
        }
        _ => Outcome::Unclear,
    }
}

fn ended(exit_code: Option<i32>, code: &str, reason: String) -> Outcome {
    let stop = Stop { code: Some(code.to_owned()), reason };
    Outcome::Ended(OneOffEnd { exit_code, stop, reason: None, beside: None })
}
