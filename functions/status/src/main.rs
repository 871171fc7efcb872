//! status: says what runs where, what is going on, and why; changes nothing.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    aws::run(async |aws, payload| aws::people::status(aws, &payload).await).await
}
