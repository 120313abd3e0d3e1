//! The faults of a response.

use super::edit::Edit;
use super::list::{HANG, in_words};
use super::mutant::Mutant;
use super::site::Site;
use super::subject::Subject;
use super::value::{other_status, other_type, other_value};
use crate::draft::JsonLeaf;
use crate::spec::{Counted, FaultKind};
use crate::trace::{Response, Value};

/// Maximum number of values of a body whose faults count by default, as in a draft.
const MOST_VALUES: usize = 12;

/// The status of a gRPC call that replaces OK: `INTERNAL`.
const INTERNAL: i32 = 13;

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
        Response::Http(http) => {
            let code = other_status(http.status);
            let mut all = vec![status(
                format!("status {code} instead of {}", http.status),
                code,
            )];
            all.extend(headers(http.headers.iter().map(|(name, _)| name)));
            all.extend(body(subject, Value::from_json(&http.body).ok(), &http.body));
            all
        }
        Response::Grpc(grpc) => {
            let code = if grpc.code.0 == 0 { INTERNAL } else { 0 };
            let what = format!("another status instead of {}", grpc.code);
            let message = grpc.messages.first().filter(|_| !grpc.is_stream);
            let text: &[u8] = if grpc.messages.is_empty() { b"" } else { b"{}" };
            let mut all = vec![status(what, code)];
            all.extend(body(subject, message.cloned(), text));
            all
        }
        Response::Command(command) => {
            let code = i32::from(command.exit_code == Some(0));
            let mut all = vec![status(format!("exit code {code}"), code)];
            if !command.stdout.is_empty() {
                all.push(fault(FaultKind::BodyEmpty, "empty output", Edit::EmptyBody));
            }
            all
        }
        Response::Message(_) | Response::Sent(_) | Response::Conformance(_) | Response::None => {
            Vec::new()
        }
    }
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

/// Headers, which count with `--all`: frameworks and proxies set most of them.
fn headers<'h>(names: impl Iterator<Item = &'h String>) -> Vec<Mutant> {
    let mut names: Vec<&String> = names.collect();
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
            &format!("header `{name}` gone"),
            Edit::RemoveHeader(name.clone()),
        )
    });
    gone.collect()
}

fn body(subject: &Subject<'_>, json: Option<Value>, text: &[u8]) -> Vec<Mutant> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut all = vec![fault(FaultKind::BodyEmpty, "empty body", Edit::EmptyBody)];
    let Some(json) = json else {
        return all;
    };
    let leaves = subject.own.leaves(&json);
    for (number, leaf) in leaves.iter().enumerate() {
        let counted = match number < MOST_VALUES {
            true => Counted::Always,
            false => Counted::WithAll,
        };
        all.extend(of_value(leaf, value_at(&json, &leaf.keys), counted));
    }
    all
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
