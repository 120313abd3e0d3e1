//! Which spans a draft expects, and what of them.
//!
//! Spans of one service, name and kind are one entry, with their number. The entries of a trace
//! are where each service is entered, its calls of databases, brokers and of services that send
//! no spans, and its own work; a client span above the server span that it called says nothing
//! that the server span does not.

use std::collections::BTreeSet;

use super::varies::Varies;
use super::yaml;
use super::{Part, Seen};
use crate::trace::{Span, SpanKind, StatusCode, Trace, Value};

/// A draft is there to be read: so many entries.
const MOST: usize = 30;

/// A longer value is content, and no sign of what a system did.
const LONGEST: usize = 100;

const KEY: &str = "  spans:\n";

/// What an entry is about.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind<'a> {
    service: &'a str,
    name: &'a str,
    kind: SpanKind,
}

/// The spans of a kind in one trace.
struct Found<'a> {
    trace: &'a Trace,
    spans: Vec<usize>,
}

impl<'a> Kind<'a> {
    fn of(span: &'a Span) -> Self {
        Self {
            service: span.service(),
            name: &span.name,
            kind: span.kind,
        }
    }

    fn find(self, trace: &'a Trace) -> Found<'a> {
        let is_one = |at: &usize| Self::of(&trace.spans()[*at]) == self;
        Found {
            trace,
            spans: (0..trace.len()).filter(is_one).collect(),
        }
    }
}

pub(super) fn parts(seen: &[Seen], varies: &Varies) -> Vec<Part> {
    let (kinds, unsteady) = telling(seen, varies);
    let more = kinds.len().saturating_sub(MOST);
    let mut parts: Vec<Part> = kinds
        .iter()
        .take(MOST)
        .map(|kind| Part::under(KEY, entry(*kind, &kinds, seen, varies)))
        .collect();
    let mut notes = Vec::new();
    if more > 0 {
        notes.push(format!(
            "    # and {more} more kinds of spans that were not written down\n"
        ));
    }
    if !unsteady.is_empty() {
        let names: Vec<String> = unsteady
            .into_iter()
            .take(5)
            .map(|name| format!("{name:?}"))
            .collect();
        notes.push(format!(
            "    # left out, for they were not there each time or their names vary: {}\n",
            names.join(", ")
        ));
    }
    if !parts.is_empty() {
        parts.extend(notes.into_iter().map(|note| Part::under(KEY, note)));
    }
    parts
}

/// What is worth an entry, in the order of the first trace; and names that do not stay.
fn telling<'a>(seen: &'a [Seen], varies: &Varies) -> (Vec<Kind<'a>>, BTreeSet<&'a str>) {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    let mut unsteady = BTreeSet::new();
    for one in seen {
        let trace = &one.trace;
        for &at in trace.top_down() {
            let kind = Kind::of(&trace.spans()[at]);
            if kinds.contains(&kind) || !is_telling(trace, at) {
                continue;
            }
            let is_steady = seen.iter().all(|other| {
                let found = kind.find(&other.trace);
                !found.spans.is_empty()
                    && found.spans.iter().all(|&at| is_telling(&other.trace, at))
            });
            if is_steady && !varies.text(kind.name) {
                kinds.push(kind);
            } else {
                unsteady.insert(kind.name);
            }
        }
    }
    (kinds, unsteady)
}

fn is_telling(trace: &Trace, at: usize) -> bool {
    let span = &trace.spans()[at];
    let is_elsewhere = |child: &usize| trace.spans()[*child].service() != span.service();
    match span.kind {
        SpanKind::Server | SpanKind::Consumer | SpanKind::Producer => true,
        SpanKind::Client => !trace.children(at).iter().any(is_elsewhere),
        SpanKind::Internal | SpanKind::Unspecified => !is_plumbing(span),
    }
}

/// What frameworks record of themselves.
fn is_plumbing(span: &Span) -> bool {
    const STARTS: [&str; 8] = [
        "middleware",
        "router",
        "request handler",
        "tcp.",
        "tls.",
        "dns.",
        "fs ",
        "BasicErrorController",
    ];
    const ENDS: [&str; 3] = ["http send", "http receive", "asgi.event"];
    STARTS.iter().any(|start| span.name.starts_with(start))
        || ENDS.iter().any(|end| span.name.ends_with(end))
}

fn entry(kind: Kind<'_>, kinds: &[Kind<'_>], seen: &[Seen], varies: &Varies) -> String {
    let all: Vec<Found<'_>> = seen.iter().map(|one| kind.find(&one.trace)).collect();
    let mut lines = vec![find(kind, seen)];
    lines.extend(place(&all, kinds));
    let count = yaml::count(all.iter().map(|found| found.spans.len()));
    lines.push(format!("count: {count}"));
    if spans(&all).all(|span| span.status.code == StatusCode::Error) {
        lines.push("status: error".to_owned());
    }
    let (attributes, varying) = attributes(&all, varies);
    if !attributes.is_empty() {
        lines.push("attributes:".to_owned());
        lines.extend(attributes);
    }
    if !varying.is_empty() {
        lines.push(format!("# left out, for they vary: {}", varying.join(", ")));
    }
    let events = events(&all);
    if !events.is_empty() {
        lines.push(format!("events: [{}]", events.join(", ")));
    }
    format!("    - {}\n", lines.join("\n      "))
}

fn spans<'a>(all: &'a [Found<'a>]) -> impl Iterator<Item = &'a Span> + Clone {
    all.iter()
        .flat_map(|found| found.spans.iter().map(|&at| &found.trace.spans()[at]))
}

/// `find`, with no more than it takes to mean these spans and no others.
fn find(kind: Kind<'_>, seen: &[Seen]) -> String {
    let others = |is: &dyn Fn(&Span) -> bool| {
        let mut all = seen.iter().flat_map(|one| one.trace.spans());
        all.any(|span| span.name == kind.name && Kind::of(span) != kind && is(span))
    };
    if !others(&|_| true) {
        return format!(
            "find: {}\n      service: {}",
            yaml::name(kind.name),
            yaml::equal_text(kind.service)
        );
    }
    let in_service = others(&|span| span.service() == kind.service);
    let in_kind = if in_service {
        format!(", kind: {}", kind.kind)
    } else {
        String::new()
    };
    format!(
        "find: {{ name: {}, service: {}{in_kind} }}",
        flow_text(kind.name),
        flow_text(kind.service)
    )
}

/// A matcher inside braces that this text alone meets.
fn flow_text(text: &str) -> String {
    let written = yaml::equal_text(text);
    if written.starts_with('{') {
        written
    } else {
        yaml::flow(&yaml::escaped(text))
    }
}

/// What all of them are below: the service that called, or the work that they are part of.
fn place(all: &[Found<'_>], kinds: &[Kind<'_>]) -> Option<String> {
    let mut places: Vec<Option<String>> = all
        .iter()
        .flat_map(|found| found.spans.iter().map(|&at| above(found.trace, at, kinds)))
        .collect();
    places.dedup();
    match places.as_slice() {
        [Some(place)] => Some(format!("below: {place}")),
        _ => None,
    }
}

fn above(trace: &Trace, at: usize, kinds: &[Kind<'_>]) -> Option<String> {
    let span = &trace.spans()[at];
    std::iter::successors(trace.parent(at), |&at| trace.parent(at))
        .map(|at| &trace.spans()[at])
        .find_map(|above| {
            if above.service() != span.service() {
                return Some(format!("{{ service: {} }}", flow_text(above.service())));
            }
            let is_expected = kinds.contains(&Kind::of(above)) && above.name != span.name;
            is_expected.then(|| yaml::name(&above.name))
        })
}

/// The attributes that all of them have with the same value, and the keys of those that vary.
fn attributes<'a>(all: &'a [Found<'a>], varies: &Varies) -> (Vec<String>, Vec<&'a str>) {
    let mut every = spans(all);
    let Some(first) = every.next() else {
        return (Vec::new(), Vec::new());
    };
    let (mut lines, mut varying) = (Vec::new(), Vec::new());
    for (key, value) in first.attributes.iter() {
        let is_told_by_route = matches!(key, "url.path" | "http.target")
            && first.attributes.get("http.route").is_some();
        if Varies::key(key) || is_told_by_route || is_long(value) {
            continue;
        }
        let is_same = |span: &Span| {
            span.attributes
                .get(key)
                .is_some_and(|other| other.same(value))
        };
        match yaml::equal(value) {
            Some(written) if every.clone().all(is_same) && !varies.value(value) => {
                lines.push(format!(
                    "  {}: {written}",
                    yaml::key_text(&yaml::escaped(key))
                ));
            }
            _ => varying.push(key),
        }
    }
    lines.sort();
    varying.sort_unstable();
    (lines, varying)
}

fn is_long(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() > LONGEST)
}

/// Names of events that all of them have.
fn events(all: &[Found<'_>]) -> Vec<String> {
    let names = |span: &Span| -> BTreeSet<String> {
        span.events.iter().map(|event| event.name.clone()).collect()
    };
    let common = spans(all).map(names).reduce(|a, b| &a & &b);
    let named = common.into_iter().flatten();
    named.map(|name| flow_text(&name)).collect()
}
