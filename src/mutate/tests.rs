use std::path::Path;
use std::sync::Arc;

use super::exam::MOST_RECORDS;
use super::suite::{ExamSettings, Extent, SpecInput, Suite, Which, examine};
use crate::project::Project;
use crate::spec::{Context, IgnoredFaults, Scope, Source, Spec};
use crate::step::StepEvidence;
use crate::trace::Trace;
use crate::trace::{
    CommandResponse, GrpcCode, GrpcResponse, HttpResponse, LogRecord, MessageResponse, Origin,
    Resource, Response, Span, SpanId, SpanKind, TraceId, Value,
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
fn evidence(spec: &Spec, trace: &Trace, response: Response) -> StepEvidence {
    let step = spec.steps[0].clone();
    let mut scope: Scope = spec.scope();
    let captures = step.captures(&scope).unwrap();
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
        surroundings: None,
        window: None,
    }
}

const SETTINGS: ExamSettings<'static> = ExamSettings {
    which: Which::Default,
    ignored: &[],
    extent: Extent::Project,
    records: MOST_RECORDS,
};

fn suite_of(text: &str, trace: &Trace, which: Which) -> Suite {
    let settings = ExamSettings { which, ..SETTINGS };
    examined(text, trace, settings, &|| false)
}

fn examined(
    text: &str,
    trace: &Trace,
    settings: ExamSettings<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Suite {
    let specs = specs(text);
    let inputs: Vec<SpecInput<'_>> = specs
        .iter()
        .map(|spec| SpecInput {
            spec,
            evidence: Ok(vec![evidence(spec, trace, response())]),
        })
        .collect();
    examine(&inputs, settings, is_stopped)
}

/// The suggestion for the response of a spec with this trigger, among all faults.
fn suggestion(text: &str, response: Response) -> String {
    let specs = specs(text);
    let mut evidence = evidence(&specs[0], &order(0), response);
    let trigger = specs[0].steps[0].trigger(&evidence.scope).unwrap();
    evidence.trigger = trigger.describe();
    let inputs = [SpecInput {
        spec: &specs[0],
        evidence: Ok(vec![evidence]),
    }];
    let settings = ExamSettings {
        which: Which::All,
        ..SETTINGS
    };
    let suite = examine(&inputs, settings, &|| false);
    let found = suite.missed.iter().find(|place| {
        let starts = ["response", "result", "acknowledgement"];
        starts.iter().any(|start| place.place.starts_with(start))
    });
    let found = found.expect("no check notices a fault of the response");
    let remedy = found.remedy.as_ref().expect("it has a suggestion");
    assert!(
        found.faults.iter().all(|fault| fault.is_covered),
        "{remedy}"
    );
    format!("{}\n{remedy}", found.place)
}

/// The entries of `ignore` of a project file.
fn of_project(text: &str) -> Vec<IgnoredFaults> {
    let source = Source::new("spanspec.yaml", text);
    let project = Project::read(&source, Path::new(".")).unwrap();
    project.ignored_faults(&Arc::default()).unwrap()
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
    let unused: Vec<usize> = suite.unused.iter().map(|one| one.at.line()).collect();
    assert_eq!(unused, [6]);
}

#[test]
fn the_project_accepts_faults_of_all_specs_and_an_entry_without_effect_is_reported_if_all_are_known()
 {
    let ignored = of_project(
        "mutate:
  ignore:
    - { find: charge, reason: of another team }
    - { fault: header_gone, reason: counts with --all only }
    - { find: refund, reason: none here }
",
    );
    let text = format!("{HEAD}expect: {{ errors: 0 }}\n");
    let both = format!("name: a\n{text}---\nname: b\n{text}");
    let examined = |extent| {
        let settings = ExamSettings {
            ignored: &ignored,
            extent,
            ..SETTINGS
        };
        examined(&both, &order(2), settings, &|| false)
    };
    let suite = examined(Extent::Project);
    let places = missed(&suite);
    assert!(
        !places
            .iter()
            .any(|(place, _)| place.starts_with("`charge`"))
    );
    assert!(
        places
            .iter()
            .any(|(place, _)| place.starts_with("`place_order`"))
    );
    assert!(suite.ignored > 0);
    let unused: Vec<(&str, usize)> = suite
        .unused
        .iter()
        .map(|one| (one.at.source.name(), one.at.line()))
        .collect();
    assert_eq!(unused, [("spanspec.yaml", 4), ("spanspec.yaml", 5)]);
    assert!(examined(Extent::Selection).unused.is_empty());
}

#[test]
fn an_interruption_keeps_the_faults_that_were_judged() {
    let text = format!("{HEAD}expect: {{ errors: 0 }}\n");
    let text = format!(
        "name: a\n{text}---\nname: b\n{text}mutate: {{ ignore: [{{ find: refund, reason: x }}] }}\n"
    );
    let asked = std::cell::Cell::new(0);
    let suite = examined(&text, &order(2), SETTINGS, &|| {
        asked.set(asked.get() + 1);
        asked.get() > 10
    });
    assert!(suite.is_interrupted);
    assert!((1..10).contains(&suite.judged), "{}", suite.judged);
    assert!(suite.left_out > 0);
    assert!((1..=suite.judged).contains(&suite.score.counted));
    let why: Vec<&str> = suite.not_examined.iter().map(|one| &*one.why).collect();
    assert_eq!(why, ["interrupted"]);
    // An entry could have accepted a fault that was not judged.
    assert!(suite.unused.is_empty());
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
    let suite = sample_of(&text, &large);
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

/// A suite of which few records are judged.
fn sample_of(text: &str, trace: &Trace) -> Suite {
    let settings = ExamSettings {
        records: 100_000,
        ..SETTINGS
    };
    examined(text, trace, settings, &|| false)
}

/// A trace of `number` spans with other names, each below the span that this returns.
fn many(number: u64, parent: impl Fn(u64) -> Option<u64>) -> Trace {
    let top = order(0);
    let id = |number: u64| SpanId::from_bytes((number + 100).to_be_bytes()).unwrap();
    let distinct = (0..number).map(|number| Span {
        parent_id: Some(parent(number).map_or(top.spans()[1].span_id, id)),
        attributes: [("step.number", Value::from("one"))].into_iter().collect(),
        ..Span::new(top.id(), id(number), format!("step {}", in_letters(number)))
    });
    let spans = top.spans().iter().cloned().chain(distinct);
    Trace::assemble(top.id(), top.origin(), spans)
}

/// A name without digits, which would vary.
fn in_letters(number: u64) -> String {
    let digits = number.to_string();
    let letter = |digit: u8| char::from(digit - b'0' + b'q');
    digits.bytes().map(letter).collect()
}

#[test]
fn of_a_large_trace_a_sample_of_the_faults_is_judged() {
    let text = format!("{HEAD}expect:\n  status: 201\n  errors: 0\n  span_count: ..1000000\n");
    let wide = many(2_000, |_| None);
    let deep = many(2_000, |number| number.checked_sub(1));
    for trace in [wide, deep] {
        let suite = sample_of(&text, &trace);
        // About 100,000 spans.
        assert_eq!(suite.judged, 49);
        assert!(suite.left_out > 16_000, "{}", suite.left_out);
        assert_eq!(suite.score.counted, 49);
        assert!(suite.score.caught > 0 && !suite.missed.is_empty());
        let notes = &suite.specs[0].notes;
        assert!(
            notes[0].contains(" faults were not judged: 49 are a sample"),
            "{notes:?}"
        );
        // A fault that was left out could make it fail.
        assert_eq!(suite.idle.len(), 0);
    }
}

#[test]
fn a_sample_of_faults_is_the_same_in_each_run() {
    let text = format!("{HEAD}expect:\n  errors: 0\n");
    let trace = many(500, |_| None);
    let suite = sample_of(&text, &trace);
    assert!(suite.left_out > 0);
    // Ids and the order of arrival differ.
    let other_id = |id: SpanId| SpanId::from_bytes(id.as_bytes().map(|byte| !byte)).unwrap();
    let spans = trace.spans().iter().rev().map(|span| Span {
        span_id: other_id(span.span_id),
        parent_id: span.parent_id.map(other_id),
        ..span.clone()
    });
    let Origin::Injected(caller) = trace.origin() else {
        panic!("we sent the request");
    };
    let again = Trace::assemble(trace.id(), Origin::Injected(other_id(caller)), spans);
    let again = sample_of(&text, &again);
    assert_eq!(missed(&suite), missed(&again));
}

#[test]
fn a_sample_of_the_faults_of_many_log_records_is_judged() {
    let trace = order(0);
    let record = |number: u64| {
        Arc::new(LogRecord {
            severity: Some(9),
            body: Value::from(format!("step {} is over", in_letters(number))),
            resource: Arc::clone(&trace.spans()[3].resource),
            ..LogRecord::new(trace.id(), trace.spans()[3].span_id)
        })
    };
    let trace = trace
        .clone()
        .with_logs(Arc::new((0..2_000).map(record).collect()));
    let text = format!("{HEAD}expect:\n  errors: 0\n");
    let suite = sample_of(&text, &trace);
    assert_eq!(suite.judged, 49);
    assert!(suite.left_out > 2_000);
}

fn grpc() -> GrpcResponse {
    GrpcResponse {
        messages: vec![Value::from_json(br#"{"state":"SETTLED","total":25}"#).unwrap()],
        ..GrpcResponse::default()
    }
}

#[test]
fn faults_of_a_grpc_response_have_a_suggestion_that_notices_them() {
    let text = "grpc: 127.0.0.1:1/shop.v1.Payment/Charge\nexpect: { errors: 0 }\n";
    let call = |response: GrpcResponse| suggestion(text, Response::Grpc(Box::new(response)));
    assert_eq!(
        call(grpc()),
        "response OK to grpc /shop.v1.Payment/Charge
json:
  $.state: SETTLED
  $.total: 25
"
    );
    let with_metadata = GrpcResponse {
        metadata: vec![("x-cost".to_owned(), "3".to_owned())],
        trailers: vec![("x-trace".to_owned(), "a".to_owned())],
        messages: vec![Value::Map(Vec::new())],
        ..grpc()
    };
    assert!(call(with_metadata).ends_with(
        "metadata:
  x-cost: exists
trailers:
  x-trace: exists
messages: { length: 1 }
"
    ));
    let stream = GrpcResponse {
        messages: vec![grpc().messages[0].clone(); 3],
        is_stream: true,
        ..grpc()
    };
    assert!(call(stream).ends_with("\nmessages: { length: 3 }\n"));
    let refused = GrpcResponse {
        code: GrpcCode(5),
        status_message: "no such order".to_owned(),
        details: vec![Value::Map(Vec::new())],
        messages: Vec::new(),
        ..grpc()
    };
    let loose = text.replace("errors: 0", "status: { not: UNAVAILABLE }");
    assert_eq!(
        suggestion(&loose, Response::Grpc(Box::new(refused))),
        "response NOT_FOUND to grpc /shop.v1.Payment/Charge
status: NOT_FOUND
status_message: \"no such order\"
details: { length: 1 }
"
    );
}

#[test]
fn faults_of_a_command_have_a_suggestion_that_notices_them() {
    let command = |stdout: &str| {
        Response::Command(CommandResponse {
            exit_code: Some(0),
            stdout: stdout.to_owned(),
            ..CommandResponse::default()
        })
    };
    let text = "run: checkout --json\nexpect: { errors: 0 }\n";
    assert_eq!(
        suggestion(text, command(r#"{"passed":3,"of":{"shop":"open"}}"#)),
        "result of the command
stdout:
  json:
    $.passed: 3
    $.of.shop: open
"
    );
    let loose = "run: checkout\nexpect: { exit_code: exists, errors: 0 }\n";
    assert_eq!(
        suggestion(loose, command("checked out")),
        "result of the command
exit_code: 0
stdout: { length: 1.. }
"
    );
}

#[test]
fn a_missing_part_of_an_acknowledgement_has_a_suggestion_without_its_value() {
    let text = "publish: { kafka: 127.0.0.1:9092, topic: orders }\nexpect: { errors: 0 }\n";
    let receipt = MessageResponse {
        receipt: r#"{"partition":0,"offset":42}"#.to_owned(),
        ..MessageResponse::default()
    };
    assert_eq!(
        suggestion(text, Response::Message(receipt)),
        "acknowledgement of the message
json:
  $.offset: exists
  $.partition: exists
"
    );
}

#[test]
fn checks_that_exclude_an_output_or_an_error_can_fail() {
    let text = "run: x\nexpect: { stdout: absent, stderr: absent, errors: 0 }\n";
    let specs = specs(text);
    let command = Response::Command(CommandResponse {
        exit_code: Some(0),
        ..CommandResponse::default()
    });
    let inputs = [SpecInput {
        spec: &specs[0],
        evidence: Ok(vec![evidence(&specs[0], &order(0), command)]),
    }];
    let suite = examine(&inputs, SETTINGS, &|| false);
    let idle: Vec<&str> = suite.idle.iter().map(|check| &*check.what).collect();
    assert_eq!(idle, [""; 0]);
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
