//! Counts the records of a request for logs or metrics.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::answer::Encoding;
use super::error::Malformed;
use super::wire::Wire;

/// One of OTLP's three signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub(crate) const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// The path of OTLP/HTTP.
    pub(crate) fn http_path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }

    /// The path of OTLP/gRPC.
    pub(crate) fn grpc_path(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }

    /// Number of spans, log records or data points in an export request.
    pub(crate) fn count(self, encoding: Encoding, request: &[u8]) -> Result<u64, Malformed> {
        match encoding {
            Encoding::Protobuf => count(request, self.tags()),
            Encoding::Json => Ok(serde_json::from_slice::<CountedRequest>(request)?.count(self)),
        }
    }

    /// The tags from the request down to the counted records.
    fn tags(self) -> &'static [&'static [u32]] {
        match self {
            Self::Traces | Self::Logs => &[&[1], &[2], &[2]],
            // A metric is a gauge, sum, histogram, exponential histogram or summary.
            Self::Metrics => &[&[1], &[2], &[2], &[5, 7, 9, 10, 11], &[1]],
        }
    }
}

fn count(message: &[u8], tags: &[&[u32]]) -> Result<u64, Malformed> {
    let Some((wanted, below)) = tags.split_first() else {
        return Ok(1);
    };
    let (mut wire, mut sum) = (Wire(message), 0);
    while let Some((tag, field)) = wire.next()? {
        if wanted.contains(&tag) {
            sum += count(field.message()?, below)?;
        }
    }
    Ok(sum)
}

/// Any value, with `null` as its default.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    json: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(json)?.unwrap_or_default())
}

/// The JSON of all three signals, reduced to the fields for counting.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CountedRequest {
    #[serde(deserialize_with = "nullable")]
    resource_spans: Vec<ResourceBlock>,
    #[serde(deserialize_with = "nullable")]
    resource_logs: Vec<ResourceBlock>,
    #[serde(deserialize_with = "nullable")]
    resource_metrics: Vec<ResourceBlock>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceBlock {
    #[serde(deserialize_with = "nullable")]
    scope_spans: Vec<ScopeBlock>,
    #[serde(deserialize_with = "nullable")]
    scope_logs: Vec<ScopeBlock>,
    #[serde(deserialize_with = "nullable")]
    scope_metrics: Vec<ScopeBlock>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScopeBlock {
    #[serde(deserialize_with = "nullable")]
    spans: Vec<IgnoredAny>,
    #[serde(deserialize_with = "nullable")]
    log_records: Vec<IgnoredAny>,
    #[serde(deserialize_with = "nullable")]
    metrics: Vec<Metric>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metric {
    gauge: Option<Points>,
    sum: Option<Points>,
    histogram: Option<Points>,
    exponential_histogram: Option<Points>,
    summary: Option<Points>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Points {
    #[serde(deserialize_with = "nullable")]
    data_points: Vec<IgnoredAny>,
}

impl CountedRequest {
    fn count(&self, signal: Signal) -> u64 {
        let blocks = match signal {
            Signal::Traces => &self.resource_spans,
            Signal::Logs => &self.resource_logs,
            Signal::Metrics => &self.resource_metrics,
        };
        let scopes = blocks.iter().flat_map(|block| match signal {
            Signal::Traces => &block.scope_spans,
            Signal::Logs => &block.scope_logs,
            Signal::Metrics => &block.scope_metrics,
        });
        let counted = scopes.map(|scope| match signal {
            Signal::Traces => scope.spans.len(),
            Signal::Logs => scope.log_records.len(),
            Signal::Metrics => scope.metrics.iter().map(Metric::points).sum(),
        });
        counted.sum::<usize>() as u64
    }
}

impl Metric {
    fn points(&self) -> usize {
        [
            &self.gauge,
            &self.sum,
            &self.histogram,
            &self.exponential_histogram,
            &self.summary,
        ]
        .into_iter()
        .flatten()
        .map(|points| points.data_points.len())
        .sum()
    }
}
