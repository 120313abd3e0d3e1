//! The few fields of records that facts about traffic need. Other fields are skipped, so that this is
//! faster than decoding.

use bytes::Bytes;
use prost::Message;

use super::error::Malformed;
use crate::trace::{Nanos, SpanId, SpanKind, TraceId};

/// The references of a span, and its time.
#[derive(Debug)]
pub(crate) struct SpanFacts {
    /// The parent, in the same trace.
    pub(crate) parent: Option<SpanId>,
    pub(crate) kind: SpanKind,
    /// Its end, or its start if it has not ended; 0 if both are unknown.
    pub(crate) time: Nanos,
    /// The spans to which its links lead.
    pub(crate) links: Vec<(TraceId, SpanId)>,
}

#[derive(Clone, PartialEq, Message)]
struct SpanPart {
    #[prost(bytes = "bytes", tag = "4")]
    parent_span_id: Bytes,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "13")]
    links: Vec<LinkPart>,
}

#[derive(Clone, PartialEq, Message)]
struct LinkPart {
    #[prost(bytes = "bytes", tag = "1")]
    trace_id: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    span_id: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct LogPart {
    #[prost(fixed64, tag = "1")]
    time_unix_nano: u64,
    #[prost(fixed64, tag = "11")]
    observed_time_unix_nano: u64,
}

#[derive(Clone, PartialEq, Message)]
struct MetricsPart {
    #[prost(message, repeated, tag = "1")]
    resource_metrics: Vec<ResourceMetricsPart>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceMetricsPart {
    #[prost(message, repeated, tag = "2")]
    scope_metrics: Vec<ScopeMetricsPart>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeMetricsPart {
    #[prost(message, repeated, tag = "2")]
    metrics: Vec<MetricPart>,
}

#[derive(Clone, PartialEq, Message)]
struct MetricPart {
    #[prost(message, optional, tag = "5")]
    gauge: Option<NumberPoints>,
    #[prost(message, optional, tag = "7")]
    sum: Option<NumberPoints>,
    #[prost(message, optional, tag = "9")]
    histogram: Option<HistogramPoints>,
    #[prost(message, optional, tag = "10")]
    exponential: Option<HistogramPoints>,
    #[prost(message, optional, tag = "11")]
    summary: Option<NumberPoints>,
}

/// Points of gauges, sums and summaries.
#[derive(Clone, PartialEq, Message)]
struct NumberPoints {
    #[prost(message, repeated, tag = "1")]
    points: Vec<NumberPart>,
}

/// Points of histograms of both kinds.
#[derive(Clone, PartialEq, Message)]
struct HistogramPoints {
    #[prost(message, repeated, tag = "1")]
    points: Vec<HistogramPart>,
}

#[derive(Clone, PartialEq, Message)]
struct NumberPart {
    #[prost(fixed64, tag = "3")]
    time_unix_nano: u64,
    #[prost(uint32, tag = "8")]
    flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct HistogramPart {
    #[prost(fixed64, tag = "3")]
    time_unix_nano: u64,
    #[prost(uint32, tag = "10")]
    flags: u32,
}

/// The flag of a point without a value: its series has ended.
const NO_VALUE: u32 = 1;

/// The facts about a `Span` message.
pub(crate) fn span_facts(span: &[u8]) -> Result<SpanFacts, Malformed> {
    let part = SpanPart::decode(span)?;
    let links = part.links.iter();
    let kind = usize::try_from(part.kind).ok();
    let kind = kind.and_then(|kind| SpanKind::ALL.get(kind));
    Ok(SpanFacts {
        parent: SpanId::from_slice(&part.parent_span_id),
        kind: kind.copied().unwrap_or_default(),
        time: match part.end_time_unix_nano {
            0 => part.start_time_unix_nano,
            end => end,
        },
        links: links
            .filter_map(|link| {
                let trace = TraceId::from_slice(&link.trace_id)?;
                Some((trace, SpanId::from_slice(&link.span_id)?))
            })
            .collect(),
    })
}

/// The time of a `LogRecord` message; 0 if it is unknown.
pub(crate) fn log_time(record: &[u8]) -> Result<Nanos, Malformed> {
    let part = LogPart::decode(record)?;
    Ok(match part.time_unix_nano {
        0 => part.observed_time_unix_nano,
        time => time,
    })
}

/// The times of the data points with a value in an `ExportMetricsServiceRequest`, in a list for each
/// `ResourceMetrics`.
pub(crate) fn point_times(request: &[u8]) -> Result<Vec<Vec<Nanos>>, Malformed> {
    let request = MetricsPart::decode(request)?;
    let of_resource = |resource: &ResourceMetricsPart| {
        let scopes = resource.scope_metrics.iter();
        let metrics = scopes.flat_map(|scope| &scope.metrics);
        metrics.flat_map(MetricPart::times).collect()
    };
    Ok(request.resource_metrics.iter().map(of_resource).collect())
}

impl MetricPart {
    fn times(&self) -> Vec<Nanos> {
        let numbers = [&self.gauge, &self.sum, &self.summary];
        let numbers = numbers.into_iter().flatten().flat_map(|of| &of.points);
        let numbers = numbers.map(|point| (point.time_unix_nano, point.flags));
        let histograms = [&self.histogram, &self.exponential];
        let histograms = histograms.into_iter().flatten().flat_map(|of| &of.points);
        let histograms = histograms.map(|point| (point.time_unix_nano, point.flags));
        let with_value = numbers.chain(histograms);
        let with_value = with_value.filter(|(_, flags)| flags & NO_VALUE == 0);
        with_value.map(|(time, _)| time).collect()
    }
}
