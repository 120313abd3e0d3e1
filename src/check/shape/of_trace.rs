//! The shape of a trace.

use std::collections::BTreeMap;

use super::span_name::conventional_name;
use crate::spec::{AttributeKey, EXCEPTION, Shape, ShapeLine, escaped, escaped_start};
use crate::trace::{Span, StatusCode, Trace, Value, other_names, without_ids};

/// The parts of a trace that belong to its shape, besides names, kinds, statuses and events.
#[derive(Clone, Copy)]
pub(super) struct Selection<'s> {
    pub(super) attributes: &'s [AttributeKey],
    pub(super) follows_links: bool,
}

/// The shape of a trace. Ids in names do not belong to it, nor does the order of siblings.
pub(super) fn shape(trace: &Trace, selection: Selection<'_>) -> Shape {
    let mut shape = Shape::default();
    let linked = trace.linked().iter().filter(|_| selection.follows_links);
    for (number, one) in std::iter::once(trace).chain(linked).enumerate() {
        let roots = add(&mut shape, one, selection, number == 0);
        shape.add_roots(roots);
    }
    shape.sort_linked();
    shape
}

/// Adds the spans of a trace, from the leaves up, so that the depth is not limited by the stack.
fn add(shape: &mut Shape, trace: &Trace, selection: Selection<'_>, is_judged: bool) -> Vec<usize> {
    let mut lines = vec![0; trace.len()];
    for &span in trace.top_down().iter().rev() {
        let children = trace.children(span).iter().map(|&child| lines[child]);
        let (text, head) = text(&trace.spans()[span], trace.is_orphan(span), selection);
        lines[span] = shape.add(ShapeLine {
            text,
            head,
            count: 1,
            children: children.collect(),
            number: 0,
            spans: is_judged.then_some(span).into_iter().collect(),
        });
    }
    trace.roots().iter().map(|&root| lines[root]).collect()
}

/// The line of a span, and the length of its service, name and kind.
fn text(span: &Span, is_orphan: bool, selection: Selection<'_>) -> (String, usize) {
    let name = conventional_name(span);
    let name = escaped(&without_ids(&name));
    let mut text = format!("{} › {name} ({}", escaped_start(span.service()), span.kind);
    let head = text.len();
    let mut details: Vec<String> = Vec::new();
    if span.status.code != StatusCode::Unset {
        details.push(span.status.code.as_str().to_owned());
    }
    if is_orphan {
        details.push("parent missing".to_owned());
    }
    details.extend(selection.attributes.iter().filter_map(|key| {
        let value = value(span, key)?;
        Some(format!("{key}={}", escaped(&value.to_text())))
    }));
    details.extend(events(span));
    for detail in details {
        text.push_str(", ");
        text.push_str(&detail);
    }
    text.push(')');
    (text, head)
}

/// The value of an attribute under its key, or under a former or later name of it.
fn value<'s>(span: &'s Span, key: &AttributeKey) -> Option<&'s Value> {
    let written = key.names().find_map(|name| span.attributes.get(name));
    written.or_else(|| {
        let mut others = key.names().flat_map(other_names);
        others.find_map(|name| span.attributes.get(name))
    })
}

/// The names of events with their numbers. Exceptions are left out: services also record them as log
/// records, and the status shows them.
fn events(span: &Span) -> impl Iterator<Item = String> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let names = span.events.iter().map(|event| event.name.as_str());
    for name in names.filter(|name| *name != EXCEPTION) {
        *numbers.entry(name).or_default() += 1;
    }
    numbers.into_iter().map(|(name, number)| match number {
        1 => format!("event {}", escaped(name)),
        _ => format!("event {} ×{number}", escaped(name)),
    })
}
