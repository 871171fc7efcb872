//! control: takes what a person says: approve, reject, cancel, pause, resume, hold, unhold, mark bad.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| aws::people::control(aws, &payload).await).await
}
