//! Changes messages of metrics in place, so that no field is lost.
//!
//! The messages of `metric_message` have only the fields that checks need.

use std::ops::Range;

use prost::encoding::WireType;

use super::error::Malformed;
use super::shape::metrics::REQUEST;
use super::shape::{FieldKind, Shape};
use super::wire::{Wire, WireField};
use crate::trace::TraceId;

/// A part of a request that can be changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A whole data point.
    Point,
    /// A time in nanoseconds, little-endian.
    Time,
    /// The trace id of an exemplar.
    TraceId,
    /// The span id of an exemplar of this trace.
    SpanId(Option<TraceId>),
}

/// Calls `edit` with each such part of an export request, and its bytes.
///
/// # Errors
/// It is not a message, or a field has a wrong type.
pub(super) fn edit(
    request: &mut [u8],
    edit: &mut impl FnMut(Part, &mut [u8]),
) -> Result<(), Malformed> {
    edit_message(request, &REQUEST, edit)
}

fn edit_message(
    bytes: &mut [u8],
    shape: &Shape,
    edit: &mut impl FnMut(Part, &mut [u8]),
) -> Result<(), Malformed> {
    let trace = trace_of(bytes, shape)?;
    let mut next = 0;
    while let Some(found) = FieldAt::read(bytes, next)? {
        next = found.value.end;
        let Some(field) = shape.of_tag(found.tag) else {
            continue;
        };
        let value = &mut bytes[found.value.clone()];
        match &field.kind {
            FieldKind::Message(inner) | FieldKind::Messages(inner) => {
                found.has(WireType::LengthDelimited)?;
                edit_message(value, inner, edit)?;
            }
            FieldKind::Points(inner) => {
                found.has(WireType::LengthDelimited)?;
                edit(Part::Point, value);
                edit_message(value, inner, edit)?;
            }
            FieldKind::Time => {
                found.has(WireType::SixtyFourBit)?;
                edit(Part::Time, value);
            }
            FieldKind::TraceId => edit(Part::TraceId, value),
            FieldKind::SpanId => edit(Part::SpanId(trace), value),
            _ => {}
        }
    }
    Ok(())
}

/// The trace of an exemplar.
fn trace_of(bytes: &[u8], shape: &Shape) -> Result<Option<TraceId>, Malformed> {
    let mut fields = shape.fields.iter();
    let Some(field) = fields.find(|field| matches!(field.kind, FieldKind::TraceId)) else {
        return Ok(None);
    };
    let (mut next, mut trace) = (0, None);
    while let Some(found) = FieldAt::read(bytes, next)? {
        next = found.value.end;
        if found.tag == field.tag {
            trace = TraceId::from_slice(&bytes[found.value]);
        }
    }
    Ok(trace)
}

/// A field in the bytes of a message.
struct FieldAt {
    tag: u32,
    wire_type: WireType,
    /// The place of its value; that of a varint is empty.
    value: Range<usize>,
}

impl FieldAt {
    /// The field that begins at this position; `None` at the end.
    fn read(bytes: &[u8], at: usize) -> Result<Option<Self>, Malformed> {
        let mut wire = Wire(&bytes[at..]);
        let Some((tag, field)) = wire.next()? else {
            return Ok(None);
        };
        let end = bytes.len() - wire.0.len();
        let (wire_type, length) = match field {
            WireField::Bytes(value) => (WireType::LengthDelimited, value.len()),
            WireField::Varint(_) => (WireType::Varint, 0),
            WireField::Fixed64(_) => (WireType::SixtyFourBit, 8),
            WireField::Fixed32 => (WireType::ThirtyTwoBit, 4),
            WireField::Group => (WireType::StartGroup, 0),
        };
        Ok(Some(Self {
            tag,
            wire_type,
            value: end - length..end,
        }))
    }

    fn has(&self, wire_type: WireType) -> Result<(), Malformed> {
        match self.wire_type == wire_type {
            true => Ok(()),
            false => Err(Malformed::wire("a field of the wrong wire type")),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use prost::Message;

    use super::super::file::metric_requests;
    use super::super::json::metrics_from_json;
    use super::*;

    /// Each field of each message of metrics.
    const ALL: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],"droppedAttributesCount":1},
        "schemaUrl":"https://a","scopeMetrics":[{"schemaUrl":"https://b","scope":{"name":"meter","version":"1","attributes":[{"key":"a","value":{"boolValue":true}}],"droppedAttributesCount":2},"metrics":[
        {"name":"g","description":"d","unit":"s","gauge":{"dataPoints":[{"attributes":[{"key":"a","value":{"intValue":"7"}}],"startTimeUnixNano":"5","timeUnixNano":"9","asDouble":0.5,"flags":1}]},"metadata":[{"key":"m","value":{"stringValue":"n"}}]},
        {"name":"s","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"9","asInt":"-3","exemplars":[{"filteredAttributes":[{"key":"user","value":{"stringValue":"u"}}],"timeUnixNano":"8","asInt":"4","spanId":"0202020202020202","traceId":"01010101010101010101010101010101"},{"timeUnixNano":"7","asDouble":1.5}]}]}},
        {"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[{"startTimeUnixNano":"5","timeUnixNano":"9","count":"3","sum":1.5,"bucketCounts":["1","2"],"explicitBounds":[0.1],"min":0.1,"max":1.0,"flags":0}]}},
        {"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"startTimeUnixNano":"5","timeUnixNano":"9","count":"3","sum":1.5,"scale":-2,"zeroCount":"1","zeroThreshold":0.01,"positive":{"offset":-1,"bucketCounts":["1","1"]},"negative":{"offset":3,"bucketCounts":[]},"min":0.1,"max":1.0}]}},
        {"name":"q","summary":{"dataPoints":[{"startTimeUnixNano":"5","timeUnixNano":"9","count":"3","sum":1.5,"quantileValues":[{"quantile":0.5,"value":0.4}]}]}}
        ]}]}]}"#;

    #[test]
    fn json_becomes_the_same_message_as_with_the_types_of_opentelemetry() {
        let expected: ExportMetricsServiceRequest = serde_json::from_str(ALL).unwrap();
        let bytes = metrics_from_json(ALL).unwrap();
        let read = ExportMetricsServiceRequest::decode(bytes.as_slice()).unwrap();
        assert_eq!(read, expected);
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        for (json, error) in [
            (
                r#"{"resourceMetrics":[{"scopes":[]}]}"#,
                "an item of `resourceMetrics` has no field `scopes` at line 1 column 29",
            ),
            (
                r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"attributes":[{}, 7]}]}}]}]}]}"#,
                "invalid type: integer `7`, expected an attribute as an object at line 1 column 93",
            ),
            (
                r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"exemplars":[{"traceId":"12"}]}]}}]}]}]}"#,
                "`12` is not an id of 16 bytes at line 1 column 103",
            ),
        ] {
            let found = metric_requests(json.as_bytes()).unwrap_err().to_string();
            assert_eq!(found, error);
        }
    }

    #[test]
    fn times_and_ids_are_changed_in_place_and_unknown_fields_are_kept() {
        let mut bytes = metrics_from_json(ALL).unwrap();
        let (size, mut points, mut times) = (bytes.len(), 0, 0);
        // An unknown field after the others.
        bytes.extend([0xfa, 0x06, 3, 1, 2, 3]);
        let mut ids = Vec::new();
        edit(&mut bytes, &mut |part, value| match part {
            Part::Point => points += 1,
            Part::Time => {
                times += 1;
                let time = u64::from_le_bytes(value.try_into().unwrap());
                value.copy_from_slice(&(time + 100).to_le_bytes());
            }
            Part::TraceId => value.fill(9),
            Part::SpanId(trace) => ids.push(trace),
        })
        .unwrap();
        assert_eq!((points, times), (5, 11));
        assert_eq!(ids, [TraceId::from_bytes([1; 16])]);
        assert_eq!(&bytes[size..], [0xfa, 0x06, 3, 1, 2, 3]);
        let mut expected: ExportMetricsServiceRequest =
            serde_json::from_str(&ALL.replace("Nano\":\"", "Nano\":\"10")).unwrap();
        let read = ExportMetricsServiceRequest::decode(bytes.as_slice()).unwrap();
        let metrics = &mut expected.resource_metrics[0].scope_metrics[0].metrics;
        if let Some(opentelemetry_proto::tonic::metrics::v1::metric::Data::Sum(sum)) =
            &mut metrics[1].data
        {
            sum.data_points[0].exemplars[0].trace_id = vec![9; 16];
        }
        assert_eq!(read, expected);
    }
}
