//! Early verdicts are sound: what is called final stays so, whatever else arrives.
//!
//! Random traces are delivered span by span and log record by log record, in random order, and judged
//! after each. Parents
//! that form a circle are left out: they are no trace, and cutting one may take a parent away.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use spanspec::{
    Attributes, Context, Event, Evidence, Expect, Finality, HttpResponse, Judgement, Link,
    LogRecord, Origin, Outcome, Resource, Response, Source, Span, SpanId, SpanKind, Spec, Status,
    StatusCode, Trace, TraceId, Value, judge,
};

const NAMES: [&str; 2] = ["a", "b"];
const SERVICES: [&str; 2] = ["s", "t"];
const LIMITS: [&str; 12] = [
    "1..",
    "1..",
    "1..",
    "1..",
    "0..",
    "2..",
    "1",
    "..1",
    "1..2",
    "[1, 3]",
    "{ not: 1 }",
    "{ gt: 1 }",
];
const RELATIONS: [&str; 8] = [
    "below",
    "above",
    "child_of",
    "parent_of",
    "after",
    "before",
    "linked_to",
    "caused_by",
];

fn trace_id(number: u8) -> TraceId {
    TraceId::from_bytes([number; 16]).unwrap()
}

fn span_id(number: usize) -> SpanId {
    SpanId::from_bytes((number as u64 + 1).to_be_bytes()).unwrap()
}

/// Our own span, which never arrives.
fn ours() -> SpanId {
    span_id(1_000)
}

/// Everything about a span but its number.
#[derive(Clone, Debug)]
struct Sketch {
    is_linked: bool,
    parent: Option<Index>,
    name: &'static str,
    service: &'static str,
    start: u64,
    length: u64,
    code: StatusCode,
    kind: SpanKind,
    attribute: Option<i64>,
    events: usize,
    links: Vec<(bool, Index)>,
    /// It was exported once before it ended.
    is_sent_twice: bool,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let code = select(&[StatusCode::Unset, StatusCode::Ok, StatusCode::Error][..]);
    let kind = select(&[SpanKind::Internal, SpanKind::Server][..]);
    (
        (
            prop::bool::weighted(0.2),
            prop::option::weighted(0.8, any::<Index>()),
            select(&NAMES[..]),
            select(&SERVICES[..]),
        ),
        (0..8_u64, 0..6_u64, code, kind),
        (
            prop::option::of(0..3_i64),
            0..3_usize,
            prop::collection::vec((any::<bool>(), any::<Index>()), 0..2),
            prop::bool::weighted(0.1),
        ),
    )
        .prop_map(
            |(
                (is_linked, parent, name, service),
                (start, length, code, kind),
                (attribute, events, links, is_sent_twice),
            )| Sketch {
                is_linked,
                parent,
                name,
                service,
                start,
                length,
                code,
                kind,
                attribute,
                events,
                links,
                is_sent_twice,
            },
        )
}

/// A log record: on this span, or on none.
#[derive(Clone, Debug)]
struct LogSketch {
    on: Option<Index>,
    severity: Option<u8>,
    body: &'static str,
    service: &'static str,
    is_exception: bool,
    is_repeated: bool,
}

fn log_sketch() -> impl Strategy<Value = LogSketch> {
    (
        prop::option::weighted(0.8, any::<Index>()),
        select(&[None, Some(9), Some(9), Some(17)][..]),
        select(&NAMES[..]),
        select(&SERVICES[..]),
        prop::bool::weighted(0.4),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(on, severity, body, service, is_exception, is_repeated)| LogSketch {
                on,
                severity,
                body,
                service,
                is_exception,
                is_repeated,
            },
        )
}

fn log_record(sketch: &LogSketch, spans: &[Span]) -> LogRecord {
    let on = sketch.on.map(|on| &spans[on.index(spans.len())]);
    let trace = on.map_or(trace_id(1), |span| span.trace_id);
    LogRecord {
        span_id: on.map(|span| span.span_id),
        severity: sketch.severity,
        body: sketch.body.into(),
        event_name: if sketch.is_exception { "exception" } else { "" }.to_owned(),
        resource: Resource {
            attributes: [("service.name", sketch.service)].into_iter().collect(),
        }
        .into(),
        is_repeated: sketch.is_repeated,
        ..LogRecord::new(trace, span_id(0))
    }
}

/// Spans of the judged trace and of one that links may tie to it; parents stand before children,
/// and one parent in a few never comes.
fn spans(sketches: &[Sketch]) -> Vec<Span> {
    let id = |is_linked| trace_id(if is_linked { 2 } else { 1 });
    let all = sketches.len();
    let span = |(at, sketch): (usize, &Sketch)| {
        let parent = sketch.parent.map(|parent| match parent.index(at + 2) {
            // One that never arrives.
            0 => span_id(500),
            number if number > at => ours(),
            number => span_id(number - 1),
        });
        let link = |(is_linked, to): &(bool, Index)| Link {
            trace_id: id(*is_linked),
            span_id: span_id(to.index(all)),
            trace_state: String::new(),
            attributes: Attributes::default(),
        };
        let event = Event {
            name: "e".to_owned(),
            time: sketch.start,
            attributes: Attributes::default(),
        };
        Span {
            parent_id: parent,
            kind: sketch.kind,
            start: 100 + sketch.start,
            end: 100 + sketch.start + sketch.length,
            status: Status {
                code: sketch.code,
                message: String::new(),
            },
            attributes: sketch
                .attribute
                .map(|n| ("k", Value::Int(n)))
                .into_iter()
                .collect(),
            events: vec![event; sketch.events],
            links: sketch.links.iter().map(link).collect(),
            resource: Resource {
                attributes: [("service.name", sketch.service)].into_iter().collect(),
            }
            .into(),
            ..Span::new(id(sketch.is_linked), span_id(at), sketch.name)
        }
    };
    sketches.iter().enumerate().map(span).collect()
}

fn limits() -> impl Strategy<Value = String> {
    select(&LIMITS[..]).prop_map(str::to_owned)
}

/// Limits where `0` is one of them, which an entry with conditions may not have.
fn any_limits() -> impl Strategy<Value = String> {
    prop_oneof![4 => limits(), 1 => Just("0".to_owned())]
}

/// `key: value` of a condition that needs no other span.
fn plain_condition() -> BoxedStrategy<String> {
    let fixed = select(
        &[
            "name: a",
            "name: { not: a }",
            "name: [a, b]",
            "service: s",
            "service: =~ t",
            "status: error",
            "status: { not: error }",
            "kind: server",
            "attributes: { k: 1 }",
            "attributes: { k: absent }",
            "attributes: { k: { not: 1 } }",
            "attributes: { k: 1.. }",
            "attributes: { j | k: 1 }",
            "duration: < 3ns",
            "duration: 2ns..",
            "self_time: < 2ns",
            "self_time: 1ns..",
        ][..],
    );
    prop_oneof![
        8 => fixed.prop_map(str::to_owned),
        1 => any_limits().prop_map(|limits| format!("events: [{{ name: e, count: {limits} }}]")),
        1 => any_limits().prop_map(|limits| format!("events: [{{ name: exception, count: {limits} }}]")),
        1 => any_limits().prop_map(|limits| format!("links: [{{ count: {limits} }}]")),
    ]
    .boxed()
}

/// `key: value` of any condition; `ids` are those of other entries.
fn condition(depth: u32, ids: usize) -> BoxedStrategy<String> {
    if depth == 0 {
        return plain_condition();
    }
    let to = conditions(depth - 1, 1..3, ids);
    let relation =
        (select(&RELATIONS[..]), to.clone(), any_limits()).prop_map(|(place, to, limits)| {
            match (place, limits.as_str()) {
                // These need spans to compare with.
                ("after" | "before", "0" | "0.." | "..1" | "{ not: 1 }") => {
                    format!("{place}: {{ {to} }}")
                }
                _ => format!("{place}: {{ {to}, count: {limits} }}"),
            }
        });
    let any_of =
        (to.clone(), to.clone()).prop_map(|(a, b)| format!("any_of: [{{ {a} }}, {{ {b} }}]"));
    let link = (to, any_limits())
        .prop_map(|(to, limits)| format!("links: [{{ to: {{ {to} }}, count: {limits} }}]"));
    let taken = (select(&RELATIONS[..]), plain_condition())
        .prop_map(|(place, to)| format!("{place}: {{ {to}, take: first }}"));
    let entry = (select(&RELATIONS[..]), 0..ids.max(1)).prop_map(move |(place, id)| {
        if ids > 0 {
            format!("{place}: $e{id}")
        } else {
            format!("{place}: a")
        }
    });
    prop_oneof![4 => plain_condition(), 4 => relation, 1 => any_of, 1 => link, 1 => taken, 2 => entry]
        .boxed()
}

/// Several conditions, each key once.
fn conditions(depth: u32, many: std::ops::Range<usize>, ids: usize) -> BoxedStrategy<String> {
    prop::collection::vec(condition(depth, ids), many)
        .prop_map(|mut all| {
            let key = |text: &String| text.split(':').next().unwrap_or_default().to_owned();
            let mut seen = std::collections::HashSet::new();
            all.retain(|text| seen.insert(key(text)));
            all.join(", ")
        })
        .boxed()
}

/// An entry of `spans`; it may refer to those before it.
fn entry(number: usize) -> BoxedStrategy<String> {
    let take = select(
        &[
            "",
            "",
            "",
            "",
            "",
            "",
            ", take: first",
            ", take: last",
            ", take: 2",
        ][..],
    );
    let each = prop_oneof![
        any_limits().prop_map(|limits| format!("      count: {limits}\n")),
        (limits(), condition(1, number))
            .prop_map(|(limits, each)| format!("      count: {limits}\n      {each}\n")),
        condition(1, number).prop_map(|each| format!("      {each}\n")),
        select(
            &[
                "      sum: { k: ..2 }\n",
                "      sum: { k: 1.. }\n      count: 0..\n",
                "      max: { j | k: ..1 }\n",
                "      min: { k: 1.. }\n",
                "      avg: { k: 1..2 }\n      count: 2..\n",
            ][..],
        )
        .prop_map(str::to_owned),
    ];
    // Most find something, and are simple enough for what they find to change.
    let find = prop_oneof![
        3 => conditions(1, 1..2, number),
        1 => conditions(2, 1..3, number),
    ];
    (find, take, each)
        .prop_map(move |(find, take, each)| {
            format!("    - find: {{ {find}{take} }}\n      id: e{number}\n{each}")
        })
        .boxed()
}

/// The parts of conditions, in any order.
fn parts(conditions: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = conditions.split(", ").collect();
    parts.sort_unstable();
    parts
}

/// Keys about the whole trace; each is present or not.
fn of_the_trace() -> impl Strategy<Value = String> {
    let counted = |key: &'static str| {
        prop::option::of(any_limits().prop_map(move |limits| format!("  {key}: {limits}\n")))
    };
    let one = || conditions(1, 1..3, 0);
    // A sequence of a span and itself is a mistake.
    let pair = (one(), one()).prop_filter("different spans", |(a, b)| parts(a) != parts(b));
    (
        counted("errors"),
        counted("orphans"),
        counted("span_count"),
        prop::option::of(
            select(
                &[
                    "  trace_duration: < 5ns\n",
                    "  trace_duration: 3ns..\n",
                    "  trace_duration: 2ns..6ns\n",
                    "  services: [s, t]\n",
                    "  edges: [s -> t, t -> t]\n",
                ][..],
            )
            .prop_map(str::to_owned),
        ),
        prop::option::of(
            pair.prop_map(|(a, b)| format!("  sequence:\n    - {{ {a} }}\n    - {{ {b} }}\n")),
        ),
    )
        .prop_map(|(a, b, c, d, e)| [a, b, c, d, e].into_iter().flatten().collect::<String>())
}

/// `key: value` of a condition on log records.
fn log_condition() -> BoxedStrategy<String> {
    let fixed = select(
        &[
            "severity: info..",
            "severity: { not: error }",
            "body: a",
            "body: { not: a }",
            "service: s",
            "event: exception",
            "attributes: { k: absent }",
        ][..],
    );
    prop_oneof![
        4 => fixed.prop_map(str::to_owned),
        1 => (0..5).prop_map(|entry| format!("on: $e{entry}")),
        1 => conditions(1, 1..3, 5).prop_map(|span| format!("on: {{ {span} }}")),
    ]
    .boxed()
}

/// An entry of `logs`.
fn log_entry() -> impl Strategy<Value = String> {
    let each = prop_oneof![
        any_limits().prop_map(|limits| format!("      count: {limits}\n")),
        (limits(), log_condition())
            .prop_map(|(limits, each)| format!("      count: {limits}\n      {each}\n")),
        log_condition().prop_map(|each| format!("      {each}\n")),
    ];
    (log_condition(), each).prop_map(|(find, each)| format!("    - find: {{ {find} }}\n{each}"))
}

fn expectation() -> impl Strategy<Value = String> {
    let entries = (entry(0), entry(1), entry(2), entry(3), entry(4));
    let logs = prop::collection::vec(log_entry(), 1..4).prop_map(|all| all.concat());
    (of_the_trace(), entries, logs).prop_map(|(whole, (a, b, c, d, e), logs)| {
        format!("request: GET http://a/\nexpect:\n{whole}  spans:\n{a}{b}{c}{d}{e}  logs:\n{logs}")
    })
}

fn expect(text: &str) -> Expect {
    let specs = Spec::read_all(
        &Source::new("a.yaml", text),
        Path::new("."),
        &Context::default(),
    );
    let spec = specs
        .unwrap_or_else(|errors| panic!("{errors}\n{text}"))
        .remove(0);
    spec.steps[0].expect(&spec.scope()).unwrap()
}

/// A span as it was before it ended.
fn begun(span: &Span) -> Span {
    Span {
        end: 0,
        status: Status::default(),
        attributes: Attributes::default(),
        events: Vec::new(),
        links: Vec::new(),
        ..span.clone()
    }
}

/// A span or a log record, as it arrives.
#[derive(Clone, Debug)]
enum Arrival {
    Span(Box<Span>),
    Log(Arc<LogRecord>),
}

/// The trace as it is once these records have arrived.
fn arrived(records: &[Arrival]) -> Trace {
    let spans = records.iter().filter_map(|record| match record {
        Arrival::Span(span) => Some(Span::clone(span)),
        Arrival::Log(_) => None,
    });
    let logs = |id| {
        let logs = records.iter().filter_map(move |record| match record {
            Arrival::Log(record) if record.trace_id == Some(id) => Some(Arc::clone(record)),
            _ => None,
        });
        Arc::new(logs.collect())
    };
    let assemble = |id, origin| Trace::assemble(id, origin, spans.clone()).with_logs(logs(id));
    let linked = assemble(trace_id(2), Origin::Foreign);
    let judged = assemble(trace_id(1), Origin::Injected(ours()));
    if linked.is_empty() {
        judged
    } else {
        judged.with_linked(vec![linked])
    }
}

fn kind(judgement: &Judgement) -> &'static str {
    match judgement.judged.outcome {
        Outcome::Pass => "pass",
        Outcome::Fail(_) => "fail",
        Outcome::Unjudged(_) => "unjudged",
    }
}

/// The first check that was final after some spans and has another outcome after more.
fn taken_back(expect: &Expect, before: &[Judgement], after: &[Judgement]) -> Option<String> {
    let is_final = |judgement: &&Judgement| judgement.finality == Finality::Final;
    let same = |a: &Judgement, b: &Judgement| a.judged.check == b.judged.check;
    let changed = before.iter().filter(is_final).find_map(|one| {
        let later = after.iter().find(|other| same(one, other));
        let later = later.map_or("gone", kind);
        (later != kind(one)).then(|| {
            let what = &one.judged.what;
            format!("{} {what}: {} became {later}", one.judged.at, kind(one))
        })
    });
    // Conditions beside `find` are judged only if spans are found.
    let passed = expect.spans.iter().find_map(|entry| {
        let of = |all: &[Judgement], is: &dyn Fn(&Judgement) -> bool| {
            let entry = entry.at.place;
            all.iter()
                .filter(|one| {
                    let at = one.judged.at.place;
                    entry.start <= at.start && at.end <= entry.end
                })
                .all(is)
        };
        let passes = |one: &Judgement| kind(one) == "pass";
        let had_passed = of(before, &|one| is_final(&one) && passes(one));
        (had_passed && !of(after, &passes)).then(|| format!("{} had passed", entry.at))
    });
    changed.or(passed)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(500),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_final_stays_so_whatever_arrives(
        (sketches, logs, order) in (
            prop::collection::vec(sketch(), 2..7),
            prop::collection::vec(log_sketch(), 0..4),
        )
            .prop_flat_map(|(sketches, logs)| {
                let order: Vec<usize> = (0..sketches.len() + logs.len()).collect();
                (Just(sketches), Just(logs), Just(order).prop_shuffle())
            }),
        text in expectation(),
    ) {
        let expect = expect(&text);
        let response = Response::Http(HttpResponse { status: 200, ..HttpResponse::default() });
        let spans = spans(&sketches);
        let in_order: Vec<Arrival> = order
            .iter()
            .flat_map(|&at| {
                if let Some(log) = at.checked_sub(spans.len()) {
                    return vec![Arrival::Log(Arc::new(log_record(&logs[log], &spans)))];
                }
                let early = sketches[at].is_sent_twice.then(|| begun(&spans[at]));
                let sent = early.into_iter().chain([spans[at].clone()]);
                sent.map(|span| Arrival::Span(Box::new(span))).collect()
            })
            .collect();
        let judged: Vec<Vec<Judgement>> = (0..=in_order.len())
            .map(|many| {
                let trace = arrived(&in_order[..many]);
                judge(&expect, &Evidence::new(&response, Some(&trace), true))
            })
            .collect();
        for many in 0..judged.len() {
            for later in many + 1..judged.len() {
                let wrong = taken_back(&expect, &judged[many], &judged[later]);
                prop_assert!(
                    wrong.is_none(),
                    "after {many} and {later} records: {}\n{text}\n{in_order:#?}",
                    wrong.unwrap_or_default(),
                );
            }
        }
    }
}
