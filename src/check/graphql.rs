//! Checks of the errors in a GraphQL response.
//!
//! A status of 200 proves nothing: servers answer a refused query with it.

use super::matching::{MatchInput, answer};
use super::{Difference, Evidence, Failure, Outcome, Subject, Unjudged, words};
use crate::number::counted;
use crate::spec::{Check, ExpectedGraphQlError, GraphQlErrors, Matcher};
use crate::trace::{HttpResponse, Value};

/// The parts of a GraphQL response.
struct Answer<'a> {
    errors: &'a [Value],
    /// `None` if there is no `data`, which is not the same as null.
    data: Option<&'a Value>,
}

/// A response that is not one of GraphQL.
struct NotGraphQl {
    found: String,
    hints: Vec<String>,
}

impl NotGraphQl {
    fn new(found: impl Into<String>) -> Self {
        Self {
            found: found.into(),
            hints: Vec::new(),
        }
    }

    fn with(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

pub(super) fn judge(
    check: &Check,
    expected: &GraphQlErrors,
    http: &HttpResponse,
    evidence: &Evidence<'_>,
) -> Outcome {
    if http.is_open {
        return Outcome::Unjudged(Unjudged::StillOpen);
    }
    let answer = match read(http, evidence) {
        Ok(answer) => answer,
        Err(other) => {
            let mut failure = failure(check, expected, other.found);
            failure.hints = other.hints;
            return Outcome::Fail(Box::new(failure));
        }
    };
    let failure = match expected {
        GraphQlErrors::Count(limits) if limits.contains(answer.errors.len() as u64) => {
            match (answer.errors, no_result(&answer, http)) {
                ([], Some(found)) => {
                    let mut failure = failure(check, expected, found);
                    failure.expected = "a result".to_owned();
                    failure
                }
                _ => return Outcome::Pass,
            }
        }
        GraphQlErrors::Count(_) => {
            listing(failure(check, expected, amount(answer.errors)), &answer)
        }
        GraphQlErrors::Each(each) => match unmatched(each, answer.errors) {
            None => return Outcome::Pass,
            Some(Unmatched::Expected(entry)) => {
                let mut failure = failure(check, expected, amount(answer.errors));
                failure.expected = in_words(entry);
                failure.at = entry.at.clone();
                listing(failure, &answer)
            }
            Some(Unmatched::Found(error)) => {
                let found = format!("another one: {}", of_error(error));
                failure(check, expected, found)
            }
        },
    };
    Outcome::Fail(Box::new(with_note_on_data(failure, &answer)))
}

fn failure(check: &Check, expected: &GraphQlErrors, found: impl Into<String>) -> Failure {
    let subject = Subject::Response("errors of the GraphQL response");
    Failure::of_check(check, subject, expected.to_string(), found)
}

/// Adds the errors to a failure whose text has their number only.
fn listing(mut failure: Failure, answer: &Answer<'_>) -> Failure {
    if answer.errors.len() < 2 {
        return failure;
    }
    let errors = answer.errors.iter().enumerate();
    failure.differences = errors
        .map(|(index, error)| Difference {
            path: format!("$.errors[{index}]"),
            expected: "nothing".to_owned(),
            found: of_error(error),
        })
        .collect();
    failure
}

fn with_note_on_data(mut failure: Failure, answer: &Answer<'_>) -> Failure {
    if !answer.errors.is_empty() {
        failure.hints.push(
            match answer.data {
                None => "there is no `data`: the server did not execute the operation",
                Some(Value::Null) => "`data` is null: an error prevented the result",
                Some(_) => "`data` is there as well: the result is partial",
            }
            .to_owned(),
        );
    }
    failure
}

/// The reason why a response without errors has no result.
fn no_result(answer: &Answer<'_>, http: &HttpResponse) -> Option<String> {
    match answer.data {
        None => Some("neither errors nor `data`".to_owned()),
        Some(Value::Null) => Some("no errors, but `data` is null".to_owned()),
        Some(_) if http.status >= 400 => Some(format!("no errors, but status {}", http.status)),
        Some(_) => None,
    }
}

fn read<'a>(http: &HttpResponse, evidence: &'a Evidence<'_>) -> Result<Answer<'a>, NotGraphQl> {
    let status = http.status;
    let other_path = "check the path of `url`: many servers answer at /graphql";
    if (300..400).contains(&status) {
        let to = http.header("location").next().unwrap_or("nowhere");
        let found = format!("a redirect to {} (status {status})", words::excerpt(to));
        return Err(NotGraphQl::new(found).with("write the URL of the server itself into `url`"));
    }
    let text = http.text();
    let text = text.trim();
    if text.is_empty() {
        let found = format!("an empty body (status {status})");
        return Err(NotGraphQl::new(found).with(other_path));
    }
    let said = || format!("the response says: {}", words::excerpt(text));
    let document = match evidence.json() {
        Ok(document) => document,
        Err(_) if is_html(http, text) => {
            let found = format!("an HTML page (status {status})");
            return Err(NotGraphQl::new(found).with(said()).with(other_path));
        }
        Err(why) => {
            let found = format!("no JSON (status {status})");
            let other = NotGraphQl::new(found).with(format!("the body is not JSON: {why}"));
            return Err(other.with(said()));
        }
    };
    if !matches!(document, Value::Map(_)) {
        let found = format!(
            "JSON that is not an object, but {} (status {status})",
            words::value(document)
        );
        return Err(NotGraphQl::new(found));
    }
    let errors: &[Value] = match document.get("errors") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(errors)) => errors,
        Some(other) => {
            let found = format!("`errors` that is no array: {}", words::value(other));
            return Err(NotGraphQl::new(found));
        }
    };
    let data = document.get("data");
    if errors.is_empty() && data.is_none() {
        let found = format!("JSON without `data` and `errors` (status {status})");
        return Err(NotGraphQl::new(found).with(said()).with(other_path));
    }
    Ok(Answer { errors, data })
}

fn is_html(http: &HttpResponse, text: &str) -> bool {
    let mut kinds = http.header("content-type");
    kinds.any(|kind| kind.trim_start().starts_with("text/html")) || text.starts_with("<!")
}

/// `none`, the only error, or `2 errors`.
fn amount(errors: &[Value]) -> String {
    match errors {
        [] => "none".to_owned(),
        [error] => of_error(error),
        errors => counted(errors.len() as u64, "error"),
    }
}

/// `error "no such order" at order.lines.0 (NOT_FOUND)`.
fn of_error(error: &Value) -> String {
    let message = match error.get("message") {
        Some(message) => words::value(message),
        None => words::value(error),
    };
    let path = path_of(error).map_or_else(String::new, |path| format!(" at {path}"));
    let code = code_of(error).map_or_else(String::new, |code| format!(" ({})", code.to_text()));
    let place = error.get("locations").and_then(|all| match all {
        Value::Array(all) => all.first(),
        _ => None,
    });
    let place = place.and_then(|at| Some((at.get("line")?, at.get("column")?)));
    let place = place.map_or_else(String::new, |(line, column)| {
        format!(", line {line}, column {column} of the query")
    });
    format!("error {message}{path}{code}{place}")
}

fn code_of(error: &Value) -> Option<&Value> {
    error.get("extensions")?.get("code")
}

/// `order.lines.0`.
fn path_of(error: &Value) -> Option<String> {
    match error.get("path")? {
        Value::Array(segments) => {
            let segments: Vec<String> = segments.iter().map(Value::to_text).collect();
            Some(segments.join("."))
        }
        _ => None,
    }
}

fn in_words(expected: &ExpectedGraphQlError) -> String {
    let part = |name: &str, matcher: &Option<Matcher>| {
        let matcher = matcher.as_ref()?;
        Some(format!("{name} {matcher}"))
    };
    let parts = [
        part("message", &expected.message),
        part("path", &expected.path),
        part("code", &expected.code),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("an error with {}", parts.join(" and "))
}

enum Unmatched<'a> {
    Expected(&'a ExpectedGraphQlError),
    Found(&'a Value),
}

/// The first expected error without an error of its own, or an error that is not expected.
fn unmatched<'a>(
    expected: &'a [ExpectedGraphQlError],
    errors: &'a [Value],
) -> Option<Unmatched<'a>> {
    // For each error, the expectation that it meets.
    let mut taken: Vec<Option<usize>> = vec![None; errors.len()];
    for (index, entry) in expected.iter().enumerate() {
        let mut seen = vec![false; errors.len()];
        if !assign(index, expected, errors, &mut taken, &mut seen) {
            return Some(Unmatched::Expected(entry));
        }
    }
    let extra = taken.iter().position(Option::is_none)?;
    Some(Unmatched::Found(&errors[extra]))
}

/// Finds an error for an expectation. Moves other expectations to other errors if necessary.
fn assign(
    index: usize,
    expected: &[ExpectedGraphQlError],
    errors: &[Value],
    taken: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for (at, error) in errors.iter().enumerate() {
        if seen[at] || !meets(&expected[index], error) {
            continue;
        }
        seen[at] = true;
        let is_free = match taken[at] {
            None => true,
            Some(other) => assign(other, expected, errors, taken, seen),
        };
        if is_free {
            taken[at] = Some(index);
            return true;
        }
    }
    false
}

fn meets(expected: &ExpectedGraphQlError, error: &Value) -> bool {
    let is_met = |matcher: &Option<Matcher>, found: Option<&Value>| {
        let matcher = matcher.as_ref();
        matcher.is_none_or(|matcher| answer(matcher, MatchInput::of(found)).is_match())
    };
    let path = path_of(error).map(Value::String);
    is_met(&expected.message, error.get("message"))
        && is_met(&expected.path, path.as_ref())
        && is_met(&expected.code, code_of(error))
}
