//! The faults of a response.

use super::edit::Edit;
use super::list::{HANG, in_words};
use super::mutant::Mutant;
use super::site::Site;
use super::subject::Subject;
use super::value::{OTHER, other_status, other_text, other_type, other_value};
use crate::draft::JsonLeaf;
use crate::spec::{Condition, Counted, FaultKind};
use crate::trace::{
    CommandResponse, GrpcCode, GrpcResponse, HttpResponse, MessageResponse, Response, Value,
};

/// Maximum number of values of a body whose faults count by default, as in a draft.
const MOST_VALUES: usize = 12;

/// The status of a gRPC call that replaces OK.
const INTERNAL: GrpcCode = GrpcCode(13);

/// The faults of the response to a step.
pub(super) fn faults(subject: &Subject<'_>) -> Vec<Mutant> {
    let mut all = of_kind(subject);
    if !all.is_empty() {
        let edit = Edit::SlowResponse(HANG);
        all.push(Mutant {
            counted: Counted::Never,
            ..fault(FaultKind::Duration, "takes much longer", edit)
        });
    }
    all
}

fn of_kind(subject: &Subject<'_>) -> Vec<Mutant> {
    match &subject.evidence.response {
        Response::Http(http) => of_http(subject, http),
        Response::Grpc(grpc) => of_grpc(subject, grpc),
        Response::Command(command) => of_command(subject, command),
        Response::Message(message) => of_receipt(subject, message),
        // A pipeline only accepts what it gets, and the cases of a conformance test are the test itself.
        Response::Sent(_) | Response::Conformance(_) | Response::Traffic(_) | Response::None => {
            Vec::new()
        }
    }
}

fn of_http(subject: &Subject<'_>, http: &HttpResponse) -> Vec<Mutant> {
    let code = other_status(http.status);
    let what = format!("status {code} instead of {}", http.status);
    let mut all = vec![status(what, code)];
    all.extend(headers("header", &http.headers, Edit::RemoveHeader));
    if http.body.is_empty() {
        all.push(added("the body has a text", Edit::Body(OTHER.to_owned())));
        return all;
    }
    all.push(fault(FaultKind::BodyEmpty, "empty body", Edit::EmptyBody));
    let json = Value::from_json(&http.body).ok();
    all.extend(json.iter().flat_map(|json| values(subject, json)));
    all.extend(json.and_then(|json| graphql_error(subject, json)));
    all
}

fn of_grpc(subject: &Subject<'_>, grpc: &GrpcResponse) -> Vec<Mutant> {
    let code = if grpc.code == GrpcCode::OK {
        INTERNAL
    } else {
        GrpcCode::OK
    };
    let what = format!("status {code} instead of {}", grpc.code);
    let mut all = vec![status(what, i32::try_from(code.0).unwrap_or_default())];
    all.extend(status_message(subject, &grpc.status_message));
    all.extend(headers("metadata", &grpc.metadata, Edit::RemoveHeader));
    all.extend(headers("trailer", &grpc.trailers, Edit::RemoveTrailer));
    if !grpc.details.is_empty() {
        all.push(Mutant {
            detail: Some("details".to_owned()),
            counted: Counted::WithAll,
            ..fault(
                FaultKind::JsonGone,
                "details of the status gone",
                Edit::RemoveDetails,
            )
        });
    }
    match grpc.messages.as_slice() {
        [] => {}
        [message] if !grpc.is_stream => {
            all.push(fault(FaultKind::BodyEmpty, "no message", Edit::EmptyBody));
            all.extend(values(subject, message));
        }
        several => all.extend(messages(several.len())),
    }
    all
}

fn status_message(subject: &Subject<'_>, text: &str) -> Option<Mutant> {
    if text.is_empty() {
        return None;
    }
    let edit = Edit::StatusMessage(other_text(text));
    let another = fault(FaultKind::StatusMessage, "another status message", edit);
    Some(Mutant {
        counted: match subject.own.value_varies(&Value::from(text)) {
            true => Counted::Never,
            false => another.counted,
        },
        ..another
    })
}

/// The faults of a stream of messages.
fn messages(number: usize) -> Vec<Mutant> {
    let mut all = vec![fault(FaultKind::BodyEmpty, "no message", Edit::EmptyBody)];
    if number > 1 {
        all.push(Mutant {
            detail: Some("messages".to_owned()),
            ..fault(
                FaultKind::JsonGone,
                &format!("the last of {number} messages gone"),
                Edit::RemoveMessage,
            )
        });
    }
    all
}

fn of_command(subject: &Subject<'_>, command: &CommandResponse) -> Vec<Mutant> {
    let code = i32::from(command.exit_code == Some(0));
    let what = format!("exit code {code} instead of {}", command.ending());
    let mut all = vec![status(what, code)];
    match command.stdout.is_empty() {
        true => all.push(added("it writes an output", Edit::Body(OTHER.to_owned()))),
        false => all.push(fault(FaultKind::BodyEmpty, "empty output", Edit::EmptyBody)),
    }
    let other = other_text(&command.stderr);
    all.push(added("another standard error", Edit::Stderr(other)));
    if !command.stderr.is_empty() {
        all.push(added("empty standard error", Edit::Stderr(String::new())));
    }
    let json = Value::from_json(command.stdout.as_bytes()).ok();
    let json = json.filter(|_| command.stdout_dropped == 0);
    all.extend(json.iter().flat_map(|json| values(subject, json)));
    all
}

/// The missing values of an acknowledgement, which count with `--all`. The broker assigns them, so that no check
/// can know them.
fn of_receipt(subject: &Subject<'_>, message: &MessageResponse) -> Vec<Mutant> {
    let Ok(receipt) = Value::from_json(message.receipt.as_bytes()) else {
        return Vec::new();
    };
    let faults = values(subject, &receipt).into_iter();
    let faults = faults.map(|fault| Mutant {
        counted: match fault.kind {
            FaultKind::JsonGone => Counted::WithAll,
            _ => Counted::Never,
        },
        ..fault
    });
    faults.collect()
}

/// An error in the response of a GraphQL operation whose spec excludes errors.
fn graphql_error(subject: &Subject<'_>, body: Value) -> Option<Mutant> {
    let mut checks = subject.evidence.expect.checks.iter();
    let is_graphql = checks.any(|check| matches!(check.ask, Condition::GraphQlErrors(_)));
    let Value::Map(mut members) = body else {
        return None;
    };
    let has_errors = members.iter().any(|(name, _)| name == "errors");
    if !is_graphql || has_errors {
        return None;
    }
    let error = Value::Map(vec![("message".to_owned(), Value::from(OTHER))]);
    members.push(("errors".to_owned(), Value::Array(vec![error])));
    let text = Value::Map(members).to_json().to_string();
    Some(added("it has an error", Edit::Body(text)))
}

/// Something that a check can exclude.
fn added(what: &str, edit: Edit) -> Mutant {
    fault(FaultKind::Added, what, edit)
}

fn status(what: String, code: i32) -> Mutant {
    fault(FaultKind::ResponseStatus, &what, Edit::ResponseStatus(code))
}

fn fault(kind: FaultKind, what: &str, edit: Edit) -> Mutant {
    Mutant {
        kind,
        site: Site::Response,
        what: what.to_owned(),
        detail: None,
        counted: kind.counted(),
        equal: 1,
        edit,
    }
}

/// Headers and metadata, which count with `--all`: frameworks and proxies set most of them.
fn headers(noun: &str, all: &[(String, String)], edit: impl Fn(String) -> Edit) -> Vec<Mutant> {
    let mut names: Vec<&String> = all.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    let gone = names.into_iter().map(|name| Mutant {
        detail: Some(name.clone()),
        counted: match name.as_str() {
            "date" | "content-length" | "connection" | "transfer-encoding" => Counted::Never,
            _ => Counted::WithAll,
        },
        ..fault(
            FaultKind::HeaderGone,
            &format!("{noun} `{name}` gone"),
            edit(name.clone()),
        )
    });
    gone.collect()
}

/// The faults of the values of a JSON document.
fn values(subject: &Subject<'_>, json: &Value) -> Vec<Mutant> {
    let leaves = subject.own.leaves(json);
    let faults = leaves.iter().enumerate().flat_map(|(number, leaf)| {
        let counted = match number < MOST_VALUES {
            true => Counted::Always,
            false => Counted::WithAll,
        };
        of_value(leaf, value_at(json, &leaf.keys), counted)
    });
    faults.collect()
}

fn of_value(leaf: &JsonLeaf, value: &Value, counted: Counted) -> Vec<Mutant> {
    let path = &leaf.path;
    let fault = |kind: FaultKind, what: String, value: Option<Value>| {
        let edit = Edit::Json(leaf.keys.clone(), value);
        Mutant {
            detail: Some(path.clone()),
            counted: counted.max(kind.counted()),
            ..fault(kind, &what, edit)
        }
    };
    let other = other_value("", value);
    let what = format!(
        "`{path}` is {} instead of {}",
        in_words(&other),
        in_words(value)
    );
    let mut changed = fault(FaultKind::JsonValue, what, Some(other));
    if !leaf.is_constant {
        changed.counted = Counted::Never;
    }
    let mut all = vec![
        fault(FaultKind::JsonGone, format!("`{path}` gone"), None),
        changed,
    ];
    if let Some(retyped) = other_type(value) {
        let what = format!(
            "`{path}` is {} instead of {}",
            in_words(&retyped),
            in_words(value)
        );
        all.push(fault(FaultKind::JsonType, what, Some(retyped)));
    }
    all
}

fn value_at<'v>(document: &'v Value, keys: &[String]) -> &'v Value {
    let step = |at: &'v Value, key: &String| at.get(key).unwrap_or(at);
    keys.iter().fold(document, step)
}
