//! control: approve, reject, cancel, pause, resume, hold, unhold or mark bad, as a person requests.
#![warn(unused_crate_dependencies)]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| console::control(aws, &payload).await).await
}
