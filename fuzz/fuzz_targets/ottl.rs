//! Any text is an OTTL condition, or refused at a place in it; and what is not known is not guessed.
//!
//! The first bytes choose the version of the Collector and the kind of record; then come the condition, a zero byte, and
//! spans. An answer about a span of which fields can be lost is also that about the whole span. The text is read as a
//! regular expression of Go, too.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spanspec::internal::fuzzing;
use spanspec_fuzz::{Input, spans};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let version = u32::from(input.byte());
    let is_about_events = input.byte() & 1 == 1;
    let text = input.text();
    let _ = fuzzing::go_pattern(&text, "GET /orders/42");
    let spans = spans(input);
    let read = || fuzzing::ottl(&text, is_about_events, version, &spans);
    match read() {
        Ok(answers) => {
            for answer in &answers {
                if answer.partial.is_some() {
                    assert_eq!(answer.partial, answer.whole);
                }
            }
            assert_eq!(read().unwrap(), answers);
        }
        Err(problem) => {
            assert!(problem.at.start <= problem.at.end, "{problem:?}");
            assert!(text.get(problem.at.clone()).is_some(), "{problem:?}");
            assert!(!problem.what.is_empty());
        }
    }
});
