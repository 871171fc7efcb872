//! rollback: rolls services back as the queue says, or an environment as a person requests.
#![warn(unused_crate_dependencies)]

use aws::{people, target};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| match people::is_batch(&payload) {
        true => aws::work(aws, payload, target::roll_back).await,
        false => people::roll_back(aws, &payload).await,
    })
    .await
}
