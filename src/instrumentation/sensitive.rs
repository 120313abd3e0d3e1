//! Rules about data that must not be in traces. Findings never contain the data.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::Findings;
use super::{Observed, Rule, Settings};
use crate::trace::{Attributes, Span, Value, Witness};

/// Credentials by their form.
static FORMS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let form = |name, pattern| (name, Regex::new(pattern).expect("the pattern is tested"));
    vec![
        form("a bearer token", r"(?i)\bbearer\s+[a-z0-9._~+/-]{12,}=*"),
        form("basic credentials", r"(?i)\bbasic\s+[a-z0-9+/]{12,}={0,2}$"),
        form(
            "a JSON Web Token",
            r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        ),
        form("an access key of AWS", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        form("a token of GitHub", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b"),
        form("a token of Slack", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
        form("a secret key of Stripe", r"\b[sr]k_live_[A-Za-z0-9]{16,}\b"),
        form("an API key of Google", r"\bAIza[0-9A-Za-z_-]{35}\b"),
        form("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
        form(
            "a password in a URL",
            r"(?i)\b[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s:@*]{1,}@",
        ),
        form(
            "a secret in a query string",
            r"(?i)[?&](?:access_token|api_?key|password|passwd|secret|sig|signature|token)=[^&\s*]{6,}",
        ),
        form(
            "a password",
            r"(?i)\b(?:password|passwd|pwd)\s*[=:]\s*[^\s;,*&\[]{4,}",
        ),
    ]
});

/// Keys whose values are credentials, apart from their case.
const KEYS: [&str; 8] = [
    "http.request.header.authorization",
    "http.request.header.proxy-authorization",
    "http.request.header.cookie",
    "http.request.header.x-api-key",
    "http.response.header.set-cookie",
    "rpc.grpc.request.metadata.authorization",
    "rpc.request.metadata.authorization",
    "password",
];

/// Values that instrumentation writes in place of a secret.
const MASKED: [&str; 5] = ["*", "redacted", "[filtered]", "<masked>", "masked"];

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:^|[\s<'\x22=:])[a-z0-9._%+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}\b",
    )
    .expect("the pattern is tested")
});

/// Card numbers begin with these digits, and have 15 or 16.
static CARD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^\d.])((?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6011)[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})(?:$|[^\d.])")
        .expect("the pattern is tested")
});

/// The rules of this file.
pub(super) const RULES: &[Rule] = &[Rule::SecretInAttribute, Rule::PersonalData];

pub(super) fn examine(observed: &Observed<'_>, _: &Settings, found: &mut Findings) {
    for (_, _, span) in observed.spans() {
        let parts = [&span.attributes, &span.resource.attributes];
        let events = span.events.iter().map(|event| &event.attributes);
        for attributes in parts.into_iter().chain(events) {
            of_attributes(span, attributes, found);
        }
    }
}

fn of_attributes(span: &Span, attributes: &Attributes, found: &mut Findings) {
    for (key, value) in attributes.iter() {
        each_text(value, &mut |text| {
            if let Some(what) = credential(key, text) {
                found.add(
                    Rule::SecretInAttribute,
                    span.service(),
                    format!("`{key}` contains {what}"),
                    "remove it in the instrumentation, or in the Collector with the `redaction` processor, and replace the secret",
                    Witness::new(span, format!("{key} contains {what}")),
                );
            } else if let Some(what) = person(text) {
                found.add(
                    Rule::PersonalData,
                    span.service(),
                    format!("`{key}` contains {what}"),
                    "record an id instead, or remove it in the Collector with the `redaction` processor",
                    Witness::new(span, format!("{key} contains {what}")),
                );
            }
        });
    }
}

/// Calls `look` for each string of a value.
fn each_text(value: &Value, look: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => look(text),
        Value::Array(values) => values.iter().for_each(|value| each_text(value, look)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| each_text(value, look)),
        _ => {}
    }
}

fn credential(key: &str, text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    if text.is_empty() || MASKED.iter().any(|mask| lower.contains(mask)) {
        return None;
    }
    if KEYS.contains(&key.to_lowercase().as_str()) {
        return Some("a credential");
    }
    let mut forms = FORMS.iter();
    forms.find_map(|(name, form)| form.is_match(text).then_some(*name))
}

fn person(text: &str) -> Option<&'static str> {
    if EMAIL.is_match(text) {
        return Some("an e-mail address");
    }
    let mut cards = CARD.captures_iter(text);
    cards
        .any(|card| is_luhn(&card[1]))
        .then_some("a card number")
}

/// The checksum of card numbers (ISO/IEC 7812).
fn is_luhn(number: &str) -> bool {
    let digits = number.chars().filter_map(|c| c.to_digit(10));
    let digits: Vec<u32> = digits.collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}
