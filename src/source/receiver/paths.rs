//! Explains requests to paths that are not OTLP's: each has its cause and its remedy.

use std::time::Instant;

use axum::http::{HeaderMap, Method};

use super::listener::Arrival;
use super::{export, http};
use crate::source::otlp::Encoding;
use crate::source::stats::{Carried, Refusal};
use crate::trace::Sender;

/// The signals of OTLP/HTTP, as the last segment of a path.
const SIGNALS: [&str; 3] = ["traces", "logs", "metrics"];

/// Paths of other protocols: the prefix of the path, the protocol, and the remedy.
const FOREIGN: [(&str, &str, &str); 14] = [
    ("/api/v2/spans", "Zipkin", SWITCH),
    ("/api/v1/spans", "Zipkin", SWITCH),
    ("/api/traces", "Jaeger", SWITCH),
    ("/jaeger.api_v2.", "Jaeger", SWITCH),
    ("/v0.", "Datadog", DATADOG),
    ("/api/v0.2/traces", "Datadog", DATADOG),
    ("/telemetry/proxy/", "Datadog", DATADOG),
    ("/v2/trace", "SignalFx", SWITCH),
    ("/trace/v1", "New Relic", SWITCH),
    ("/intake/v2/", "Elastic APM", SWITCH),
    ("/1/batch", "Honeycomb", SWITCH),
    ("/skywalking.v3.", "SkyWalking", SWITCH),
    ("/opencensus.proto.", "OpenCensus", SWITCH),
    ("/loki/api/", "Loki", LOKI),
];

const SWITCH: &str = "use an OTLP exporter in that service: OTEL_TRACES_EXPORTER=otlp, and OTEL_EXPORTER_OTLP_ENDPOINT instead of the other exporter's endpoint";
const DATADOG: &str =
    "use an OpenTelemetry SDK or agent in that service instead of the Datadog tracer";
const LOKI: &str = "to check these log records, send them with OTEL_LOGS_EXPORTER=otlp; other specs do not need them";
const PROFILES: &str =
    "spanspec does not read profiles; nothing has to be done for a test of traces";

/// The cause of a request to a path that is not served, and its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misdirected {
    pub(super) reason: String,
    pub(super) remedy: String,
}

impl Misdirected {
    /// Explains this path.
    pub(super) fn to(path: &str) -> Self {
        if let Some(foreign) = Self::to_other_protocol(path) {
            return foreign;
        }
        if path.contains("profiles") {
            return Self::new("profiles are not read", PROFILES);
        }
        let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let signal = segments.last().copied().unwrap_or_default();
        match segments.as_slice() {
            [] => Self::new(
                "the exporter's endpoint has no path",
                "append `/v1/traces` to OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and `/v1/logs` to OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, which are used as they are, or set OTEL_EXPORTER_OTLP_ENDPOINT instead, to which SDKs append them",
            ),
            ["v1", known] if SIGNALS.contains(known) => Self::new(
                format!("it is `/v1/{known}` with a slash too many"),
                format!(
                    "remove the extra slash from OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_{}_ENDPOINT",
                    known.to_uppercase()
                ),
            ),
            [.., "v1", known] if SIGNALS.contains(known) => Self::prefixed(&segments, known),
            _ => Self::similar(signal),
        }
    }

    /// Explains this path if it is one of another protocol.
    pub(super) fn to_other_protocol(path: &str) -> Option<Self> {
        let mut foreign = FOREIGN.iter();
        let (_, protocol, remedy) = foreign.find(|(start, ..)| path.starts_with(start))?;
        let reason = format!("it is {protocol}'s path, not OTLP's");
        Some(Self::new(reason, *remedy))
    }

    /// The refusal of a request to this endpoint.
    pub(super) fn refusal(&self, sender: Sender, endpoint: String, carried: Carried) -> Refusal {
        Refusal {
            at: Instant::now(),
            sender,
            endpoint,
            reason: self.reason.clone(),
            remedy: self.remedy.clone(),
            carried,
        }
    }

    /// The path ends like one of OTLP's, with a prefix.
    fn prefixed(segments: &[&str], signal: &str) -> Self {
        let before = &segments[..segments.len() - 2];
        let reason = match before.contains(&"v1") {
            true if before.contains(&signal) => format!("it has `/v1/{signal}` twice"),
            true => "it has `/v1` twice".to_owned(),
            false => format!("it has `/{}` before `/v1/{signal}`", before.join("/")),
        };
        Self::new(
            reason,
            "set OTEL_EXPORTER_OTLP_ENDPOINT to the address alone, as in http://127.0.0.1:4318: SDKs append the path",
        )
    }

    fn similar(signal: &str) -> Self {
        let singular = |known: &&&str| known.trim_end_matches('s') == signal.trim_end_matches('s');
        let reason = match SIGNALS.iter().find(singular) {
            Some(known) => {
                format!("there is no such endpoint; the one of {known} is `/v1/{known}`")
            }
            None => "there is no such endpoint".to_owned(),
        };
        Self::new(
            reason,
            "send OTLP/HTTP to `/v1/traces`, `/v1/logs` and `/v1/metrics`, or OTLP/gRPC",
        )
    }

    fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}

/// Returns `true` for the paths of the HTTP API.
pub(super) fn is_of_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// The content of a request to a path that is not served. Exporters of OTLP and of other protocols
/// send to paths with these words, and to `/` if the endpoint has no path. The endpoint of one signal
/// is used as it is, so that OTLP in protobuf can have any path.
pub(super) fn carried(
    path: &str,
    headers: &HeaderMap,
    method: &Method,
    arrival: Arrival,
) -> Carried {
    const WORDS: [(Carried, &[&str]); 5] = [
        (Carried::Spans, &["trace", "span", "segment", "/1/batch"]),
        (Carried::Anything, &["/intake/v2/events"]),
        (Carried::LogRecords, &["logs", "/log", "/loki/"]),
        (Carried::Metrics, &["metric"]),
        (Carried::Nothing, &["profile"]),
    ];
    let lower = path.to_lowercase();
    let mut words = WORDS.iter();
    let meant = words.find(|(_, words)| words.iter().any(|word| lower.contains(word)));
    let is_otlp = || http::encoding(headers) == Some(Encoding::Protobuf);
    let of_export = match meant {
        Some((carried, _)) => *carried,
        None if path == "/" || is_otlp() => Carried::Anything,
        None => Carried::Nothing,
    };
    export::carried(of_export, method, arrival)
}

/// The refusal of a request to this path, if it is one of another protocol.
#[cfg(feature = "run")]
pub(crate) fn other_protocol(
    arrival: Arrival,
    headers: &HeaderMap,
    method: &Method,
    path: &str,
) -> Option<Refusal> {
    let misdirected = Misdirected::to_other_protocol(path)?;
    let carried = carried(path, headers, method, arrival);
    let endpoint = format!("{method} {path}");
    Some(misdirected.refusal(arrival.sender(headers), endpoint, carried))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_path_has_its_cause_and_its_remedy() {
        for (path, reason, remedy) in [
            ("/api/v2/spans", "it is Zipkin's path, not OTLP's", SWITCH),
            ("/api/traces", "it is Jaeger's path, not OTLP's", SWITCH),
            ("/v0.4/traces", "it is Datadog's path, not OTLP's", DATADOG),
            ("/v1development/profiles", "profiles are not read", PROFILES),
            ("/v1/traces/v1/traces", "it has `/v1/traces` twice", "alone"),
            ("/v1/v1/traces", "it has `/v1` twice", "alone"),
            (
                "/otlp/v1/traces",
                "it has `/otlp` before `/v1/traces`",
                "alone",
            ),
            ("/", "the exporter's endpoint has no path", "append"),
            (
                "//v1/traces",
                "it is `/v1/traces` with a slash too many",
                "slash",
            ),
            (
                "/v1/trace",
                "there is no such endpoint; the one of traces is `/v1/traces`",
                "OTLP/HTTP",
            ),
            ("/elsewhere", "there is no such endpoint", "OTLP/HTTP"),
        ] {
            let explained = Misdirected::to(path);
            assert_eq!(explained.reason, reason, "{path}");
            assert!(explained.remedy.contains(remedy), "{path}: {explained:?}");
        }
    }
}
