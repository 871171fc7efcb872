//! image-pushed: takes in a push, and starts whatever it completes.

mod handle;

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::run(handle::handle).await
}
