//! Expectations of a draft for the response: status, media type, and stable JSON values.

use std::collections::BTreeSet;

use super::part::{DraftPart, Execution};
use super::varies::Varies;
use super::yaml;
use crate::spec::{JsonPath, member};
use crate::trace::Value;

/// Maximum number of values of a body, to keep drafts short.
const MOST: usize = 12;

/// Maximum length of a string; longer ones are content.
const LONGEST: usize = 80;

/// Maximum length of a key with its quotes; YAML permits 1,024.
const LONGEST_KEY: usize = 1_000;

pub(super) fn parts(seen: &[Execution], varies: &Varies) -> Vec<DraftPart> {
    let mut parts = vec![DraftPart::fixed(format!("  status: {}\n", status(seen)))];
    parts.extend(content_type(seen));
    let bodies: Option<Vec<Value>> = seen
        .iter()
        .map(|one| Value::from_json(&one.response.body).ok())
        .collect();
    let is_map = |body: &Value| matches!(body, Value::Map(_));
    if let Some(bodies) = bodies.filter(|bodies| bodies.iter().all(is_map)) {
        parts.extend(json(&bodies, varies));
    }
    parts
}

fn status(seen: &[Execution]) -> String {
    let all: BTreeSet<u16> = seen.iter().map(|one| one.response.status).collect();
    let all: Vec<String> = all.iter().map(u16::to_string).collect();
    match all.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]   # it differed", several.join(", ")),
    }
}

/// The media type without parameters, which depend on the framework.
fn content_type(seen: &[Execution]) -> Option<DraftPart> {
    let media_type = |one: &Execution| {
        let value = one.response.header("content-type").next()?;
        let value = value.split(';').next()?.trim();
        Some(value.to_owned())
    };
    let first = media_type(&seen[0]).filter(|value| !value.is_empty())?;
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
struct Leaf {
    path: String,
    keys: Vec<String>,
}

/// Scalar values, and lists as a whole, in the order of the body.
fn leaves(value: &Value, path: String, keys: &mut Vec<String>, found: &mut Vec<Leaf>) {
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

fn line(leaf: &Leaf, bodies: &[Value], varies: &Varies) -> Option<String> {
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
fn path_key(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "$._".contains(c);
    if path.chars().all(is_plain) {
        path.to_owned()
    } else {
        // Paths are not templates.
        yaml::quoted(path)
    }
}
