//! Captures: one value from a response or a span.

use super::forest::Forest;
use super::judgement::FailureDetail;
use super::select::Evaluator;
use super::{Evidence, Failure, Subject, Unjudged, words};
use crate::spec::{Capture, CaptureFrom, JsonPath, Selector};
use crate::trace::{HttpResponse, Response, Value};

/// Evaluates a capture.
///
/// # Errors
/// If there is no value, or more than one.
pub fn capture(capture: &Capture, evidence: &Evidence<'_>) -> Result<Value, Box<Failure>> {
    let found = match (&capture.from, evidence.response) {
        (CaptureFrom::Json(path), _) => match evidence.json() {
            Ok(document) => values(path.select(document)),
            Err(why) => CapturedValues::none(format!("the body is not JSON: {why}")),
        },
        (CaptureFrom::Header(name), Response::Http(http)) => {
            values(http.header(name).map(Value::from).collect())
        }
        (CaptureFrom::Cookie(name), Response::Http(http)) => values(cookies(http, name)),
        (CaptureFrom::Status, Response::Http(http)) => values(vec![Value::Int(http.status.into())]),
        (CaptureFrom::Body(regex), Response::Http(http)) => matches(regex, &http.text()),
        (CaptureFrom::Stdout(_), Response::Command(command)) if command.stdout_dropped > 0 => {
            CapturedValues::none(Unjudged::Truncated(command.stdout_dropped).to_string())
        }
        (CaptureFrom::Stdout(regex), Response::Command(command)) => matches(regex, &command.stdout),
        (
            CaptureFrom::Span {
                find,
                attribute,
                json,
            },
            _,
        ) => {
            return from_span(capture, find, attribute, json.as_ref(), evidence);
        }
        _ => CapturedValues::none("this trigger has no such response"),
    };
    found.one(capture)
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
    find: &Selector,
    attribute: &str,
    json: Option<&JsonPath>,
    evidence: &Evidence<'_>,
) -> Result<Value, Box<Failure>> {
    let Some(trace) = evidence.trace else {
        return Err(failure(capture, "no trace".to_owned(), Vec::new()));
    };
    let forest = Forest::new(trace);
    let evaluator = Evaluator::new(&forest, &[], FailureDetail::Explained);
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
