use std::path::Path;
use std::sync::Arc;

use super::suite::{SpecInput, Suite, Which, examine};
use crate::spec::{Context, Scope, Source, Spec};
use crate::step::StepEvidence;
use crate::trace::Trace;
use crate::trace::{
    HttpResponse, LogRecord, Origin, Resource, Response, Span, SpanId, SpanKind, TraceId, Value,
};

/// An order with a payment and `queries` equal queries of the stock.
fn order(queries: u64) -> Trace {
    let id = TraceId::from_bytes([7; 16]).unwrap();
    let span_id = |number: u64| SpanId::from_bytes((number + 1).to_be_bytes()).unwrap();
    let span = |number: u64, parent: u64, service: &str, name: &str, kind| {
        let resource = Resource {
            attributes: [("service.name", service)].into_iter().collect(),
        };
        Span {
            parent_id: Some(span_id(parent)),
            kind,
            start: 1_000_000 * number,
            end: 1_000_000_000 - number,
            resource: Arc::new(resource),
            ..Span::new(id, span_id(number), name)
        }
    };
    let mut spans = vec![
        span(1, 0, "shop", "POST /orders", SpanKind::Server),
        span(2, 1, "shop", "place_order", SpanKind::Internal),
        span(3, 2, "payment", "POST /payments", SpanKind::Server),
        span(4, 3, "payment", "charge", SpanKind::Internal),
    ];
    spans[3].attributes = [
        ("payment.method", Value::from("card")),
        ("payment.id", Value::from("pay-0123456789abcdef")),
        ("thread.id", Value::from(7)),
    ]
    .into_iter()
    .collect();
    let select = |number| span(number, 2, "shop", "SELECT stock", SpanKind::Client);
    spans.extend((10..10 + queries).map(select));
    Trace::assemble(id, Origin::Injected(span_id(0)), spans)
}

fn response() -> Response {
    Response::Http(HttpResponse {
        status: 201,
        body: br#"{"id":"ord-1","total":25}"#.to_vec(),
        ..HttpResponse::default()
    })
}

fn specs(text: &str) -> Vec<Spec> {
    let source = Source::new("specs/a.yaml", text);
    Spec::read_all(&source, Path::new("specs"), &Context::default()).unwrap()
}

/// The evidence of the only step of a spec.
fn evidence(spec: &Spec, trace: &Trace) -> StepEvidence {
    let step = spec.steps[0].clone();
    let mut scope: Scope = spec.scope();
    let captures = step.captures(&scope).unwrap();
    let response = response();
    for capture in &captures {
        let seen = crate::check::Evidence::new(&response, Some(trace), true);
        let value = crate::check::capture(capture, &seen).unwrap();
        scope.set(capture.name.clone(), value);
    }
    StepEvidence {
        expect: Arc::new(step.expect(&scope).unwrap()),
        step,
        trigger: "POST http://127.0.0.1:8080/orders".to_owned(),
        scope,
        captures: captures.into(),
        response,
        trace: trace.clone(),
        sampled: true,
        logs_without_trace: None,
        head: None,
    }
}

fn suite_of(text: &str, trace: &Trace, which: Which) -> Suite {
    let specs = specs(text);
    let inputs: Vec<SpecInput<'_>> = specs
        .iter()
        .map(|spec| SpecInput {
            spec,
            evidence: Ok(vec![evidence(spec, trace)]),
        })
        .collect();
    examine(&inputs, which, &|| false)
}

fn suite(text: &str) -> Suite {
    suite_of(text, &order(2), Which::Default)
}

/// The missed faults: the place, the kind, and perhaps the attribute in words.
fn missed(suite: &Suite) -> Vec<(&str, &'static str)> {
    let places = suite.missed.iter();
    let faults = places.flat_map(|place| {
        let faults = place.faults.iter();
        faults.map(|fault| (place.place.as_str(), fault.kind.name()))
    });
    faults.collect()
}

const HEAD: &str = "request: POST http://127.0.0.1:8080/orders\n";

#[test]
fn a_fault_that_no_check_notices_is_missed_and_the_suggested_check_notices_it() {
    let bare = format!("{HEAD}expect:\n  status: 201\n  errors: 0\n");
    let before = suite(&bare);
    let charge = "`charge` of payment";
    assert!(missed(&before).contains(&(charge, "span_gone")));
    assert!(missed(&before).contains(&(charge, "attribute_value")));
    // Every status is checked.
    assert!(
        !missed(&before)
            .iter()
            .any(|(_, kind)| *kind == "status_error")
    );
    let place = before.missed.iter().find(|place| place.place == charge);
    let remedy = place.unwrap().remedy.as_ref().unwrap();
    assert_eq!(
        remedy,
        "spans:
  - find: charge
    service: payment
    count: 1
    child_of: { name: POST /payments, service: payment }
    attributes:
      payment.id: exists
      payment.method: card
"
    );
    let indented: String = remedy.lines().map(|line| format!("  {line}\n")).collect();
    let after = suite(&format!("{bare}{indented}"));
    assert!(!missed(&after).iter().any(|(place, _)| *place == charge));
    assert!(after.score.share() > before.score.share());
}

#[test]
fn equal_spans_are_one_place_however_many_there_are() {
    let text = format!("{HEAD}expect:\n  errors: 0\n");
    let few = suite_of(&text, &order(2), Which::Default);
    let many = suite_of(&text, &order(1_000), Which::Default);
    assert_eq!(few.score, many.score);
    let places = many.missed.iter();
    let faults = places
        .filter(|place| place.place.starts_with("`SELECT"))
        .flat_map(|place| &place.faults);
    assert!(faults.into_iter().all(|fault| fault.equal == 1_000));
}

#[test]
fn a_lost_context_is_noticed_by_a_check_of_the_called_service() {
    let lost = |text: &str| {
        let suite = suite(&format!("{HEAD}expect:\n  status: 201\n{text}"));
        missed(&suite).contains(&("`POST /payments` of payment", "context_lost"))
    };
    assert!(lost("  errors: 0\n"));
    assert!(!lost("  services: [payment]\n"));
    assert!(!lost("  edges: [shop -> payment]\n"));
}

#[test]
fn a_fault_is_caught_if_any_spec_notices_it() {
    let one = format!("name: a\n{HEAD}expect:\n  spans: [charge]\n");
    let other = format!("name: b\n{HEAD}expect:\n  status: 201\n  errors: 0\n");
    let both = suite(&format!("{one}---\n{other}"));
    let gone = ("`charge` of payment", "span_gone");
    assert!(missed(&suite(&other)).contains(&gone));
    assert!(!missed(&both).contains(&gone));
    assert_eq!(both.specs.len(), 2);
}

#[test]
fn values_that_vary_from_run_to_run_do_not_count() {
    let text = format!("{HEAD}expect:\n  errors: 0\n");
    let all = suite_of(&text, &order(1), Which::All);
    let whats = all.missed.iter().flat_map(|place| &place.faults);
    assert!(
        !whats
            .into_iter()
            .any(|fault| fault.what.contains("thread.id"))
    );
    let default = suite_of(&text, &order(1), Which::Default);
    assert!(all.score.counted > default.score.counted);
}

#[test]
fn a_value_is_missed_unless_a_capture_takes_it_to_another_check() {
    let misses = |text: &str| {
        let suite = suite(&format!("{HEAD}{text}"));
        let mut faults = suite.missed.iter().flat_map(|place| &place.faults);
        faults.any(|fault| fault.what.starts_with("`$.total` is "))
    };
    assert!(misses("expect: { status: 201 }\n"));
    assert!(misses(
        "capture: { total: $.total }\nexpect: { status: 201 }\n"
    ));
    // The other check expects the changed value then.
    assert!(!misses(
        "capture: { total: $.total }\nexpect: { body: { contains: '\"total\":25' }, json: { $.id: exists }, status: 201 }\n"
    ));
    let gone = suite(&format!(
        "{HEAD}capture: {{ id: $.id }}\nexpect: {{ status: 201 }}\n"
    ));
    let mut faults = gone.missed.iter().flat_map(|place| &place.faults);
    assert!(!faults.any(|fault| fault.what == "`$.id` gone"));
}

#[test]
fn an_accepted_fault_does_not_count_and_an_entry_without_effect_is_reported() {
    let text = format!(
        "{HEAD}expect: {{ errors: 0 }}
mutate:
  ignore:
    - {{ find: charge, fault: [attribute_gone, attribute_value], reason: debugging }}
    - {{ find: refund, reason: none here }}
"
    );
    let suite = suite(&text);
    let charge = "`charge` of payment";
    assert!(!missed(&suite).contains(&(charge, "attribute_gone")));
    assert!(missed(&suite).contains(&(charge, "span_gone")));
    assert!(suite.ignored > 0);
    let unused: Vec<usize> = suite.unused.iter().map(|at| at.line()).collect();
    assert_eq!(unused, [6]);
}

#[test]
fn a_check_that_no_fault_makes_fail_is_reported_and_one_of_an_absence_is_not() {
    let text = format!(
        "{HEAD}expect:
  status: 201
  span_count: ..1000000
  spans:
    - find: refund
      count: 0
    - find: charge
      duration: < 5s
      attributes: {{ payment.card: absent }}
"
    );
    let suite = suite(&text);
    let idle: Vec<usize> = suite.idle.iter().map(|check| check.at.line()).collect();
    assert_eq!(idle, [4]);
}

#[test]
fn a_spec_that_checks_only_the_response_is_not_blamed_for_its_trace() {
    let suite = suite(&format!("{HEAD}expect: {{ status: 201 }}\n"));
    assert!(
        missed(&suite)
            .iter()
            .all(|(place, _)| place.starts_with("response"))
    );
    assert_eq!(
        suite.specs[0].notes,
        ["it checks only the response, so faults of its trace are not examined"]
    );
}

#[test]
fn a_spec_that_does_not_pass_again_is_not_examined() {
    let suite = suite(&format!("{HEAD}expect: {{ status: 404 }}\n"));
    assert_eq!(suite.score.share(), None);
    assert_eq!(
        suite.not_examined[0].why,
        "status of the response: 404 does not pass when it is judged again"
    );
}

#[test]
fn a_trace_of_10_000_spans_and_one_without_spans_are_no_trouble() {
    let text = format!("{HEAD}expect:\n  status: 201\n  errors: 0\n");
    let id = order(0).id();
    let spans = order(0).spans().to_vec();
    let distinct = (0..10_000_u64).map(|number| Span {
        parent_id: Some(spans[1].span_id),
        name: format!("step {}", number % 100),
        ..Span::new(
            id,
            SpanId::from_bytes((number + 100).to_be_bytes()).unwrap(),
            "",
        )
    });
    let origin = order(0).origin();
    let large = Trace::assemble(id, origin, spans.iter().cloned().chain(distinct));
    let suite = suite_of(&text, &large, Which::Default);
    assert!(suite.left_out > 0);
    assert!(suite.specs[0].notes[0].contains("faults were not judged"));
    let empty = Trace::assemble(id, origin, []);
    let suite = suite_of(&text, &empty, Which::Default);
    assert!(
        missed(&suite)
            .iter()
            .all(|(place, _)| place.starts_with("response"))
    );
}

#[test]
fn a_missing_log_record_is_noticed_by_the_suggested_entry() {
    let trace = order(0);
    let record = LogRecord {
        severity: Some(9),
        body: Value::from("card accepted"),
        time: 5_000_000,
        resource: Arc::clone(&trace.spans()[3].resource),
        ..LogRecord::new(trace.id(), trace.spans()[3].span_id)
    };
    let trace = trace.with_logs(Arc::new(vec![Arc::new(record)]));
    let text = format!("{HEAD}expect:\n  errors: 0\n");
    let suite = suite_of(&text, &trace, Which::Default);
    let place = suite
        .missed
        .iter()
        .find(|place| place.place.starts_with("log record"));
    let place = place.unwrap();
    assert_eq!(place.place, "log record `card accepted` of payment");
    assert!(place.faults[0].is_covered);
}
