//! Adds expectations for the trace to a spec that has a trigger and checks of the response.
//!
//! Only lines are inserted, so that comments and everything else stay as they are.

use std::path::Path;

use super::part::{DraftPart, Execution};
use super::request::{Payload, Protocol, Request};
use super::{logs, proof, spans, varies::Varies, whole};
use crate::spec::{Context, ErrorList, Kind, Node, Place, Source, SpecErrors, parse_documents};

/// Keys of `expect` about the trace, which a draft can have.
const DRAFTED: [&str; 4] = ["errors", "services", "spans", "logs"];

/// A check that waits for the whole trace, and accepts it.
const PROBE: &str = "span_count: ..1000000";

/// The check of a request without `expect`, which `expect` replaces.
const IMPLIED: &str = "status: 100..399\n";

/// The beginning of a spec with the drafted lines.
const HEAD: &str = "request: GET http://127.0.0.1/\nexpect:\n  status: 100..599\n";

/// A step to which expectations are added.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// Numbers of the document and of the step, from 0.
    pub(crate) document: usize,
    pub(crate) step: usize,
    /// The offset of the line before which lines are inserted.
    at: usize,
    /// The indentation of the keys of `expect`.
    indent: usize,
    /// The indentation of the key `expect`, if it is missing.
    new_expect: Option<usize>,
    /// The keys of `expect`.
    keys: Vec<String>,
    /// The check that the step has without `expect`.
    implied: &'static str,
}

/// The steps without expectations for spans.
///
/// # Errors
/// If the file is not YAML, or if a step cannot be extended.
pub(crate) fn slots(source: &Source) -> Result<Vec<Slot>, SpecErrors> {
    let errors = ErrorList::new(source);
    let documents = parse_documents(&errors);
    let mut slots = Vec::new();
    for (document, root) in documents.iter().enumerate() {
        if let Some((key, place)) = unfit(root) {
            errors.note::<()>(
                place,
                format!("a spec with `{key}` cannot be extended"),
                "here",
                "record a spec with only the request, and copy its `spans`".to_owned(),
            );
            continue;
        }
        let steps = match root.get("steps").map(|node| &node.kind) {
            Some(Kind::List(steps)) => steps.as_slice(),
            _ => std::slice::from_ref(root),
        };
        for (number, step) in steps.iter().enumerate() {
            let slot = slot(source.text(), step, &errors);
            let slot = slot.filter(|slot| !slot.keys.iter().any(|key| key == "spans"));
            slots.extend(slot.map(|slot| Slot {
                document,
                step: number,
                ..slot
            }));
        }
    }
    errors.check(Some(slots))
}

/// A key of a spec whose traces are not those of single executions.
fn unfit(root: &Node) -> Option<(&'static str, Place)> {
    const KEYS: [&str; 4] = ["repeat", "budgets", "search", "trace_id"];
    KEYS.iter()
        .find_map(|key| Some((*key, root.get(key)?.place)))
}

fn slot(text: &str, step: &Node, errors: &ErrorList) -> Option<Slot> {
    let Kind::Map(_) = &step.kind else {
        return None;
    };
    let in_braces = |node: &Node| {
        errors.note::<()>(
            Place {
                start: node.place.start,
                end: node.place.start + 1,
            },
            "expectations cannot be added inside braces",
            "here",
            "write each key on a line of its own".to_owned(),
        );
    };
    let is_flow = |node: &Node| text[node.place.start..].starts_with('{');
    if is_flow(step) {
        in_braces(step);
        return None;
    }
    let Some(expect) = step.get("expect") else {
        let indent = column(text, step.place.start);
        return Some(Slot {
            document: 0,
            step: 0,
            at: line_after(text, step.place.end),
            indent: indent + 2,
            new_expect: Some(indent),
            keys: Vec::new(),
            implied: implied(step),
        });
    };
    let Kind::Map(entries) = &expect.kind else {
        return None;
    };
    if is_flow(expect) {
        in_braces(expect);
        return None;
    }
    Some(Slot {
        document: 0,
        step: 0,
        at: line_after(text, expect.place.end),
        indent: column(text, expect.place.start),
        new_expect: None,
        keys: entries.iter().map(|entry| entry.key.text.clone()).collect(),
        implied: "",
    })
}

fn implied(step: &Node) -> &'static str {
    let is_http = ["request", "graphql"]
        .iter()
        .any(|key| step.get(key).is_some());
    let until = step.get("poll").and_then(|poll| poll.get("until"));
    let has_status = until.is_some_and(|until| until.get("status").is_some());
    if is_http && !has_status { IMPLIED } else { "" }
}

fn column(text: &str, offset: usize) -> usize {
    offset - text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

/// The offset of the line after the last character before an offset.
fn line_after(text: &str, offset: usize) -> usize {
    let end = text[..offset].trim_end().len();
    text[end..].find('\n').map_or(text.len(), |at| end + at + 1)
}

/// The text of the spec, with checks that wait for all spans.
pub(crate) fn with_probes(text: &str, slots: &[Slot]) -> String {
    let probe = |slot: &Slot| match slot.keys.iter().any(|key| key == "span_count") {
        true => String::new(),
        false => format!("{PROBE}\n"),
    };
    inserted(text, slots.iter().map(|slot| (slot, probe(slot))).collect())
}

/// The text of the spec, with expectations that the executions of each step pass. `mask` removes
/// secrets from them.
///
/// # Errors
/// If the expectations are not valid in a spec.
pub(crate) fn with_expectations(
    text: &str,
    steps: &[(Slot, Vec<Execution>)],
    mask: impl Fn(&str) -> String,
) -> Result<String, SpecErrors> {
    let mut all = Vec::new();
    for (slot, seen) in steps {
        all.push((slot, mask(&expectations(text, slot, seen)?)));
    }
    Ok(inserted(text, all))
}

/// Lines without indentation.
fn expectations(text: &str, slot: &Slot, seen: &[Execution]) -> Result<String, SpecErrors> {
    // Values of the spec itself do not vary.
    let request = Request {
        name: None,
        protocol: Protocol::Http("GET".to_owned()),
        url: String::new(),
        headers: Vec::new(),
        payload: Payload::Text(text.to_owned()),
    };
    let varies = Varies::new(&request, seen);
    let is_new = |key: &str| !slot.keys.iter().any(|known| known == key);
    let mut parts = vec![DraftPart::fixed(HEAD.to_owned())];
    let drafted = whole(seen).into_iter();
    let key = |part: &DraftPart| {
        part.text
            .trim()
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    parts.extend(drafted.filter(|part| is_new(&key(part))));
    let [_, _, spans_key, logs_key] = DRAFTED;
    if is_new(spans_key) {
        parts.extend(spans::parts(seen, &varies));
    }
    if is_new(logs_key) {
        parts.extend(logs::parts(seen, &varies));
    }
    let written = proof::hold(parts, &request, seen, (Path::new("."), &Context::default()))?;
    let lines = written.strip_prefix(HEAD).unwrap_or(&written);
    Ok(lines
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line)))
        .collect())
}

/// Inserts lines at each slot, with its indentation.
fn inserted(text: &str, mut all: Vec<(&Slot, String)>) -> String {
    all.sort_by_key(|(slot, _)| slot.at);
    let mut written = text.to_owned();
    for (slot, lines) in all.into_iter().rev().filter(|(_, lines)| !lines.is_empty()) {
        let pad = " ".repeat(slot.indent);
        let mut block: String = lines.lines().map(|line| format!("{pad}{line}\n")).collect();
        if let Some(indent) = slot.new_expect {
            let implied = match slot.implied {
                "" => String::new(),
                implied => format!("{pad}{implied}"),
            };
            block = format!("{}expect:\n{implied}{block}", " ".repeat(indent));
        }
        if !written[..slot.at].ends_with('\n') {
            block.insert(0, '\n');
        }
        written.insert_str(slot.at, &block);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probed(text: &str) -> String {
        let source = Source::new("a.yaml", text);
        with_probes(text, &slots(&source).unwrap())
    }

    #[test]
    fn lines_are_inserted_after_the_last_check_of_each_step() {
        let text = "# head
steps:
  - request: GET http://a
    expect:
      status: 200   # stays
      json:
        $.id: 1

    # about the next
  - request: GET http://b
  - request: GET http://c
    expect: # has spans
      spans: [x]
---
expect:
  body: |
    a
    b
request: GET http://d";
        assert_eq!(
            probed(text),
            "# head
steps:
  - request: GET http://a
    expect:
      status: 200   # stays
      json:
        $.id: 1
      span_count: ..1000000

    # about the next
  - request: GET http://b
    expect:
      status: 100..399
      span_count: ..1000000
  - request: GET http://c
    expect: # has spans
      spans: [x]
---
expect:
  body: |
    a
    b
  span_count: ..1000000
request: GET http://d"
        );
    }

    #[test]
    fn braces_are_refused_with_their_place() {
        let source = Source::new("a.yaml", "request: GET http://a\nexpect: { status: 200 }\n");
        let error = slots(&source).unwrap_err().to_string();
        assert!(error.contains("a.yaml:2:9"), "{error}");
    }
}
