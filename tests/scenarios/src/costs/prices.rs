//! AWS's list prices, without free tiers and discounts. The other regions differ by a quarter at
//! the most; what is not here (ECS, ECR, EventBridge's own events) costs nothing by the call.

pub const REGION: &str = "us-east-1, November 2026";

/// The price in dollars of a number of units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    pub what: &'static str,
    pub dollars: f64,
    pub units: f64,
    pub unit: &'static str,
}

const fn price(what: &'static str, dollars: f64, units: f64, unit: &'static str) -> Price {
    Price { what, dollars, units, unit }
}

pub const INVOCATIONS: Price = price("Lambda requests", 0.20, 1e6, "requests");
pub const DURATION: Price = price("Lambda duration (arm64)", 13.3334, 1e6, "GB-seconds");
pub const READS: Price = price("DynamoDB reads, on demand", 0.125, 1e6, "request units");
pub const WRITES: Price = price("DynamoDB writes, on demand", 0.625, 1e6, "request units");
pub const QUEUES: Price = price("SQS, standard queues", 0.40, 1e6, "requests");
pub const TOPICS: Price = price("SNS", 0.50, 1e6, "messages");
pub const SECRETS: Price = price("Secrets Manager", 0.05, 1e4, "requests");
pub const METRICS: Price = price("CloudWatch API", 0.01, 1e3, "requests");
pub const LOGS: Price = price("CloudWatch Logs", 0.50, 1e9, "bytes");
pub const ALARMS: Price = price("CloudWatch alarms", 0.10, 1.0, "alarms a month");

pub const DASHBOARDS: Price = price("CloudWatch dashboards", 3.0, 1.0, "dashboards a month");

pub const LIST: [Price; 11] = [
    INVOCATIONS,
    DURATION,
    READS,
    WRITES,
    QUEUES,
    TOPICS,
    SECRETS,
    METRICS,
    LOGS,
    ALARMS,
    DASHBOARDS,
];

impl Price {
    /// The cost of this many units.
    pub fn of(&self, units: f64) -> f64 {
        units * self.dollars / self.units
    }
}
