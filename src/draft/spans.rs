//! Expectations of a draft for spans.
//!
//! Spans with the same service, name and kind are one entry, with a `count`. Entries exist for
//! server spans, for calls to databases, brokers and services without spans, and for internal
//! work. A client span above the server span that it called is left out: the server span is
//! enough.

use std::collections::BTreeSet;

use super::part::{DraftPart, Execution};
use super::varies::Varies;
use super::yaml;
use crate::trace::{Span, SpanKind, StatusCode, Trace, Value};

/// Maximum number of entries, to keep drafts short.
const MOST: usize = 30;

/// Maximum length of a key or value; longer ones are content.
const LONGEST: usize = 100;

const KEY: &str = "  spans:\n";

/// The identity of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct SpanGroup<'a> {
    service: &'a str,
    name: &'a str,
    kind: SpanKind,
}

/// The spans of one entry in one trace.
pub(super) struct GroupSpans<'a> {
    pub(super) trace: &'a Trace,
    pub(super) spans: Vec<usize>,
}

impl<'a> SpanGroup<'a> {
    pub(super) fn of(span: &'a Span) -> Self {
        Self {
            service: span.service(),
            name: &span.name,
            kind: span.kind,
        }
    }

    pub(super) fn find(self, trace: &'a Trace) -> GroupSpans<'a> {
        let is_one = |at: &usize| Self::of(&trace.spans()[*at]) == self;
        GroupSpans {
            trace,
            spans: (0..trace.len()).filter(is_one).collect(),
        }
    }
}

pub(super) fn parts(seen: &[Execution], varies: &Varies) -> Vec<DraftPart> {
    let (kinds, unsteady) = telling(seen, varies);
    let more = kinds.len().saturating_sub(MOST);
    let mut parts: Vec<DraftPart> = kinds
        .iter()
        .take(MOST)
        .map(|kind| DraftPart::under(KEY, entry(*kind, &kinds, seen, varies)))
        .collect();
    let mut notes = Vec::new();
    if more > 0 {
        notes.push(format!("    # {more} more kinds of spans were left out\n"));
    }
    if !unsteady.is_empty() {
        let names: Vec<String> = unsteady
            .into_iter()
            .take(5)
            .map(|name| format!("{name:?}"))
            .collect();
        notes.push(format!(
            "    # left out, because they did not always occur or their names vary: {}\n",
            names.join(", ")
        ));
    }
    if !parts.is_empty() {
        parts.extend(notes.into_iter().map(|note| DraftPart::under(KEY, note)));
    }
    parts
}

/// The identities that get an entry, in the order of the first trace, and names that vary.
fn telling<'a>(seen: &'a [Execution], varies: &Varies) -> (Vec<SpanGroup<'a>>, BTreeSet<&'a str>) {
    let mut kinds: Vec<SpanGroup<'_>> = Vec::new();
    let mut unsteady = BTreeSet::new();
    for one in seen {
        let trace = &one.trace;
        for &at in trace.top_down() {
            let kind = SpanGroup::of(&trace.spans()[at]);
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

pub(super) fn is_telling(trace: &Trace, at: usize) -> bool {
    let span = &trace.spans()[at];
    let is_elsewhere = |child: &usize| trace.spans()[*child].service() != span.service();
    match span.kind {
        SpanKind::Server | SpanKind::Consumer | SpanKind::Producer => true,
        SpanKind::Client => !trace.children(at).iter().any(is_elsewhere),
        SpanKind::Internal | SpanKind::Unspecified => !is_plumbing(span),
    }
}

/// Returns `true` for spans of framework internals.
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

fn entry(
    kind: SpanGroup<'_>,
    kinds: &[SpanGroup<'_>],
    seen: &[Execution],
    varies: &Varies,
) -> String {
    let all: Vec<GroupSpans<'_>> = seen.iter().map(|one| kind.find(&one.trace)).collect();
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
        let varying: Vec<String> = varying.into_iter().map(yaml::key_text).collect();
        lines.push(format!(
            "# left out, because they vary: {}",
            varying.join(", ")
        ));
    }
    let events = events(&all);
    if !events.is_empty() {
        lines.push(format!("events: [{}]", events.join(", ")));
    }
    format!("    - {}\n", lines.join("\n      "))
}

fn spans<'a>(all: &'a [GroupSpans<'a>]) -> impl Iterator<Item = &'a Span> + Clone {
    all.iter()
        .flat_map(|found| found.spans.iter().map(|&at| &found.trace.spans()[at]))
}

/// `find`, with the fewest conditions that select only these spans.
pub(super) fn find(kind: SpanGroup<'_>, seen: &[Execution]) -> String {
    let others = |is: &dyn Fn(&Span) -> bool| {
        let mut all = seen.iter().flat_map(|one| one.trace.spans());
        all.any(|span| span.name == kind.name && SpanGroup::of(span) != kind && is(span))
    };
    if !others(&|_| true) {
        return format!(
            "find: {}\n      service: {}",
            yaml::name(kind.name),
            yaml::equal_name(kind.service)
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
        yaml::flow_name(kind.name),
        yaml::flow_name(kind.service)
    )
}

/// The common ancestor of all of them: the calling service, or a span of the same service.
pub(super) fn place(all: &[GroupSpans<'_>], kinds: &[SpanGroup<'_>]) -> Option<String> {
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

fn above(trace: &Trace, at: usize, kinds: &[SpanGroup<'_>]) -> Option<String> {
    let span = &trace.spans()[at];
    std::iter::successors(trace.parent(at), |&at| trace.parent(at))
        .map(|at| &trace.spans()[at])
        .find_map(|above| {
            if above.service() != span.service() {
                return Some(format!(
                    "{{ service: {} }}",
                    yaml::flow_name(above.service())
                ));
            }
            let is_expected = kinds.contains(&SpanGroup::of(above)) && above.name != span.name;
            is_expected.then(|| yaml::name(&above.name))
        })
}

/// The attributes with the same value in all of them, and the keys of those that vary.
fn attributes<'a>(all: &'a [GroupSpans<'a>], varies: &Varies) -> (Vec<String>, Vec<&'a str>) {
    let mut every = spans(all);
    let Some(first) = every.next() else {
        return (Vec::new(), Vec::new());
    };
    let (mut lines, mut varying) = (Vec::new(), Vec::new());
    for (key, value) in first.attributes.iter() {
        if is_left_out(key, first) {
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

/// Returns `true` for an attribute that no draft has: it varies, repeats the route, or is content.
pub(super) fn is_left_out(key: &str, span: &Span) -> bool {
    let is_told_by_route =
        matches!(key, "url.path" | "http.target") && span.attributes.get("http.route").is_some();
    let value = span.attributes.get(key);
    let is_long = value.is_some_and(is_long) || key.len() > LONGEST;
    let is_named = value.is_some_and(|value| Varies::named(key, value));
    // In a spec, `|` separates alternative keys.
    Varies::key(key) || is_named || is_told_by_route || is_long || key.contains('|')
}

fn is_long(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() > LONGEST)
}

/// Names of events that occur in all of them.
fn events(all: &[GroupSpans<'_>]) -> Vec<String> {
    let names = |span: &Span| -> BTreeSet<String> {
        span.events.iter().map(|event| event.name.clone()).collect()
    };
    let common = spans(all).map(names).reduce(|a, b| &a & &b);
    let named = common.into_iter().flatten();
    named.map(|name| event(&name)).collect()
}

pub(super) fn event(name: &str) -> String {
    let written = yaml::flow_name(name);
    if written.starts_with('{') {
        format!("{{ name: {written} }}")
    } else {
        written
    }
}
