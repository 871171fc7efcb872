//! alarm-changed: listens to alarms from EventBridge, SNS, or an alarm's own action.
#![warn(unused_crate_dependencies)]

mod handle;

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::run(handle::handle).await
}
