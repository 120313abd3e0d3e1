//! Each rule finds its fault, and nothing in traces without faults.

use std::collections::HashSet;
use std::sync::Arc;

use super::*;
use crate::source::otlp;
use crate::trace::{
    Attributes, Event, Field, Hole, Link, Origin, Resource, Span, SpanId, SpanKind, Status,
    StatusCode, Trace, TraceId, Value,
};

fn trace_id(number: u8) -> TraceId {
    TraceId::from_bytes([number; 16]).unwrap()
}

fn id(number: u8) -> SpanId {
    SpanId::from_bytes([number; 8]).unwrap()
}

fn attributes<const N: usize>(entries: [(&str, Value); N]) -> Attributes {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// A span of a millisecond; `number` is its id and its start in milliseconds.
fn span(trace: u8, number: u8, parent: Option<u8>, service: &str, kind: SpanKind) -> Span {
    let start = 1_000_000_000_000_000_000 + u64::from(number) * 1_000_000;
    Span {
        parent_id: parent.map(id),
        kind,
        start,
        end: start + 100_000_000,
        resource: Arc::new(Resource {
            attributes: attributes([
                ("service.name", Value::from(service)),
                ("service.version", Value::from("1")),
            ]),
        }),
        ..Span::new(trace_id(trace), id(number), "work")
    }
}

fn trace(spans: Vec<Span>) -> Trace {
    Trace::assemble(spans[0].trace_id, Origin::Foreign, spans)
}

/// The ids of the rules that find something, with all rules on.
fn found(traces: &[Trace]) -> Vec<&'static str> {
    let observed = Observed {
        traces,
        extent: Extent::Whole(&HashSet::new()),
        logs_without_trace: None,
    };
    let settings = Settings {
        preset: Preset::All,
        ..Settings::default()
    };
    let mut ids: Vec<&str> = examine(&observed, &settings)
        .findings
        .iter()
        .map(|finding| finding.rule.id())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn alone(span: Span) -> Vec<&'static str> {
    found(&[trace(vec![span])])
}

#[test]
fn each_rule_has_an_id_of_its_own() {
    for rule in Rule::ALL {
        assert_eq!(Rule::of(rule.id()), Some(*rule));
    }
}

/// A call without a child, with this method of an RPC.
fn rpc_call(trace_number: u8, number: u8, method: &str) -> Trace {
    let mut call = span(trace_number, number, None, "order", SpanKind::Client);
    call.attributes = rpc(method);
    trace(vec![call])
}

/// A new trace that begins with this method of an RPC.
fn rpc_root(trace_number: u8, number: u8, method: &str) -> Trace {
    let mut root = span(trace_number, number, None, "payment", SpanKind::Server);
    root.end = root.start + 1;
    root.attributes = rpc(method);
    trace(vec![root])
}

fn rpc(method: &str) -> Attributes {
    attributes([
        ("rpc.system.name", Value::from("x")),
        ("rpc.method", Value::from(method)),
    ])
}

#[test]
fn a_call_whose_callee_began_a_new_trace_is_broken_propagation() {
    let traces = [rpc_call(1, 1, "m"), rpc_root(2, 2, "m")];
    assert_eq!(found(&traces), ["broken-propagation"]);
}

#[test]
fn a_new_trace_at_the_time_of_a_call_is_no_evidence_and_it_is_the_end_of_one_call_only() {
    let mut root = span(2, 2, None, "payment", SpanKind::Server);
    root.end = root.start + 1;
    assert!(found(&[rpc_call(1, 1, "m"), trace(vec![root])]).is_empty());
    assert!(found(&[rpc_call(1, 1, "m"), rpc_root(2, 2, "other")]).is_empty());
    let traces = [
        rpc_call(1, 1, "m"),
        rpc_call(3, 3, "m"),
        rpc_root(4, 4, "m"),
    ];
    let observed = Observed {
        traces: &traces,
        extent: Extent::Whole(&HashSet::new()),
        logs_without_trace: None,
    };
    let findings = examine(&observed, &Settings::default()).findings;
    assert_eq!((findings.len(), findings[0].spans.len()), (1, 1));
}

#[test]
fn calls_that_always_begin_traces_inside_a_span_of_their_service_lost_the_context() {
    let traces = |outside: u64| -> Vec<Trace> {
        let mut traces = vec![trace(vec![span(1, 1, None, "order", SpanKind::Server)])];
        for number in 2..6 {
            let mut call = span(number, number, None, "order", SpanKind::Client);
            if number == 5 {
                call.start += outside;
                call.end += outside;
            }
            traces.push(trace(vec![call]));
        }
        traces
    };
    assert_eq!(found(&traces(0)), ["context-lost-in-callback"]);
    assert!(found(&traces(10_000_000_000)).is_empty());
}

#[test]
fn missing_parents_are_a_missing_entry_or_orphans() {
    assert_eq!(
        alone(span(1, 1, Some(9), "order", SpanKind::Server)),
        ["missing-entry"]
    );
    let root = span(1, 1, None, "order", SpanKind::Server);
    let orphan = span(1, 2, Some(9), "order", SpanKind::Internal);
    assert_eq!(found(&[trace(vec![root, orphan])]), ["orphan"]);
}

#[test]
fn a_consumer_links_to_its_message() {
    let mut consumer = span(1, 1, None, "order", SpanKind::Consumer);
    assert_eq!(alone(consumer.clone()), ["async-without-link"]);
    consumer.links = vec![Link {
        trace_id: trace_id(2),
        span_id: id(2),
        trace_state: String::new(),
        attributes: Attributes::default(),
    }];
    assert!(alone(consumer).is_empty());
}

#[test]
fn a_query_for_each_row_is_too_many_spans() {
    let children = |number: u8| {
        let mut spans = vec![span(1, 1, None, "order", SpanKind::Server)];
        spans.extend((0..number).map(|at| span(1, 2 + at, Some(1), "order", SpanKind::Client)));
        found(&[trace(spans)])
    };
    assert!(children(20).is_empty());
    assert_eq!(children(21), ["too-many-spans"]);
}

#[test]
fn names_with_ids_are_found_by_their_form_or_number() {
    let named = |names: &[&str]| {
        let spans = names.iter().enumerate().map(|(at, name)| {
            let mut span = span(
                1,
                1 + at as u8,
                (at > 0).then_some(1),
                "order",
                SpanKind::Internal,
            );
            (*name).clone_into(&mut span.name);
            span
        });
        found(&[trace(spans.collect())])
    };
    assert_eq!(
        named(&["GET /orders/4bf92f35-77b3-4da6-a3ce-929d0e0e4736"]),
        ["name-with-ids"]
    );
    assert_eq!(
        named(&[
            "GET /orders/11",
            "GET /orders/12",
            "GET /orders/13",
            "GET /orders/14",
            "GET /orders/15"
        ]),
        ["name-with-ids"]
    );
    assert!(
        named(&[
            "GET /v1/orders/{id}",
            "HTTP 404",
            "step 12",
            "utf8 to base64"
        ])
        .is_empty()
    );
}

#[test]
fn services_have_names_of_their_own() {
    let mut nameless = span(1, 1, None, "order", SpanKind::Server);
    nameless.resource = Arc::new(Resource {
        attributes: attributes([("service.version", Value::from("1"))]),
    });
    assert_eq!(alone(nameless), ["no-service-name"]);
    assert_eq!(
        alone(span(1, 1, None, "unknown_service:node", SpanKind::Server)),
        ["unknown-service"]
    );
}

#[test]
fn a_failed_operation_has_status_error_and_an_error_of_the_client_has_not() {
    let http = |kind, code: i64, status| {
        let mut one = span(1, 1, None, "order", kind);
        one.attributes = attributes([
            ("http.request.method", Value::from("GET")),
            ("url.full", Value::from("http://a/b")),
            ("http.response.status_code", Value::Int(code)),
        ]);
        one.status = Status {
            code: status,
            message: String::new(),
        };
        alone(one)
    };
    assert_eq!(
        http(SpanKind::Server, 500, StatusCode::Unset),
        ["error-without-status"]
    );
    assert_eq!(
        http(SpanKind::Client, 404, StatusCode::Unset),
        ["error-without-status"]
    );
    assert!(http(SpanKind::Server, 404, StatusCode::Unset).is_empty());
    assert_eq!(
        http(SpanKind::Server, 404, StatusCode::Error),
        ["status-without-error"]
    );
    assert!(http(SpanKind::Server, 500, StatusCode::Error).is_empty());
    let mut caught = span(1, 1, None, "order", SpanKind::Internal);
    caught.events = vec![Event {
        name: "exception".to_owned(),
        ..Event::default()
    }];
    assert_eq!(alone(caught), ["exception-swallowed"]);
}

#[test]
fn times_are_possible() {
    let caller = span(1, 50, None, "order", SpanKind::Client);
    let callee = span(1, 10, Some(50), "payment", SpanKind::Server);
    assert_eq!(found(&[trace(vec![caller, callee])]), ["clock-skew"]);
    let mut open = span(1, 1, None, "order", SpanKind::Server);
    open.end = 0;
    assert_eq!(alone(open), ["unended-duration"]);
}

#[test]
fn dropped_parts_old_names_and_missing_essentials_are_found() {
    let mut dropped = span(1, 1, None, "order", SpanKind::Server);
    dropped.attributes = Attributes::default().with_dropped(3);
    assert_eq!(alone(dropped), ["dropped-attributes"]);
    let mut db = span(1, 1, None, "order", SpanKind::Client);
    db.attributes = attributes([("db.system", Value::from("mysql"))]);
    assert_eq!(alone(db), ["conventions-missing", "conventions-old"]);
}

#[test]
fn secrets_and_personal_data_are_found_and_never_shown() {
    let with = |key: &str, text: &str| {
        let mut one = span(1, 1, None, "order", SpanKind::Internal);
        one.attributes = attributes([(key, Value::from(text))]);
        let traces = [trace(vec![one])];
        let observed = Observed {
            traces: &traces,
            extent: Extent::Whole(&HashSet::new()),
            logs_without_trace: None,
        };
        let findings = examine(&observed, &Settings::default()).findings;
        let shown = format!("{findings:?}");
        assert!(!shown.contains(text), "{shown}");
        findings
            .iter()
            .map(|finding| finding.rule.id())
            .collect::<Vec<_>>()
    };
    for (key, text) in [
        ("http.request.header.authorization", "x-very-own-scheme 1"),
        ("note", "Authorization: Bearer abcdefghijklmnop"),
        ("db.connection_string", "postgres://shop:hunter22@db/orders"),
        ("key", "AKIAIOSFODNN7EXAMPLE"),
        ("url.full", "https://a/b?api_key=0123456789abcdef"),
        ("token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdef"),
    ] {
        assert_eq!(with(key, text), ["secret-in-attribute"], "{key}");
    }
    assert_eq!(
        with("user", "mailed jane.doe@example.com today"),
        ["personal-data"]
    );
    assert_eq!(
        with("payment", "card 4111 1111 1111 1111"),
        ["personal-data"]
    );
    for (key, text) in [
        ("http.request.header.authorization", "[REDACTED]"),
        ("order.id", "4111111111111112"),
        ("db.connection_string", "postgres://db/orders"),
        ("messaging.destination.name", "orders@v2"),
        ("url.full", "https://a/b?token=****"),
        ("db.query.text", "select password from users where id = ?"),
        ("ssh", "git@github.com:a/b.git"),
    ] {
        let expected: &[&str] = if key == "ssh" {
            &["personal-data"]
        } else {
            &[]
        };
        assert_eq!(with(key, text), expected, "{key}");
    }
}

/// What real exporters sent.
#[test]
fn recorded_traces_have_the_findings_that_are_true() {
    for file in ["sent/placed.json", "sent/refused.json"] {
        let path = format!(
            "{}/tests/fixtures/backends/{file}",
            env!("CARGO_MANIFEST_DIR")
        );
        let traces = otlp::read(&std::fs::read(path).unwrap()).unwrap();
        let traces: Vec<Trace> = traces.into_iter().map(Trace::with_unseen_caller).collect();
        let observed = Observed {
            traces: &traces,
            extent: Extent::Whole(&HashSet::new()),
            logs_without_trace: None,
        };
        let findings = examine(&observed, &Settings::default()).findings;
        let mut findings: Vec<&str> = findings.iter().map(|one| one.what.as_str()).collect();
        findings.sort_unstable();
        // These services record no operation of messages, and the SDK was given low limits.
        let expected = [
            "`process_payment` lost attributes: the SDK dropped them",
            "`process_payment` lost events: the SDK dropped them",
            "`process_payment` lost links: the SDK dropped them",
            "messaging spans have no `messaging.operation.name`",
        ];
        assert!(
            findings.iter().all(|one| expected.contains(one)),
            "{file}: {findings:?}"
        );
    }
}

/// The findings in one trace, and the rules that cannot be judged, with all rules on.
fn of_one(trace: &Trace, surroundings: Option<&Surroundings>) -> (Vec<Rule>, Vec<Rule>) {
    let observed = Observed {
        traces: std::slice::from_ref(trace),
        extent: Extent::OneTrace(surroundings),
        logs_without_trace: None,
    };
    let settings = Settings {
        preset: Preset::All,
        ..Settings::default()
    };
    let Examination { findings, unknown } = examine(&observed, &settings);
    let found = findings.iter().map(|finding| finding.rule);
    (found.collect(), unknown.into_keys().collect())
}

#[test]
fn without_the_other_traces_a_lost_context_is_not_judged() {
    let mut call = span(1, 1, None, "order", SpanKind::Client);
    call.attributes = attributes([
        ("rpc.system.name", Value::from("x")),
        ("rpc.method", Value::from("m")),
    ]);
    let call = trace(vec![call]);
    let gaps = [Rule::BrokenPropagation, Rule::ContextLostInCallback];
    let (found, unknown) = of_one(&call, None);
    assert!(found.is_empty(), "{found:?}");
    assert!(
        gaps.iter().all(|rule| unknown.contains(rule)),
        "{unknown:?}"
    );
    let alone = Surroundings {
        has_all: true,
        ..Surroundings::default()
    };
    let (_, unknown) = of_one(&call, Some(&alone));
    assert!(
        !gaps.iter().any(|rule| unknown.contains(rule)),
        "{unknown:?}"
    );
    let discarded = Surroundings::default();
    let (_, unknown) = of_one(&call, Some(&discarded));
    assert!(
        gaps.iter().all(|rule| unknown.contains(rule)),
        "{unknown:?}"
    );
    // Without a call that may continue elsewhere, no other trace is needed.
    let (_, unknown) = of_one(
        &trace(vec![span(1, 1, None, "order", SpanKind::Server)]),
        None,
    );
    assert!(!unknown.contains(&Rule::BrokenPropagation), "{unknown:?}");
}

#[test]
fn a_message_of_one_trace_needs_a_consumer_that_continues_it_or_links_to_it() {
    let to = |mut span: Span, destination: &str| {
        span.attributes = attributes([
            ("messaging.system", Value::from("kafka")),
            ("messaging.operation.name", Value::from("send")),
            ("messaging.destination.name", Value::from(destination)),
        ]);
        span
    };
    let sent = to(span(1, 1, None, "order", SpanKind::Producer), "orders");
    let sent_alone = trace(vec![sent.clone()]);
    let beside = |consumer: Span| Surroundings {
        others: vec![trace(vec![consumer])],
        has_all: true,
        unanswered: Vec::new(),
    };
    let consumer = |topic| to(span(2, 2, None, "billing", SpanKind::Consumer), topic);
    let (found, _) = of_one(&sent_alone, Some(&beside(consumer("orders"))));
    assert_eq!(found, [Rule::AsyncWithoutLink]);
    let (found, unknown) = of_one(&sent_alone, Some(&beside(consumer("other"))));
    assert!(found.is_empty(), "{found:?}");
    assert!(unknown.contains(&Rule::AsyncWithoutLink), "{unknown:?}");
    let below = to(span(1, 3, Some(1), "billing", SpanKind::Consumer), "orders");
    let (found, unknown) = of_one(&trace(vec![sent, below]), None);
    assert!(found.is_empty(), "{found:?}");
    assert!(!unknown.contains(&Rule::AsyncWithoutLink), "{unknown:?}");
}

#[test]
fn a_rule_that_needs_a_lost_field_finds_nothing_and_is_not_judged() {
    let mut refused = span(1, 1, None, "order", SpanKind::Server);
    refused.attributes = attributes([
        ("http.request.method", Value::from("GET")),
        ("url.path", Value::from("/")),
        ("http.response.status_code", Value::Int(404)),
    ]);
    refused.status.code = StatusCode::Error;
    let whole = trace(vec![refused]);
    assert_eq!(of_one(&whole, None).0, [Rule::StatusWithoutError]);
    // An event could be the reason of the status.
    let lossy = whole.with_losses([Field::Events].into_iter().collect());
    let (found, unknown) = of_one(&lossy, None);
    assert!(found.is_empty(), "{found:?}");
    for rule in [Rule::StatusWithoutError, Rule::SecretInAttribute] {
        assert!(unknown.contains(&rule), "{unknown:?}");
    }
}

#[test]
fn what_is_missing_in_an_incomplete_trace_is_no_finding() {
    let orphan = trace(vec![span(1, 1, Some(9), "order", SpanKind::Server)]);
    let examined = |trace: Trace, cut: &HashSet<TraceId>| {
        let observed = Observed {
            traces: &[trace],
            extent: Extent::Whole(cut),
            logs_without_trace: None,
        };
        examine(&observed, &Settings::default())
    };
    let cut = HashSet::from([trace_id(1)]);
    assert!(examined(orphan.clone(), &cut).findings.is_empty());
    let hole = Hole {
        reason: "POST /v1/traces was refused".to_owned(),
        sender: crate::trace::Sender::default(),
        remedy: "send less".to_owned(),
    };
    let Examination { findings, unknown } = examined(orphan.with_holes([hole]), &HashSet::new());
    assert!(findings.is_empty(), "{findings:?}");
    let why = unknown[&Rule::MissingEntry].to_string();
    assert!(
        why.starts_with("spans of 1 trace may be missing: "),
        "{why}"
    );
}
