use std::sync::Arc;

use super::{Execution, Payload, Request, draft};
use crate::spec::Context;
use crate::trace::{
    Attributes, HttpResponse, Origin, Resource, Span, SpanId, SpanKind, StatusCode, Trace, TraceId,
};

/// A trace under construction: each span is below an earlier one.
struct Build {
    trace: TraceId,
    caller: SpanId,
    spans: Vec<Span>,
}

impl Build {
    fn new() -> Self {
        Self {
            trace: TraceId::random(),
            caller: SpanId::random(),
            spans: Vec::new(),
        }
    }

    /// Adds a span and returns its index.
    fn span(&mut self, service: &str, name: &str, kind: SpanKind, parent: Option<usize>) -> usize {
        let mut span = Span::new(self.trace, SpanId::random(), name);
        span.parent_id = Some(parent.map_or(self.caller, |at| self.spans[at].span_id));
        span.kind = kind;
        span.start = self.spans.len() as u64;
        span.end = 100;
        span.resource = Arc::new(Resource {
            attributes: Attributes::from_iter([("service.name", service)]),
        });
        self.spans.push(span);
        self.spans.len() - 1
    }

    fn seen(self) -> Execution {
        let response = HttpResponse {
            status: 200,
            ..HttpResponse::default()
        };
        let origin = Origin::Injected(self.caller);
        Execution {
            response,
            trace: Arc::new(Trace::assemble(self.trace, origin, self.spans)),
        }
    }
}

/// The draft of `spans`.
fn spans(seen: &[Execution]) -> String {
    let request = Request {
        name: None,
        method: "GET".to_owned(),
        url: "http://127.0.0.1/".to_owned(),
        headers: Vec::new(),
        payload: Payload::None,
    };
    let text = draft(&request, seen, &Context::default()).unwrap();
    text.split_once("  spans:\n").unwrap().1.to_owned()
}

fn queries(number: usize) -> Execution {
    let mut build = Build::new();
    let entry = build.span("shop", "GET /", SpanKind::Server, None);
    for _ in 0..number {
        build.span("shop", "SELECT stock", SpanKind::Client, Some(entry));
    }
    build.seen()
}

#[test]
fn similar_siblings_are_one_entry_with_their_number() {
    let text = spans(&[queries(3), queries(3)]);
    assert!(
        text.contains(
            "find: SELECT stock\n      service: shop\n      below: GET /\n      count: 3\n"
        ),
        "{text}"
    );
    let text = spans(&[queries(3), queries(5)]);
    assert!(text.contains("count: 3..5\n"), "{text}");
}

#[test]
fn a_call_that_another_service_answers_is_told_by_its_server_span() {
    let mut build = Build::new();
    let entry = build.span("shop", "GET /", SpanKind::Server, None);
    let call = build.span("shop", "GET", SpanKind::Client, Some(entry));
    build.span("stock", "GET /stock", SpanKind::Server, Some(call));
    build.span("shop", "POST", SpanKind::Client, Some(entry));
    let text = spans(&[build.seen()]);
    assert!(!text.contains("find: GET\n"), "{text}");
    assert!(
        text.contains("find: GET /stock\n      service: stock\n      below: { service: shop }\n"),
        "{text}"
    );
    assert!(
        text.contains("find: POST\n"),
        "a service without spans gets an entry for the client: {text}"
    );
}

#[test]
fn a_name_that_holds_an_id_is_left_out_and_told() {
    let mut build = Build::new();
    build.span("shop", "GET /", SpanKind::Server, None);
    build.span("shop", "load 8f14e45fceea167a", SpanKind::Internal, Some(0));
    let text = spans(&[build.seen()]);
    assert!(!text.contains("find: load"), "{text}");
    assert!(text.contains("# left out, because they did not always occur or their names vary: \"load 8f14e45fceea167a\""), "{text}");
}

#[test]
fn spans_that_failed_are_expected_to_fail() {
    let mut build = Build::new();
    build.span("shop", "GET /", SpanKind::Server, None);
    let failing = build.span("shop", "pay", SpanKind::Internal, Some(0));
    build.spans[failing].status.code = StatusCode::Error;
    let seen = [build.seen()];
    assert!(spans(&seen).contains(
        "find: pay\n      service: shop\n      below: GET /\n      count: 1\n      status: error\n"
    ));
}

#[test]
fn spans_of_one_name_are_told_apart_by_service_and_kind() {
    let mut build = Build::new();
    let entry = build.span("shop", "send", SpanKind::Server, None);
    build.span("shop", "send", SpanKind::Producer, Some(entry));
    build.span("mail", "send", SpanKind::Consumer, Some(entry));
    let text = spans(&[build.seen()]);
    for find in [
        "{ name: send, service: shop, kind: server }",
        "{ name: send, service: shop, kind: producer }",
        "{ name: send, service: mail }",
    ] {
        assert!(text.contains(&format!("find: {find}\n")), "{text}");
    }
}
