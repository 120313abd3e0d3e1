//! The spec language: errors and their texts, and the meaning of valid specs.
//!
//! `tests/language/<name>.yaml` holds errors, `<name>.txt` beside it their texts;
//! `UPDATE_GOLDENS=1 cargo test --test language` rewrites the latter.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use spanspec::internal::report::snippet::{Diagnostic, diagnostics};
use spanspec::{
    CommandResponse, Context, Evidence, Expect, HttpResponse, Judged, Look, Origin, Outcome,
    Resource, Response, Source, Span, SpanId, Spec, SpecErrors, Trace, TraceId, judge,
};

#[path = "language/evidence.rs"]
mod evidence;
#[path = "language/load.rs"]
mod load;
#[path = "language/log_evidence.rs"]
mod log_evidence;
#[path = "language/matching.rs"]
mod matching;
#[path = "language/reading.rs"]
mod reading;
#[path = "language/robust.rs"]
mod robust;
#[path = "language/spans.rs"]
mod spans;
#[path = "language/variables.rs"]
mod variables;
#[path = "language/whole.rs"]
mod whole;

macro_rules! mistakes {
    ($($name:ident)*) => {
        /// Every tested file with errors.
        const TESTED: &[&str] = &[$(stringify!($name)),*];

        mod mistakes_read_as_pinned {
            $(#[test] fn $name() { super::compare(stringify!($name)); })*
        }
    };
}

mistakes! {
    a_list
    a_text
    almost
    at_sign
    backquote
    bad_indentation
    baggage
    braces_in_braces
    brackets_in_braces
    budgets
    captures
    choices
    commands
    comparison_in_braces
    circle
    contradictions
    colon_in_text
    comma_in_braces
    comparison_as_block
    comparison_in_a_block
    exclamation_mark
    expressions_and_paths
    glued_colon
    graphql
    grpc
    lint
    logs
    metrics
    matchers
    measures
    missing_expect
    no_trigger
    nothing
    observe
    percent
    poll
    propagation
    publish
    quantities
    regex_in_braces
    repeat
    sampling
    search
    conformance
    send
    several_documents
    spans
    structure
    tab
    triggers
    unknown_keys
    variables
    words
    wrong_types
    yaml_traps
}

#[test]
fn every_file_of_mistakes_is_tested() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "yaml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let tested: BTreeSet<String> = TESTED.iter().map(ToString::to_string).collect();
    assert_eq!(files, tested);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language")
}

fn compare(name: &str) {
    let file = folder().join(name).with_extension("yaml");
    let text = fs::read_to_string(file).unwrap();
    let source = Source::new(format!("specs/{name}.yaml"), text);
    let errors = match Spec::read_all(&source, Path::new("specs"), &Context::default()) {
        Err(errors) => errors,
        Ok(specs) => panic!("no mistake in {specs:#?}"),
    };
    let found: Vec<Diagnostic> = errors.0.iter().map(Diagnostic::from).collect();
    let told = diagnostics(&found, &Look::plain());
    let golden = folder().join(name).with_extension("txt");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fs::write(golden, told).unwrap();
        return;
    }
    let expected = fs::read_to_string(&golden)
        .unwrap_or_else(|error| panic!("{}: {error}\n{told}", golden.display()));
    snapbox::assert_data_eq!(told, snapbox::Data::text(expected).raw());
}

fn read_as(name: &str, text: &str) -> Result<Vec<Spec>, SpecErrors> {
    let source = Source::new(name, text);
    Spec::read_all(&source, &folder(), &Context::default())
}

fn read(text: &str) -> Vec<Spec> {
    read_as("place-order.yaml", text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// The only spec of a text.
fn spec(text: &str) -> Spec {
    let mut specs = read(text);
    assert_eq!(specs.len(), 1);
    specs.remove(0)
}

/// The errors of a text.
fn refusal(text: &str) -> String {
    match read_as("place-order.yaml", text) {
        Ok(_) => panic!("this is accepted: {text}"),
        Err(errors) => errors.to_string(),
    }
}

/// The `expect` of a request; its lines are indented by two.
fn expect(text: &str) -> Expect {
    let spec = spec(&format!("request: GET http://a/\nexpect:\n{text}"));
    spec.steps[0].expect(&spec.scope()).unwrap()
}

fn trace_id() -> TraceId {
    TraceId::from_bytes([1; 16]).unwrap()
}

/// Span 0 is the one that we sent.
fn span_id(number: u64) -> SpanId {
    SpanId::from_bytes((number + 1).to_be_bytes()).unwrap()
}

/// A span of a service below another; `from` and `until` are in nanoseconds.
fn span(number: u64, parent: u64, service: &str, name: &str, from: u64, until: u64) -> Span {
    Span {
        parent_id: Some(span_id(parent)),
        start: 1_000 + from,
        end: 1_000 + until,
        resource: Resource {
            attributes: [("service.name", service)].into_iter().collect(),
        }
        .into(),
        ..Span::new(trace_id(), span_id(number), name)
    }
}

fn trace(spans: impl IntoIterator<Item = Span>) -> Trace {
    Trace::assemble(trace_id(), Origin::Injected(span_id(0)), spans)
}

/// gateway calls order; order calls inventory, which asks a database, and then payment.
fn shop() -> Trace {
    trace([
        span(1, 0, "gateway", "POST /orders", 0, 100),
        span(2, 1, "order", "POST /orders", 10, 90),
        span(3, 2, "inventory", "reserve_stock", 20, 40),
        span(4, 3, "inventory", "SELECT stock", 25, 35),
        span(5, 2, "payment", "process_payment", 50, 80),
    ])
}

fn http() -> HttpResponse {
    HttpResponse {
        status: 201,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: br#"{"order":{"id":"o-1"},"lines":[{"sku":"A1","n":2},{"sku":"A2","n":1}]}"#.to_vec(),
        time: std::time::Duration::from_millis(803),
        ..HttpResponse::default()
    }
}

fn outcomes(expect: &Expect, response: &Response, trace: Option<&Trace>) -> Vec<Judged> {
    judge(expect, &Evidence::new(response, trace, true))
        .into_iter()
        .map(|judgement| judgement.judged)
        .collect()
}

/// Returns `true` if a trace meets an `expect`; each check must be judged.
fn holds(text: &str, trace: &Trace) -> bool {
    is_met(&outcomes(
        &expect(text),
        &Response::Http(http()),
        Some(trace),
    ))
}

/// Returns `true` if a response meets an `expect`.
fn answers(text: &str, response: HttpResponse) -> bool {
    is_met(&outcomes(&expect(text), &Response::Http(response), None))
}

/// Returns `true` if the output of a command meets an `expect`.
fn gives(text: &str, response: CommandResponse) -> bool {
    let spec = spec(&format!("run: ls\n{text}"));
    let expect = spec.steps[0].expect(&spec.scope()).unwrap();
    is_met(&outcomes(&expect, &Response::Command(response), None))
}

fn is_met(judged: &[Judged]) -> bool {
    assert!(!judged.is_empty());
    judged.iter().all(|judged| match &judged.outcome {
        Outcome::Pass => true,
        Outcome::Fail(_) => false,
        Outcome::Unjudged(why) => panic!("{}: {why}", judged.what),
    })
}
