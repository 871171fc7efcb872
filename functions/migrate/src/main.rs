//! migrate: runs migration tasks, reads their state, and stops those that time out.
#![warn(unused_crate_dependencies)]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| aws::work(aws, payload, targets::migrate).await).await
}
