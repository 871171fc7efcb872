//! The schedule: whatever is due, and now and then what ECR did not tell.

use crate::lost;
use aws::metrics::{Metric, measure};
use aws::{Aws, Failure, payload, sweep::oldest_due};
use engine::World;
use pipeline::time::{Span, Time};
use serde_json::{Value, json};
use tracing::{error, info};

/// How often repositories are looked at.
const LOOK_EVERY: Span = Span::minutes(15);

pub(crate) async fn sweep(aws: &Aws, tick: &Value) -> Result<Value, Failure> {
    let oldest = oldest_due(aws).await?;
    let (mut woken, mut failed) = (0, 0);
    if oldest.is_some() {
        for (key, result) in aws.engine().sweep().await? {
            woken += 1;
            match result {
                Ok(said) => info!("woke {key}: {said:?}"),
                Err(error) => {
                    failed += 1;
                    error!("{key} could not be woken: {error}");
                }
            }
        }
    }
    let age = oldest.map_or(0, |due_at| aws.now().since(due_at).as_seconds());
    let mut lost = lost::Found::default();
    if is_time_to_look(payload::moment(tick).unwrap_or(aws.now())) {
        lost = lost::look(aws).await?;
    }
    measure(&[
        (Metric::Due, woken),
        (Metric::OldestDue, age),
        (Metric::Failed, failed + lost.failed),
        (Metric::LostPushes, lost.pushes),
    ]);
    Ok(json!({"woken": woken, "failed": failed + lost.failed, "lost_pushes": lost.pushes}))
}

/// The schedule ticks once a minute, and nothing has to be remembered.
fn is_time_to_look(tick: Time) -> bool {
    let minute = tick.millis() / 60_000;
    minute.is_multiple_of(LOOK_EVERY.as_seconds() / 60)
}

#[cfg(test)]
mod tests {
    use super::is_time_to_look;
    use pipeline::time::Time;

    #[test]
    fn one_tick_in_fifteen_looks_at_the_repositories() {
        let start = 1_795_251_732_000;
        let ticks = (0..60).map(|minute| Time::from_millis(start + minute * 60_000));
        assert_eq!(ticks.filter(|tick| is_time_to_look(*tick)).count(), 4);
    }
}
