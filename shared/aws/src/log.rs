//! Logs: one JSON object a line, with everything that a query filters by at its root.

use serde_json::{Map, Value};
use std::fmt;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber, error};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Writes everything from here on to standard output, where Lambda reads it.
pub(crate) fn start() {
    let subscriber = tracing_subscriber::registry().with(JsonLines);
    // A second start in one process, as in a test, keeps the first subscriber.
    let _ = tracing::subscriber::set_global_default(subscriber);
    // A panic ends the process, and Lambda logs only that it has ended.
    std::panic::set_hook(Box::new(|panic| error!(error_type = "Panic", "{panic}")));
}

struct JsonLines;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    /// Spans are always kept: they carry the request id, which an error needs most of all.
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        let ours =
            !metadata.target().starts_with("hyper") && !metadata.target().starts_with("aws_");
        metadata.is_span() || (*metadata.level() <= Level::INFO && ours)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        // The runtime has its own span, with the same request id under another name.
        if !span.metadata().target().starts_with("lambda_runtime") {
            attributes.record(&mut fields);
        }
        span.extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Fields::default();
        line.0.insert("timestamp".into(), timestamp().into());
        line.0.insert("level".into(), event.metadata().level().as_str().into());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.0.extend(fields.0.clone());
            }
        }
        event.record(&mut line);
        write_line(&Value::Object(line.0));
    }
}

/// Writes one line; a failure cannot be reported.
pub(crate) fn write_line(line: &Value) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}

/// The system's time, also in the sandbox: a log says when a line was written.
fn timestamp() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = aws_smithy_types::DateTime::from_millis(now.as_millis() as i64);
    now.fmt(aws_smithy_types::date_time::Format::DateTime).unwrap_or_default()
}
