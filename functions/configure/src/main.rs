//! configure: takes the spec of an application, checks it against the account, and stores it.
#![warn(unused_crate_dependencies)]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| console::configure(aws, &payload).await).await
}
