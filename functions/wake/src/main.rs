//! wake: timers, the sweep, pushes that no event reported, and by hand a replay of events.
#![warn(unused_crate_dependencies)]

mod letters;
mod lost;
mod replay;
mod sweep;

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::run(async |aws, payload| match payload.get("Records") {
        Some(_) => letters::read(aws, payload).await,
        None if payload["replay"] == true => replay::replay(aws).await,
        None => sweep::sweep(aws, &payload).await,
    })
    .await
}
