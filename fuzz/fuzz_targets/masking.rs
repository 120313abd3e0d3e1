//! A secret never reaches the output, in whatever encoding and place it comes from outside.
//!
//! The input is a secret, a zero byte, an encoding and a place of a report, and a text around the secret. No report
//! contains the secret, searched for independently of the masking code, and all are well-formed.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use spanspec::internal::fuzzing;
use spanspec_fuzz::Input;

/// Lengths of a secret in characters: a shorter one occurs in any report by chance.
const LENGTHS: std::ops::RangeInclusive<usize> = 7..=32;

/// The reports without a secret.
static CLEAN: LazyLock<Vec<(&str, String)>> =
    LazyLock::new(|| fuzzing::written(fuzzing::sample_report(), Vec::new()));

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let secret = input.text();
    if !is_searched_for(&secret) {
        return;
    }
    let encoding = input.below(fuzzing::ENCODINGS);
    let place = input.below(fuzzing::PLACES);
    let encoded = fuzzing::encoded(&secret, encoding);
    let around = input.text();
    let text = format!("{around} {encoded} {around}");
    texts(&text, &secret);
    reports(&text, &secret, place);
});

/// Secrets for which the search is exact: text that begins and ends with a letter or digit.
fn is_searched_for(secret: &str) -> bool {
    let is_plain =
        |char: char| char.is_ascii_alphanumeric() || " \"&<>'\\/+%=?#:;,._~äß注🔑-".contains(char);
    let ends = [secret.chars().next(), secret.chars().next_back()];
    LENGTHS.contains(&secret.chars().count())
        && secret.chars().all(is_plain)
        && ends
            .iter()
            .all(|end| end.is_some_and(|end| end.is_ascii_alphanumeric()))
}

fn texts(text: &str, secret: &str) {
    let [from_outside, ..] = fuzzing::masked(text, vec![secret.to_owned()]);
    assert!(
        !fuzzing::leaks(&from_outside, secret),
        "{secret:?} is in {from_outside:?}"
    );
    let json = serde_json::json!({ "a": text, "b": [text] }).to_string();
    let [_, _, json, _] = fuzzing::masked(&json, vec![secret.to_owned()]);
    let read: Result<serde_json::Value, _> = serde_json::from_str(&json);
    read.unwrap_or_else(|error| panic!("{error}: {json}"));
    assert!(!fuzzing::leaks(&json, secret), "{secret:?} is in {json:?}");
}

fn reports(text: &str, secret: &str, place: usize) {
    if CLEAN.iter().any(|(_, text)| fuzzing::leaks(text, secret)) {
        return;
    }
    let mut report = fuzzing::sample_report();
    fuzzing::plant(&mut report, place, text);
    for (name, text) in fuzzing::written(report, vec![secret.to_owned()]) {
        assert!(
            !fuzzing::leaks(&text, secret),
            "{secret:?} is in {name}: {text}"
        );
        match name {
            "json" | "trace" => {
                let read: Result<serde_json::Value, _> = serde_json::from_str(&text);
                read.unwrap_or_else(|error| panic!("{error}: {text}"));
            }
            "junit" => {
                let read = quick_junit::Report::deserialize_from_str(&text);
                read.unwrap_or_else(|error| panic!("{error}: {text}"));
            }
            _ => {}
        }
    }
}
