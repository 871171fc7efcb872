//! rollback: puts services back as the queue says, or an environment as a person asks.

use aws::{Aws, Failure, ecs, people};
use pipeline::{effect::Effect, event::Event};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| match people::is_batch(&payload) {
        true => aws::work(aws, payload, perform).await,
        false => people::roll_back(aws, &payload).await,
    })
    .await
}

async fn perform(aws: &Aws, message: &engine::Message) -> Result<Event, Failure> {
    let id = ecs::deployment_of(message)?;
    match &message.effect {
        Effect::PutBack(put_back) => ecs::put_back(aws, id, put_back).await,
        Effect::Remove { target, service } => ecs::remove(aws, target, service).await,
        other => Err(ecs::misdirected(other)),
    }
}
