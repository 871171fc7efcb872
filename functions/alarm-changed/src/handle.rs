//! From an alarm to the environments that watch it.

use aws::payload::{Heard, alarms};
use aws::{Aws, Failure};
use engine::Lookup;
use pipeline::event::{AlarmReading, Event};
use serde_json::Value;
use tracing::info;

pub(crate) async fn handle(aws: &Aws, payload: Value) -> Result<Value, Failure> {
    let mut result = Ok(Value::Null);
    for heard in alarms(&payload)? {
        match heard {
            Heard::NotForUs(what) => info!("ignored: {what}"),
            Heard::News(reading) => {
                if let Err(failure) = tell(aws, reading).await {
                    result = Err(failure);
                }
            }
        }
    }
    result
}

async fn tell(aws: &Aws, reading: AlarmReading) -> Result<(), Failure> {
    let (alarm, state, muted) = (reading.alarm.clone(), reading.state, reading.muted == Some(true));
    let told =
        aws.engine().happened(&Lookup::Alarm(alarm.clone()), &Event::AlarmChanged(reading)).await?;
    let muted = if muted { " (muted)" } else { "" };
    if told.is_empty() {
        info!(%alarm, "{state}{muted}; no environment has it in alarms.names");
    }
    for (place, said) in told {
        info!(%alarm, environment = %place, "{state}{muted}: {said:?}");
    }
    Ok(())
}
