//! A final outcome never changes, and the order of arrival has no effect.
//!
//! The input is the text below `expect`, a zero byte, and spans. They are judged after each arrival. An outcome that is
//! called final is that of all spans, and all spans have the same outcomes in reverse order.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use spanspec::{
    CheckRef, Context, Evidence, Expect, Finality, HttpResponse, Judgement, Outcome, Response,
    Source, Span, Spec, judge,
};
use spanspec_fuzz::{Input, assembled, spans};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let Some(expect) = expect(&input.text()) else {
        return;
    };
    let mut spans = spans(input);
    let judged: Vec<Vec<Judgement>> = (0..=spans.len())
        .map(|arrived| judged(&expect, &spans[..arrived]))
        .collect();
    let last = &judged[spans.len()];
    for earlier in &judged {
        assert_not_taken_back(earlier, last);
    }
    spans.reverse();
    let reversed = self::judged(&expect, &spans);
    let outcomes = |judged: &[Judgement]| {
        let outcomes = judged.iter().map(|one| (one.judged.check, kind(one)));
        outcomes.collect::<Vec<_>>()
    };
    assert_eq!(outcomes(&reversed), outcomes(last), "in reverse order");
});

fn expect(text: &str) -> Option<Expect> {
    let indented: String = text.lines().map(|line| format!("  {line}\n")).collect();
    let source = Source::new(
        "fuzz.yaml",
        format!("request: GET http://a/\nexpect:\n{indented}"),
    );
    let specs = Spec::read_all(&source, Path::new("/nonexistent"), &Context::default());
    let spec = specs.ok()?.pop()?;
    let step = spec.steps.first()?;
    step.expect(&spec.scope()).ok()
}

fn judged(expect: &Expect, spans: &[Span]) -> Vec<Judgement> {
    let response = Response::Http(HttpResponse {
        status: 200,
        body: br#"{"id":"a","lines":[1,2]}"#.to_vec(),
        ..HttpResponse::default()
    });
    let trace = assembled(spans);
    let judged = judge(expect, &Evidence::new(&response, Some(&trace), true));
    for judgement in &judged {
        if let Some(failure) = judgement.judged.outcome.failure() {
            assert!(!failure.to_string().is_empty());
        }
    }
    judged
}

fn kind(judgement: &Judgement) -> &'static str {
    match judgement.judged.outcome {
        Outcome::Pass => "pass",
        Outcome::Fail(_) => "fail",
        Outcome::Unjudged(_) => "unjudged",
    }
}

fn assert_not_taken_back(earlier: &[Judgement], last: &[Judgement]) {
    let of_trace = |one: &&Judgement| !matches!(one.judged.check, CheckRef::Response(_));
    let finals = earlier.iter().filter(of_trace);
    for one in finals.filter(|one| one.finality == Finality::Final) {
        let later = last
            .iter()
            .find(|other| other.judged.check == one.judged.check);
        let later = later.map_or("gone", kind);
        assert_eq!(kind(one), later, "taken back: {}", one.judged.what);
    }
}
