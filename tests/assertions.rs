//! Exact texts of assertions about a trace.

use std::panic::catch_unwind;

use snapbox::{assert_data_eq, str};
use spanspec::otlp;
use spanspec::prelude::*;

/// An order that was charged, as its services exported it.
const ORDER: &str = r#"{ "resourceSpans": [
    { "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "order" } }] },
      "scopeSpans": [{ "spans": [
        { "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa00000001", "name": "POST /orders",
          "kind": 2, "startTimeUnixNano": "1000000", "endTimeUnixNano": "801000000" },
        { "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa00000002", "parentSpanId": "00f067aa00000001",
          "name": "INSERT orders", "kind": 3, "startTimeUnixNano": "2000000", "endTimeUnixNano": "3000000",
          "attributes": [{ "key": "db.system.name", "value": { "stringValue": "postgresql" } }] }
      ] }] },
    { "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "payment" } }] },
      "scopeSpans": [{ "spans": [
        { "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa00000003", "parentSpanId": "00f067aa00000001",
          "name": "process_payment", "kind": 1, "startTimeUnixNano": "100000000", "endTimeUnixNano": "512000000",
          "attributes": [
            { "key": "payment.method", "value": { "stringValue": "paypal" } },
            { "key": "order.id", "value": { "stringValue": "order-7" } }
          ] }
      ] }] }
] }"#;

fn order() -> Trace {
    otlp::read(ORDER.as_bytes()).unwrap().remove(0)
}

// Failing assertions come first, because their line numbers are part of the text.

fn a_wrong_payment() {
    let trace = order();
    assert_span!(
        trace,
        "process_payment",
        below: service("gateway"),
        attributes: { "payment.method" => "card", "order.id" => "order-7" },
        status: ok,
        duration: ..ms(400),
    );
}

fn a_misspelt_name() {
    assert_span!(order(), "process_paiment", service: "payment");
}

fn a_query_that_is_there() {
    assert_no_span!(order(), any_span(), type: db, below: service("order"));
}

fn a_trace_without_spans() {
    let id = "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap();
    let trace = Trace::assemble(id, spanspec::Origin::Foreign, []);
    assert_span!(trace, "process_payment", status: not error);
}

fn the_only_span_of_two() {
    let _ = order().only(service("order"));
}

#[test]
#[ignore = "it fails, as a test reads that runs it in a process"]
fn asserting() {
    a_misspelt_name();
}

#[tokio::test]
#[ignore = "it panics, as a test reads that runs it in a process"]
async fn blocking() {
    spanspec::block_on(async {});
}

/// The text of the panic.
fn said(assertion: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = catch_unwind(assertion).expect_err("it does not hold");
    match payload.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => (*payload.downcast_ref::<&str>().unwrap()).to_owned(),
    }
}

/// The reason of the panics of the same condition in assertions of both kinds.
macro_rules! refused {
    ($($condition:tt)*) => {{
        let positive = said(|| assert_span!(order(), $($condition)*));
        let negative = said(|| assert_no_span!(order(), $($condition)*));
        assert_eq!(positive, negative);
        positive
    }};
}

#[test]
fn conditions_that_no_span_can_meet_are_refused() {
    #[expect(clippy::reversed_empty_ranges, reason = "they are the subject")]
    let refused = [
        refused!(any_span(), attributes: { "attempts" => 5..=1 }),
        refused!(any_span(), attributes: { "attempts" => 1.0..=f64::NAN }),
        refused!(any_span(), attributes: { "attempts" => ..f64::NAN }),
        refused!(any_span(), attributes: { "attempts" => f64::NAN }),
        refused!(any_span(), resource: { "x" => not(5..=1) }),
        refused!(any_span(), duration: ms(5)..=ms(1)),
        refused!(any_span(), duration: ms(5)..ms(5)),
        refused!(any_span(), self_time: ..ms(0)),
        refused!(any_span(), links: 3..=1),
        refused!(any_span(), below: service("order").times(3..=1)),
        refused!(any_span(), below: span("a").service("b").service("c")),
        refused!(span("a").name("b")),
        refused!(any_span(), attributes: { "x" => not(exists()) }),
        refused!(any_span(), attributes: { "x" => contains("") }),
        refused!(any_span(), name: regex("")),
        refused!(any_span(), name: 5),
        refused!(any_span(), service: not(1..=4)),
        refused!(any_span().times(2)),
    ];
    assert_data_eq!(
        refused.join("\n"),
        str![[r#"
nothing is in the range 5..1
nothing is in the range 1.0..NaN
nothing can be compared with NaN
nothing equals NaN
nothing is in the range 5..1
nothing is in the range 5 ms to 1 ms
nothing is in the range >= 5 ms and < 5 ms
nothing is in the range < 0 ms
nothing is in the range 3..1
nothing is in the range 3..1
no span meets both conditions on service: "b" and "c"
no span meets both conditions on name: "a" and "b"
nothing meets `not(exists())`: write `absent()`
every string contains an empty string: write `exists()`
every string matches an empty regular expression: write `exists()`
name is a string, and `5` is not
service is a string, and `1..4` is not
`times` counts the other spans of a relation: to count the spans themselves, write `assert_span!(…, count: …)`
"#]]
    );
}

#[test]
fn contradictions_pass_no_negative_assertion() {
    let refused = [
        said(|| assert_no_span!(order(), "ship", name: "shipping")),
        said(|| assert_no_span!(order(), service("order"), service: ["payment", "stock"])),
        said(|| assert_no_span!(order(), any_span(), status: ok, status: error)),
        said(|| assert_no_span!(order(), any_span(), attributes: { "x" => 1, "x" => absent() })),
        said(|| assert_no_span!(order(), "ship", name: regex("^order"))),
        said(|| assert_no_span!(order(), any_span(), duration: ..ms(1), duration: ms(2)..)),
    ];
    assert_data_eq!(
        refused.join("\n"),
        str![[r#"
no span meets both conditions on name: "ship" and "shipping", so assert_no_span! would pass for every trace
no span meets both conditions on service: "order" and one of "payment", "stock", so assert_no_span! would pass for every trace
no span meets both conditions on status: ok and error, so assert_no_span! would pass for every trace
no span meets both conditions on attribute `x`: 1 and absence, so assert_no_span! would pass for every trace
no span meets both conditions on name: "ship" and =~ ^order, so assert_no_span! would pass for every trace
no span meets both conditions on duration: < 1 ms and >= 2 ms, so assert_no_span! would pass for every trace
"#]]
    );
}

/// A span of a service with these attributes.
fn one_span(service: &str, attributes: &str) -> Trace {
    let service = match service {
        "" => String::new(),
        name => format!(
            r#"{{ "key": "service.name", "value": {{ "stringValue": "{name}" }} }},
            {{ "key": "deployment.environment.name", "value": {{ "stringValue": "test" }} }}"#
        ),
    };
    let text = format!(
        r#"{{ "resourceSpans": [{{ "resource": {{ "attributes": [{service}] }}, "scopeSpans": [{{ "spans": [
            {{ "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa00000001", "name": "charge",
               "kind": 2, "startTimeUnixNano": "1000000", "endTimeUnixNano": "2000000", "attributes": [{attributes}] }}
        ] }}] }}] }}"#
    );
    otlp::read(text.as_bytes()).unwrap().remove(0)
}

#[test]
fn a_near_match_passes_no_negative_assertion() {
    const STATUS: &str =
        r#"{ "key": "http.response.status_code", "value": { "stringValue": "503" } }"#;
    const REASONS: &str = r#"{ "key": "reasons", "value": { "arrayValue": { "values": [{ "stringValue": "stop" }] } } }"#;
    let refused = [
        said(|| {
            let trace = one_span("payment", STATUS);
            assert_no_span!(trace, any_span(), attributes: { "http.response.status_code" => 500..=599 });
        }),
        said(|| {
            let trace = one_span("payment", STATUS);
            assert_no_span!(trace, any_span(), attributes: { "http.status_code" => "503" });
        }),
        said(|| {
            let trace = one_span("payment", REASONS);
            assert_no_span!(trace, "charge", attributes: { "reasons" => "stop" });
        }),
        said(|| {
            let trace = one_span("payment", "");
            assert_no_span!(trace, any_span(), attributes: { "deployment.environment.name" => "test" });
        }),
        said(|| assert_no_span!(one_span("", ""), service("payment"))),
        said(|| assert_no_span!(one_span("payment", ""), service("paymnet"), kind: server)),
        said(|| assert_no_span!(one_span("payment", ""), "Charge")),
        said(|| assert_no_span!(order(), "process_payment", below: service("ordr"))),
    ];
    let told = |text: &String| {
        assert!(text.starts_with("\nERROR assert_no_span!"), "{text}");
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let (_, reason) = text.split_once("nearly matches: ").unwrap();
        let (reason, _) = reason.split_once(" tests/assertions.rs:").unwrap();
        reason.to_owned()
    };
    let told: Vec<String> = refused.iter().map(told).collect();
    assert_data_eq!(
        told.join("\n"),
        str![[r#"
its attribute `http.response.status_code` is "503", of type string, and 500..599 is of another type
it has no `http.status_code`, but `http.response.status_code` ("503"): the semantic conventions have renamed it
its attribute `reasons` is ["stop"], of type array, and "stop" is of another type
`deployment.environment.name` is an attribute of the resource: write it under `resource`
its service is unknown (`unknown_service`): set OTEL_SERVICE_NAME for it
no service is called `paymnet`, but one is called `payment`
its name differs in case only
below `POST /orders` of order: no service is called `ordr`, but one is called `order`
"#]]
    );
}

#[test]
fn what_is_far_from_a_match_passes_a_negative_assertion() {
    const ATTEMPTS: &str = r#"{ "key": "attempts", "value": { "intValue": "1" } }"#;
    let trace = one_span("shard-1", ATTEMPTS);
    assert_no_span!(trace, any_span(), attributes: { "attempts" => not(1) });
    assert_no_span!(trace, any_span(), attributes: { "attempts" => 2.. });
    assert_no_span!(trace, any_span(), attributes: { "attempts" => "2" });
    assert_no_span!(trace, any_span(), attributes: { "attempts" => absent() });
    assert_no_span!(trace, service("shard-2"));
    assert_no_span!(trace, service("shipping"));
    assert_no_span!(trace, service("shart-1"), status: error);
}

#[test]
fn hints_show_rust() {
    let hint = |text: String| {
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let (_, hint) = text.split_once("help: ").unwrap();
        let (hint, _) = hint
            .split_once(" order ")
            .or(hint.split_once(" unknown_service "))
            .unwrap();
        hint.to_owned()
    };
    let hints = [
        hint(said(|| assert_span!(order(), "payment"))),
        hint(said(
            || assert_span!(order(), "process_payment", below: "order"),
        )),
        hint(said(
            || assert_span!(order(), "process_payment", status: ok),
        )),
        hint(said(|| assert_span!(linked(), "process"))),
    ];
    assert_data_eq!(
        hints.join("\n"),
        str![[r#"
`payment` is a service here, not a span: write `service("payment")`
`order` is a service here, not a span: write `below: service("order")`
most instrumentation leaves the status of success unset; `status: not error` accepts both
a linked trace has a span `process`; to find it, write span("process").linked_to(…)
"#]]
    );
}

/// A trace whose link leads to a trace of its own.
fn linked() -> Trace {
    const LINKED: &str = r#"{ "resourceSpans": [{ "scopeSpans": [{ "spans": [
        { "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa00000001", "name": "publish",
          "kind": 4, "startTimeUnixNano": "1000000", "endTimeUnixNano": "2000000" },
        { "traceId": "5bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa00000002", "name": "process",
          "kind": 5, "startTimeUnixNano": "3000000", "endTimeUnixNano": "4000000",
          "links": [{ "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa00000001" }] }
    ] }] }] }"#;
    otlp::read(LINKED.as_bytes()).unwrap().remove(0)
}

#[test]
fn linked_to_finds_spans_of_linked_traces_in_every_macro() {
    let trace = linked();
    assert_span!(trace, span("process").linked_to("publish"));
    assert_span!(trace, "process", linked_to: "publish", kind: consumer);
    let text = said(|| assert_no_span!(linked(), "process", linked_to: "publish"));
    assert!(text.starts_with("\nFAIL"), "{text}");
    assert_no_span!(trace, "process", linked_to: "publish", kind: producer);
    assert_eq!(trace.select(span("process").linked_to("publish")).len(), 1);
    // A span of the trace itself that is not linked is no span that may be left out.
    let text = said(|| assert_span!(linked(), "publish", linked_to: "publish"));
    assert!(text.starts_with("\nFAIL"), "{text}");
}

#[test]
fn what_holds_says_nothing() {
    let trace = order();
    assert_span!(trace, "process_payment");
    assert_span!(
        &trace,
        "process_payment",
        below: service("order"),
        child_of: "POST /orders",
        kind: internal,
        attributes: { "payment.method" => ["card", "paypal"], "order.id" => regex("^order-"), "x" => absent() },
        status: not error,
        duration: ..ms(600),
    );
    assert_span!(trace, any_span().of_type(SpanType::Db), count: 1..=1, service: "order");
    assert_span!(trace, "INSERT orders", type: db);
    assert_span!(trace, service("order"), count: 2);
    assert_no_span!(trace, "ship");
    assert_no_span!(trace, "process_payment", status: error);
    assert_no_span!(trace, service("payment"), below: service("payment"));
    assert_trace!(trace, "tests/assertions/charged.yaml", { "order_id" => "order-7" });
    assert_eq!(trace.only(service("payment")).name, "process_payment");
}

#[test]
fn everything_that_does_not_hold_is_told_at_once_and_at_its_place() {
    let text = said(a_wrong_payment);
    assert_data_eq!(
        text,
        str![[r#"

FAIL  assert_span!   trace 4bf92f35…   3 spans, 2 services
  `below` of span `process_payment`
   --> tests/assertions.rs:38:51
 38 |     assert_span!(trace, "process_payment", below: service("gateway"), attributes: { "paymen...
    |                                                   ^^^^^^^^^^^^^^^^^^
   expected { service "gateway" }
      found none (above it are `POST /orders` of order)
            (payment, span 00f067aa00000003)

  attribute `payment.method` of span `process_payment`
   --> tests/assertions.rs:38:105
 38 | ...ment.method" => "card", "order.id" => "order-7" }, status: ok, duration: ..ms(400))
    |                    ^^^^^^ found "paypal"   (payment, span 00f067aa00000003)

  status of span `process_payment`
   --> tests/assertions.rs:38:148
 38 | ...rder-7" }, status: ok, duration: ..ms(400))
    |                       ^^ found unset   (payment, span 00f067aa00000003)
   help: most instrumentation leaves the status of success unset; `status: not error` accepts both

  duration of span `process_payment`
   --> tests/assertions.rs:38:162
 38 | ...tion: ..ms(400))
    |          ^^^^^^^^^ expected < 400 ms, found 412 ms   (payment, span 00f067aa00000003)

   order    POST /orders       ████████████████████████████████████████████████████████████ 800 ms
   order      INSERT orders    ▎                                                              1 ms
   payment    process_payment         ▐██████████████████████████████▍                      412 ms
              ↑ below: none (above it are `POST /orders` of order), payment.method = "paypal", stat…

"#]]
    );
}

#[test]
fn nothing_found_shows_what_comes_nearest() {
    let text = said(a_misspelt_name);
    assert_data_eq!(
        text,
        str![[r#"

FAIL  assert_span!   trace 4bf92f35…   3 spans, 2 services
  number of spans that match `process_paiment`
   --> tests/assertions.rs:49:27
 49 |     assert_span!(order(), "process_paiment", service: "payment")
    |                           ^^^^^^^^^^^^^^^^^ expected at least 1, found none
   nearest:
     payment › process_payment (span 00f067aa00000003)
       name is "process_payment", not "process_paiment"

   order    POST /orders       ███████████████████████████████████████████████████ 800 ms
   order      INSERT orders    ▎                                                     1 ms
   payment    process_payment        ██████████████████████████▋                   412 ms  ← nearest

"#]]
    );
}

#[test]
fn a_span_that_should_not_be_there_is_marked() {
    let text = said(a_query_that_is_there);
    assert_data_eq!(
        text,
        str![[r#"

FAIL  assert_no_span!   trace 4bf92f35…   3 spans, 2 services
  number of spans that match { type db, `below` { service "order" } }
   --> tests/assertions.rs:53:30
 53 |     assert_no_span!(order(), any_span(), type: db, below: service("order"))
    |                              ^^^^^^^^^^ expected none, found 1
                                              (order, span 00f067aa00000002)

   order    POST /orders       ████████████████████████████████████████████████████ 800 ms
   order      INSERT orders    ▎                                                      1 ms  ← 1 of 1
   payment    process_payment        ▐██████████████████████████▎                   412 ms

"#]]
    );
}

#[test]
fn an_empty_trace_is_an_error_and_no_failure() {
    let text = said(a_trace_without_spans);
    assert_data_eq!(
        text,
        str![[r#"

ERROR assert_span!   trace 4bf92f35…   0 spans, 0 services
  1 check could not be judged: there is no span of this trace
    tests/assertions.rs:59:25: spans that match `process_payment`

"#]]
    );
}

#[test]
fn more_than_the_only_span_is_told() {
    let text = said(the_only_span_of_two);
    assert_data_eq!(
        text,
        str![[r#"

FAIL  only   trace 4bf92f35…   3 spans, 2 services
  number of spans that match { service "order" }
   --> tests/assertions.rs:63:61
 63 |                     only(trace, { service "order" }, count: 1)
    |                                                             ^ expected exactly 1, found 2   (order, span 00f067aa00000001, and 1 more)

   order    POST /orders       ████████████████████████████████████████████████████ 800 ms  ← 1 of 2
   order      INSERT orders    ▎                                                      1 ms  ← 2 of 2
   payment    process_payment        ▐██████████████████████████▎                   412 ms

"#]]
    );
}

#[test]
fn a_file_points_at_its_own_lines() {
    let text = said(|| {
        assert_trace!(order(), "tests/assertions/charged.yaml", { "order_id" => "order-8" });
    });
    assert_data_eq!(
        text,
        str![[r#"

FAIL  assert_trace!   tests/assertions/charged.yaml   trace 4bf92f35…   3 spans, 2 services
  attribute `order.id` of span `process_payment`
  --> tests/assertions/charged.yaml:6:29
 6 |     attributes: { order.id: "${order_id}" }
   |                             ^^^^^^^^^^^^^ expected "order-8", found "order-7"
                                               (payment, span 00f067aa00000003)

   order    POST /orders       ██████████████████████████████████████ 800 ms
   order      INSERT orders    ▏                                        1 ms
   payment    process_payment      ▐███████████████████▎              412 ms  ← order.id = "order-7"

"#]]
    );
}

#[test]
fn of_a_whole_spec_only_what_it_asks_of_the_trace_counts() {
    let trace = order();
    assert_trace!(trace, "tests/assertions/spec.yaml", { "order_id" => "order-7" });
    let text = said(move || assert_trace!(trace, "tests/assertions/spec.yaml"));
    assert_data_eq!(
        text,
        str![[r#"

ERROR assert_trace!   tests/assertions/spec.yaml   trace 4bf92f35…   3 spans, 2 services
  1 check could not be judged: needs `order_id`, which was not captured
    tests/assertions/spec.yaml:7:7: spans that match `process_payment`

   order    POST /orders       ████████████████████████████████████████████████████████████ 800 ms
   order      INSERT orders    ▎                                                              1 ms
   payment    process_payment         ▐██████████████████████████████▍                      412 ms
   help: `order_id` gets a value behind the file: assert_trace!(…, { "order_id" => … })

"#]]
    );
}

#[test]
fn a_value_that_no_check_uses_is_an_error() {
    let text = said(|| {
        assert_trace!(order(), "tests/assertions/spec.yaml", { "ordr_id" => "order-7" });
    });
    assert_data_eq!(
        text,
        str![[r#"

error: `ordr_id` has a value, but no check uses it
 --> tests/assertions/spec.yaml:5:3
5 |   status: 201
  |   ^^^^^^ no `${ordr_id}` from here on
  |
  = help: did you mean `order_id`?

1 error; nothing of it was run

"#]]
    );
    let text = said(|| {
        let values = ("order-7", 2);
        assert_trace!(
            order(),
            "tests/assertions/charged.yaml",
            { "order_id" => values.0, "quantity" => values.1 }
        );
    });
    assert_data_eq!(
        text,
        str![[r#"

error: `quantity` has a value, but no check uses it
 --> tests/assertions/charged.yaml:1:1
1 | errors: 0
  | ^^^^^^ no `${quantity}` from here on
  |
  = help: remove the value from the assertion

1 error; nothing of it was run

"#]]
    );
}

#[test]
fn a_file_with_mistakes_or_without_sense_is_told() {
    for (file, what) in [
        (
            "missing.yaml",
            "error: cannot read tests/assertions/missing.yaml",
        ),
        ("wrong.yaml", "did you mean `spans`?"),
        ("response.yaml", "this `expect` has no check of the trace"),
        ("steps.yaml", "each of `steps` has its own trace"),
    ] {
        let path = format!("tests/assertions/{file}");
        let text = said(move || assert_trace!(order(), path));
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn a_panic_is_at_the_line_that_asserts() {
    panics_at("asserting", "process_paiment", "");
}

#[test]
fn block_on_in_async_code_panics_at_the_line_of_the_caller() {
    panics_at(
        "blocking",
        "block_on(async {})",
        "spanspec::block_on would block the thread of async code; write `.await` instead\n",
    );
}

/// Runs an ignored test, and looks for its panic at the first line that contains `code`.
fn panics_at(test: &str, code: &str, message: &str) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = include_str!("assertions.rs").lines();
    let line = 1 + lines.take_while(|line| !line.contains(code)).count();
    let place = format!("panicked at tests/assertions.rs:{line}:5:\n{message}");
    assert!(text.contains(&place), "`{place}` is missing in:\n{text}");
}

#[test]
fn an_outline_is_plain_data() {
    assert_data_eq!(
        order().outline_with(&["payment.method"]).to_string(),
        str![[r#"
order › POST /orders (server)
  order › INSERT orders (client)
  payment › process_payment (internal, payment.method=paypal)

"#]]
    );
}

#[test]
#[should_panic(
    expected = "`after` compares with spans that are there, and this `times` permits none"
)]
fn an_order_in_time_needs_a_span_to_compare_with() {
    let _ = span("process_payment").after(span("refund").times(0));
}

/// A payment with a record of WARN in its span.
const LOGGED: &str = r#"{ "resourceSpans": [
    { "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "payment" } }] },
      "scopeSpans": [{ "spans": [
        { "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa00000001", "name": "process_payment",
          "kind": 2, "startTimeUnixNano": "1000000", "endTimeUnixNano": "801000000" }
      ] }] }],
  "resourceLogs": [
    { "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "payment" } }] },
      "scopeLogs": [{ "scope": { "name": "cards" }, "logRecords": [
        { "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa00000001", "timeUnixNano": "2000000",
          "severityNumber": 13, "body": { "stringValue": "card declined" },
          "attributes": [{ "key": "attempt", "value": { "intValue": "1" } }] }
      ] }] }
] }"#;

fn logged() -> Trace {
    otlp::read(LOGGED.as_bytes()).unwrap().remove(0)
}

#[test]
fn log_records_that_hold_say_nothing() {
    let trace = logged();
    assert_log!(trace, "card declined");
    assert_log!(
        trace,
        contains("declined"),
        service: "payment",
        severity: warn..,
        scope: "cards",
        attributes: { "attempt" => 1..=3 },
        resource: { "service.name" => "payment" },
        on: service("payment"),
        count: 1,
    );
    assert_log!(trace, any_log(), severity: warn, count: ..=1);
    assert_log!(
        trace,
        log("card declined").severity(Severity::Debug..=Severity::Warn)
    );
    assert_no_log!(trace, any_log(), severity: error..);
    assert_no_log!(trace, "card declined", severity: ..=info);
    assert_no_log!(trace, any_log(), service: "payment", on: "ship");
    assert_eq!(trace.logs().len(), 1);
}

#[test]
fn a_log_record_that_does_not_hold_is_shown_at_its_place() {
    let text = said(|| assert_log!(logged(), "card declined", severity: error.., on: "ship"));
    for part in [
        "FAIL  assert_log!   trace 4bf92f35…   1 span, 1 service",
        "severity of log record `card declined`",
        "assert_log!(logged(), \"card declined\", severity: error.., on: \"ship\")",
        "^^^^^^^ found ",
        "`on` of log record `card declined`",
        "· warn: card declined",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_log_record_that_should_not_be_there_is_counted() {
    let text = said(|| assert_no_log!(logged(), contains("declined"), severity: warn..));
    for part in [
        "FAIL  assert_no_log!",
        "number of log records that match { body ",
        "expected none, found 1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn log_records_that_may_be_missing_pass_no_assertion() {
    let text = said(|| assert_no_log!(order(), any_log(), severity: error..));
    assert!(text.contains("ERROR assert_no_log!"), "{text}");
    let what = "the source of this trace does not provide log records";
    assert!(text.contains(what), "{text}");
    let lost = logged().with_log_holes([spanspec::Hole {
        reason: "POST /v1/logs was refused".to_owned(),
        sender: Default::default(),
        remedy: "update the SDK".to_owned(),
    }]);
    let text = said(|| assert_no_log!(lost, any_log(), severity: error..));
    assert!(text.contains("ERROR assert_no_log!"), "{text}");
    assert!(text.contains("POST /v1/logs was refused"), "{text}");
}

#[test]
fn conditions_that_no_log_record_can_meet_are_refused() {
    let refused = [
        said(|| assert_log!(logged(), any_log(), severity: error..=info)),
        said(|| assert_no_log!(logged(), any_log(), service: 5)),
        said(|| assert_no_log!(logged(), contains(""))),
        said(|| assert_no_log!(logged(), "a", body: "b")),
        said(|| assert_no_log!(logged(), any_log(), severity: warn, severity: error..)),
    ];
    assert_data_eq!(
        refused.join("\n"),
        str![[r#"
nothing is in the range error..info
service is a string, and `5` is not
every string contains an empty string: write `exists()`
no log record meets both conditions on body: "a" and "b", so assert_no_log! would pass for every trace
no log record meets both conditions on severity: warn and error.., so assert_no_log! would pass for every trace
"#]]
    );
}
