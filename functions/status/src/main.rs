//! status: shows what runs where, what is in progress, and why; changes nothing.
#![warn(unused_crate_dependencies)]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| console::status(aws, &payload).await).await
}
