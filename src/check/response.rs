//! Checks of the response, which can be the result of a command.

mod grpc;

use super::difference::{Extra, differences};
use super::matching::{MatchAnswer, MatchInput, answer, answer_of_several, path_answer};
use super::truncated::{KnownPart, known};
use super::{Difference, Evidence, Failure, Outcome, Subject, Unjudged};
use super::{graphql, words};
use crate::spec::{Check, Condition, JsonPath, Limits, Matcher, Syntax};
use crate::trace::{CommandResponse, HttpResponse, Nanos, Response, Value, nanos_of};

/// Judges a condition on the response; `None` for a condition on the trace.
pub(super) fn judge(check: &Check, evidence: &Evidence<'_>) -> Option<Outcome> {
    let outcome = match (&check.ask, evidence.response) {
        (
            Condition::Body(_) | Condition::Json(..) | Condition::GraphQlErrors(_),
            Response::Http(HttpResponse {
                undecoded: Some(unknown),
                ..
            }),
        ) => Outcome::Unjudged(Unjudged::Undecoded(unknown.clone())),
        (Condition::ResponseTime(limits), response) => time(check, limits, response),
        (Condition::ResponseStatus(limits), Response::Http(http)) => status(check, limits, http),
        (Condition::Header(name, matcher), Response::Http(http)) => {
            header(check, name, matcher, http)
        }
        (Condition::Body(matcher), Response::Http(http)) => body(check, matcher, http),
        (Condition::Json(path, matcher), Response::Grpc(grpc)) => {
            grpc::json(check, path, matcher, grpc, evidence)
        }
        (_, Response::Grpc(grpc)) => return grpc::judge(check, grpc),
        (Condition::Json(path, matcher), Response::Http(http)) => {
            let subject = Subject::Json(path.to_string());
            match json(check, subject, (path, matcher), evidence) {
                Outcome::Pass if http.is_open => Outcome::Unjudged(Unjudged::StillOpen),
                outcome => outcome,
            }
        }
        (Condition::GraphQlErrors(expected), Response::Http(http)) => {
            graphql::judge(check, expected, http, evidence)
        }
        (Condition::Json(path, matcher), Response::Message(_)) => {
            let subject = Subject::Json(path.to_string());
            json(check, subject, (path, matcher), evidence)
        }
        (Condition::ExitCode(matcher), Response::Command(command)) => {
            exit_code(check, matcher, command)
        }
        (Condition::Stdout(matcher), Response::Command(command)) => {
            let output = (command.stdout.as_str(), command.stdout_dropped);
            output_text(
                check,
                Subject::Command("standard output of the command"),
                matcher,
                output,
            )
        }
        (Condition::Stderr(matcher), Response::Command(command)) => {
            let output = (command.stderr.as_str(), command.stderr_dropped);
            output_text(
                check,
                Subject::Command("standard error of the command"),
                matcher,
                output,
            )
        }
        _ => return None,
    };
    Some(outcome)
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
    let nanos = nanos_of(time);
    let is_open = response.http().is_some_and(|http| http.is_open);
    if is_open && !limits.holds_for_all_above(nanos) && !limits.fails_for_all_above(nanos) {
        return Outcome::Unjudged(Unjudged::StillOpen);
    }
    outcome(limits.contains(nanos), || {
        let found = words::duration(nanos, limits);
        Failure::of_check(check, Subject::ResponseTime, limits.to_string(), found)
    })
}

fn status(check: &Check, limits: &Limits<u64>, http: &HttpResponse) -> Outcome {
    outcome(limits.contains(http.status.into()), || {
        let found = http.status.to_string();
        let mut failure = Failure::of_check(
            check,
            Subject::Response("status of the response"),
            limits.to_string(),
            found,
        );
        failure.hints.extend(said(http));
        failure
    })
}

/// A hint with the beginning of the body, which often explains an error status.
fn said(http: &HttpResponse) -> Option<String> {
    let text = http.text();
    let text = text.trim();
    (!text.is_empty() && !text.contains('\u{FFFD}'))
        .then(|| format!("the response says: {}", words::excerpt(text)))
}

/// A check that the body of an open stream meets is unjudged if more of the stream could change that.
fn body(check: &Check, matcher: &Matcher, http: &HttpResponse) -> Outcome {
    let body = http.text();
    let subject = Subject::Response("body of the response");
    let outcome = text(check, subject, matcher, &body);
    // A character that is cut becomes U+FFFD.
    let arrived = KnownPart::Start(body.trim_end_matches('\u{FFFD}'));
    match outcome {
        Outcome::Pass if http.is_open && known(matcher, arrived) != Some(true) => {
            Outcome::Unjudged(Unjudged::StillOpen)
        }
        outcome => outcome,
    }
}

fn header(check: &Check, name: &str, matcher: &Matcher, http: &HttpResponse) -> Outcome {
    let values: Vec<&str> = http.header(name).collect();
    let subject = Subject::Header(name.to_owned());
    among(check, subject, matcher, &values, "no such header")
}

/// The outcome of an answer, with a hint if the matcher could not judge the value.
fn judged(
    check: &Check,
    subject: Subject,
    matcher: &Matcher,
    answer: MatchAnswer<'_>,
    found: impl FnOnce() -> String,
) -> Outcome {
    outcome(answer.is_match(), || {
        let mut failure = Failure::of_check(check, subject, matcher.to_string(), found());
        let misfit = answer.misfit();
        failure
            .hints
            .extend(misfit.and_then(|misfit| misfit.help(matcher, Syntax::Yaml)));
        failure
    })
}

fn text(check: &Check, subject: Subject, matcher: &Matcher, text: &str) -> Outcome {
    // `absent` is met by an empty body.
    let is_absent = text.is_empty() && answer(matcher, MatchInput::Absent).is_match();
    let answer = match is_absent {
        true => MatchAnswer::Matches,
        false => answer(matcher, MatchInput::Text(text)),
    };
    if answer.is_match() && may_hide(matcher, text) {
        return Outcome::Unjudged(Unjudged::NotUtf8);
    }
    judged(check, subject, matcher, answer, || {
        found_in_json(matcher, text).unwrap_or_else(|| words::value(&Value::from(text)))
    })
}

/// The values in a JSON document that do not meet their matchers.
fn found_in_json(matcher: &Matcher, text: &str) -> Option<String> {
    let Matcher::Json(paths) = matcher else {
        return None;
    };
    let document = Value::from_json(text.as_bytes()).ok()?;
    let unmet = paths
        .iter()
        .filter(|(path, matcher)| !path_answer(path, matcher, &document).is_match());
    let found = unmet.map(|(path, _)| {
        let value = words::optional(path.value(&document).as_ref());
        format!("`{path}`: {value}")
    });
    Some(found.collect::<Vec<_>>().join(", "))
}

/// Returns `true` if replaced bytes of invalid UTF-8 could hide what the matcher excludes.
fn may_hide(matcher: &Matcher, text: &str) -> bool {
    matcher.negates() && text.contains('\u{FFFD}')
}

/// Judges the output of a command, of which a number of bytes were dropped at the beginning.
fn output_text(
    check: &Check,
    subject: Subject,
    matcher: &Matcher,
    (output, dropped): (&str, u64),
) -> Outcome {
    if dropped == 0 {
        return text(check, subject, matcher, output);
    }
    // The first line is a note about the dropped bytes.
    let kept = output.split_once('\n').map_or("", |(_, kept)| kept);
    match known(matcher, KnownPart::End(kept)) {
        None => Outcome::Unjudged(Unjudged::Truncated(dropped)),
        Some(true) if may_hide(matcher, kept) => Outcome::Unjudged(Unjudged::NotUtf8),
        Some(is_met) => outcome(is_met, || {
            Failure::of_check(
                check,
                subject,
                matcher.to_string(),
                words::value(&Value::from(output)),
            )
        }),
    }
}

fn json(
    check: &Check,
    subject: Subject,
    (path, matcher): (&JsonPath, &Matcher),
    evidence: &Evidence<'_>,
) -> Outcome {
    let document = match evidence.json() {
        Ok(document) => document,
        Err(why) => {
            let mut failure = Failure::of_check(check, subject, matcher.to_string(), "no JSON");
            failure.hints.push(format!("the body is not JSON: {why}"));
            if let Some(http) = evidence.response.http() {
                failure.hints.extend(said(http));
            }
            return Outcome::Fail(Box::new(failure));
        }
    };
    let found = || path.value(document);
    let answer = path_answer(path, matcher, document);
    let mut outcome = judged(check, subject, matcher, answer, || {
        words::optional(found().as_ref())
    });
    if let Outcome::Fail(failure) = &mut outcome {
        let found = found();
        failure.differences = structural_differences(matcher, found.as_ref());
        let gap = path
            .gap(document)
            .filter(|gap| gap.place != path.to_string());
        failure.hints.extend(gap.map(|gap| gap.to_string()));
    }
    outcome
}

/// The values of a header or of metadata, of which one must match.
fn among(
    check: &Check,
    subject: Subject,
    matcher: &Matcher,
    values: &[&str],
    none: &str,
) -> Outcome {
    let answer = answer_of_several(matcher, values);
    if answer.is_match() && values.iter().any(|value| may_hide(matcher, value)) {
        return Outcome::Unjudged(Unjudged::NotUtf8);
    }
    judged(check, subject, matcher, answer, || {
        let shown = values
            .iter()
            .map(|value| words::value(&Value::from(*value)));
        match values {
            [] => none.to_owned(),
            _ => shown.collect::<Vec<_>>().join(", "),
        }
    })
}

/// The differences between a structure and a matcher that it does not meet, by path.
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
    let answer = answer(matcher, MatchInput::of(code.as_ref()));
    let subject = Subject::Command("exit code of the command");
    judged(check, subject, matcher, answer, || {
        code.as_ref()
            .map_or_else(|| command.ending(), Value::to_string)
    })
}
