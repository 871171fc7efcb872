//! What must hold when nothing is left to happen.

use crate::invariants::Invariants;
use pipeline::deployment::Deployment;
use pipeline::environment::Head;
use pipeline::names::{Place, Version};
use pipeline::notice::{News, Notice};

/// What DynamoDB takes in one item.
const ITEM_MAX: usize = 400_000;

impl Invariants {
    /// What must hold at the end, when everything is stable.
    pub(crate) fn at_the_end(
        &mut self,
        place: &Place,
        head: &Head,
        deployments: &[Deployment],
        told: &[Notice],
    ) {
        for deployment in deployments {
            let id = &deployment.id;
            if deployment.verdict().is_none() {
                let what = format!("{id} is {} for ever", deployment.state.name());
                self.violated("every_deployment_ends", what);
            } else if !was_notified(told, place, id.number) {
                self.violated("every_outcome_is_announced", id.to_string());
            }
            if !deployment.outbox.is_empty() {
                self.violated(
                    "no_effect_is_lost",
                    format!("{id}: {:?}", deployment.outbox.entries()),
                );
            }
        }
        if head.active.is_some() || !head.outbox.is_empty() {
            self.violated(
                "no_effect_is_lost",
                format!("{place}: active {:?}, outbox {:?}", head.active, head.outbox.entries()),
            );
        }
        for (invariant, what) in self.admissions.at_the_end(head, deployments, told) {
            self.violated(invariant, what);
        }
        // Everything that waits has an end, and time is over.
        for waits in &head.queue {
            let what = format!("{place}: {} waits: {}", waits.request.release, waits.why);
            self.violated("no_eligible_push_is_forgotten", what);
        }
        let records = deployments.iter().map(|one| size(serde_json::to_string(one)));
        if let Some(bytes) = records
            .chain([size(serde_json::to_string(head))])
            .max()
            .filter(|bytes| *bytes > ITEM_MAX)
        {
            self.violated("every_record_fits_into_an_item", format!("{place}: {bytes} bytes"));
        }
    }

    pub(crate) fn remembered(&mut self, place: &Place, head: &Head, version: &Version) {
        let id = format!("push {version}");
        let known = head.request_outcomes.iter().any(|(known, _)| known.as_str() == id)
            || head.queue.iter().any(|waits| waits.request.id.as_str() == id);
        if !known {
            self.violated("no_eligible_push_is_forgotten", format!("{version} at {place}"));
        }
    }
}

/// How many bytes a record has, as it is stored.
fn size(text: Result<String, serde_json::Error>) -> usize {
    text.map_or(usize::MAX, |text| text.len())
}

fn was_notified(told: &[Notice], place: &Place, number: u64) -> bool {
    told.iter().any(|notice| {
        notice.place == *place
            && notice.deployment == Some(number)
            && matches!(notice.news, News::Ended { .. })
    })
}
