//! Dollars.

use super::prices::{self, Price};
use super::{Costs, Invocation};
use sandbox::trace::Trigger;

/// Assumed of an invocation on AWS, in milliseconds: to start a process, to do its own work, to
/// wait for a service of AWS, and to wait for a site or for Slack.
const START: u64 = 100;
const OWN: u64 = 10;
const CALL: u64 = 20;
const OUTSIDE: u64 = 300;
/// The function that requests a site or Slack.
const ASKING: [&str; 2] = ["Verify", "Notify"];
/// What Lambda itself writes into the log about every invocation.
const PLATFORM_BYTES: usize = 700;
/// Lambda receives a batch and deletes it.
const REQUESTS_OF_A_BATCH: usize = 2;

/// What is paid for, how many units of it, and the dollars.
#[derive(Clone, Debug, Default)]
pub struct Bill {
    pub lines: Vec<(Price, f64)>,
}

impl Bill {
    pub fn dollars(&self) -> f64 {
        self.lines.iter().map(|(price, units)| price.of(*units)).sum()
    }

    fn add(&mut self, price: Price, units: f64) {
        if units > 0.0 {
            self.lines.push((price, units));
        }
    }
}

impl Costs {
    pub fn bill(&self) -> Bill {
        let calls =
            |service: &str| self.invocations.iter().map(|one| one.calls_of(service)).sum::<usize>();
        let batches = self.invocations.iter().filter(|one| one.trigger == Trigger::Queue).count();
        let units = self.units();
        let mut bill = Bill::default();
        bill.add(prices::INVOCATIONS, self.invocations.len() as f64);
        bill.add(prices::DURATION, self.invocations.iter().map(gigabyte_seconds).sum());
        bill.add(prices::READS, units.read);
        bill.add(prices::WRITES, units.written);
        bill.add(prices::QUEUES, (calls("sqs") + batches * REQUESTS_OF_A_BATCH) as f64);
        bill.add(prices::TOPICS, calls("sns") as f64);
        bill.add(prices::SECRETS, calls("secretsmanager") as f64);
        bill.add(prices::METRICS, calls("cloudwatch") as f64);
        let logs = self.log_bytes + self.invocations.len() * PLATFORM_BYTES;
        bill.add(prices::LOGS, logs as f64);
        bill
    }
}

/// Lambda polls each queue all the time, with this many long polls of twenty seconds.
const POLLERS: f64 = 5.0;
const POLLS_AN_HOUR: f64 = 180.0;
const HOURS_A_MONTH: f64 = 730.0;

impl Bill {
    /// A month in which nothing happens, from an hour of it. `alarms` and `dashboards` are
    /// Slipway's own, `queues` those that functions work off.
    pub fn of_idle_month(hour: &Costs, queues: usize, alarms: usize, dashboards: usize) -> Self {
        let mut bill = hour.bill();
        for (_, units) in &mut bill.lines {
            *units *= HOURS_A_MONTH;
        }
        bill.add(prices::QUEUES, queues as f64 * POLLERS * POLLS_AN_HOUR * HOURS_A_MONTH);
        bill.add(prices::ALARMS, alarms as f64);
        bill.add(prices::DASHBOARDS, dashboards as f64);
        bill
    }
}

fn gigabyte_seconds(invocation: &Invocation) -> f64 {
    let start = if invocation.cold { START } else { 0 };
    let outside = if ASKING.contains(&invocation.function.as_str()) { OUTSIDE } else { 0 };
    let millis = start + OWN + CALL * invocation.calls.len() as u64 + outside;
    millis as f64 / 1000.0 * invocation.megabytes as f64 / 1024.0
}
