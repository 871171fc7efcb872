//! rollout: prepares deployments, updates services, and looks at what they run.

use aws::{Aws, Failure, ecs};
use pipeline::{effect::Effect, event::Event};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| aws::work(aws, payload, perform).await).await
}

async fn perform(aws: &Aws, message: &engine::Message) -> Result<Event, Failure> {
    let id = ecs::deployment_of(message)?;
    match &message.effect {
        Effect::Prepare(prepare) => ecs::prepare(aws, id, prepare).await,
        Effect::RollOut(roll_out) => ecs::roll_out(aws, id, roll_out).await,
        Effect::Observe { target, services } => ecs::observe(aws, target, services).await,
        other => Err(ecs::misdirected(other)),
    }
}
