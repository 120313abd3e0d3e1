//! The messages between a process that receives and one that reads from it, over HTTP.
//!
//! Moments are sent as ages, since the monotonic clocks of two processes are not comparable.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::source::diagnostics::{LateTrace, SourceDiagnostics};
use crate::source::otlp::{self, Signal, WrongId};
use crate::source::parcel::Parcel;
use crate::source::stats::{Carried, DroppedAttribute, ReceiverStats, Refusal, RejectedSpan};
use crate::source::store::Store;
use crate::trace::{Hole, LogsWithoutTrace, Sender};

/// A receiver, and the services that send to it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Health {
    /// Always `ok`.
    pub status: String,
    /// The version of spanspec.
    pub version: String,
    /// The version of the API, as in `/api/v1`.
    pub api: u32,
    /// The services are ready.
    pub ready: bool,
    /// The addresses at which it listens for OTLP.
    pub listened: Vec<SocketAddr>,
    /// Flush bound of the services in milliseconds, if it is known.
    pub flush_ms: Option<f64>,
    /// The same for log records.
    #[serde(default)]
    pub log_flush_ms: Option<f64>,
    /// The same for metrics.
    #[serde(default)]
    pub metric_flush_ms: Option<f64>,
    /// The process of the receiver started the services.
    pub starts_services: bool,
    /// The ports of these services by their variables: `services.shop.http`.
    pub ports: BTreeMap<String, u16>,
    /// Spans received so far.
    pub spans: u64,
    /// Requests refused so far.
    pub refused: u64,
    /// The first and the last refused requests, and the last rejected spans, with reasons.
    #[serde(default)]
    pub problems: Vec<String>,
}

/// A line of the stream that follows a trace, or of that of all metrics.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum StreamLine {
    /// Spans that arrived together.
    Spans {
        age_us: u64,
        /// An `ExportTraceServiceRequest` in protobuf, as base64.
        otlp: String,
    },
    /// Log records that arrived together.
    Logs {
        age_us: u64,
        /// An `ExportLogsServiceRequest` in protobuf, as base64.
        logs: String,
    },
    /// An export of metrics.
    Metrics {
        age_us: u64,
        /// An `ExportMetricsServiceRequest` in protobuf, as base64.
        metrics: String,
    },
    /// Spans that are known to be lost.
    Hole { hole: Hole },
    /// Log records that are known to be lost.
    LogHole { log_hole: Hole },
    /// Metrics that are known to be lost.
    MetricHole { metric_hole: Hole },
}

/// [`SourceDiagnostics`] on the wire.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct WireDiagnostics {
    requests: u64,
    spans: u64,
    log_records: u64,
    metric_points: u64,
    watched: BTreeMap<String, u64>,
    strangers: BTreeMap<String, u64>,
    rejected: u64,
    rejections: Vec<WireRejection>,
    dropped_attributes: u64,
    drops: VecDeque<DroppedAttribute>,
    refused: u64,
    refusals: Vec<WireRefusal>,
    late: Vec<WireLateTrace>,
    /// Unrelated traces, as OTLP/JSON.
    stranger_traces: Vec<String>,
    /// Some unrelated spans are no longer remembered.
    strangers_discarded: bool,
}

/// Log records by their correlation.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct WireLogs {
    /// Those without a trace id, or whose span is not known: an `ExportLogsServiceRequest` in protobuf, as base64.
    logs: String,
    /// Those whose span was open at their time.
    #[serde(default)]
    in_span: String,
    /// None of them was lost.
    has_all: bool,
}

/// A refused request.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct WireRefusal {
    age_us: u64,
    #[serde(flatten)]
    sender: Sender,
    endpoint: String,
    reason: String,
    #[serde(default)]
    remedy: String,
    carried: Carried,
}

/// A rejected span.
#[derive(Debug, Deserialize, Serialize)]
struct WireRejection {
    trace_id: Option<String>,
    service: String,
    name: String,
    reason: WrongId,
}

#[derive(Debug, Deserialize, Serialize)]
struct WireLateTrace {
    trace_id: String,
    spans: usize,
    by_us: u64,
}

impl Health {
    /// Flush bound of the services, if it is known.
    #[must_use]
    pub fn flush(&self) -> Option<Duration> {
        duration(self.flush_ms)
    }

    /// Flush bound of the services for log records, if it is known.
    #[must_use]
    pub fn log_flush(&self) -> Option<Duration> {
        duration(self.log_flush_ms)
    }

    /// Flush bound of the services for metrics, if it is known.
    #[must_use]
    pub fn metric_flush(&self) -> Option<Duration> {
        duration(self.metric_flush_ms)
    }
}

fn duration(millis: Option<f64>) -> Option<Duration> {
    millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1_000.0).ok())
}

impl StreamLine {
    /// A line for records of this signal that are lost.
    pub(crate) fn lost(signal: Signal, hole: Hole) -> Self {
        match signal {
            Signal::Traces => Self::Hole { hole },
            Signal::Logs => Self::LogHole { log_hole: hole },
            Signal::Metrics => Self::MetricHole { metric_hole: hole },
        }
    }

    /// A line for records that arrived together.
    pub(crate) fn of(parcel: &Parcel) -> Self {
        let age_us = age(parcel.arrived);
        let request = STANDARD.encode(&parcel.request);
        match parcel.signal {
            Signal::Traces => Self::Spans {
                age_us,
                otlp: request,
            },
            Signal::Logs => Self::Logs {
                age_us,
                logs: request,
            },
            Signal::Metrics => Self::Metrics {
                age_us,
                metrics: request,
            },
        }
    }
}

/// The request of a line, with its arrival by the clock of this process.
///
/// # Errors
/// When it is not base64.
pub(super) fn parcel(
    signal: Signal,
    age_us: u64,
    otlp: &str,
) -> Result<Parcel, base64::DecodeError> {
    Ok(Parcel {
        signal,
        arrived: ago(age_us),
        request: STANDARD.decode(otlp)?,
    })
}

impl WireLogs {
    /// The requests are `ExportLogsServiceRequest`s, the second with the records of open spans.
    pub(crate) fn new([logs, in_span]: [Vec<u8>; 2], has_all: bool) -> Self {
        Self {
            logs: STANDARD.encode(logs),
            in_span: STANDARD.encode(in_span),
            has_all,
        }
    }

    pub(super) fn read(self) -> Option<LogsWithoutTrace> {
        let all = |request: &str| {
            let request = STANDARD.decode(request).ok()?;
            let store = Store::remembering(usize::MAX);
            store.ingest_logs_at(&request, Instant::now()).ok()?;
            Some(store.logs_without_trace(None))
        };
        // Without spans, each record with a trace id is stray.
        let logs = all(&self.logs)?;
        Some(LogsWithoutTrace {
            in_span: all(&self.in_span)?.stray,
            has_all: self.has_all,
            ..logs
        })
    }
}

impl WireRefusal {
    pub(crate) fn of(refusal: &Refusal) -> Self {
        Self {
            age_us: age(refusal.at),
            sender: refusal.sender.clone(),
            endpoint: refusal.endpoint.clone(),
            reason: refusal.reason.clone(),
            remedy: refusal.remedy.clone(),
            carried: refusal.carried,
        }
    }

    fn read(self) -> Refusal {
        Refusal {
            at: ago(self.age_us),
            sender: self.sender,
            endpoint: self.endpoint,
            reason: self.reason,
            remedy: self.remedy,
            carried: self.carried,
        }
    }
}

impl WireRejection {
    fn of(rejection: &RejectedSpan) -> Self {
        Self {
            trace_id: rejection.trace_id.map(|id| id.to_string()),
            service: rejection.service.clone(),
            name: rejection.name.clone(),
            reason: rejection.reason.clone(),
        }
    }
}

impl WireDiagnostics {
    pub(crate) fn of(diagnostics: &SourceDiagnostics) -> Self {
        let stats = &diagnostics.stats;
        let late = diagnostics.late.iter().map(|late| WireLateTrace {
            trace_id: late.trace_id.to_string(),
            spans: late.spans,
            by_us: micros(late.by),
        });
        Self {
            requests: stats.requests,
            spans: stats.spans,
            log_records: stats.log_records,
            metric_points: stats.metric_points,
            watched: stats.related.clone(),
            strangers: stats.unrelated.clone(),
            rejected: stats.rejected,
            rejections: stats.rejections.iter().map(WireRejection::of).collect(),
            dropped_attributes: stats.dropped_attributes,
            drops: stats.drops.clone(),
            refused: stats.refused,
            refusals: stats.refusals.iter().map(WireRefusal::of).collect(),
            late: late.collect(),
            stranger_traces: diagnostics.unrelated.iter().map(otlp::write_json).collect(),
            strangers_discarded: diagnostics.has_discarded,
        }
    }

    pub(super) fn read(self) -> SourceDiagnostics {
        let refusals = self.refusals.into_iter().map(WireRefusal::read);
        let rejections = self.rejections.into_iter().map(|rejected| RejectedSpan {
            trace_id: rejected.trace_id.and_then(|id| id.parse().ok()),
            service: rejected.service,
            name: rejected.name,
            reason: rejected.reason,
        });
        let stats = ReceiverStats {
            requests: self.requests,
            spans: self.spans,
            log_records: self.log_records,
            metric_points: self.metric_points,
            related: self.watched,
            unrelated: self.strangers,
            rejected: self.rejected,
            rejections: rejections.collect(),
            dropped_attributes: self.dropped_attributes,
            drops: self.drops,
            refused: self.refused,
            refusals: refusals.collect(),
            last_arrival: None,
        };
        let late = self.late.into_iter().filter_map(|late| {
            Some(LateTrace {
                trace_id: late.trace_id.parse().ok()?,
                spans: late.spans,
                by: Duration::from_micros(late.by_us),
            })
        });
        let traces = self.stranger_traces.iter();
        SourceDiagnostics {
            stats,
            late: late.collect(),
            has_discarded: self.strangers_discarded,
            unrelated: traces
                .filter_map(|json| otlp::read(json.as_bytes()).ok())
                .flatten()
                .collect(),
        }
    }
}

fn age(moment: Instant) -> u64 {
    micros(moment.elapsed())
}

fn micros(of: Duration) -> u64 {
    u64::try_from(of.as_micros()).unwrap_or(u64::MAX)
}

fn ago(age_us: u64) -> Instant {
    let now = Instant::now();
    now.checked_sub(Duration::from_micros(age_us))
        .unwrap_or(now)
}
