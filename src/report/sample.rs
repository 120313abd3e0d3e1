//! Traces and reports built by hand, for the tests of this module.

#[cfg(feature = "run")]
pub(super) mod load;

use std::sync::Arc;
use std::time::Duration;

use crate::check::{
    Candidate, CheckRef, Difference, Failure, Judged, Outcome, Rejection, RejectionForm, Subject,
    Unjudged, Witness,
};
use crate::result::{
    Attempt, Phase, Report, SpecReport, StepReport, Telemetry, Timing, Trouble, Verdict,
};
use crate::secret::Secrets;
use crate::spec::{Location, Place, Source};
use crate::trace::{
    HttpResponse, Origin, Resource, Response, Span, SpanId, Status, StatusCode, Trace, TraceId,
};

pub(super) const SPEC: &str = r#"name: placing an order charges the card
request:
  post: ${BASE_URL}/orders
  json: { sku: A1, quantity: 2 }
capture: { order_id: $.order.id }
expect:
  status: 201
  errors: 0
  spans:
    - find: process_payment
      below: { service: order }
      attributes: { payment.method: card, order.id: "${order_id}" }
      duration: < 600ms
    - find: { type: db }
      count: 1
"#;

pub(super) fn trace_id() -> TraceId {
    "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap()
}

pub(super) fn span_id(n: u64) -> SpanId {
    SpanId::from_bytes((0x00f0_67aa_0000_0000 + n).to_be_bytes()).unwrap()
}

/// Times in milliseconds.
pub(super) fn span(n: u64, parent: u64, service: &str, name: &str, from: u64, to: u64) -> Span {
    const START: u64 = 1_700_000_000_000_000_000;
    let attributes = [("service.name", service)].into_iter().collect();
    Span {
        parent_id: Some(span_id(parent)),
        start: START + from * 1_000_000,
        end: START + to * 1_000_000,
        resource: Arc::new(Resource { attributes }),
        ..Span::new(trace_id(), span_id(n), name)
    }
}

pub(super) fn failed(mut span: Span, message: &str) -> Span {
    span.status = Status {
        code: StatusCode::Error,
        message: message.to_owned(),
    };
    span
}

/// Span 0 is ours.
pub(super) fn assemble(spans: impl IntoIterator<Item = Span>) -> Trace {
    Trace::assemble(trace_id(), Origin::Injected(span_id(0)), spans)
}

pub(super) fn shop() -> Trace {
    assemble([
        span(1, 0, "gateway", "POST /orders", 0, 801),
        span(2, 1, "order", "POST /orders", 12, 788),
        span(3, 2, "order", "reserve_stock", 20, 91),
        span(4, 3, "inventory", "SELECT stock", 31, 84),
        span(5, 2, "payment", "process_payment", 140, 552),
        span(6, 2, "order", "INSERT orders", 560, 561),
    ])
}

pub(super) fn at(marked: &str) -> Location {
    // The last occurrence, because the name of the spec contains the text of its checks.
    let start = SPEC.rfind(marked).unwrap();
    let end = start + marked.len();
    Source::new("specs/place-order.yaml", SPEC).at(Place { start, end })
}

pub(super) fn judged(what: &str, place: &str, outcome: Outcome) -> Judged {
    Judged {
        check: CheckRef::Trace(0),
        what: what.to_owned(),
        at: at(place),
        outcome,
    }
}

pub(super) fn failure(subject: Subject, place: &str, expected: &str, found: &str) -> Failure {
    Failure::new(subject, at(place), expected, found)
}

pub(super) fn failing(failure: Failure) -> Judged {
    let check = match failure.subject {
        Subject::Failures => CheckRef::Failures,
        _ => CheckRef::Trace(0),
    };
    Judged::failed(check, failure)
}

/// The payment method differs from the spec.
pub(super) fn wrong_method() -> Failure {
    let subject = Subject::Span {
        part: "attribute `payment.method`".to_owned(),
        name: "process_payment".to_owned(),
    };
    Failure {
        witnesses: vec![Witness {
            trace_id: trace_id(),
            span_id: span_id(5),
            service: "payment".to_owned(),
            name: "process_payment".to_owned(),
            mark: "payment.method = \"paypal\"".to_owned(),
        }],
        ..failure(subject, "card", "\"card\"", "\"paypal\"")
    }
}

pub(super) fn nothing_found() -> Failure {
    let rejected = |key: &str, expected: &str, found: &str, form| Rejection {
        key: key.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
        form,
    };
    Failure {
        nearest: vec![
            Candidate {
                span_id: Some(span_id(4)),
                service: "inventory".to_owned(),
                name: "SELECT stock".to_owned(),
                rejected: vec![rejected(
                    "attribute `db.system.name`",
                    "exists",
                    "nothing",
                    RejectionForm::Missing,
                )],
            },
            Candidate {
                span_id: Some(span_id(6)),
                service: "order".to_owned(),
                name: "INSERT orders".to_owned(),
                rejected: vec![
                    rejected(
                        "name",
                        "\"SELECT stock\"",
                        "\"INSERT orders\"",
                        RejectionForm::Value,
                    ),
                    rejected(
                        "service",
                        "\"inventory\"",
                        "\"order\"",
                        RejectionForm::Value,
                    ),
                ],
            },
        ],
        hints: vec!["spans of type db have `db.system.name` or `db.system`".to_owned()],
        ..failure(
            Subject::Selected("{ type: db }".to_owned()),
            "{ type: db }",
            "at least 1",
            "nothing",
        )
    }
}

pub(super) fn different_body() -> Failure {
    let difference = |path: &str, expected: &str, found: &str| Difference {
        path: path.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    Failure {
        differences: vec![
            difference("$.order.lines[0].sku", "\"A1\"", "\"B2\""),
            difference("$.order.total", "42", "nothing"),
        ],
        ..failure(
            Subject::Json("$".to_owned()),
            "201",
            "{\"order\":{\"lines\":[{\"sku\":\"A1\"}],\"total\":42}}",
            "{\"order\":{\"lines\":[{\"sku\":\"B2\"}]}}",
        )
    }
}

pub(super) fn step(checks: Vec<Judged>) -> StepReport {
    let response = HttpResponse {
        status: 201,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: br#"{"order":{"lines":[{"sku":"B2"}]}}"#.to_vec(),
        time: Duration::from_millis(803),
        ..HttpResponse::default()
    };
    StepReport {
        trigger: "POST http://127.0.0.1:8080/orders".to_owned(),
        trace_id: Some(trace_id()),
        trace: Some(Arc::new(shop())),
        response: Some(Response::Http(response)),
        checks,
        was_closed: true,
        timing: Timing {
            response: Some(Duration::from_millis(803)),
            last_span: Some(Duration::from_millis(811)),
            verdict: Some(Duration::from_millis(812)),
        },
        ..StepReport::blank(Phase::Test)
    }
}

pub(super) fn attempt(verdict: Verdict, steps: Vec<StepReport>) -> Attempt {
    Attempt {
        verdict,
        started: "2026-03-01T12:00:00Z".parse().unwrap(),
        duration: Duration::from_millis(812),
        steps,
    }
}

pub(super) fn spec(name: &str, verdict: Verdict, attempts: Vec<Attempt>) -> SpecReport {
    SpecReport {
        name: name.to_owned(),
        at: at("name"),
        tags: Vec::new(),
        verdict,
        duration: Duration::from_millis(812) * u32::try_from(attempts.len()).unwrap(),
        attempts,
    }
}

pub(super) fn passing_step() -> StepReport {
    step(vec![
        judged("status of the response", "status", Outcome::Pass),
        judged("number of spans with status error", "errors", Outcome::Pass),
    ])
}

pub(super) fn failing_step() -> StepReport {
    StepReport {
        saved_trace: Some("target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json".into()),
        ..step(vec![
            judged("status of the response", "status", Outcome::Pass),
            failing(wrong_method()),
            failing(nothing_found()),
        ])
    }
}

pub(super) fn refused_step() -> StepReport {
    let trouble = Trouble {
        what: "failed to connect to 127.0.0.1:8080".to_owned(),
        at: Some(at("${BASE_URL}/orders")),
        details: vec!["connection refused (os error 111)".to_owned()],
        help: vec!["is the service running? `services` in spanspec.yaml starts it".to_owned()],
    };
    let unjudged =
        |what: &str, place: &str| judged(what, place, Outcome::Unjudged(Unjudged::NoSpans));
    StepReport {
        trace: None,
        response: None,
        trouble: Some(trouble),
        ..step(vec![
            unjudged("number of spans with status error", "errors: 0"),
            unjudged("number of spans that match { type: db }", "{ type: db }"),
        ])
    }
}

/// One spec for each verdict.
pub(super) fn report() -> Report {
    let failed = || attempt(Verdict::Failed, vec![failing_step()]);
    let passed = || attempt(Verdict::Passed, vec![passing_step()]);
    let errored = attempt(Verdict::Errored, vec![refused_step()]);
    Report {
        started: "2026-03-01T12:00:00Z".parse().unwrap(),
        duration: Duration::from_millis(2_436),
        specs: vec![
            spec("listing the stock", Verdict::Passed, vec![passed()]),
            spec(
                "placing an order charges the card",
                Verdict::Failed,
                vec![failed()],
            ),
            spec("cancelling an order", Verdict::Errored, vec![errored]),
            spec("paying twice", Verdict::Passed, vec![failed(), passed()]),
            spec(
                "refunds",
                Verdict::Skipped("until the bank's sandbox is back".to_owned()),
                vec![],
            ),
            spec(
                "shipping",
                Verdict::NotRun("after the first failure".to_owned()),
                vec![],
            ),
        ],
        trouble: Vec::new(),
        notices: vec!["the flush bound is assumed to be 5.5 s".to_owned()],
        telemetry: Telemetry {
            spans: 182,
            late_spans: 3,
            refused_count: 2,
            refused: vec!["no protobuf (from python)".to_owned()],
            ..Telemetry::default()
        },
        interrupted: false,
        without_specs: None,
        fail_flaky: false,
        secrets: Secrets::default(),
    }
}

/// The text without colours.
pub(super) fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    bare + rest
}
