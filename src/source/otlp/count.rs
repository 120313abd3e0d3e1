//! Counts the data points of a request for metrics in OTLP/JSON.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::error::Malformed;

/// Number of data points in an export request for metrics in OTLP/JSON.
pub(crate) fn json_metric_points(request: &[u8]) -> Result<u64, Malformed> {
    let request: CountedRequest = serde_json::from_slice(request)?;
    let scopes = request
        .resource_metrics
        .iter()
        .flat_map(|block| &block.scope_metrics);
    let metrics = scopes.flat_map(|scope| &scope.metrics);
    Ok(metrics.map(CountedMetric::points).sum::<usize>() as u64)
}

/// Any value, with `null` as its default.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    json: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(json)?.unwrap_or_default())
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CountedRequest {
    #[serde(deserialize_with = "nullable")]
    resource_metrics: Vec<ResourceBlock>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceBlock {
    #[serde(deserialize_with = "nullable")]
    scope_metrics: Vec<ScopeBlock>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeBlock {
    #[serde(deserialize_with = "nullable")]
    metrics: Vec<CountedMetric>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CountedMetric {
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

impl CountedMetric {
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
