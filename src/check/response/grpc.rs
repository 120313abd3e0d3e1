//! Checks of the response to a gRPC call.

use super::{among, judged, outcome, structural_differences, text};
use crate::check::matching::{MatchInput, answer};
use crate::check::{Evidence, Failure, Outcome, Subject, Unjudged, words};
use crate::number::duration;
use crate::spec::{Check, Condition, GrpcStatuses, JsonPath, Matcher};
use crate::trace::{GrpcCode, GrpcEnding, GrpcResponse, Value};

pub(super) fn judge(check: &Check, grpc: &GrpcResponse) -> Option<Outcome> {
    let values = |all: &'_ [(String, String)], name: &str| -> Vec<String> {
        let same = all.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.clone()).collect()
    };
    Some(match &check.ask {
        Condition::GrpcStatus(statuses) => status(check, statuses, grpc),
        Condition::StatusMessage(matcher) => {
            let subject = Subject::Response("message of the gRPC status");
            text(check, subject, matcher, &grpc.status_message)
        }
        Condition::Messages(matcher) => {
            let subject = Subject::Response("messages of the response");
            let mut outcome = list(check, subject, matcher, &grpc.messages);
            explain(&mut outcome, grpc);
            outcome
        }
        Condition::Details(matcher) => details(check, matcher, grpc),
        Condition::Metadata(name, matcher) => {
            let found = values(&grpc.metadata, name);
            let subject = Subject::Metadata(name.clone());
            let elsewhere = !values(&grpc.trailers, name).is_empty();
            let hint = elsewhere.then(|| format!("`{name}` is in `trailers`"));
            of_metadata(check, subject, matcher, &found, hint)
        }
        Condition::Trailer(name, matcher) => {
            let found = values(&grpc.trailers, name);
            let subject = Subject::Trailer(name.clone());
            let elsewhere = !values(&grpc.metadata, name).is_empty();
            let hint = elsewhere.then(|| format!("`{name}` is in `metadata`"));
            of_metadata(check, subject, matcher, &found, hint)
        }
        _ => return None,
    })
}

fn of_metadata(
    check: &Check,
    subject: Subject,
    matcher: &Matcher,
    values: &[String],
    elsewhere: Option<String>,
) -> Outcome {
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let mut outcome = among(check, subject, matcher, &values, "no such metadata");
    if let Outcome::Fail(failure) = &mut outcome {
        failure
            .hints
            .extend(elsewhere.filter(|_| values.is_empty()));
    }
    outcome
}

/// An expired deadline passes only if it is expected: it is no other error.
fn status(check: &Check, statuses: &GrpcStatuses, grpc: &GrpcResponse) -> Outcome {
    let is_met = match grpc.ending {
        GrpcEnding::Server => statuses.accepts(grpc.code),
        GrpcEnding::Deadline => statuses.names(GrpcCode::DEADLINE_EXCEEDED),
    };
    outcome(is_met, || {
        let subject = Subject::Response("gRPC status");
        let mut failure =
            Failure::of_check(check, subject, statuses.to_string(), grpc.code.to_string());
        failure.hints.extend(reasons(grpc));
        failure
    })
}

/// The reasons that a status has.
fn reasons(grpc: &GrpcResponse) -> Vec<String> {
    if grpc.ending == GrpcEnding::Deadline {
        return vec![format!(
            "the server sent no status within {}, the deadline of the call: increase `grpc.timeout`, or expect `DEADLINE_EXCEEDED`",
            duration(grpc.time)
        )];
    }
    let said = Some(grpc.status_message.as_str()).filter(|text| !text.is_empty());
    let said = said.map(|text| format!("the server says: {}", words::excerpt(text)));
    said.into_iter().collect()
}

/// A hint with the status, if a check failed that needs success.
fn explain(outcome: &mut Outcome, grpc: &GrpcResponse) {
    if let Outcome::Fail(failure) = outcome
        && grpc.code != GrpcCode::OK
    {
        failure
            .hints
            .push(format!("the status is {}", words::excerpt(&grpc.status())));
    }
}

fn list(check: &Check, subject: Subject, matcher: &Matcher, items: &[Value]) -> Outcome {
    let found = Value::Array(items.to_vec());
    let answer = answer(matcher, MatchInput::Value(&found));
    let mut outcome = judged(check, subject, matcher, answer, || words::value(&found));
    if let Outcome::Fail(failure) = &mut outcome {
        failure.differences = structural_differences(matcher, Some(&found));
    }
    outcome
}

/// Details of an unknown type leave a check open, unless the others meet it.
fn details(check: &Check, matcher: &Matcher, grpc: &GrpcResponse) -> Outcome {
    let subject = Subject::Response("details of the gRPC status");
    let mut outcome = list(check, subject, matcher, &grpc.details);
    if let Some(unknown) = grpc.unknown_details.first()
        && (outcome != Outcome::Pass || matcher.negates())
    {
        return Outcome::Unjudged(Unjudged::UnknownDetail(unknown.clone()));
    }
    explain(&mut outcome, grpc);
    outcome
}

pub(super) fn json(
    check: &Check,
    path: &JsonPath,
    matcher: &Matcher,
    grpc: &GrpcResponse,
    evidence: &Evidence<'_>,
) -> Outcome {
    let subject = Subject::Message(path.to_string());
    if grpc.json().is_none() {
        let mut outcome = outcome(false, || {
            Failure::of_check(check, subject, matcher.to_string(), "no message")
        });
        explain(&mut outcome, grpc);
        return outcome;
    }
    super::json(check, subject, (path, matcher), evidence)
}
