//! Packs a raw span into a request.

use prost::encoding::{WireType, encode_key, encode_varint};

/// A protobuf request with this span. Concatenated requests are one request with all their spans.
pub(crate) fn pack(resource: &[u8], scope: &[u8], span: &[u8]) -> Vec<u8> {
    let scope_spans = fields(&[(1, scope), (2, span)]);
    let resource_spans = fields(&[(1, resource), (2, &scope_spans)]);
    fields(&[(1, &resource_spans)])
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

#[cfg(test)]
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
