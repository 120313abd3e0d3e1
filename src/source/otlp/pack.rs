//! Packs a raw span into a request, and marks requests with the name of their receiver.

use bytes::Bytes;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};

use super::error::Malformed;
use super::message::{AnyValue, KeyValue, ValueKind};
use super::wire::Wire;
use crate::trace::RECEIVER;

/// A protobuf request with this span. Concatenated requests are one request with all their spans.
#[cfg(feature = "run")]
pub(crate) fn pack(resource: &[u8], scope: &[u8], span: &[u8]) -> Vec<u8> {
    let scope_spans = fields(&[(1, scope), (2, span)]);
    let resource_spans = fields(&[(1, resource), (2, &scope_spans)]);
    fields(&[(1, &resource_spans)])
}

/// The request with the attribute `spanspec.receiver` in each resource, which replaces one that was sent. Works for
/// each signal.
pub(crate) fn stamp(request: &[u8], receiver: &str) -> Result<Vec<u8>, Malformed> {
    let attribute = KeyValue {
        key: Bytes::from_static(RECEIVER.as_bytes()),
        value: Some(AnyValue {
            kind: Some(ValueKind::String(Bytes::copy_from_slice(
                receiver.as_bytes(),
            ))),
        }),
    };
    // A message that is sent in two pieces is merged.
    let resource = fields(&[(1, &attribute.encode_to_vec())]);
    let stamp = fields(&[(1, &resource)]);
    let mut wire = Wire(request);
    let mut stamped = Vec::with_capacity(request.len() + stamp.len());
    while let Some((tag, field)) = wire.next()? {
        if tag == 1 {
            let block = [field.message()?, stamp.as_slice()].concat();
            stamped.extend(fields(&[(1, &block)]));
        }
    }
    Ok(stamped)
}

fn fields(messages: &[(u32, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tag, message) in messages {
        encode_key(*tag, WireType::LengthDelimited, &mut bytes);
        encode_varint(message.len() as u64, &mut bytes);
        bytes.extend_from_slice(message);
    }
    bytes
}

#[cfg(all(test, feature = "run"))]
mod tests {
    use super::super::Walk;
    use super::*;
    use crate::trace::{SpanId, TraceId};

    #[test]
    fn packed_spans_are_found_again_also_one_after_the_other() {
        let (trace, first, second) = (TraceId::random(), SpanId::random(), SpanId::random());
        let span = |id: SpanId| fields(&[(1, trace.as_bytes()), (2, id.as_bytes())]);
        let mut request = pack(b"", b"", &span(first));
        request.extend(pack(b"", b"", &span(second)));
        let walk = Walk::of(&request).unwrap();
        let ids: Vec<SpanId> = walk.spans.iter().map(|span| span.span_id).collect();
        assert_eq!(ids, [first, second]);
    }
}
