//! Reading never panics or hangs, and judging never panics.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;
use spanspec::{
    Event, Evidence, Expect, Link, Origin, Response, Span, SpanKind, Status, StatusCode, Trace,
    TraceId, Value, judge,
};

use super::{expect, http, read_as, span_id, trace_id};

/// Time after which reading counts as hanging. It is long, because tests also run on busy machines.
const AT_ONCE: Duration = Duration::from_secs(60);

fn refused(text: &str) -> String {
    let start = Instant::now();
    let errors = read_as("a.yaml", text).unwrap_err();
    assert!(start.elapsed() < AT_ONCE, "took {:?}", start.elapsed());
    errors.to_string()
}

#[test]
fn a_nest_of_5_000_is_refused_at_once() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("[", ""), ("? ", "")] {
        let text = format!("{}x{}\n", open.repeat(5_000), close.repeat(5_000));
        assert!(refused(&text).contains("nest"), "{open}");
    }
    let indented: String = (0..5_000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    assert!(refused(&indented[..200_000]).contains("nest"));
}

#[test]
fn a_nest_of_variables_paths_or_parentheses_is_refused_at_once() {
    let request = |rest: &str| format!("request: GET http://a/\nexpect:\n  {rest}\n");
    refused(&request(&format!(
        "body: \"{}x{}\"",
        "${a:-".repeat(5_000),
        "}".repeat(5_000)
    )));
    refused(&request(&format!(
        "json: {{ \"$[?{}\": 1 }}",
        "(".repeat(5_000)
    )));
    refused(&request(&format!("body: \"=~ {}\"", "(".repeat(5_000))));
    refused(&request("body: \"=~ ((a{1,1000}){1,1000}){1,1000}\""));
}

#[test]
fn a_file_of_5_mb_is_refused_at_once() {
    let text = "request: GET http://a/\n".repeat(5_000_000 / 23);
    assert!(refused(&text).contains("larger than 4 MiB"));
}

#[test]
fn a_large_file_of_mistakes_is_told_at_once() {
    let keys: String = (0..5_000)
        .map(|n| format!("key{n}: ${{missing{n}}} #x\n"))
        .collect();
    refused(&keys);
}

const VALID: &str = r#"name: placing an order
tags: [slow]
vars: { a: 1, b: "${a}", c: "${uuid()}" }
matrix: { sku: [A1, B2] }
setup:
  - request: POST http://a/seed
request:
  post: http://a/${sku}
  headers: { accept: [a, b] }
  json: { sku: "${sku}", n: [1, 2.5, null] }
  timeout: 10s
capture:
  id: $.order.id
  pay: { find: pay, attribute: payment.id, secret: true }
wait: { timeout: 5s, tail: 1s }
expect:
  status: [2xx, 404]
  headers: { content-type: =~ json }
  json:
    $.order.id: "${id}"
    $.lines[*].sku: { all: =~ ^A }
  response_time: < 800ms
  errors: 0
  span_count: 5..40
  services: [gateway]
  edges: [gateway -> order]
  sequence: [a, { service: b }]
  spans:
    - find: { name: pay, below: { name: b, count: 1.. }, take: first }
      id: pay
      attributes: { a: { not: x, length: 1..3 }, b: [a, 1..] }
      events: [{ name: e, count: 2 }]
      links: [{ to: $pay }]
      duration: 1ms..2s
    - find: {}
      after: $pay
"#;

fn judge_all(text: &str) {
    if let Ok(specs) = read_as("a.yaml", text) {
        for spec in specs {
            let scope = spec.scope();
            for step in spec.all_steps() {
                let _ = (
                    step.trigger(&scope),
                    step.captures(&scope),
                    step.expect(&scope),
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,200}|[\\[\\]{}:,\\-#&*!|>'\"%@`$?<~=. \\n\\ta-c0-9ä]{0,120}") {
        judge_all(&text);
        judge_all(&format!("request: GET http://a/\nexpect:\n  body: {text}\n"));
    }

    #[test]
    fn no_mutation_of_a_spec_makes_reading_panic(
        cuts in prop::collection::vec((any::<Index>(), 0..12_usize, "[\\[\\]{}:,\\-#&*!|>'\"%@`$?<~=. \\n\\t0aä\u{feff}\u{2028}]{0,4}"), 1..6),
    ) {
        let mut text: Vec<char> = VALID.chars().collect();
        for (at, remove, insert) in cuts {
            let start = at.index(text.len());
            let end = (start + remove).min(text.len());
            text.splice(start..end, insert.chars());
        }
        judge_all(&text.into_iter().collect::<String>());
    }

    #[test]
    fn no_trace_makes_judging_panic(spans in prop::collection::vec(any_span(), 0..24)) {
        let traces = |id, origin| Trace::assemble(id, origin, spans.iter().cloned());
        let linked = traces(TraceId::from_bytes([2; 16]).unwrap(), Origin::Foreign);
        let trace = traces(trace_id(), Origin::Injected(span_id(0))).with_linked(vec![linked]);
        let response = Response::Http(http());
        for expect in [large(), violated()] {
            for judgement in judge(&expect, &Evidence::new(&response, Some(&trace), true)) {
                if let Some(failure) = judgement.judged.outcome.failure() {
                    let _ = failure.to_string();
                }
            }
        }
    }
}

fn moment() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(u64::MAX),
        Just(u64::MAX - 1),
        0..9_u64,
        any::<u64>()
    ]
}

/// Any span: in a cycle, delivered twice, or with extreme times.
fn any_span() -> impl Strategy<Value = Span> {
    let id = 0..8_u64;
    let link = (any::<bool>(), 0..8_u64);
    let names = prop::sample::select(&["pay", "b", "a", ""][..]);
    (
        any::<bool>(),
        id,
        prop::option::of(0..9_u64),
        names,
        moment(),
        moment(),
        any::<bool>(),
        prop::collection::vec(link, 0..3),
    )
        .prop_map(
            |(is_linked, id, parent, name, start, end, has_failed, links)| {
                let of = |is_linked| {
                    if is_linked {
                        TraceId::from_bytes([2; 16]).unwrap()
                    } else {
                        trace_id()
                    }
                };
                let event = Event {
                    name: "e".to_owned(),
                    time: start,
                    attributes: std::iter::empty::<(&str, i64)>().collect(),
                };
                Span {
                    parent_id: parent.map(span_id),
                    start,
                    end,
                    kind: SpanKind::Server,
                    status: Status {
                        code: if has_failed {
                            StatusCode::Error
                        } else {
                            StatusCode::Ok
                        },
                        message: String::new(),
                    },
                    attributes: [
                        ("a", Value::Double(f64::NAN)),
                        ("b", Value::Array(Vec::new())),
                    ]
                    .into_iter()
                    .collect(),
                    events: vec![event],
                    links: links
                        .into_iter()
                        .map(|(is_linked, to)| Link {
                            trace_id: of(is_linked),
                            span_id: span_id(to),
                            trace_state: String::new(),
                            attributes: std::iter::empty::<(&str, i64)>().collect(),
                        })
                        .collect(),
                    ..Span::new(of(is_linked), span_id(id), name)
                }
            },
        )
}

const PLACES: [&str; 7] = [
    "below",
    "above",
    "child_of",
    "parent_of",
    "after",
    "before",
    "linked_to",
];

/// All relations to a selector and to an entry, and nested within each other.
fn large() -> Expect {
    let mut text = "  errors: 0\n  orphans: 0\n  span_count: ..3\n  trace_duration: < 1s\n  services: [s]\n  edges: [s -> t]\n  sequence: [pay, b, { linked_to: a }]\n  spans:\n    - find: {}\n      id: all\n      duration: < 1ms\n      self_time: < 1ms\n".to_owned();
    // An order in time needs other spans.
    let none = |place: &str| {
        if ["after", "before"].contains(&place) {
            "2"
        } else {
            "0"
        }
    };
    let any = |place: &str| {
        if ["after", "before"].contains(&place) {
            "1.."
        } else {
            "0.."
        }
    };
    for place in PLACES {
        text.push_str(&format!(
            "    - find: {{ {place}: $all }}\n      {place}: {{ name: b, count: {} }}\n",
            none(place)
        ));
        for inner in PLACES {
            text.push_str(&format!("    - find: {{ name: pay, {place}: {{ {inner}: {{ name: b, count: {} }} }} }}\n      {place}: {{ {inner}: a }}\n", any(inner)));
            if inner != place {
                text.push_str(&format!(
                    "    - find: {{ {place}: a, {inner}: $all }}\n      count: 0\n"
                ));
            }
        }
    }
    expect(&text)
}

/// Expectations that hardly any trace meets, so that every failure is written.
fn violated() -> Expect {
    let mut text = "  spans:\n    - find: {}\n      id: all\n      count: 0..\n      name: x\n      service: x\n      scope: x\n      status_message: x\n      kind: client\n      type: db\n      status: unset\n      attributes: { a: 1.., b: { all: x }, c: x }\n      resource: { a: x }\n      duration: 3ns..3ns\n      self_time: 3ns..3ns\n      events: [{ name: e, count: 7 }]\n      links: [{ to: $all, count: 7 }]\n".to_owned();
    for place in PLACES {
        text.push_str(&format!("      {place}: {{ count: 77 }}\n"));
    }
    expect(&text)
}
