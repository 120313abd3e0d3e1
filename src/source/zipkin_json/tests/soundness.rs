//! No check passes on what Zipkin keeps of a trace, if it fails on the trace that was sent, or the reverse.

use std::path::Path;

use proptest::collection::vec;
use proptest::sample::select;

use super::*;
use crate::check::{CheckRef, Evidence, Outcome, judge};
use crate::spec::{Context, Source, Spec};
use crate::trace::{HttpResponse, Origin, Response, Trace};

/// Keys of attributes; those of `OF_RESOURCES` can be on resources, too.
const KEYS: &[&str] = &[
    "order.id",
    "http.response.status_code",
    "http.status_code",
    "error",
    "net.peer.port",
    "service.version",
    "host.name",
];
const OF_RESOURCES: &[&str] = &["service.version", "host.name"];

fn value() -> impl Strategy<Value = Value> {
    let text = select(vec!["200", "true", "a", "", "[1]", "1.5"]);
    prop_oneof![
        text.prop_map(Value::from),
        select(vec![1_i64, 200]).prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        select(vec![1.0, 1.5]).prop_map(Value::Double),
        Just(Value::Array(vec![Value::Int(1)])),
    ]
}

fn attributes(keys: &'static [&'static str]) -> impl Strategy<Value = Attributes> {
    let entries = prop::sample::subsequence(keys, 0..=keys.len())
        .prop_flat_map(|keys| (Just(keys.clone()), vec(value(), keys.len())));
    entries.prop_map(|(keys, values)| keys.into_iter().zip(values).collect())
}

/// A span with small times, so that rounding matters.
fn span(number: u8) -> impl Strategy<Value = Span> {
    let names = (select(vec!["get /a", "pay"]), select(vec!["shop", "bank"]));
    let kind = select(vec![SpanKind::Server, SpanKind::Client, SpanKind::Internal]);
    let code = select(StatusCode::ALL.to_vec());
    let times = (0_u64..8_000, 0_u64..8_000);
    let of_event = attributes(&["order.id", "n"]);
    let parts = (
        names,
        kind,
        code,
        times,
        attributes(KEYS),
        attributes(OF_RESOURCES),
        of_event,
    );
    let links = prop::option::of(0_u8..3);
    (parts, links).prop_map(
        move |((names, kind, code, (start, time), own, of_resource, of_event), link)| {
            let id = |number: u8| SpanId::from_bytes([number; 8]);
            let trace = TraceId::from_bytes([7; 16]).unwrap();
            let service = ("service.name".to_owned(), Value::from(names.1));
            let others = of_resource
                .iter()
                .map(|(key, value)| (key.to_owned(), value.clone()));
            let resource = Resource {
                attributes: std::iter::once(service).chain(others).collect(),
            };
            let start = 1_000_000_000 + start;
            Span {
                parent_id: id(number - 1),
                kind,
                start,
                end: start + time,
                status: Status {
                    code,
                    message: String::new(),
                },
                attributes: own,
                events: vec![Event {
                    name: "note".to_owned(),
                    time: start,
                    attributes: of_event,
                }],
                links: link
                    .map(|number| Link {
                        trace_id: trace,
                        span_id: id(number + 1).unwrap(),
                        trace_state: String::new(),
                        attributes: Attributes::default(),
                    })
                    .into_iter()
                    .collect(),
                resource: resource.into(),
                ..Span::new(trace, id(number).unwrap(), names.0)
            }
        },
    )
}

fn matcher() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "exists",
        "absent",
        "200",
        "\"200\"",
        "true",
        "\"true\"",
        "a",
        "\"\"",
        "\">= 100\"",
        "1..2",
        "\"=~ ^[^a-z]+$\"",
        "{ number: 200 }",
        "{ number: '> 1' }",
        "{ type: int }",
        "{ type: string }",
        "{ contains: 0 }",
        "{ length: 1 }",
        "{ json: { '$[0]': 1 } }",
        "{ any: 1 }",
        "{ equals: [1] }",
        "[200, absent]",
        "1.5",
        "{ starts_with: \"2\" }",
    ]);
    prop_oneof![
        3 => leaf.clone().prop_map(str::to_owned),
        1 => leaf.prop_map(|one| format!("{{ not: {one} }}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let limits = vec!["< 2us", "<= 4us", "> 3us", ">= 0ns", "1us..6us"];
    let words = select(vec![
        "kind: server",
        "kind: [client, internal]",
        "kind: unspecified",
        "status: error",
        "status: not error",
        "status: ok",
        "service: bank",
        "service: { not: shop }",
        "name: '=~ ^get'",
        "name: { not: pay }",
        "scope: absent",
        "scope: { not: x }",
        "type: http",
        "links: 0",
        "links: 1",
        "above: pay",
        "child_of: { service: shop }",
        "after: get /a",
        "before: { name: pay, count: 1 }",
        "below: { attributes: { host.name: exists } }",
        "resource: { host.name: absent }",
        "resource: { service.version: { not: a } }",
    ]);
    prop_oneof![
        4 => (select(KEYS.to_vec()), matcher()).prop_map(|(key, of)| format!("attributes: {{ {key}: {of} }}")),
        1 => (select(vec!["order.id", "n"]), matcher(), select(vec!["", ", count: 0"]))
            .prop_map(|(key, of, count)| format!("events: [{{ name: note, attributes: {{ {key}: {of} }}{count} }}]")),
        2 => words.prop_map(str::to_owned),
        1 => (select(vec!["duration", "self_time"]), select(limits)).prop_map(|(key, of)| format!("{key}: {of}")),
    ]
}

fn expectation() -> impl Strategy<Value = String> {
    let count = select(vec!["0", "1", "1..", "2", "..1"]);
    let find = prop_oneof![Just("name: pay".to_owned()), condition()];
    let take = select(vec!["", ", take: first", ", take: last"]);
    prop_oneof![
        3 => (find.clone(), count, take).prop_map(|(find, count, take)| format!("spans: [{{ find: {{ {find}{take} }}, count: {count} }}]")),
        3 => (find, condition()).prop_map(|(find, of)| format!("spans: [{{ find: {{ {find} }}, count: 0.., {of} }}]")),
        1 => select(vec![
            "errors: 0", "errors: 1", "services: [bank]", "edges: [shop -> bank]", "sequence: [get /a, pay]",
            "trace_duration: < 5us", "span_count: 3", "orphans: 0",
        ]).prop_map(str::to_owned),
    ]
}

/// The outcomes of the checks of a trace; `None` if the text is no spec.
fn outcomes(expect: &str, trace: &Trace) -> Option<Vec<Outcome>> {
    let text = format!("request: GET http://a/\nexpect:\n  {expect}\n");
    let source = Source::new("a.yaml", text);
    let specs = Spec::read_all(&source, Path::new(""), &Context::default()).ok()?;
    let expect = specs[0].steps[0].expect(&specs[0].scope()).ok()?;
    let response = Response::Http(HttpResponse::default());
    let judged = judge(&expect, &Evidence::new(&response, Some(trace), true));
    let of_trace = judged.into_iter().map(|one| one.judged);
    let of_trace = of_trace.filter(|one| !matches!(one.check, CheckRef::Response(_)));
    Some(of_trace.map(|one| one.outcome).collect())
}

fn passes(outcomes: &[Outcome]) -> bool {
    outcomes.iter().all(|outcome| *outcome == Outcome::Pass)
}

fn fails(outcomes: &[Outcome]) -> bool {
    outcomes
        .iter()
        .any(|outcome| matches!(outcome, Outcome::Fail(_)))
}

proptest! {
    #[test]
    fn no_check_passes_or_fails_because_of_what_zipkin_loses(
        spans in (span(1), span(2), span(3)),
        expect in expectation(),
    ) {
        let spans = [spans.0, spans.1, spans.2];
        let id = spans[0].trace_id;
        let written: Vec<Json> = spans.iter().map(written).collect();
        let read = read(&json!(written).to_string()).unwrap();
        let losses = LOSSES.iter().copied().chain([Field::LinkingTraces]);
        let kept = Trace::assemble(id, Origin::Foreign, read.spans).with_losses(losses.collect());
        let sent = Trace::assemble(id, Origin::Foreign, spans);
        let (Some(of_kept), Some(of_sent)) = (outcomes(&expect, &kept), outcomes(&expect, &sent)) else {
            return Ok(());
        };
        let is_contradicted = passes(&of_kept) && fails(&of_sent);
        prop_assert!(!is_contradicted, "passes only with losses: {}\n{:#?}", expect, of_sent);
        let is_accused = fails(&of_kept) && passes(&of_sent);
        prop_assert!(!is_accused, "fails only with losses: {}\n{:#?}", expect, of_kept);
    }
}
