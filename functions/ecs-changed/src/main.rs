//! ecs-changed: listens to what ECS says of services and tasks, and Run Command of commands.

mod active;
mod handle;

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::run(handle::handle).await
}
