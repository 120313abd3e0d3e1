//! Rules about status and exceptions.

use super::finding::Findings;
use super::observed::{first, integer, is_of, text};
use super::{Observed, Rule, Settings};
use crate::spec::{EXCEPTION, SpanType};
use crate::trace::{Span, SpanKind, StatusCode, Witness};

const HTTP_STATUS: [&str; 2] = ["http.response.status_code", "http.status_code"];
const RPC_STATUS: [&str; 3] = [
    "rpc.response.status_code",
    "rpc.grpc.status_code",
    "rpc.status_code",
];

/// Codes of gRPC that are errors on a SERVER span, by the semantic conventions: UNKNOWN, DEADLINE_EXCEEDED,
/// UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS.
const SERVER_ERRORS: [(i64, &str); 6] = [
    (2, "UNKNOWN"),
    (4, "DEADLINE_EXCEEDED"),
    (12, "UNIMPLEMENTED"),
    (13, "INTERNAL"),
    (14, "UNAVAILABLE"),
    (15, "DATA_LOSS"),
];

/// The rules of this file.
pub(super) const RULES: &[Rule] = &[
    Rule::ErrorWithoutStatus,
    Rule::StatusWithoutError,
    Rule::ExceptionSwallowed,
];

pub(super) fn examine(observed: &Observed<'_>, _: &Settings, found: &mut Findings) {
    for (_, _, span) in observed.spans() {
        match span.status.code {
            StatusCode::Error => status_without_error(span, found),
            StatusCode::Unset | StatusCode::Ok => error_without_status(span, found),
        }
    }
}

fn error_without_status(span: &Span, found: &mut Findings) {
    if let Some(why) = failure(span) {
        found.add(
            Rule::ErrorWithoutStatus,
            span.service(),
            format!("`{}` failed without status error: {why}", span.name),
            "set the status of the span to error, as the semantic conventions require",
            Witness::new(span, why),
        );
    }
    let mut events = span.events.iter();
    if events.any(|event| event.name == EXCEPTION) {
        found.add(
            Rule::ExceptionSwallowed,
            span.service(),
            format!("`{}` recorded an exception, and has no status error", span.name),
            "set the status to error, or record an exception that is handled as an event of another name",
            Witness::new(span, "exception without status error"),
        );
    }
}

/// The reason why the operation failed, by the attributes of the span.
fn failure(span: &Span) -> Option<String> {
    if let Some(code) = integer(span, &HTTP_STATUS) {
        let least = match span.kind {
            SpanKind::Server => 500,
            SpanKind::Client => 400,
            _ => return None,
        };
        return (code >= least).then(|| format!("HTTP status {code}"));
    }
    if is_of(span, SpanType::Rpc) {
        let code = rpc_code(span)?;
        let is_error = match span.kind {
            SpanKind::Server => SERVER_ERRORS.iter().any(|(number, _)| *number == code),
            SpanKind::Client => code != 0,
            _ => false,
        };
        return is_error.then(|| format!("RPC status {code}"));
    }
    let kind = text(span, &["error.type"])?;
    Some(format!("`error.type` is `{kind}`"))
}

/// The code of gRPC, also by its name.
fn rpc_code(span: &Span) -> Option<i64> {
    integer(span, &RPC_STATUS).or_else(|| {
        let name = text(span, &RPC_STATUS)?;
        let known = SERVER_ERRORS.iter().find(|(_, known)| *known == name);
        known.map(|(code, _)| *code)
    })
}

/// The status of a SERVER span stays unset for errors of the client.
fn status_without_error(span: &Span, found: &mut Findings) {
    let Some(code) = integer(span, &HTTP_STATUS).filter(|_| span.kind == SpanKind::Server) else {
        return;
    };
    let has_reason = !span.status.message.is_empty()
        || !span.events.is_empty()
        || first(span, &["error.type", "error"]).is_some();
    if (400..500).contains(&code) && !has_reason {
        found.add(
            Rule::StatusWithoutError,
            span.service(),
            format!(
                "`{}` has status error for HTTP status {code}, an error of the client",
                span.name
            ),
            "leave the status of SERVER spans unset for 4xx, as the semantic conventions require",
            Witness::new(span, format!("status error with {code}")),
        );
    }
}
