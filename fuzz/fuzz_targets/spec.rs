//! Any text is a spec, or has errors that can be drawn.
//!
//! Each error has a title of one line and lies within the file. Reading again gives the same. The triggers, captures and
//! checks of a spec can be read, and judging it without a response or trace passes nothing that a trace must show.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use spanspec::internal::fuzzing::{Look, drawn};
use spanspec::{CheckRef, Context, Evidence, Outcome, Response, Source, Spec, SpecErrors, judge};

/// Functions with another value for each reading, which errors can quote.
const CHANGING: [&str; 3] = ["uuid(", "now(", "random("];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let source = Source::new("fuzz.yaml", text);
    let read = || Spec::read_all(&source, Path::new("/nonexistent"), &Context::default());
    match read() {
        Ok(specs) => {
            assert!(!specs.is_empty());
            specs.iter().for_each(use_all);
        }
        Err(errors) => {
            look_at(&errors, text);
            if !CHANGING.iter().any(|function| text.contains(function)) {
                assert_eq!(read().err(), Some(errors));
            }
        }
    }
});

fn look_at(errors: &SpecErrors, text: &str) {
    assert!(!errors.0.is_empty());
    for error in &errors.0 {
        let place = error.at.place;
        assert!(
            place.start <= place.end && place.end <= text.len(),
            "{error}"
        );
        assert!(!error.what.trim().is_empty(), "{error:?}");
    }
    for look in [Look::plain().with_width(80), Look::plain().with_width(30)] {
        let drawn = drawn(&errors.0, &look);
        assert!(drawn.contains("error: "), "{drawn}");
        let forbidden = |char: char| char.is_control() && char != '\n';
        assert!(!drawn.contains(forbidden), "{drawn:?}");
    }
}

fn use_all(spec: &Spec) {
    let scope = spec.scope();
    for step in spec.all_steps() {
        let _ = (
            step.trigger(&scope),
            step.captures(&scope),
            step.poll(&scope),
        );
        let expect = match step.expect(&scope) {
            Ok(expect) => expect,
            Err(errors) => {
                look_at(&errors, errors.0[0].at.source.text());
                continue;
            }
        };
        for judgement in judge(&expect, &Evidence::new(&Response::None, None, true)) {
            let judged = judgement.judged;
            if let Some(failure) = judged.outcome.failure() {
                assert!(!failure.to_string().is_empty());
            }
            if matches!(judged.check, CheckRef::Trace(_) | CheckRef::Span { .. }) {
                assert!(
                    !matches!(judged.outcome, Outcome::Pass),
                    "passes without a trace: {}",
                    judged.what
                );
            }
        }
    }
}
