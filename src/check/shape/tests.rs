//! Tests of shapes.

use std::path::Path;

use super::super::{Outcome, judge as judge_all};
use crate::spec::{Context, Expect, Source, Spec};
use crate::trace::{
    Event, Field, Losses, Origin, Response, Span, SpanId, SpanKind, Status, StatusCode, Trace,
    TraceId, Value,
};

/// Spans of a trace, from lines such as `  b › GET (client)` with two spaces for each level.
fn spans(outline: &str) -> Vec<Span> {
    let id = TraceId::from_bytes([1; 16]).unwrap();
    let mut above: Vec<SpanId> = Vec::new();
    let lines = outline.lines().enumerate();
    let spans = lines.map(|(number, line)| {
        let depth = (line.len() - line.trim_start().len()) / 2;
        above.truncate(depth);
        let (name, kind) = line.trim().split_once(" (").unwrap();
        let kind = kind.trim_end_matches(')');
        let kind = SpanKind::ALL.into_iter().find(|one| one.as_str() == kind);
        let span_id = SpanId::from_bytes((number as u64 + 1).to_be_bytes()).unwrap();
        let span = Span {
            parent_id: above.last().copied(),
            kind: kind.unwrap(),
            start: number as u64 + 1,
            ..Span::new(id, span_id, name)
        };
        above.push(span_id);
        span
    });
    spans.collect()
}

fn trace(spans: Vec<Span>) -> Trace {
    Trace::assemble(
        TraceId::from_bytes([1; 16]).unwrap(),
        Origin::Foreign,
        spans,
    )
}

/// The outcome of `shape` with this file; `None` for a file that does not exist.
fn outcome(file: Option<&str>, options: &str, trace: &Trace) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = file {
        std::fs::write(folder.path().join("a.txt"), text).unwrap();
    }
    let text = format!(
        "trace_id: {}\nexpect: {{ shape: {{ file: a.txt{options} }} }}\n",
        trace.id()
    );
    let source = Source::new("a.yaml", text);
    let specs = Spec::read_all(&source, folder.path(), &Context::default());
    let spec = specs.unwrap().remove(0);
    let expect: Expect = spec.steps[0].expect(&spec.scope()).unwrap();
    let response = Response::None;
    let evidence = super::Evidence::new(&response, Some(trace), true);
    judge_all(&expect, &evidence).remove(0).judged.outcome
}

fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Pass => "pass".to_owned(),
        Outcome::Unjudged(why) => why.to_string(),
        Outcome::Fail(failure) => {
            let lines = failure
                .differences
                .iter()
                .map(|one| format!("{}: {} | {}", one.path, one.expected, one.found));
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

/// The text that a run would propose.
fn proposed(trace: &Trace, options: &str) -> String {
    let outcome = outcome(None, options, trace);
    outcome.found_shape().unwrap().text.clone().unwrap()
}

const PLACED: &str = "\
POST /orders (server)
  reserve (client)
    SELECT stock (client)
    SELECT stock (client)
  charge (client)";

#[test]
fn a_proposed_shape_is_that_of_the_same_work() {
    let file = proposed(&trace(spans(PLACED)), "");
    let expected = "\
unknown_service › POST /orders (server)
  unknown_service › charge (client)
  unknown_service › reserve (client)
    unknown_service › SELECT stock (client) ×2
";
    assert_eq!(file, expected);
    let other_order = "\
POST /orders (server)
  charge (client)
  reserve (client)
    SELECT stock (client)
    SELECT stock (client)";
    for outline in [PLACED, other_order] {
        assert_eq!(
            outcome(Some(&file), "", &trace(spans(outline))),
            Outcome::Pass
        );
    }
}

#[test]
fn each_difference_names_its_line_of_the_file() {
    let file = proposed(&trace(spans(PLACED)), "");
    let differs = |outline: &str| text(&outcome(Some(&file), "", &trace(spans(outline))));
    assert_eq!(
        differs(&PLACED.replace("    SELECT stock (client)\n    SELECT", "    SELECT")),
        "a.txt:4: 2 of `unknown_service › SELECT stock (client)` | 1"
    );
    assert_eq!(
        differs(&PLACED.replace("charge", "refund")),
        "below a.txt:1: nothing | `unknown_service › refund (client)`\n\
         a.txt:2: `unknown_service › charge (client)` | nothing"
    );
    let moved = "\
POST /orders (server)
  charge (client)
SELECT stock (client)";
    assert_eq!(
        differs(moved),
        "a.txt, without parent: nothing | `unknown_service › SELECT stock (client)`\n\
         a.txt:3: `unknown_service › reserve (client)` with 2 spans below | nothing"
    );
    let mut failed = spans(PLACED);
    failed[4].status = Status {
        code: StatusCode::Error,
        message: "declined".to_owned(),
    };
    assert_eq!(
        text(&outcome(Some(&file), "", &trace(failed))),
        "a.txt:2: `unknown_service › charge (client)` | `unknown_service › charge (client, error)`"
    );
}

#[test]
fn ids_in_names_and_exceptions_are_no_part_of_a_shape() {
    let file = proposed(&trace(spans("GET /orders/17 (server)\n  b (client)")), "");
    let mut other = spans("GET /orders/4711 (server)\n  b (client)");
    other[1].events = vec![Event {
        name: "exception".to_owned(),
        ..Event::default()
    }];
    assert_eq!(
        outcome(Some(&file), "", &trace(other.clone())),
        Outcome::Pass
    );
    other[1].events[0].name = "cache miss".to_owned();
    let differs = text(&outcome(Some(&file), "", &trace(other)));
    assert!(differs.contains("(client, event cache miss)`"), "{differs}");
}

#[test]
fn a_selected_attribute_has_the_value_of_its_former_or_current_name() {
    let with = |key: &'static str, value: i64| {
        let mut all = spans("GET (client)");
        all[0].attributes = [(key, Value::Int(value))].into_iter().collect();
        trace(all)
    };
    let options = ", attributes: [http.response.status_code]";
    let file = proposed(&with("http.response.status_code", 200), options);
    assert_eq!(
        file,
        "unknown_service › GET (client, http.response.status_code=200)\n"
    );
    assert_eq!(
        outcome(Some(&file), options, &with("http.status_code", 200)),
        Outcome::Pass
    );
    let outcome = outcome(Some(&file), options, &with("http.status_code", 500));
    assert!(matches!(outcome, Outcome::Fail(_)));
}

#[test]
fn an_unknown_part_of_a_trace_makes_its_shape_unjudged_and_unproposed() {
    let file = proposed(&trace(spans(PLACED)), "");
    let lossy = |field| trace(spans(PLACED)).with_losses(Losses::from_iter([field]));
    for file in [Some(file.as_str()), None] {
        let why = text(&outcome(file, "", &lossy(Field::Parents)));
        assert_eq!(
            why,
            "the source of this trace does not provide the difference between a parent and a link"
        );
        let mut orphan = spans(PLACED);
        orphan.remove(1);
        let outcome = outcome(file, "", &trace(orphan));
        assert!(text(&outcome).starts_with("the trace is incomplete"));
        assert!(outcome.found_shape().is_none());
    }
    let nanos = lossy(Field::Nanoseconds);
    assert_eq!(outcome(Some(&file), "", &nanos), Outcome::Pass);
    let linking = lossy(Field::LinkingTraces);
    assert_eq!(outcome(Some(&file), "", &linking), Outcome::Pass);
    let why = text(&outcome(Some(&file), ", linked: true", &linking));
    assert!(why.contains("other traces that link"), "{why}");
}

#[test]
fn linked_traces_belong_to_a_shape_if_it_says_so() {
    let linked = |name: &str| {
        let id = TraceId::from_bytes([2; 16]).unwrap();
        let span = Span::new(id, SpanId::from_bytes([9; 8]).unwrap(), name);
        let linked = Trace::assemble(id, Origin::Foreign, [span]);
        trace(spans("publish (producer)")).with_linked(vec![linked])
    };
    let file = proposed(&linked("process"), ", linked: true");
    let expected =
        "unknown_service › publish (producer)\nlinked:\n  unknown_service › process (internal)\n";
    assert_eq!(file, expected);
    assert_eq!(
        outcome(Some(&file), ", linked: true", &linked("process")),
        Outcome::Pass
    );
    let differs = text(&outcome(Some(&file), ", linked: true", &linked("drop")));
    assert!(differs.contains("a.txt:3: `unknown_service › process (internal)` | nothing"));
    let alone = proposed(&linked("process"), "");
    assert_eq!(alone, "unknown_service › publish (producer)\n");
}

#[test]
fn a_very_deep_trace_has_a_shape() {
    let id = TraceId::random();
    let deep = |n: u64| SpanId::from_bytes((n + 1).to_be_bytes()).unwrap();
    let all = (0..20_000_u64).map(|n| Span {
        parent_id: n.checked_sub(1).map(deep),
        ..Span::new(id, deep(n), "deep")
    });
    let deep = Trace::assemble(id, Origin::Foreign, all);
    let outcome = outcome(Some("unknown_service › deep (internal)\n"), "", &deep);
    assert!(
        text(&outcome).contains("with 19,998 spans below"),
        "{outcome:?}"
    );
    assert!(outcome.found_shape().unwrap().text.is_none());
}

#[test]
fn a_broken_file_is_an_error_in_its_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("a.txt"),
        "shop › GET (server)\n  charge\n",
    )
    .unwrap();
    let source = Source::new(
        "specs/a.yaml",
        "request: GET http://x\nexpect: { shape: a.txt }\n",
    );
    let errors = Spec::read_all(&source, folder.path(), &Context::default()).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "specs/a.txt:2:3: no `›` after the service (write `service › name (kind)`, such as `order › charge (client, error) ×2`)"
    );
    let other = Source::new("a.yaml", "request: GET http://x\nexpect: { shape: a.md }\n");
    let errors = Spec::read_all(&other, Path::new("."), &Context::default()).unwrap_err();
    assert!(
        errors
            .to_string()
            .contains("`a.md` does not end with `.txt`")
    );
}
