//! Measures the time to judge a trace: `cargo bench --bench judging`.
//!
//! A hundred checks, relations among them, over traces of several sizes and shapes; once where
//! all of them hold, and once where all that look at spans fail, for a failure looks for what
//! comes nearest. The next table judges a trace while it arrives, and the next one judges
//! the faults of traces, as `spanspec mutate` does. The last one replays traces through the tail sampling of a Collector.
//! An argument is the name of the only table: `whole`, `arriving`, `faults` or `replay`.

#![expect(clippy::cast_precision_loss, reason = "times are rounded anyway")]

mod figures;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message;
use spanspec::internal::check::outcomes;
use spanspec::internal::mutate::judge_faults;
use spanspec::internal::sampling::TailReplay;
use spanspec::internal::step::drive;
use spanspec::{
    Context, Evidence, Expect, HttpResponse, Judgement, Origin, Outcome, Resource, Response,
    Source, Span, SpanId, SpanKind, Spec, Store, Trace, TraceId, judge,
};

use figures::{Times, head, is_quick, line, ratio, rounds};

/// Number of operations and services that take turns.
const OPERATIONS: usize = 20;
const SERVICES: usize = 10;

/// Number of specs whose faults are judged.
const MUTATED: usize = 20;

/// Largest number of spans in an export request.
const BATCH: usize = 500;

/// The shape of a tree of spans.
#[derive(Clone, Copy)]
enum Shape {
    /// All below one.
    Wide,
    /// Each below the one before.
    Deep,
    /// Four below each.
    Tree,
}

impl Shape {
    const ALL: [(&'static str, Self); 3] = [
        ("wide", Self::Wide),
        ("deep", Self::Deep),
        ("tree", Self::Tree),
    ];

    /// The parent of the span of this number; the first is the root, the second a leaf below it.
    fn parent(self, number: usize) -> Option<usize> {
        match (self, number) {
            (_, 0) => None,
            (Self::Wide, _) | (_, 1 | 2) => Some(0),
            (Self::Deep, _) => Some(number - 1),
            (Self::Tree, _) => Some(Some((number - 1) / 4).filter(|&at| at != 1).unwrap_or(0)),
        }
    }
}

fn main() {
    let tables: [(&str, fn()); 4] = [
        ("whole", whole),
        ("arriving", arriving),
        ("faults", faults),
        ("replay", replaying),
    ];
    let named: Vec<String> = std::env::args().skip(1).collect();
    let is_named = |name: &str| named.iter().any(|argument| argument == name);
    let all = !tables.iter().any(|(name, _)| is_named(name));
    for (name, table) in tables {
        if all || is_named(name) {
            table();
        }
    }
}

/// Whole traces.
fn whole() {
    let sizes: &[usize] = if is_quick() {
        &[100, 1_000]
    } else {
        &[100, 1_000, 10_000, 100_000]
    };
    for (title, spec) in [
        ("checks that hold", holding()),
        ("checks that fail", failing()),
    ] {
        let expect = expect(&spec);
        for (shape_name, shape) in Shape::ALL {
            head(&format!("{title}, {shape_name}"), "a span");
            for &size in sizes {
                judging(&expect, shape, size);
            }
        }
    }
}

/// The faults of the traces of 20 specs.
fn faults() {
    let title = format!("faults of {MUTATED} specs");
    head(&title, "faults a second");
    let checks = "request: GET http://127.0.0.1:1/\nexpect:\n  status: 200\n  errors: 0\n  \
         span_count: 1..\n  services: [service 1]\n  spans:\n";
    let mut text = checks.to_owned();
    entry(
        &mut text,
        "{ name: operation 4, below: root }",
        "POST",
        "below: root",
    );
    entry(&mut text, "operation 5", "POST", "after: first");
    let specs: Vec<String> = (0..MUTATED)
        .map(|number| format!("name: spec {number}\n{text}"))
        .collect();
    let source = Source::new("bench.yaml", specs.join("---\n"));
    let specs = Spec::read_all(&source, Path::new("."), &Context::default()).expect("specs");
    let sizes: &[usize] = if is_quick() {
        &[10]
    } else {
        &[10, 100, 1_000, 20_000]
    };
    for &size in sizes {
        let (trace, response) = (trace(Shape::Tree, size), response());
        let mut judged = 0;
        let times = Times::of(rounds(3, 1), || {
            let (number, _) = judge_faults(&specs, &response, &trace);
            judged = number;
        });
        let name = format!("{size} spans: {judged} faults");
        let each = judged as f64 / times.median().as_secs_f64();
        line(&name, &times, &format!("{each:.0}"));
    }
}

/// Traces through the tail sampling of a Collector.
fn replaying() {
    const SPANS: u64 = 10;
    let number = rounds(20_000, 2_000);
    let title = format!("replay of {number} traces, {SPANS} spans each");
    head(&title, "traces per second");
    let traces: Vec<Vec<Span>> = (1..=number as u64).map(|at| recorded(at, SPANS)).collect();
    for (name, policies) in POLICIES {
        let config = format!("tail_sampling: {{ decision_wait: 5s, policies: [{policies}] }}");
        let replay = TailReplay::new(&config, traces.clone()).expect("a processor");
        let mut kept = 0;
        let times = Times::of(rounds(10, 3), || kept = replay.kept());
        let rate = number as f64 / times.median().as_secs_f64();
        line(
            &format!("{name}: {kept} kept"),
            &times,
            &format!("{rate:.0}"),
        );
    }
}

const POLICIES: [(&str, &str); 3] = [
    (
        "errors, slow, 10 % of the rest",
        "{ name: errors, type: status_code, status_code: { status_codes: [ERROR] } }, \
         { name: slow, type: latency, latency: { threshold_ms: 900 } }, \
         { name: rest, type: probabilistic, probabilistic: { sampling_percentage: 10 } }",
    ),
    (
        "attributes and patterns",
        "{ name: no-probes, type: drop, drop: { drop_sub_policy: [{ name: path, type: string_attribute, \
           string_attribute: { key: url.path, values: [\"^/(health|ready)\"], enabled_regex_matching: true } }] } }, \
         { name: failed, type: numeric_attribute, numeric_attribute: { key: http.response.status_code, min_value: 500, max_value: 599 } }",
    ),
    (
        "OTTL",
        "{ name: odd, type: ottl_condition, ottl_condition: { error_mode: ignore, span: \
           ['attributes[\"http.response.status_code\"] >= 500 and IsMatch(attributes[\"url.path\"], \"^/orders\")'] } }",
    ),
];

/// A trace that begins 10 ms after the one before.
fn recorded(number: u64, spans: u64) -> Vec<Span> {
    let id: TraceId = format!("{:032x}", u128::from(number) * 0x9e37_79b9_7f4a_7c15)
        .parse()
        .expect("it is not zero");
    let resource = Arc::new(Resource::default());
    let path = format!("/orders/{}", number % 100);
    let of_span = |at: u64| {
        let own = SpanId::from_bytes((number << 8 | at).to_be_bytes()).expect("it is not zero");
        let mut span = Span::new(id, own, "GET /orders/{id}");
        span.parent_id = (at > 1).then_some(own);
        span.start = 1_700_000_000_000_000_000 + number * 10_000_000 + at * 1_000_000;
        span.end = span.start + (number + at) % 1_000 * 1_000_000;
        let status = if (number + at).is_multiple_of(50) {
            500
        } else {
            200
        };
        span.attributes = [
            ("url.path", spanspec::Value::from(path.as_str())),
            ("http.response.status_code", spanspec::Value::Int(status)),
        ]
        .into_iter()
        .collect();
        span.resource = Arc::clone(&resource);
        span
    };
    (1..=spans).map(of_span).collect()
}

fn judging(expect: &Expect, shape: Shape, size: usize) {
    let trace = trace(shape, size);
    let response = response();
    let judged = judge_all(expect, &response, &trace);
    let failed = judged.iter().filter(|one| has_failed(one)).count();
    let most = if size > 10_000 { 5 } else { 30 };
    let times = Times::of(rounds(most, 3), || judge_all(expect, &response, &trace));
    let name = format!("{size} spans: {} checks, {failed} fail", judged.len());
    let each = times.median().as_nanos() as f64 / size as f64;
    line(&name, &times, &format!("{each:.0} ns"));
}

/// A trace that arrives in parts as fast as they can be stored, while it is judged, beside one that arrives as a whole.
fn arriving() {
    let size = rounds(10_000, 1_000);
    let whole = trace(Shape::Tree, size);
    head(&format!("{size} spans arrive, tree"), "of one batch");
    for (name, spec) in [("hold", holding()), ("fail", failing())] {
        let expect = expect(&spec);
        let response = response();
        let at_once = batches(&whole, size);
        let once = Times::of(rounds(10, 2), || follow(&at_once, size, &expect, &response));
        for of_batch in [BATCH, 10] {
            let batches = batches(&whole, of_batch);
            let mut judged = 0;
            let all = Times::of(rounds(10, 2), || {
                judged = follow(&batches, size, &expect, &response);
            });
            let name = format!("{} batches, checks {name}: judged {judged}x", batches.len());
            line(&name, &all, &ratio(&all, once.median()));
        }
    }
}

/// Follows a trace until all its spans are there, and judges it then. Returns the number of judgements.
fn follow(batches: &[Vec<u8>], size: usize, expect: &Expect, response: &Response) -> usize {
    let store = Store::new();
    let mut follow = store.follow(trace_id(), Origin::Foreign);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().expect("a runtime");
    let mut judged = 0;
    let far = Instant::now() + std::time::Duration::from_secs(60);
    let followed = drive(&mut follow, |snapshot| {
        judged += 1;
        let _ = outcomes(
            expect,
            &Evidence::new(response, Some(&snapshot.trace), true),
        );
        match snapshot.trace.len() == size {
            true => ControlFlow::Break(snapshot),
            false => ControlFlow::Continue(far),
        }
    });
    let snapshot = std::thread::scope(|scope| {
        scope.spawn(|| {
            for batch in batches {
                store.ingest(batch).expect("a well-formed request");
            }
        });
        runtime.block_on(followed)
    });
    judge_all(expect, response, &snapshot.trace);
    judged
}

fn judge_all(expect: &Expect, response: &Response, trace: &Trace) -> Vec<Judgement> {
    judge(expect, &Evidence::new(response, Some(trace), true))
}

fn has_failed(judgement: &Judgement) -> bool {
    !matches!(judgement.judged.outcome, Outcome::Pass)
}

fn holding() -> String {
    let mut spec = whole_trace();
    for number in 0..12 {
        let relation = match number % 6 {
            0 => "below: root",
            1 => "below: { name: nobody, count: 0 }",
            2 => "after: first",
            3 => "parent_of: { name: nobody, count: 0 }",
            4 => "above: { below: nobody, count: 0 }",
            _ => "linked_to: { name: nobody, count: 0 }",
        };
        entry(
            &mut spec,
            &format!("{{ name: operation {number}, below: root }}"),
            "POST",
            relation,
        );
    }
    spec
}

fn failing() -> String {
    let mut spec = whole_trace();
    for number in 0..12 {
        let relation = match number % 6 {
            0 => "below: nobody",
            1 => "below: { name: root, count: 0 }",
            2 => "before: root",
            3 => "parent_of: nobody",
            4 => "after: { service: service 1 }",
            _ => "linked_to: nobody",
        };
        // Of every second kind there is none, so that the nearest are looked for.
        let name = if number % 2 == 0 {
            "operation"
        } else {
            "operatoin"
        };
        entry(
            &mut spec,
            &format!("{{ name: {name} {number} }}"),
            "PUT",
            relation,
        );
    }
    for number in 0..36 {
        let _ = writeln!(
            spec,
            "    - find: {{ name: operetta {number}, service: service 1 }}"
        );
    }
    spec
}

fn whole_trace() -> String {
    let services: Vec<String> = (0..SERVICES)
        .map(|number| format!("service {number}"))
        .collect();
    format!(
        "request: GET http://127.0.0.1:1/\nexpect:\n  status: 200\n  errors: 0\n  orphans: 0\n  \
         span_count: 1..\n  trace_duration: < 1h\n  services: [{}]\n  \
         sequence: [first, operation 4]\n  spans:\n",
        services.join(", ")
    )
}

/// One entry that makes seven checks.
fn entry(spec: &mut String, find: &str, method: &str, relation: &str) {
    let _ = writeln!(
        spec,
        "    - find: {find}\n      kind: server\n      attributes:\n        \
         http.request.method: {method}\n        http.route: =~ ^/orders/\n      \
         duration: < 1h\n      self_time: < 1h\n      {relation}"
    );
}

fn expect(text: &str) -> Expect {
    let source = Source::new("bench.yaml", text);
    let specs = Spec::read_all(&source, Path::new("."), &Context::default()).expect("a spec");
    let spec = &specs[0];
    spec.steps[0].expect(&spec.scope()).expect("no captures")
}

fn response() -> Response {
    Response::Http(HttpResponse {
        status: 200,
        ..HttpResponse::default()
    })
}

fn trace_id() -> TraceId {
    TraceId::from_bytes([1; 16]).expect("not all zeros")
}

fn span_id(number: usize) -> SpanId {
    SpanId::from_bytes((number as u64 + 1).to_be_bytes()).expect("not zero")
}

fn trace(shape: Shape, size: usize) -> Trace {
    let service = |number| {
        let name = format!("service {number}");
        let attributes = [
            ("service.name", name.as_str()),
            ("service.version", "2.3.0"),
        ];
        Arc::new(Resource {
            attributes: attributes.into_iter().collect(),
        })
    };
    let services: Vec<Arc<Resource>> = (0..SERVICES).map(service).collect();
    let spans = (0..size).map(|number| span(shape, size, number, &services[number % SERVICES]));
    Trace::assemble(trace_id(), Origin::Foreign, spans)
}

fn span(shape: Shape, size: usize, number: usize, resource: &Arc<Resource>) -> Span {
    let name = match number {
        0 => "root".to_owned(),
        1 => "first".to_owned(),
        _ => format!("operation {}", number % OPERATIONS),
    };
    let attributes = [
        ("http.request.method", "POST"),
        ("http.route", "/orders/{id}/payment"),
        (
            "url.full",
            "http://127.0.0.1:7003/orders/17/payment?retry=false",
        ),
        ("server.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
        ("user_agent.original", "python-requests/2.34.2"),
        ("thread.name", "ThreadPoolExecutor-0_0"),
    ];
    let start = 10 * number as u64;
    Span {
        parent_id: shape.parent(number).map(span_id),
        kind: SpanKind::Server,
        start,
        // The first is over before any other begins.
        end: if number == 1 {
            start + 1
        } else {
            20 * size as u64 - start
        },
        attributes: attributes.into_iter().collect(),
        resource: Arc::clone(resource),
        ..Span::new(trace_id(), span_id(number), name)
    }
}

/// The trace as exporters would send it, the last spans first, as they are when parents end last.
fn batches(trace: &Trace, of_batch: usize) -> Vec<Vec<u8>> {
    let spans: Vec<&Span> = trace.spans().iter().rev().collect();
    spans.chunks(of_batch).map(request).collect()
}

fn request(spans: &[&Span]) -> Vec<u8> {
    let mut by_service: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        by_service.entry(span.service()).or_default().push(span);
    }
    let resource_spans = by_service.values().map(|spans| ResourceSpans {
        resource: Some(v1::Resource {
            attributes: text_attributes(&spans[0].resource.attributes),
            ..v1::Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans: spans.iter().map(|span| message(span)).collect(),
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    });
    ExportTraceServiceRequest {
        resource_spans: resource_spans.collect(),
    }
    .encode_to_vec()
}

fn message(span: &Span) -> opentelemetry_proto::tonic::trace::v1::Span {
    opentelemetry_proto::tonic::trace::v1::Span {
        trace_id: span.trace_id.as_bytes().to_vec(),
        span_id: span.span_id.as_bytes().to_vec(),
        parent_span_id: span
            .parent_id
            .map_or_else(Vec::new, |id| id.as_bytes().to_vec()),
        name: span.name.clone(),
        kind: 2,
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.end,
        attributes: text_attributes(&span.attributes),
        ..opentelemetry_proto::tonic::trace::v1::Span::default()
    }
}

fn text_attributes(attributes: &spanspec::Attributes) -> Vec<KeyValue> {
    let text = |(key, value): (&str, &spanspec::Value)| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_text())),
        }),
        ..KeyValue::default()
    };
    attributes.iter().map(text).collect()
}
