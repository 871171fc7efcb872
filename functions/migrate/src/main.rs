//! migrate: runs one-off tasks, asks how they do, and stops what runs out of time.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| aws::work(aws, payload, aws::target::migrate).await).await
}
