//! A matcher never agrees with its own negation.
//!
//! The input is the text of a matcher, a zero byte, and a JSON value: of an attribute, and of a body. Of a matcher and
//! its negation at most one passes. Two negations are none, and a list with one matcher is that matcher.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use spanspec::{
    Context, Evidence, Expect, HttpResponse, Outcome, Response, Source, Span, Spec, Trace, Value,
    judge,
};
use spanspec_fuzz::{Input, assembled, trace_id};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let matcher = input.text();
    if matcher.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) || matcher.trim().is_empty()
    {
        return;
    }
    let json = input.text();
    // Of a text with replaced bytes, what is negated is unjudged.
    if json.contains('\u{fffd}') {
        return;
    }
    let value = Value::from_json(json.as_bytes()).ok();
    let trace = trace(value.as_ref());
    let response = Response::Http(HttpResponse {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: format!("{{\"k\":{json}}}").into_bytes(),
        ..HttpResponse::default()
    });
    let evidence = Evidence::new(&response, Some(&trace), true);
    for entry in [
        "  spans:\n    - find: { name: a }\n      attributes:\n        k:",
        "  json:\n    $.k:",
        "  body:",
    ] {
        compare(entry, &matcher, &evidence);
    }
});

fn compare(entry: &str, matcher: &str, evidence: &Evidence<'_>) {
    let read = |value: &str| {
        expect(&format!(
            "request: GET http://a/\nexpect:\n{entry}{value}\n"
        ))
    };
    let indent = " ".repeat(12);
    let plain = read(&format!(" {matcher}"));
    let negated = read(&format!("\n{indent}not: {matcher}"));
    let twice = read(&format!("\n{indent}not:\n{indent}  not: {matcher}"));
    let listed = read(&format!("\n{indent}- {matcher}"));
    let passes = |expect: &Option<Expect>| expect.as_ref().map(|expect| passes(expect, evidence));
    let (plain, negated) = (passes(&plain), passes(&negated));
    assert!(
        plain != Some(true) || negated != Some(true),
        "the matcher and its negation pass"
    );
    if let (Some(plain), Some(twice)) = (plain, passes(&twice)) {
        assert_eq!(plain, twice, "two negations");
    }
    if let (Some(plain), Some(listed)) = (plain, passes(&listed)) {
        assert_eq!(plain, listed, "a list of one");
    }
}

/// Returns `true` if all checks pass.
fn passes(expect: &Expect, evidence: &Evidence<'_>) -> bool {
    judge(expect, evidence).iter().all(|judgement| {
        if let Some(failure) = judgement.judged.outcome.failure() {
            assert!(!failure.to_string().is_empty());
        }
        matches!(judgement.judged.outcome, Outcome::Pass)
    })
}

fn expect(text: &str) -> Option<Expect> {
    let source = Source::new("fuzz.yaml", text);
    let specs = Spec::read_all(&source, Path::new("/nonexistent"), &Context::default());
    let spec = specs.ok()?.pop()?;
    spec.steps[0].expect(&spec.scope()).ok()
}

fn trace(value: Option<&Value>) -> Trace {
    let attributes = value.map(|value| ("k", value.clone()));
    let id = spanspec::SpanId::from_bytes([1; 8]).unwrap();
    assembled(&[Span {
        attributes: attributes.into_iter().collect(),
        end: 1,
        ..Span::new(trace_id(), id, "a")
    }])
}
