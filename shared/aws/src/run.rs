//! What every function does around its work: start once, then process one payload after another.

use crate::clients::Aws;
use crate::failure::{Failure, chain};
use crate::log;
use crate::metrics;
use crate::settings::Settings;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;
use std::rc::Rc;
use tracing::{Instrument, error, info_span};

/// Runs a function until Lambda ends it.
///
/// The payload stays raw JSON and `handle` reads it: if the runtime could not read it, no code of
/// ours could report that.
pub async fn run<H>(handle: H) -> Result<(), Error>
where
    H: AsyncFn(&Aws, Value) -> Result<Value, Failure>,
{
    let settings = Settings::from_environment();
    log::start();
    let aws = Rc::new(Aws::new(settings));
    let handle = Rc::new(handle);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let (aws, handle) = (Rc::clone(&aws), Rc::clone(&handle));
        async move {
            let (payload, context) = event.into_parts();
            aws.invoked(context.deadline);
            let span = info_span!("invocation", request_id = %context.request_id);
            let work = async {
                // Boxed: a handler's whole future would be stored inside the runtime's.
                Box::pin(handle(&aws, payload)).await.map_err(|failure| {
                    error!(error_type = failure.name(), "failed: {}", chain(&failure));
                    metrics::count(&failure);
                    Diagnostic::from(failure)
                })
            };
            work.instrument(span).await
        }
    }))
    .await
}
