//! Resources that take more than a few lines to read: policies, queues, rules, tables.

use super::{Place, Queue, Redrive, Rule, Target, names, read::Properties};
use crate::{Error, iam::Statement};
use serde_json::Value;

pub(super) fn statements_of(at: &Properties, title: &str) -> Result<Vec<Statement>, Error> {
    let statements = at.inner("PolicyDocument").each("Statement");
    let each = statements.iter().enumerate();
    each.map(|(index, statement)| Statement::read(title, index, &statement.value, &statement.path))
        .collect()
}

pub(super) fn queue(
    id: String,
    name: String,
    arn: String,
    at: &Properties,
    place: &Place,
) -> Result<Queue, Error> {
    if at.maybe("FifoQueue").as_deref() == Some("true") {
        return Err(Error::template(
            format!("{id}.FifoQueue"),
            "the sandbox has standard queues only",
        ));
    }
    let redrive = at.inner("RedrivePolicy");
    let redrive = match redrive.maybe("deadLetterTargetArn") {
        Some(to) => Some(Redrive { to, after: redrive.number("maxReceiveCount", 10)? }),
        None => None,
    };
    Ok(Queue {
        url: names::reference("AWS::SQS::Queue", &name, place),
        id,
        name,
        arn,
        delay_seconds: at.number("DelaySeconds", 0)?,
        visibility_seconds: at.number("VisibilityTimeout", 30)?,
        retention_seconds: at.number("MessageRetentionPeriod", 345_600)?,
        redrive,
    })
}

pub(super) fn rule(id: String, name: String, arn: String, at: &Properties) -> Result<Rule, Error> {
    let every_seconds = match at.maybe("ScheduleExpression") {
        Some(expression) => Some(rate(&expression).ok_or_else(|| {
            Error::template(
                format!("{id}.ScheduleExpression"),
                "the sandbox knows rate(1 minute) and its like only",
            )
        })?),
        None => None,
    };
    let pattern = at.inner("EventPattern").value;
    let pattern = (!pattern.is_null()).then_some(pattern);
    if let Some(pattern) = &pattern {
        crate::events::check(pattern, &format!("{id}.EventPattern"))?;
    }
    let mut targets = Vec::new();
    for target in at.each("Targets") {
        let input = match target.maybe("Input") {
            Some(text) => Some(serde_json::from_str(&text).map_err(|_| {
                Error::template(format!("{}.Input", target.path), "the input is not JSON")
            })?),
            None => None,
        };
        if !target.inner("InputTransformer").value.is_null() || target.maybe("InputPath").is_some()
        {
            return Err(Error::template(target.path, "the sandbox knows the target's Input only"));
        }
        let dead_letters = target.inner("DeadLetterConfig").maybe("Arn");
        targets.push(Target { arn: target.text("Arn")?, dead_letters, input });
    }
    let enabled = at.maybe("State").as_deref() != Some("DISABLED");
    Ok(Rule { id, name, arn, pattern, every_seconds, targets, enabled })
}

pub(super) fn table(name: &str, at: &Properties) -> Value {
    let mut create = serde_json::json!({ "TableName": name, "BillingMode": "PAY_PER_REQUEST" });
    for key in
        ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"]
    {
        let value = at.inner(key).value;
        if !value.is_null() {
            create[key] = value;
        }
    }
    create
}

fn rate(expression: &str) -> Option<u64> {
    let (count, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let unit_seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    count.parse::<u64>().ok().filter(|count| *count > 0).map(|count| count * unit_seconds)
}

pub(super) fn kebab(id: &str) -> String {
    let mut name = String::new();
    for letter in id.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}
