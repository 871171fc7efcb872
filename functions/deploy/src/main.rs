//! deploy: starts a version, or promotes what runs elsewhere, as a person asks.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| aws::people::deploy(aws, &payload).await).await
}
