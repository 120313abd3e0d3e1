//! The walk against prost with the types of the opentelemetry-proto crate.

mod records;

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::super::decode;
use super::*;

/// The walk finds the spans that prost decodes. It may accept a request that prost refuses.
fn assert_agrees(request: &[u8]) {
    if let Ok(walk) = Walk::of(request) {
        assert_decodable(&walk);
    }
    let Ok(expected) = ExportTraceServiceRequest::decode(request) else {
        return;
    };
    let walk = Walk::of(request).expect("prost accepts it");
    assert_eq!(found(&walk), decoded(&expected));
    let spans = expected
        .resource_spans
        .iter()
        .flat_map(|of| &of.scope_spans);
    let all: usize = spans.map(|scope| scope.spans.len()).sum();
    assert_eq!(walk.invalid + walk.spans.len(), all);
    let links = expected_links(&expected);
    assert_eq!(walk.links, links);
}

/// Requests that the walk accepts can be decoded.
fn assert_decodable(walk: &Walk<'_>) {
    for span in &walk.spans {
        let bytes = Bytes::copy_from_slice(span.bytes);
        let read = decode::span(bytes, &Arc::default(), &Arc::default());
        assert!(read.unwrap().is_some());
    }
    for scope in &walk.scopes {
        decode::scope(Bytes::copy_from_slice(&scope.scope.joined())).unwrap();
    }
    for resource in &walk.resources {
        decode::resource(Bytes::copy_from_slice(&resource.joined())).unwrap();
    }
}

type Found = (Span, InstrumentationScope, Resource);

fn found(walk: &Walk<'_>) -> Vec<Found> {
    let spans = walk.spans.iter().map(|span| {
        let scope = &walk.scopes[span.scope];
        let resource = &walk.resources[scope.resource];
        let decoded = Span::decode(span.bytes).unwrap();
        assert_eq!(decoded.trace_id, span.trace_id.as_bytes());
        assert_eq!(decoded.span_id, span.span_id.as_bytes());
        (
            decoded,
            InstrumentationScope::decode(&*scope.scope.joined()).unwrap(),
            Resource::decode(&*resource.joined()).unwrap(),
        )
    });
    spans.collect()
}

fn decoded(request: &ExportTraceServiceRequest) -> Vec<Found> {
    let mut found = Vec::new();
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            for span in scope.spans.iter().filter(|span| is_valid(span)) {
                found.push((
                    span.clone(),
                    scope.scope.clone().unwrap_or_default(),
                    resource.resource.clone().unwrap_or_default(),
                ));
            }
        }
    }
    found
}

fn is_valid(span: &Span) -> bool {
    let is_id = |bytes: &[u8], length| bytes.len() == length && bytes.iter().any(|&byte| byte != 0);
    let parent = span.parent_span_id.len();
    is_id(&span.trace_id, 16) && is_id(&span.span_id, 8) && (parent == 0 || parent == 8)
}

fn expected_links(request: &ExportTraceServiceRequest) -> Vec<LinkAt> {
    let spans = decoded(request);
    let links = spans.iter().flat_map(|(span, ..)| {
        let from = TraceId::from_slice(&span.trace_id).unwrap();
        span.links.iter().filter_map(move |link| {
            let to = TraceId::from_slice(&link.trace_id)?;
            SpanId::from_slice(&link.span_id).map(|_| LinkAt { from, to })
        })
    });
    links.collect()
}

/// A varint in at least `length` bytes, which protobuf allows, up to ten.
fn varint(mut value: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 || bytes.len() + 1 < length {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn key(tag: u32, wire_type: u32, padding: usize) -> Vec<u8> {
    varint(u64::from(tag << 3 | wire_type), padding)
}

fn field(tag: u32, payload: &[u8], padding: usize) -> Vec<u8> {
    let length = varint(payload.len() as u64, padding);
    [key(tag, 2, padding), length, payload.to_vec()].concat()
}

/// Unknown fields, including groups.
fn unknown() -> BoxedStrategy<Vec<u8>> {
    // 1000 was `instrumentation_library_spans`.
    let tag = 1001..2000_u32;
    let scalar = prop_oneof![
        (tag.clone(), any::<u64>(), 0..11_usize).prop_map(|(tag, value, length)| [
            key(tag, 0, 0),
            varint(value, length)
        ]
        .concat()),
        (tag.clone(), any::<[u8; 8]>())
            .prop_map(|(tag, value)| [key(tag, 1, 0), value.to_vec()].concat()),
        (tag.clone(), any::<[u8; 4]>())
            .prop_map(|(tag, value)| [key(tag, 5, 0), value.to_vec()].concat()),
        (tag.clone(), vec(any::<u8>(), 0..20), 0..6_usize)
            .prop_map(|(tag, value, padding)| field(tag, &value, padding)),
    ];
    scalar
        .prop_recursive(4, 16, 3, move |inner| {
            (tag.clone(), vec(inner, 0..3)).prop_map(|(tag, fields)| {
                [key(tag, 3, 0), fields.concat(), key(tag, 4, 0)].concat()
            })
        })
        .boxed()
}

/// A message made of these fields and unknown ones, in any order and number.
fn message(fields: BoxedStrategy<Vec<u8>>) -> BoxedStrategy<Vec<u8>> {
    vec(prop_oneof![4 => fields, 1 => unknown()], 0..6)
        .prop_map(|fields| fields.concat())
        .boxed()
}

fn id(tag: u32, length: usize) -> BoxedStrategy<Vec<u8>> {
    let bytes = prop_oneof![
        8 => (1..4_u8).prop_map(move |byte| vec![byte; length]),
        1 => vec(0..2_u8, 0..20),
    ];
    (bytes, 0..4_usize)
        .prop_map(move |(bytes, padding)| field(tag, &bytes, padding))
        .boxed()
}

fn nested(tag: u32, inner: BoxedStrategy<Vec<u8>>) -> BoxedStrategy<Vec<u8>> {
    (inner, 0..4_usize)
        .prop_map(move |(inner, padding)| field(tag, &inner, padding))
        .boxed()
}

fn text(tag: u32) -> BoxedStrategy<Vec<u8>> {
    "[a-z]{0,9}"
        .prop_map(move |text| field(tag, text.as_bytes(), 0))
        .boxed()
}

fn link() -> BoxedStrategy<Vec<u8>> {
    message(prop_oneof![id(1, 16), id(2, 8), text(3)].boxed())
}

fn any_span() -> BoxedStrategy<Vec<u8>> {
    let fields = prop_oneof![id(1, 16), id(2, 8), id(4, 8), text(5), nested(13, link())];
    // Mostly valid: what comes after these overrides them.
    (id(1, 16), id(2, 8), message(fields.boxed()))
        .prop_map(|(trace, span, rest)| [span, rest, trace].concat())
        .boxed()
}

fn any_request() -> BoxedStrategy<Vec<u8>> {
    let attribute = message(prop_oneof![text(1), nested(2, message(text(1)))].boxed());
    let resource = message(nested(1, attribute));
    let scope = message(prop_oneof![text(1), text(2)].boxed());
    let scope_spans = prop_oneof![1 => nested(1, scope), 3 => nested(2, any_span()), 1 => text(3)];
    let scope_spans = message(scope_spans.boxed());
    let resource_spans =
        prop_oneof![1 => nested(1, resource), 3 => nested(2, scope_spans), 1 => text(3)];
    message(nested(1, message(resource_spans.boxed())))
}

proptest! {
    #[test]
    fn the_walk_finds_what_prost_decodes(request in any_request()) {
        assert_agrees(&request);
    }

    #[test]
    fn the_walk_accepts_what_prost_accepts_of_damaged_requests(
        mut request in any_request(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        if !request.is_empty() {
            let at = at.index(request.len());
            request[at] = byte;
        }
        assert_agrees(&request);
    }

    #[test]
    fn any_bytes_are_walked_without_panic(bytes in vec(any::<u8>(), 0..200)) {
        assert_agrees(&bytes);
    }
}

fn span_message(fields: &[Vec<u8>]) -> Vec<u8> {
    field(1, &field(2, &field(2, &fields.concat(), 0), 0), 0)
}

#[test]
fn a_trace_id_may_come_last_and_of_several_the_last_counts() {
    let request = span_message(&[
        field(2, &[1; 8], 0),
        field(1, &[7; 16], 0),
        field(5, b"name", 0),
        field(1, &[8; 16], 9),
    ]);
    assert_agrees(&request);
    let walk = Walk::of(&request).unwrap();
    assert_eq!(walk.spans[0].trace_id.as_bytes(), &[8; 16]);
}

#[test]
fn fields_of_wrong_types_inside_a_span_are_refused() {
    let ids = [field(1, &[7; 16], 0), field(2, &[1; 8], 0)];
    for wrong in [
        key(3, 0, 0),
        field(6, b"", 0),
        field(7, b"", 0),
        field(11, &field(1, b"", 0), 0),
        field(13, &[key(3, 0, 0), vec![1]].concat(), 0),
        field(15, &field(3, b"", 0), 0),
    ] {
        let request = span_message(&[ids.concat(), wrong]);
        assert_agrees(&request);
        assert!(Walk::of(&request).is_err(), "{request:x?}");
    }
}

#[test]
fn a_resource_in_pieces_is_one_resource() {
    let pieces = [field(1, b"\x0a\x01a", 0), field(1, b"\x0a\x01b", 0)];
    let spans = field(
        2,
        &field(
            2,
            &[field(1, &[1; 16], 0), field(2, &[1; 8], 0)].concat(),
            0,
        ),
        0,
    );
    let block = [pieces[0].clone(), spans, pieces[1].clone()].concat();
    let request = field(1, &block, 0);
    assert_agrees(&request);
    let walk = Walk::of(&request).unwrap();
    assert_eq!(&*walk.resources[0].joined(), b"\x0a\x01a\x0a\x01b");
}

#[test]
fn lengths_beyond_the_end_and_varints_without_one_are_refused() {
    let too_long = [key(1, 2, 0), varint(u64::MAX, 0)].concat();
    let endless = [vec![0xff; 20]].concat();
    let overflow = [key(9, 0, 0), vec![0xff; 9], vec![2]].concat();
    for bytes in [
        &too_long[..],
        &endless,
        &overflow,
        &[0x0a],
        &[0x0a, 5, 1],
        &[0x07],
        &[0, 1],
    ] {
        assert!(Walk::of(bytes).is_err(), "{bytes:x?}");
        assert!(
            ExportTraceServiceRequest::decode(bytes).is_err(),
            "{bytes:x?}"
        );
    }
}

#[test]
fn groups_that_never_end_or_nest_without_end_are_refused() {
    let start = key(200, 3, 0);
    assert!(Walk::of(&start).is_err());
    assert!(Walk::of(&start.repeat(100_000)).is_err());
    assert!(Walk::of(&key(200, 4, 0)).is_err());
    let crossed = [key(200, 3, 0), key(201, 4, 0)].concat();
    assert!(Walk::of(&crossed).is_err());
}
