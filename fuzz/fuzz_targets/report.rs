//! Reports are well-formed, whatever a system sends.
//!
//! The input is a list of texts, each with the place of a report that it is written to. JSON is JSON; JUnit can be parsed,
//! and no two of its cases have the same name and class.

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use quick_junit::Report;
use spanspec::internal::fuzzing;
use spanspec_fuzz::Input;

/// Number of texts in one report.
const MOST_TEXTS: usize = 6;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let mut report = fuzzing::sample_report();
    for _ in 0..MOST_TEXTS {
        if input.is_empty() {
            break;
        }
        let place = input.below(fuzzing::PLACES);
        fuzzing::plant(&mut report, place, &input.text());
    }
    for (name, text) in fuzzing::written(report, Vec::new()) {
        match name {
            "junit" => junit(&text),
            "json" | "trace" => {
                let read: Result<serde_json::Value, _> = serde_json::from_str(&text);
                read.unwrap_or_else(|error| panic!("{error}: {text}"));
            }
            _ => assert!(!text.contains('\u{1b}'), "{text:?}"),
        }
    }
});

fn junit(text: &str) {
    let report =
        Report::deserialize_from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let allowed = |char: char| matches!(char, '\t' | '\n' | '\r') || char >= ' ';
    assert!(text.chars().all(allowed), "{text:?}");
    assert!(!text.contains(['\u{fffe}', '\u{ffff}']), "{text:?}");
    let mut names = HashSet::new();
    for suite in &report.test_suites {
        for case in &suite.test_cases {
            let class = case
                .classname
                .as_ref()
                .map(|class| class.as_str().to_owned());
            let name = (class, case.name.as_str().to_owned());
            assert!(names.insert(name), "{:?} twice", case.name);
        }
    }
}
