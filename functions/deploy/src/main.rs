//! deploy: deploys a version, or promotes the live release of another environment, on request.
#![warn(unused_crate_dependencies)]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| console::deploy(aws, &payload).await).await
}
