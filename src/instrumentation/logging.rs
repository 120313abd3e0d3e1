//! The setting that adds the trace id to log records, by language.

use crate::trace::{LogRecord, Resource, Trace, Value};

/// `telemetry.sdk.language` of its resource, or of a span of its service: printed lines have none.
pub(crate) fn language<'r>(record: &'r LogRecord, trace: &'r Trace) -> &'r str {
    let of_resource = |resource: &'r Resource| {
        let language = resource.attributes.get("telemetry.sdk.language");
        language.and_then(Value::as_str)
    };
    let mut spans = trace.spans().iter();
    let own = of_resource(&record.resource);
    own.or_else(|| {
        let of_service = spans.find(|span| span.service() == record.service())?;
        of_resource(&of_service.resource)
    })
    .unwrap_or_default()
}

/// The setting that adds the trace id, by language.
pub(crate) fn remedy(language: &str) -> String {
    let remedy = match language {
        "python" => {
            "Python: use the handler of opentelemetry-sdk or opentelemetry-instrumentation-logging, with OTEL_PYTHON_LOG_CORRELATION=true for lines of text; a thread or task must take over the context"
        }
        "nodejs" | "webjs" => {
            "Node: use pino, winston or bunyan with their instrumentation, and not `console.log`; `disableLogCorrelation` must be off"
        }
        "java" => {
            "Java: use the agent's appender, and print `%X{trace_id}` in the layout of lines of text"
        }
        "go" => "Go: use otelslog or otelzap, and the calls that take a context",
        "dotnet" => "dotnet: log through ILogger, inside the activity",
        "rust" => "Rust: use opentelemetry-appender-tracing, and write the event inside the span",
        _ => {
            "write the record in the context of the span, through a logging bridge of OpenTelemetry"
        }
    };
    remedy.to_owned()
}
