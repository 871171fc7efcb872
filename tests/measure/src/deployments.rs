//! What deployments cost in the sandbox: calls, units, invocations, and dollars at list price.

use crate::{Kept, shipped};
use scenarios::costs::{Bill, Costs, Expense, idle_hour, prices};
use std::io::{Result, Write, stdout};

/// What a deployment of one plain service may call besides the table and the queues.
const CALLS_MAX: u64 = 10;

pub(crate) async fn report() -> Kept {
    let at_once = Expense::plain(0.0).await?;
    let slowly = Expense::plain(40.0).await?;
    let kept = [&at_once, &slowly].map(|plain| plain.until_verdict.calls_outside());
    let mut out = stdout().lock();
    writeln!(out, "\nlist prices ({})", prices::REGION)?;
    for price in prices::LIST {
        writeln!(out, "  {:<28}${} for {} {}", price.what, price.dollars, price.units, price.unit)?;
    }
    tell(&mut out, &at_once)?;
    tell(&mut out, &slowly)?;
    tell(&mut out, &Expense::good("wwhd", "wwhd/production").await?)?;
    tell(&mut out, &Expense::good("power-pto", "power-pto/production").await?)?;
    tell(&mut out, &Expense::good("scr", "scr/staging").await?)?;
    tell(&mut out, &Expense::rollback().await?)?;
    tell_idle(&mut out, &idle_hour().await?)?;
    if kept.iter().all(|calls| *calls <= CALLS_MAX) && kept[0] == kept[1] {
        return Ok(true);
    }
    let [at_once, slowly] = kept;
    writeln!(
        out,
        "TOO MUCH: one service takes {at_once} calls, and {slowly} where ECS is slow; {CALLS_MAX} and as many are allowed"
    )?;
    Ok(false)
}

fn tell(out: &mut impl Write, expense: &Expense) -> Result<()> {
    let Expense { what, verdict, until_verdict, whole } = expense;
    writeln!(out, "\n{what}: {verdict}")?;
    let (to_verdict, all) = (until_verdict.calls_outside(), whole.calls_outside());
    writeln!(out, "  {to_verdict} calls besides DynamoDB and SQS to the verdict, {all} in all")?;
    tell_costs(out, whole)?;
    tell_bill(out, &whole.bill())
}

fn tell_costs(out: &mut impl Write, costs: &Costs) -> Result<()> {
    let calls = costs.calls().into_iter();
    let calls: Vec<String> = calls
        .map(|((service, operation), count)| format!("{service} {operation} {count}"))
        .collect();
    writeln!(out, "  calls: {}", calls.join(", "))?;
    let table = costs.calls_of("dynamodb");
    let functions: Vec<String> =
        table.iter().map(|(name, calls)| format!("{name} {} {calls:?}", calls.len())).collect();
    writeln!(out, "  invocations [calls of DynamoDB in each]: {}", functions.join(", "))
}

fn tell_bill(out: &mut impl Write, bill: &Bill) -> Result<()> {
    for (price, units) in &bill.lines {
        writeln!(out, "  {:<28}{units:>12.1}{:>12.7} $", price.what, price.of(*units))?;
    }
    writeln!(out, "  {:<40}{:>12.7} $", "together", bill.dollars())
}

fn tell_idle(
    out: &mut impl Write,
    hour: &Costs,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let template = std::fs::read_to_string(shipped::root().join("infra/template.yaml"))?;
    let count = |what: &str| template.matches(what).count();
    let queues = count("Type: AWS::Lambda::EventSourceMapping");
    let alarms = count("Condition: EssentialAlarms");
    let dashboards = count("Type: AWS::CloudWatch::Dashboard");
    writeln!(out, "\na month in which nothing happens, with SCR configured")?;
    tell_costs(out, hour)?;
    tell_bill(out, &Bill::of_idle_month(hour, queues, alarms, dashboards))?;
    Ok(())
}
