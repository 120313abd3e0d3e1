//! Checks of the response, and of what a command gave.

use super::difference::{Extra, differences};
use super::matching::{meets, path_meets, path_value};
use super::words;
use super::{Difference, Evidence, Failure, Outcome, Subject};
use crate::spec::{Check, Condition, JsonPath, Limits, Matcher};
use crate::trace::{CommandResponse, HttpResponse, Nanos, Response, Value};

/// Judges a condition on the answer; nothing for a condition on the trace.
pub(super) fn judge(check: &Check, evidence: &Evidence<'_>) -> Option<Outcome> {
    let outcome = match (&check.ask, evidence.response) {
        (Condition::ResponseTime(limits), response) => time(check, limits, response),
        (Condition::ResponseStatus(limits), Response::Http(http)) => status(check, limits, http),
        (Condition::Header(name, matcher), Response::Http(http)) => {
            header(check, name, matcher, http)
        }
        (Condition::Body(matcher), Response::Http(http)) => {
            text(check, Subject::Body, matcher, &http.text())
        }
        (Condition::Json(path, matcher), Response::Http(_)) => json(check, path, matcher, evidence),
        (Condition::ExitCode(matcher), Response::Command(command)) => {
            exit_code(check, matcher, command)
        }
        (Condition::Stdout(matcher), Response::Command(command)) => {
            text(check, Subject::Stdout, matcher, &command.stdout)
        }
        (Condition::Stderr(matcher), Response::Command(command)) => {
            text(check, Subject::Stderr, matcher, &command.stderr)
        }
        _ => return None,
    };
    Some(outcome)
}

fn fail(check: &Check, subject: Subject, expected: String, found: String) -> Failure {
    Failure {
        subject,
        at: check.at.clone(),
        expected,
        found,
        witnesses: Vec::new(),
        more_witnesses: 0,
        nearest: Vec::new(),
        differences: Vec::new(),
        hints: Vec::new(),
    }
}

fn outcome(is_met: bool, failure: impl FnOnce() -> Failure) -> Outcome {
    if is_met {
        Outcome::Pass
    } else {
        Outcome::Fail(Box::new(failure()))
    }
}

fn time(check: &Check, limits: &Limits<Nanos>, response: &Response) -> Outcome {
    let time = response.time().unwrap_or_default();
    let nanos = Nanos::try_from(time.as_nanos()).unwrap_or(Nanos::MAX);
    outcome(limits.contains(nanos), || {
        let found = words::duration(nanos, limits);
        fail(check, Subject::ResponseTime, limits.to_string(), found)
    })
}

fn status(check: &Check, limits: &Limits<u64>, http: &HttpResponse) -> Outcome {
    outcome(limits.contains(http.status.into()), || {
        let found = http.status.to_string();
        let mut failure = fail(check, Subject::ResponseStatus, limits.to_string(), found);
        failure.hints.extend(said(http));
        failure
    })
}

/// The beginning of the body: a refusal mostly says why.
fn said(http: &HttpResponse) -> Option<String> {
    let text = http.text();
    let text = text.trim();
    (!text.is_empty() && !text.contains('\u{FFFD}'))
        .then(|| format!("the response says: {}", words::excerpt(text)))
}

/// Of a repeated header some value must match; what starts with `not` must hold for all.
fn header(check: &Check, name: &str, matcher: &Matcher, http: &HttpResponse) -> Outcome {
    let values: Vec<Value> = http.header(name).map(Value::from).collect();
    let is_met = if values.is_empty() {
        meets(matcher, None)
    } else if matches!(matcher, Matcher::Not(_)) {
        values.iter().all(|value| meets(matcher, Some(value)))
    } else {
        values.iter().any(|value| meets(matcher, Some(value)))
    };
    outcome(is_met, || {
        let found = match values.as_slice() {
            [] => "no such header".to_owned(),
            values => values
                .iter()
                .map(words::value)
                .collect::<Vec<_>>()
                .join(", "),
        };
        fail(
            check,
            Subject::Header(name.to_owned()),
            matcher.to_string(),
            found,
        )
    })
}

fn text(check: &Check, subject: Subject, matcher: &Matcher, text: &str) -> Outcome {
    let value = Value::from(text);
    // An empty body is no body to whoever writes `absent`.
    let is_met = meets(matcher, Some(&value)) || (text.is_empty() && matcher.allows_absence());
    outcome(is_met, || {
        fail(check, subject, matcher.to_string(), words::value(&value))
    })
}

fn json(check: &Check, path: &JsonPath, matcher: &Matcher, evidence: &Evidence<'_>) -> Outcome {
    let subject = || Subject::Json(path.to_string());
    let document = match evidence.json() {
        Ok(document) => document,
        Err(why) => {
            let mut failure = fail(check, subject(), matcher.to_string(), "no JSON".to_owned());
            failure.hints.push(format!("the body is no JSON: {why}"));
            if let Response::Http(http) = evidence.response {
                failure.hints.extend(said(http));
            }
            return Outcome::Fail(Box::new(failure));
        }
    };
    outcome(path_meets(path, matcher, document), || {
        let found = path_value(path, matcher, document);
        let mut failure = fail(
            check,
            subject(),
            matcher.to_string(),
            words::optional(found.as_ref()),
        );
        failure.differences = structural_differences(matcher, found.as_ref());
        failure
    })
}

/// Where a matcher on a structure is not met: path by path.
fn structural_differences(matcher: &Matcher, found: Option<&Value>) -> Vec<Difference> {
    let Some(found @ (Value::Map(_) | Value::Array(_))) = found else {
        return Vec::new();
    };
    match matcher {
        Matcher::Equal(expected @ (Value::Map(_) | Value::Array(_))) => {
            differences(expected, found, Extra::Refused)
        }
        Matcher::Includes(expected) => differences(expected, found, Extra::Allowed),
        _ => Vec::new(),
    }
}

fn exit_code(check: &Check, matcher: &Matcher, command: &CommandResponse) -> Outcome {
    let code = command.exit_code.map(|code| Value::Int(code.into()));
    outcome(meets(matcher, code.as_ref()), || {
        let found = code.map_or_else(|| "an end by a signal".to_owned(), |code| code.to_string());
        fail(check, Subject::ExitCode, matcher.to_string(), found)
    })
}
