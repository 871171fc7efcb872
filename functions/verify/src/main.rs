//! verify: checks URLs and reads alarms.
#![warn(unused_crate_dependencies)]

mod handle;

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::run(async |aws, payload| aws::work(aws, payload, handle::perform).await).await
}
