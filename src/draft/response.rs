//! Expectations of a draft for the response: status, media type, and stable JSON values.

use std::collections::BTreeSet;

use super::graphql::{self, GraphQlRequest};
use super::part::{DraftPart, Execution};
use super::request::Request;
use super::varies::Varies;
use super::yaml;
use crate::spec::{JsonPath, member};
use crate::trace::{GrpcCode, GrpcResponse, HttpResponse, Value};

/// Maximum number of values of a body, to keep drafts short.
const MOST: usize = 12;

/// Maximum length of a string; longer ones are content.
const LONGEST: usize = 80;

/// Maximum length of a key with its quotes; YAML permits 1,024.
const LONGEST_KEY: usize = 1_000;

pub(super) fn parts(request: &Request, seen: &[Execution], varies: &Varies) -> Vec<DraftPart> {
    let https: Option<Vec<&HttpResponse>> = seen.iter().map(|one| one.response.http()).collect();
    let calls: Option<Vec<&GrpcResponse>> = seen.iter().map(|one| one.response.grpc()).collect();
    match (https, calls) {
        (Some(seen), _) => of_http(request, &seen, varies),
        (None, Some(seen)) => of_grpc(&seen, varies),
        (None, None) => Vec::new(),
    }
}

/// Expectations of a gRPC call. The status OK is implied.
fn of_grpc(seen: &[&GrpcResponse], varies: &Varies) -> Vec<DraftPart> {
    let codes: BTreeSet<GrpcCode> = seen.iter().map(|one| one.code).collect();
    let codes: Vec<String> = codes.iter().map(GrpcCode::to_string).collect();
    let mut parts = Vec::new();
    match codes.as_slice() {
        [one] if *one == GrpcCode::OK.to_string() => {}
        [one] => parts.push(DraftPart::fixed(format!("  status: {one}\n"))),
        several => parts.push(DraftPart::fixed(format!(
            "  status: [{}]   # it differed\n",
            several.join(", ")
        ))),
    }
    if seen[0].is_stream {
        let counts = seen.iter().map(|one| one.messages.len());
        parts.push(DraftPart::fixed(format!(
            "  messages: {{ length: {} }}\n",
            yaml::count(counts)
        )));
        return parts;
    }
    let messages: Option<Vec<Value>> = seen.iter().map(|one| one.json()).collect();
    let Some(messages) = messages else {
        let said = Value::from(&seen[0].status_message);
        let is_same = seen
            .iter()
            .all(|one| said.same(&Value::from(&one.status_message)));
        let written = yaml::equal(&said).filter(|_| is_same && !varies.value(&said));
        let is_said = !seen[0].status_message.is_empty();
        parts.extend(
            written
                .filter(|_| is_said)
                .map(|text| DraftPart::fixed(format!("  status_message: {text}\n"))),
        );
        return parts;
    };
    parts.extend(json(&messages, varies));
    parts
}

fn of_http(request: &Request, seen: &[&HttpResponse], varies: &Varies) -> Vec<DraftPart> {
    let mut parts = vec![DraftPart::fixed(format!("  status: {}\n", status(seen)))];
    parts.extend(content_type(seen));
    let bodies: Option<Vec<Value>> = seen
        .iter()
        .map(|one| Value::from_json(&one.body).ok())
        .collect();
    let is_map = |body: &Value| matches!(body, Value::Map(_));
    if let Some(mut bodies) = bodies.filter(|bodies| bodies.iter().all(is_map)) {
        if GraphQlRequest::of(request).is_some() {
            parts.extend(graphql::errors(&mut bodies, varies));
        }
        parts.extend(json(&bodies, varies));
    }
    parts
}

fn status(seen: &[&HttpResponse]) -> String {
    let all: BTreeSet<u16> = seen.iter().map(|one| one.status).collect();
    let all: Vec<String> = all.iter().map(u16::to_string).collect();
    match all.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]   # it differed", several.join(", ")),
    }
}

/// The media type without parameters, which depend on the framework.
fn content_type(seen: &[&HttpResponse]) -> Option<DraftPart> {
    let media_type = |one: &HttpResponse| {
        let value = one.header("content-type").next()?;
        let value = value.split(';').next()?.trim();
        Some(value.to_owned())
    };
    let first = media_type(seen[0]).filter(|value| !value.is_empty())?;
    let is_same = seen
        .iter()
        .all(|one| media_type(one).as_ref() == Some(&first));
    let expected = yaml::quoted(&yaml::escaped(&first));
    is_same.then(|| {
        DraftPart::under(
            "  headers:\n",
            format!("    content-type: {{ starts_with: {expected} }}\n"),
        )
    })
}

fn json(bodies: &[Value], varies: &Varies) -> Vec<DraftPart> {
    let mut paths = Vec::new();
    leaves(&bodies[0], "$".to_owned(), &mut Vec::new(), &mut paths);
    let more = paths.len().saturating_sub(MOST);
    let mut lines: Vec<DraftPart> = paths
        .iter()
        .take(MOST)
        .filter_map(|leaf| line(leaf, bodies, varies))
        .map(|line| DraftPart::under("  json:\n", line))
        .collect();
    if more > 0 && !lines.is_empty() {
        let note = format!("    # {more} more values were left out\n");
        lines.push(DraftPart::under("  json:\n", note));
    }
    lines
}

/// A value of the body, with its JSONPath and the keys of the path.
pub(super) struct Leaf {
    pub(super) path: String,
    pub(super) keys: Vec<String>,
}

/// Scalar values, and lists as a whole, in the order of the body.
pub(super) fn leaves(value: &Value, path: String, keys: &mut Vec<String>, found: &mut Vec<Leaf>) {
    match value {
        Value::Map(entries) => {
            for (key, value) in entries {
                keys.push(key.clone());
                leaves(value, member(&path, key), keys, found);
                keys.pop();
            }
        }
        _ => found.push(Leaf {
            path,
            keys: keys.clone(),
        }),
    }
}

impl Leaf {
    fn of<'b>(&self, body: &'b Value) -> Option<&'b Value> {
        self.keys.iter().try_fold(body, |here, key| match here {
            Value::Map(entries) => {
                let entry = entries.iter().find(|(name, _)| name == key)?;
                Some(&entry.1)
            }
            _ => None,
        })
    }
}

pub(super) fn line(leaf: &Leaf, bodies: &[Value], varies: &Varies) -> Option<String> {
    let values: Vec<&Value> = bodies
        .iter()
        .map(|body| leaf.of(body))
        .collect::<Option<_>>()?;
    let key = path_key(&leaf.path);
    // Paths have a maximum length, and so have keys in YAML.
    JsonPath::parse(&leaf.path)
        .ok()
        .filter(|_| key.len() <= LONGEST_KEY)?;
    let name = leaf.keys.last().map_or("", String::as_str);
    let matcher = match values[0] {
        Value::Array(_) => format!(
            "{{ length: {} }}",
            yaml::count(lengths(&values)?.into_iter())
        ),
        value => {
            let is_same = values.iter().all(|other| other.same(value));
            let is_short = value.as_str().is_none_or(|text| text.len() <= LONGEST);
            let varies = varies.value(value) || Varies::named(name, value);
            let written = yaml::equal(value).filter(|_| is_same && is_short && !varies);
            written.unwrap_or_else(|| "exists".to_owned())
        }
    };
    Some(format!("    {key}: {matcher}\n"))
}

fn lengths(values: &[&Value]) -> Option<Vec<usize>> {
    let length = |value: &&Value| match value {
        Value::Array(items) => Some(items.len()),
        _ => None,
    };
    values.iter().map(length).collect()
}

/// A path as a key, unquoted if possible.
pub(super) fn path_key(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "$._".contains(c);
    if path.chars().all(is_plain) {
        path.to_owned()
    } else {
        // Paths are not templates.
        yaml::quoted(path)
    }
}
