//! Captures: one value from a response or a span.

use super::forest::Forest;
use super::judgement::FailureDetail;
use super::lost::lost_in;
use super::select::Evaluator;
use super::truth::Truth;
use super::uncertain::why_absent;
use super::{Evidence, Failure, Outcome, Subject, Unjudged, words};
use crate::spec::{Capture, CaptureFrom, JsonPath, Selector};
use crate::trace::{HttpResponse, Response, Value};

/// Evaluates a capture.
///
/// # Errors
/// [`Outcome::Fail`] if there is none, or more than one; [`Outcome::Unjudged`] if the evidence
/// leaves it open.
pub fn capture(capture: &Capture, evidence: &Evidence<'_>) -> Result<Value, Outcome> {
    if let CaptureFrom::Span {
        find,
        attribute,
        json,
    } = &capture.from
    {
        let what = (find, attribute.as_str(), json.as_ref());
        return from_span(capture, what, evidence);
    }
    in_response(capture, evidence)?
        .one(capture)
        .map_err(Outcome::Fail)
}

/// All values that a capture finds, also if they are too many: of a secret capture each is secret.
#[cfg(feature = "run")]
pub(crate) fn captured_values(of: &Capture, evidence: &Evidence<'_>) -> Vec<Value> {
    match &of.from {
        CaptureFrom::Span { .. } => capture(of, evidence).into_iter().collect(),
        _ => in_response(of, evidence).map_or_else(|_| Vec::new(), |found| found.values),
    }
}

/// The values that a capture finds in the response.
fn in_response(capture: &Capture, evidence: &Evidence<'_>) -> Result<CapturedValues, Outcome> {
    let found = match (&capture.from, evidence.response) {
        (
            CaptureFrom::Json(_) | CaptureFrom::Body(_),
            Response::Http(HttpResponse {
                undecoded: Some(unknown),
                ..
            }),
        ) => return Err(Outcome::Unjudged(Unjudged::Undecoded(unknown.clone()))),
        (CaptureFrom::Json(path), _) => match evidence.json() {
            Ok(document) => values(path.select(document)),
            Err(why) if evidence.response.grpc().is_some() => CapturedValues::none(why),
            Err(why) => CapturedValues::none(format!("the body is not JSON: {why}")),
        },
        (CaptureFrom::Details(_), Response::Grpc(grpc)) if !grpc.unknown_details.is_empty() => {
            let name = grpc.unknown_details[0].clone();
            return Err(Outcome::Unjudged(Unjudged::UnknownDetail(name)));
        }
        (CaptureFrom::Details(path), Response::Grpc(grpc)) => {
            values(path.select(&Value::Array(grpc.details.clone())))
        }
        (CaptureFrom::StatusMessage(regex), Response::Grpc(grpc)) => {
            matches(regex, &grpc.status_message)
        }
        (CaptureFrom::Metadata(name), Response::Grpc(grpc)) => values(named(&grpc.metadata, name)),
        (CaptureFrom::Trailer(name), Response::Grpc(grpc)) => values(named(&grpc.trailers, name)),
        (CaptureFrom::Status, Response::Grpc(grpc)) => {
            values(vec![Value::from(grpc.code.to_string())])
        }
        (CaptureFrom::Header(name), Response::Http(http)) => {
            values(http.header(name).map(Value::from).collect())
        }
        (CaptureFrom::Cookie(name), Response::Http(http)) => values(cookies(http, name)),
        (CaptureFrom::Status, Response::Http(http)) => values(vec![Value::Int(http.status.into())]),
        (CaptureFrom::Body(regex), Response::Http(http)) => matches(regex, &http.text()),
        (CaptureFrom::Stdout(_) | CaptureFrom::StdoutJson(_), Response::Command(command))
            if command.stdout_dropped > 0 =>
        {
            return Err(Outcome::Unjudged(Unjudged::Truncated(
                command.stdout_dropped,
            )));
        }
        (CaptureFrom::Stdout(regex), Response::Command(command)) => matches(regex, &command.stdout),
        (CaptureFrom::StdoutJson(path), Response::Command(command)) => {
            match Value::from_json(command.stdout.as_bytes()) {
                Ok(document) => values(path.select(&document)),
                Err(why) => CapturedValues::none(format!("the output is not JSON: {why}")),
            }
        }
        _ => CapturedValues::none("this trigger has no such response"),
    };
    Ok(found)
}

/// The values that a capture found, with hints if there is not exactly one.
struct CapturedValues {
    values: Vec<Value>,
    hints: Vec<String>,
}

impl CapturedValues {
    fn none(hint: impl Into<String>) -> Self {
        Self {
            values: Vec::new(),
            hints: vec![hint.into()],
        }
    }

    fn one(mut self, capture: &Capture) -> Result<Value, Box<Failure>> {
        match self.values.len() {
            1 => Ok(self.values.remove(0)),
            0 => Err(failure(capture, "nothing".to_owned(), self.hints)),
            many => {
                let shown: Vec<String> = self.values.iter().take(3).map(words::value).collect();
                let found = format!("{many} values: {}", shown.join(", "));
                Err(failure(capture, found, self.hints))
            }
        }
    }
}

fn failure(capture: &Capture, found: String, hints: Vec<String>) -> Box<Failure> {
    let subject = Subject::Capture(capture.name.clone());
    let failure = Failure::new(subject, capture.at.clone(), "exactly one value", found);
    Box::new(Failure { hints, ..failure })
}

fn values(values: Vec<Value>) -> CapturedValues {
    CapturedValues {
        values,
        hints: Vec::new(),
    }
}

/// The values of metadata.
fn named(metadata: &[(String, String)], name: &str) -> Vec<Value> {
    let same = metadata
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    same.map(|(_, value)| Value::from(value)).collect()
}

/// The values of a cookie that the response sets, without the cookie's attributes.
fn cookies(http: &HttpResponse, name: &str) -> Vec<Value> {
    http.header("set-cookie")
        .filter_map(|cookie| cookie.split(';').next()?.split_once('='))
        .filter(|(key, _)| key.trim() == name)
        .map(|(_, value)| Value::from(value.trim()))
        .collect()
}

fn matches(regex: &regex::Regex, text: &str) -> CapturedValues {
    let found = regex.captures(text).map(|groups| {
        let group = groups.get(1).or_else(|| groups.get(0));
        Value::from(group.map_or("", |group| group.as_str()))
    });
    match found {
        Some(value) => values(vec![value]),
        None => CapturedValues::none(format!("the text is {}", words::value(&Value::from(text)))),
    }
}

fn from_span(
    capture: &Capture,
    what: (&Selector, &str, Option<&JsonPath>),
    evidence: &Evidence<'_>,
) -> Result<Value, Outcome> {
    let Some(trace) = evidence.trace else {
        let failure = failure(capture, "no trace".to_owned(), Vec::new());
        return Err(Outcome::Fail(failure));
    };
    if let Some(field) = lost_in(what.0, trace.losses()) {
        return Err(Outcome::Unjudged(Unjudged::Lost(field)));
    }
    let forest = Forest::new(trace);
    let evaluator = Evaluator::new(&forest, &[], FailureDetail::Explained);
    if let Some(hole) = evaluator.log_hole(what.0) {
        return Err(Outcome::Unjudged(hole));
    }
    let found = of_spans(capture, what, &evaluator);
    match (why_open(what, &evaluator), found) {
        (None, found) => found.map_err(Outcome::Fail),
        // Nothing was found, and the reason says where it may be.
        (
            Some(
                why @ (Unjudged::Dropped(..) | Unjudged::OtherType(..) | Unjudged::SeveralKeys(..)),
            ),
            Err(mut failure),
        ) => {
            failure.hints.push(why.with_help());
            Err(Outcome::Fail(failure))
        }
        (Some(why), _) => Err(Outcome::Unjudged(why)),
    }
}

/// The reason if a span in doubt may have the value, or another one.
fn why_open(
    (find, attribute, json): (&Selector, &str, Option<&JsonPath>),
    evaluator: &Evaluator<'_>,
) -> Option<Unjudged> {
    let mask = evaluator.mask(find, evaluator.reach(find));
    let values = |span: usize| match evaluator.forest.span(span).attributes.get(attribute) {
        Some(value) => json.map_or(1, |path| within_json(value, path).len()),
        None => 0,
    };
    let certain = (0..mask.len()).filter(|&span| mask[span] == Truth::Yes);
    if certain.map(values).sum::<usize>() > 1 {
        return None;
    }
    let possible = (0..mask.len()).filter(|&span| mask[span] != Truth::No);
    possible.into_iter().find_map(|span| {
        let may_have_dropped = why_absent(evaluator.forest.span(span), attribute);
        match mask[span].is_known() {
            true => may_have_dropped,
            false => (values(span) > 0 || may_have_dropped.is_some())
                .then(|| evaluator.why_uncertain(find)),
        }
    })
}

/// The value of the attribute, or in it, of the spans that match.
fn of_spans(
    capture: &Capture,
    (find, attribute, json): (&Selector, &str, Option<&JsonPath>),
    evaluator: &Evaluator<'_>,
) -> Result<Value, Box<Failure>> {
    let forest = evaluator.forest;
    let spans = evaluator.select(find);
    if spans.is_empty() {
        let mut failure = failure(capture, format!("no span that matches {find}"), Vec::new());
        failure.nearest = evaluator.nearest(find);
        failure.hints = evaluator.hints_for_selector(find);
        return Err(failure);
    }
    let attributes = spans.iter().map(|&span| &forest.span(span).attributes);
    let mut found: Vec<Value> = attributes
        .filter_map(|attributes| attributes.get(attribute).cloned())
        .collect();
    let mut within = None;
    if let (Some(path), Some(first)) = (json, found.first()) {
        within = Some(format!(
            "`{attribute}` is {}, and `{path}` finds nothing in it",
            words::value(first)
        ));
        found = found
            .iter()
            .flat_map(|value| within_json(value, path))
            .collect();
    }
    let hints = if let Some(within) = within.filter(|_| found.is_empty()) {
        vec![within]
    } else if found.is_empty() {
        let none = match spans.len() {
            1 => "the span that matches has".to_owned(),
            several => format!("none of the {several} spans that match has"),
        };
        let not = if spans.len() == 1 { "no " } else { "" };
        vec![format!("{none} {not}`{attribute}`")]
    } else {
        Vec::new()
    };
    CapturedValues {
        values: found,
        hints,
    }
    .one(capture)
}

fn within_json(value: &Value, path: &JsonPath) -> Vec<Value> {
    match value {
        Value::String(text) => Value::from_json(text.as_bytes())
            .map(|document| path.select(&document))
            .unwrap_or_default(),
        structure => path.select(structure),
    }
}
