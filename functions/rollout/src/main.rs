//! rollout: prepares deployments, updates services, and reads their state.
#![warn(unused_crate_dependencies)]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| aws::work(aws, payload, targets::roll_out).await).await
}
