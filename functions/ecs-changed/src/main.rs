//! ecs-changed: listens to events of ECS about services and tasks, and of Run Command.
#![warn(unused_crate_dependencies)]

mod active;
mod handle;

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::run(handle::handle).await
}
