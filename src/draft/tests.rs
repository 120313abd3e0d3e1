use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::yaml::tests::texts;
use super::{Execution, Payload, Protocol, Request, draft};
use crate::spec::{Body, Context, Source, Spec, SpecErrors, Trigger};
use crate::trace::{
    Attributes, Event, GrpcCode, GrpcResponse, HttpResponse, LogRecord, Origin, Resource, Response,
    Span, SpanId, SpanKind, StatusCode, Trace, TraceId, Value,
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
            response: Response::Http(response),
            trace: Arc::new(Trace::assemble(self.trace, origin, self.spans)),
        }
    }
}

impl Execution {
    fn http(&mut self) -> &mut HttpResponse {
        match &mut self.response {
            Response::Http(http) => http,
            _ => unreachable!(),
        }
    }
}

fn drafted(request: &Request, seen: &[Execution]) -> Result<String, SpecErrors> {
    draft(request, seen, (Path::new("."), &Context::default()))
}

fn request() -> Request {
    Request {
        name: None,
        protocol: Protocol::Http("GET".to_owned()),
        url: "http://127.0.0.1/".to_owned(),
        headers: Vec::new(),
        payload: Payload::None,
    }
}

/// The draft of `spans`.
fn spans(seen: &[Execution]) -> String {
    let text = drafted(&request(), seen).unwrap();
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

/// An execution with these log records: severity, service and text.
fn logged(records: &[(u8, &str, &str)]) -> Execution {
    let mut build = Build::new();
    build.span("shop", "GET /", SpanKind::Server, None);
    let span = build.spans[0].span_id;
    let seen = build.seen();
    let records = records.iter().map(|&(severity, service, text)| {
        Arc::new(LogRecord {
            severity: Some(severity),
            body: text.into(),
            resource: Arc::new(Resource {
                attributes: Attributes::from_iter([("service.name", service)]),
            }),
            ..LogRecord::new(seen.trace.id(), span)
        })
    });
    let trace = Trace::clone(&seen.trace).with_logs(Arc::new(records.collect()));
    Execution {
        trace: Arc::new(trace),
        ..seen
    }
}

/// The draft of `logs`.
fn logs(seen: &[Execution]) -> String {
    let text = drafted(&request(), seen).unwrap();
    let logs = text.split_once("  logs:\n");
    logs.map_or_else(String::new, |(_, logs)| logs.to_owned())
}

#[test]
fn a_budget_of_calls_is_proposed_and_valid() {
    let text = drafted(&request(), &[queries(3), queries(5)]).unwrap();
    let (_, budget) = text.split_once("with a baseline:\n").unwrap();
    assert!(
        budget.ends_with("#     measure: count\n#     p95: <= 5\n"),
        "{text}"
    );
    let budget = budget.replace("# ", "");
    let source = Source::new("a.yaml", format!("request: GET http://x\n{budget}"));
    Spec::read_all(&source, Path::new("."), &Context::default()).unwrap();
}

#[test]
fn log_records_of_all_executions_are_expected_without_what_varies() {
    let run = |order: &str| {
        logged(&[
            (9, "shop", &format!("order {order} placed (2 items)")),
            (5, "shop", "cache miss"),
            (14, "payment", "card declined, trying again: \"soon\""),
        ])
    };
    assert_eq!(
        logs(&[run("ord-1f2e3d4c"), run("ord-5a6b7c8d")]),
        r#"    - { find: { service: shop, severity: info, body: "=~ ^order \\S+ placed \\S+ items\\)$" } }
    - { find: { service: payment, severity: warn, body: "card declined, trying again: \"soon\"" } }
"#
    );
}

#[test]
fn log_records_that_do_not_always_occur_are_not_expected() {
    let seen = [
        logged(&[(9, "shop", "started"), (9, "shop", "42")]),
        logged(&[(9, "shop", "ready")]),
    ];
    assert_eq!(logs(&seen), "");
}

#[test]
fn a_draft_expects_few_log_records() {
    let texts = ["one", "two", "three", "four"].map(|word| format!("at step {word}"));
    let of = |service| texts.iter().map(move |text| (9, service, text.as_str()));
    let records: Vec<(u8, &str, &str)> = ["a", "b", "c"].into_iter().flat_map(of).collect();
    assert_eq!(logs(&[logged(&records)]).lines().count(), 5);
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

/// The draft of a response with this body.
fn json(body: &str) -> String {
    let mut build = Build::new();
    build.span("shop", "GET /", SpanKind::Server, None);
    build.spans[0].start = 1_790_000_000_000_000_000;
    build.spans[0].end = build.spans[0].start + 1;
    let mut seen = build.seen();
    seen.http().body = body.to_owned().into();
    drafted(&request(), &[seen.clone(), seen]).unwrap()
}

#[test]
fn constant_numbers_stay_and_times_user_agents_and_versions_are_left_out() {
    let text = json(
        r#"{"total": 24990000, "id": 18446744073709551615, "rate": 1.50, "version": 3,
            "at": 1790000000123, "agent": "curl/8.5.0", "api": {"version": "2024-06"}}"#,
    );
    let expected = "  json:
    $.total: 24990000
    $.id: 18446744073709551615
    $.rate: 1.50
    $.version: 3
    $.at: exists
    $.agent: exists
    $.api.version: exists
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn no_line_ends_with_a_blank() {
    let long = "x".repeat(60);
    let sent = serde_json::json!({ "lines": [{ "sku": long }, { "sku": long }], "note": { "a": long, "b": long } });
    let request = Request {
        protocol: Protocol::Http("POST".to_owned()),
        payload: Payload::Json(sent.into()),
        ..request()
    };
    let text = drafted(&request, &[queries(1)]).unwrap();
    assert!(
        text.contains("  json:\n    lines:\n      - { sku:"),
        "{text}"
    );
    assert_no_trailing_blank(&text);
}

fn assert_no_trailing_blank(text: &str) {
    let blank = text.lines().find(|line| line.trim_end() != *line);
    assert_eq!(blank, None, "{text}");
}

/// The note in place of an expectation that does not hold.
const LEFT_OUT: &str = "an expectation was left out here";

/// A name or value that a request can contain; `${` begins a variable there.
fn sent() -> impl Strategy<Value = String> {
    texts().prop_map(|text| text.replace("${", "$ {"))
}

/// The draft of a gRPC call with these responses.
fn of_calls(responses: &[GrpcResponse]) -> String {
    let request = Request {
        protocol: Protocol::Grpc {
            protos: vec!["tests/fixtures/docs/protos/shop/v1/payment.proto".to_owned()],
            include: vec!["tests/fixtures/docs/protos".to_owned()],
        },
        url: "127.0.0.1:50051/shop.v1.Payment/Charge".to_owned(),
        headers: vec![("authorization".to_owned(), "Bearer abc".to_owned())],
        payload: Payload::Json(Value::from(serde_json::json!({ "order_id": "A1" }))),
        ..request()
    };
    let seen: Vec<Execution> = responses
        .iter()
        .map(|response| Execution {
            response: Response::Grpc(Box::new(response.clone())),
            ..queries(1)
        })
        .collect();
    drafted(&request, &seen).unwrap()
}

#[test]
fn a_call_is_drafted_with_its_message_and_without_its_token() {
    let charged = |id: &str| GrpcResponse {
        messages: vec![Value::from(serde_json::json!({
            "transaction_id": id, "charged": { "units": 5 }
        }))],
        ..GrpcResponse::default()
    };
    let text = of_calls(&[charged("tx-1"), charged("tx-2")]);
    let expected = "\
name: shop.v1.Payment/Charge
grpc:
  call: \"127.0.0.1:50051/shop.v1.Payment/Charge\"
  message: { order_id: A1 }
  proto: { files: tests/fixtures/docs/protos/shop/v1/payment.proto, include: tests/fixtures/docs/protos }
  metadata:
    authorization: Bearer ${TOKEN}
expect:
  json:
    $.transaction_id: exists
    $.charged.units: 5
  errors: 0
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_refused_call_is_drafted_with_status_and_message() {
    let refused = GrpcResponse {
        code: GrpcCode::named("NOT_FOUND").unwrap(),
        status_message: "no such order".to_owned(),
        ..GrpcResponse::default()
    };
    let text = of_calls(&[refused.clone(), refused]);
    let expected = "expect:\n  status: NOT_FOUND\n  status_message: no such order\n";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_stream_is_drafted_with_the_number_of_its_messages() {
    let stream = |count: usize| GrpcResponse {
        is_stream: true,
        messages: vec![Value::Null; count],
        ..GrpcResponse::default()
    };
    let text = of_calls(&[stream(2), stream(3)]);
    assert!(text.contains("  messages: { length: 2..3 }\n"), "{text}");
}

fn of_graphql(body: &serde_json::Value, answer: &str) -> String {
    let request = Request {
        protocol: Protocol::Http("POST".to_owned()),
        url: "http://127.0.0.1/graphql".to_owned(),
        headers: vec![("Authorization".to_owned(), "Bearer abc".to_owned())],
        payload: Payload::Json(body.clone().into()),
        ..request()
    };
    let mut seen = queries(1);
    seen.http().body = answer.to_owned().into();
    drafted(&request, &[seen.clone(), seen]).unwrap()
}

#[test]
fn a_graphql_operation_is_drafted_as_one() {
    let query = "query Order($id: ID!) {\n  order(id: $id) { id }\n}\n";
    let body = serde_json::json!({ "query": query, "variables": { "id": "${ID:-17}" } });
    let text = of_graphql(&body, r#"{ "data": { "order": { "id": "17" } } }"#);
    let expected = "\
name: query Order
graphql:
  url: http://127.0.0.1/graphql
  query: |
    query Order($id: ID!) {
      order(id: $id) { id }
    }
  variables: { id: \"${ID:-17}\" }
  headers:
    Authorization: Bearer ${TOKEN}
expect:
  status: 200
  json:
    $.data.order.id: \"17\"
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn errors_of_a_graphql_response_are_expected_exactly() {
    let body = serde_json::json!({ "query": "{ order { id } }" });
    let answer = r#"{ "errors": [{ "message": "${no} order", "extensions": { "code": "NOT_FOUND" } }], "data": null }"#;
    let text = of_graphql(&body, answer);
    let expected = "\
  status: 200
  graphql_errors:
    - { message: \"$${no} order\", code: NOT_FOUND }
  json:
    $.data: null
";
    assert!(text.contains(expected), "{text}");
    let answer = r#"{ "errors": [{ "message": "order 7f1dd2b0-2c4e-4c39-9d8b-0d5a6f0e6b11" }] }"#;
    let text = of_graphql(&body, answer);
    assert!(text.contains("  graphql_errors: 1   #"), "{text}");
}

#[test]
fn other_json_with_a_query_is_no_graphql() {
    for body in [
        serde_json::json!({ "query": "shoes" }),
        serde_json::json!({ "query": "{ order { id } }", "size": 10 }),
        serde_json::json!({ "query": { "match_all": {} } }),
        serde_json::json!({ "query": "subscription { orders { id } }" }),
    ] {
        let text = of_graphql(&body, r#"{ "id": 1 }"#);
        assert!(text.contains("request:\n  post: "), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_services_answer_and_export_a_draft_expects_it(
        service in texts(),
        entry in texts(),
        name in texts(),
        attribute in (texts(), texts()),
        event in texts(),
        member in (texts(), texts()),
        media_type in texts(),
    ) {
        let mut build = Build::new();
        build.span("shop", &entry, SpanKind::Server, None);
        build.span(&service, &name, SpanKind::Internal, Some(0));
        build.spans[1].attributes = Attributes::from_iter([attribute]);
        build.spans[1].events = vec![Event { name: event, ..Event::default() }];
        let mut seen = build.seen();
        seen.http().headers = vec![("content-type".to_owned(), media_type)];
        let (key, value) = member;
        seen.http().body = serde_json::json!({ key: value }).to_string().into();
        let text = drafted(&request(), &[seen.clone(), seen]);
        let text = text.map_err(|errors| TestCaseError::fail(errors.to_string()))?;
        prop_assert!(!text.contains(LEFT_OUT), "{}", text);
        assert_no_trailing_blank(&text);
    }

    #[test]
    fn whatever_a_request_sends_a_draft_sends_too(
        name in sent(),
        key in sent(),
        value in sent(),
        header in "[!-~]([ -~]{0,9}[!-~])?",
        number in any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()),
        is_long in any::<bool>(),
    ) {
        prop_assume!(!name.trim().is_empty() && !header.contains("${"));
        let padding = if is_long { "y".repeat(90) } else { String::new() };
        let json = serde_json::json!({ key: { "a": [value.as_str(), number, null], "b": {} }, "x": padding });
        for payload in [Payload::Text(value), Payload::Json(json.into())] {
            let request = Request {
                name: Some(name.clone()),
                protocol: Protocol::Http("POST".to_owned()),
                headers: vec![("X-Kind".to_owned(), header.clone())],
                payload: payload.clone(),
                ..request()
            };
            let text = drafted(&request, &[queries(1)]);
            let text = text.map_err(|errors| TestCaseError::fail(errors.to_string()))?;
            assert_no_trailing_blank(&text);
            let source = Source::new("a.yaml", text.as_str());
            let specs = Spec::read_all(&source, Path::new("."), &Context::default()).unwrap();
            prop_assert_eq!(&specs[0].name, &name, "{}", text);
            let trigger = specs[0].steps[0].trigger(&specs[0].scope()).unwrap();
            let Trigger::Request(read) = trigger else { unreachable!() };
            prop_assert_eq!(read.headers[0].1.to_str().unwrap(), header.as_str(), "{}", text);
            let is_same = match (&payload, &read.body) {
                (Payload::Json(sent), Body::Json(read)) => sent.same(read),
                (Payload::Text(sent), Body::Text(read)) => sent == read,
                _ => false,
            };
            prop_assert!(is_same, "{:?}\n{}", payload, text);
        }
    }
}
