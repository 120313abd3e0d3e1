//! OTLP's messages of metrics as JSON objects.

use serde::de::MapAccess;

use super::super::metric_message::{
    ExemplarMessage, ExemplarValue, ExponentialMessage, ExponentialPoint, GaugeMessage,
    HistogramMessage, HistogramPoint, MetricData, MetricMessage, MetricsData, NumberPoint,
    NumberValue, ResourceMetrics, ScopeMetrics, SumMessage, SummaryMessage, SummaryPoint,
};
use super::object::{Object, Read, attributes, number, object, objects, text, value};
use super::scalar::{JsonNumber, JsonTemporality, SpanIdBytes, TraceIdBytes};

/// An `ExportMetricsServiceRequest`.
pub(super) fn request(json: &str) -> Result<MetricsData, serde_json::Error> {
    serde_json::from_str(json).map(|Read(request)| request)
}

impl Object for MetricsData {
    const NAME: &'static str = "an export request";
    const FIELDS: &'static [&'static str] = &["resourceMetrics"];

    fn field<'de, M: MapAccess<'de>>(&mut self, _: &str, map: &mut M) -> Result<(), M::Error> {
        self.resource_metrics = objects(map)?;
        Ok(())
    }
}

impl Object for ResourceMetrics {
    const NAME: &'static str = "an item of `resourceMetrics`";
    const FIELDS: &'static [&'static str] = &["resource", "scopeMetrics"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "resource" => self.resource = object(map)?,
            "scopeMetrics" => self.scope_metrics = objects(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for ScopeMetrics {
    const NAME: &'static str = "an item of `scopeMetrics`";
    const FIELDS: &'static [&'static str] = &["scope", "metrics"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "scope" => self.scope = object(map)?,
            "metrics" => self.metrics = objects(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for MetricMessage {
    const NAME: &'static str = "a metric";
    const FIELDS: &'static [&'static str] = &[
        "name",
        "unit",
        "gauge",
        "sum",
        "histogram",
        "exponentialHistogram",
        "summary",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        let data = match key {
            "name" => {
                self.name = text(map)?;
                None
            }
            "unit" => {
                self.unit = text(map)?;
                None
            }
            "gauge" => object(map)?.map(MetricData::Gauge),
            "sum" => object(map)?.map(MetricData::Sum),
            "histogram" => object(map)?.map(MetricData::Histogram),
            "exponentialHistogram" => object(map)?.map(MetricData::Exponential),
            "summary" => object(map)?.map(MetricData::Summary),
            _ => None,
        };
        // `null` is no data.
        self.data = data.or(self.data.take());
        Ok(())
    }
}

impl Object for GaugeMessage {
    const NAME: &'static str = "a gauge";
    const FIELDS: &'static [&'static str] = &["dataPoints"];

    fn field<'de, M: MapAccess<'de>>(&mut self, _: &str, map: &mut M) -> Result<(), M::Error> {
        self.data_points = objects(map)?;
        Ok(())
    }
}

impl Object for SumMessage {
    const NAME: &'static str = "a sum";
    const FIELDS: &'static [&'static str] =
        &["dataPoints", "aggregationTemporality", "isMonotonic"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "dataPoints" => self.data_points = objects(map)?,
            "isMonotonic" => self.is_monotonic = value(map)?,
            _ => self.aggregation_temporality = value::<JsonTemporality, M>(map)?.0,
        }
        Ok(())
    }
}

impl Object for HistogramMessage {
    const NAME: &'static str = "a histogram";
    const FIELDS: &'static [&'static str] = &["dataPoints", "aggregationTemporality"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "dataPoints" => self.data_points = objects(map)?,
            _ => self.aggregation_temporality = value::<JsonTemporality, M>(map)?.0,
        }
        Ok(())
    }
}

impl Object for ExponentialMessage {
    const NAME: &'static str = "an exponential histogram";
    const FIELDS: &'static [&'static str] = &["dataPoints", "aggregationTemporality"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "dataPoints" => self.data_points = objects(map)?,
            _ => self.aggregation_temporality = value::<JsonTemporality, M>(map)?.0,
        }
        Ok(())
    }
}

impl Object for SummaryMessage {
    const NAME: &'static str = "a summary";
    const FIELDS: &'static [&'static str] = &["dataPoints"];

    fn field<'de, M: MapAccess<'de>>(&mut self, _: &str, map: &mut M) -> Result<(), M::Error> {
        self.data_points = objects(map)?;
        Ok(())
    }
}

impl Object for NumberPoint {
    const NAME: &'static str = "a data point";
    const FIELDS: &'static [&'static str] = &[
        "attributes",
        "startTimeUnixNano",
        "timeUnixNano",
        "asDouble",
        "asInt",
        "exemplars",
        "flags",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "attributes" => self.attributes = attributes(map)?,
            "startTimeUnixNano" => self.start_time_unix_nano = number(map)?,
            "timeUnixNano" => self.time_unix_nano = number(map)?,
            "asDouble" => {
                let read: Option<JsonNumber<f64>> = map.next_value()?;
                self.value = read.map(|of| NumberValue::Double(of.0)).or(self.value);
            }
            "asInt" => {
                let read: Option<JsonNumber<i64>> = map.next_value()?;
                self.value = read.map(|of| NumberValue::Int(of.0)).or(self.value);
            }
            "exemplars" => self.exemplars = objects(map)?,
            "flags" => self.flags = number(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for HistogramPoint {
    const NAME: &'static str = "a data point";
    const FIELDS: &'static [&'static str] = &[
        "attributes",
        "startTimeUnixNano",
        "timeUnixNano",
        "count",
        "sum",
        "exemplars",
        "flags",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "attributes" => self.attributes = attributes(map)?,
            "startTimeUnixNano" => self.start_time_unix_nano = number(map)?,
            "timeUnixNano" => self.time_unix_nano = number(map)?,
            "count" => self.count = number(map)?,
            "sum" => self.sum = optional(map)?,
            "exemplars" => self.exemplars = objects(map)?,
            "flags" => self.flags = number(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for ExponentialPoint {
    const NAME: &'static str = "a data point";
    const FIELDS: &'static [&'static str] = HistogramPoint::FIELDS;

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "attributes" => self.attributes = attributes(map)?,
            "startTimeUnixNano" => self.start_time_unix_nano = number(map)?,
            "timeUnixNano" => self.time_unix_nano = number(map)?,
            "count" => self.count = number(map)?,
            "sum" => self.sum = optional(map)?,
            "exemplars" => self.exemplars = objects(map)?,
            "flags" => self.flags = number(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for SummaryPoint {
    const NAME: &'static str = "a data point";
    const FIELDS: &'static [&'static str] = &[
        "attributes",
        "startTimeUnixNano",
        "timeUnixNano",
        "count",
        "sum",
        "flags",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "attributes" => self.attributes = attributes(map)?,
            "startTimeUnixNano" => self.start_time_unix_nano = number(map)?,
            "timeUnixNano" => self.time_unix_nano = number(map)?,
            "count" => self.count = number(map)?,
            "sum" => self.sum = number(map)?,
            "flags" => self.flags = number(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for ExemplarMessage {
    const NAME: &'static str = "an exemplar";
    const FIELDS: &'static [&'static str] = &[
        "filteredAttributes",
        "asDouble",
        "asInt",
        "traceId",
        "spanId",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "filteredAttributes" => self.filtered_attributes = attributes(map)?,
            "asDouble" => {
                let read: Option<JsonNumber<f64>> = map.next_value()?;
                self.value = read.map(|of| ExemplarValue::Double(of.0)).or(self.value);
            }
            "asInt" => {
                let read: Option<JsonNumber<i64>> = map.next_value()?;
                self.value = read.map(|of| ExemplarValue::Int(of.0)).or(self.value);
            }
            "traceId" => self.trace_id = value::<TraceIdBytes, M>(map)?.0,
            _ => self.span_id = value::<SpanIdBytes, M>(map)?.0,
        }
        Ok(())
    }
}

/// A number that may be missing.
fn optional<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Option<f64>, M::Error> {
    let read: Option<JsonNumber<f64>> = map.next_value()?;
    Ok(read.map(|of| of.0))
}
