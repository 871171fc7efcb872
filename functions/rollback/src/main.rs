//! rollback: rolls services back as the queue says, or an environment as a person requests.
#![warn(unused_crate_dependencies)]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| match console::is_batch(&payload) {
        true => aws::work(aws, payload, targets::roll_back).await,
        false => console::roll_back(aws, &payload).await,
    })
    .await
}
