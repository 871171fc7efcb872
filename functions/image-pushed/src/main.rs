//! image-pushed: records a push, and starts the release that it completes.
#![warn(unused_crate_dependencies)]

mod handle;

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::run(handle::handle).await
}
