//! wake: timers, the sweep, and pushes that no event told of.

mod letters;
mod lost;
mod sweep;

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::run(async |aws, payload| match payload.get("Records") {
        Some(_) => letters::read(aws, payload).await,
        None => sweep::sweep(aws, &payload).await,
    })
    .await
}
