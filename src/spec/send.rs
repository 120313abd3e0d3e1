//! `send`: telemetry for a pipeline, with variables substituted.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{Location, Tls};
use crate::trace::{SpanKind, Status, TraceId, TraceRef, Value};

/// Telemetry that is sent into a pipeline, with fresh ids.
#[derive(Clone, Debug)]
pub struct SendTelemetry {
    /// Files with spans, and perhaps log records.
    pub traces: Vec<PathBuf>,
    /// Spans of the spec.
    pub spans: Vec<SpanToSend>,
    /// Files with log records.
    pub logs: Vec<PathBuf>,
    /// Files with metrics.
    pub metrics: Vec<PathBuf>,
    /// The trace to send, if the files contain several.
    pub trace: Option<TraceId>,
    /// The endpoint, without the path of a signal.
    pub to: Url,
    /// The protocol of the endpoint.
    pub protocol: OtlpProtocol,
    /// Headers of the exports.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Certificates for `https` and `grpcs`.
    pub tls: Tls,
    /// Maximum time until an export is accepted.
    pub timeout: Option<Duration>,
    /// The spans that are sent last. Empty if none are.
    pub markers: Vec<SpanToSend>,
    /// The place of its input in the spec.
    pub at: Location,
}

/// A protocol that carries OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// HTTP, with protobuf.
    Http,
    /// gRPC. The URL of the endpoint has the scheme `http` or, with TLS, `https`.
    Grpc,
}

/// A span that a spec contains.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanToSend {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// Its attributes.
    pub attributes: Vec<(String, Value)>,
    /// The attributes of its resource; `None` for those of its parent.
    pub resource: Option<Vec<(String, Value)>>,
    /// The name of its instrumentation scope.
    pub scope: String,
    /// Its status.
    pub status: Status,
    /// Its events.
    pub events: Vec<EventToSend>,
    /// Links to spans of other traces.
    pub links: Vec<TraceRef>,
    /// From the start of its parent to its own start.
    pub start: Duration,
    /// Its duration.
    pub duration: Duration,
    /// Its children.
    pub children: Vec<SpanToSend>,
}

/// An event of a span that a spec contains.
#[derive(Clone, Debug, PartialEq)]
pub struct EventToSend {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: Vec<(String, Value)>,
    /// From the start of the span.
    pub at: Duration,
}

impl SendTelemetry {
    /// All files that are sent.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.traces.iter().chain(&self.logs).chain(&self.metrics)
    }

    /// `send traces/checkout.json to http://127.0.0.1:4318/`, or `… to grpc://127.0.0.1:4317`.
    pub(super) fn describe(&self) -> String {
        let files = self.files();
        let mut parts: Vec<String> = files
            .map(|file| file.file_name().unwrap_or_default().display().to_string())
            .collect();
        match self.spans.len() {
            0 => {}
            1 => parts.push(format!("`{}`", self.spans[0].name)),
            _ => parts.push("spans".to_owned()),
        }
        let mut to = self.to.clone();
        // It fails only for URLs that cannot have a password.
        let _ = to.set_password(None);
        let sent = parts.join(", ");
        match (self.protocol, to.scheme()) {
            (OtlpProtocol::Http, _) => format!("send {sent} to {to}"),
            (OtlpProtocol::Grpc, "https") => format!("send {sent} to grpcs://{}", to.authority()),
            (OtlpProtocol::Grpc, _) => format!("send {sent} to grpc://{}", to.authority()),
        }
    }
}
