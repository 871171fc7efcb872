//! The schedule: wakes due records, and regularly scans for pushes that ECR did not report.

use crate::lost::{Look, Where};
use aws::metrics::{Metric, measure};
use aws::{Aws, Failure, payload};
use engine::World;
use pipeline::time::{Span, Time};
use serde_json::{Value, json};
use tracing::{error, info, warn};

/// How often repositories are scanned.
const LOOK_EVERY: Span = Span::minutes(15);

pub(crate) async fn sweep(aws: &Aws, tick: &Value) -> Result<Value, Failure> {
    let swept = aws.engine().sweep().await?;
    let mut failed = 0;
    for (key, result) in &swept.woken {
        match result {
            Ok(said) => info!("woke {key}: {said:?}"),
            Err(error) => {
                failed += 1;
                error!("{key} could not be woken: {error}");
            }
        }
    }
    for key in &swept.left {
        warn!("{key} is left for the next sweep: it took too long, or too many came before it");
    }
    let (woken, left) = (swept.woken.len(), swept.left.len());
    if is_time_to_look(payload::moment(tick).unwrap_or(aws.now())) {
        // Scans run in invocations of their own, so they do not delay the next tick.
        let look = Look { look: Where::Everywhere, after: None };
        aws.send_to_wake(&[(look, Span::default())]).await?;
    }
    let age = swept.oldest.map_or(0, |since| aws.now().since(since).as_seconds());
    measure(&[
        (Metric::Swept, 1),
        (Metric::Due, as_number(woken + left)),
        (Metric::OldestDue, age),
        (Metric::Failed, failed),
    ]);
    Ok(json!({"woken": woken, "left": left, "failed": failed}))
}

fn as_number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The schedule ticks once a minute, so nothing has to be stored.
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
