//! What two spanspecs tell each other over HTTP: the one that receives, and one that asks.
//!
//! Moments are told as ages, for the clocks of two processes have no beginning in common.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::source::Sightings;
use crate::source::otlp::{self, WrongId};
use crate::source::receiver::{
    Carried, Census, DroppedAttribute, Late, Parcel, Refusal, Rejection,
};
use crate::trace::{Hole, Sender};

/// Who receives, and what it knows of the services.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Health {
    /// Always `ok`: who does not answer is not well.
    pub status: String,
    /// The version of spanspec.
    pub version: String,
    /// The version of the API, as in `/api/v1`.
    pub api: u32,
    /// Whether the services are ready.
    pub ready: bool,
    /// Where it listens for OTLP.
    pub listened: Vec<SocketAddr>,
    /// For how long services may keep a span, in milliseconds, where that is known.
    pub flush_ms: Option<f64>,
    /// Whether the receiver's process started the services.
    pub starts_services: bool,
    /// The ports of these services by their variables: `services.shop.http`.
    pub ports: BTreeMap<String, u16>,
    /// Spans received so far.
    pub spans: u64,
    /// Requests refused so far.
    pub refused: u64,
    /// Requests and spans that were refused, and why: the first and the last ones.
    #[serde(default)]
    pub problems: Vec<String>,
}

/// A line of the stream that follows a trace.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Line {
    /// Spans that arrived together.
    Spans {
        age_us: u64,
        /// An `ExportTraceServiceRequest` in protobuf, as base64.
        otlp: String,
    },
    /// Spans that are known to be lost.
    Hole { hole: Hole },
}

/// [`Sightings`] on the wire.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Sighted {
    requests: u64,
    spans: u64,
    log_records: u64,
    metric_points: u64,
    watched: BTreeMap<String, u64>,
    strangers: BTreeMap<String, u64>,
    rejected: u64,
    rejections: Vec<RejectedSpan>,
    dropped_attributes: u64,
    drops: VecDeque<DroppedAttribute>,
    refused: u64,
    refusals: Vec<Refused>,
    late: Vec<LateSpans>,
    /// Traces that nobody asked for, as OTLP/JSON.
    stranger_traces: Vec<String>,
}

/// A request that was not accepted.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Refused {
    age_us: u64,
    #[serde(flatten)]
    sender: Sender,
    endpoint: String,
    reason: String,
    #[serde(default)]
    remedy: String,
    /// Whether spans were lost with it.
    #[serde(default)]
    lost_spans: bool,
}

/// A span that was not accepted.
#[derive(Debug, Deserialize, Serialize)]
struct RejectedSpan {
    trace_id: Option<String>,
    service: String,
    name: String,
    reason: WrongId,
}

#[derive(Debug, Deserialize, Serialize)]
struct LateSpans {
    trace_id: String,
    spans: usize,
    by_us: u64,
}

impl Health {
    /// For how long services may keep a span, where that is known.
    #[must_use]
    pub fn flush(&self) -> Option<Duration> {
        self.flush_ms
            .and_then(|millis| Duration::try_from_secs_f64(millis / 1_000.0).ok())
    }
}

impl Line {
    pub(crate) fn of(parcel: &Parcel) -> Self {
        Self::Spans {
            age_us: age(parcel.arrived),
            otlp: STANDARD.encode(&parcel.request),
        }
    }
}

/// The request of a line, and when it arrived by our clock.
///
/// # Errors
/// If it is not base64.
pub(super) fn parcel(age_us: u64, otlp: &str) -> Result<Parcel, base64::DecodeError> {
    Ok(Parcel {
        arrived: ago(age_us),
        request: STANDARD.decode(otlp)?,
    })
}

impl Refused {
    pub(crate) fn of(refusal: &Refusal) -> Self {
        Self {
            age_us: age(refusal.at),
            sender: refusal.sender.clone(),
            endpoint: refusal.endpoint.clone(),
            reason: refusal.reason.clone(),
            remedy: refusal.remedy.clone(),
            lost_spans: refusal.carried == Carried::Spans,
        }
    }

    fn read(self) -> Refusal {
        Refusal {
            at: ago(self.age_us),
            sender: self.sender,
            endpoint: self.endpoint,
            reason: self.reason,
            remedy: self.remedy,
            carried: match self.lost_spans {
                true => Carried::Spans,
                false => Carried::NoSpans,
            },
        }
    }
}

impl RejectedSpan {
    fn of(rejection: &Rejection) -> Self {
        Self {
            trace_id: rejection.trace_id.map(|id| id.to_string()),
            service: rejection.service.clone(),
            name: rejection.name.clone(),
            reason: rejection.reason.clone(),
        }
    }
}

impl Sighted {
    pub(crate) fn of(sightings: &Sightings) -> Self {
        let census = &sightings.census;
        let late = sightings.late.iter().map(|late| LateSpans {
            trace_id: late.trace_id.to_string(),
            spans: late.spans,
            by_us: micros(late.by),
        });
        Self {
            requests: census.requests,
            spans: census.spans,
            log_records: census.log_records,
            metric_points: census.metric_points,
            watched: census.watched.clone(),
            strangers: census.strangers.clone(),
            rejected: census.rejected,
            rejections: census.rejections.iter().map(RejectedSpan::of).collect(),
            dropped_attributes: census.dropped_attributes,
            drops: census.drops.clone(),
            refused: census.refused,
            refusals: census.refusals.iter().map(Refused::of).collect(),
            late: late.collect(),
            stranger_traces: sightings.strangers.iter().map(otlp::write_json).collect(),
        }
    }

    pub(super) fn read(self) -> Sightings {
        let refusals = self.refusals.into_iter().map(Refused::read);
        let rejections = self.rejections.into_iter().map(|rejected| Rejection {
            trace_id: rejected.trace_id.and_then(|id| id.parse().ok()),
            service: rejected.service,
            name: rejected.name,
            reason: rejected.reason,
        });
        let census = Census {
            requests: self.requests,
            spans: self.spans,
            log_records: self.log_records,
            metric_points: self.metric_points,
            watched: self.watched,
            strangers: self.strangers,
            rejected: self.rejected,
            rejections: rejections.collect(),
            dropped_attributes: self.dropped_attributes,
            drops: self.drops,
            refused: self.refused,
            refusals: refusals.collect(),
            last_arrival: None,
        };
        let late = self.late.into_iter().filter_map(|late| {
            Some(Late {
                trace_id: late.trace_id.parse().ok()?,
                spans: late.spans,
                by: Duration::from_micros(late.by_us),
            })
        });
        let traces = self.stranger_traces.iter();
        Sightings {
            census,
            late: late.collect(),
            strangers: traces
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
