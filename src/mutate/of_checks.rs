//! Faults that checks of an absence exclude: the span, event, attribute or log record is there.
//!
//! They show that such a check can fail, and do not count for the score: the spec itself names them.

use std::sync::Arc;

use super::edit::{Edit, another_id};
use super::mutant::Mutant;
use super::site::{Site, Tree};
use super::subject::Subject;
use super::value::OTHER;
use crate::check::select;
use crate::spec::{
    Ask, Condition, Counted, FaultKind, LogAsk, LogEntry, Matcher, Pattern, Relative, Selector,
    SpanCondition, SpanEntry,
};
use crate::trace::{Attributes, LogRecord, Resource, Span, SpanId, Trace, Value};

/// The faults that the checks of a step exclude, as far as they can be built.
pub(super) fn faults(subject: &Subject<'_>) -> Vec<Mutant> {
    let (expect, trace) = (&subject.evidence.expect, &subject.evidence.trace);
    let mut all = Vec::new();
    for entry in &expect.spans {
        match first(&entry.find, trace) {
            None => all.extend(span(&entry.find, trace)),
            Some(found) => all.extend(parts(entry, found)),
        }
    }
    all.extend(expect.logs.iter().filter_map(|entry| log(entry, trace)));
    let counts_spans = expect
        .checks
        .iter()
        .any(|check| matches!(check.ask, Condition::SpanCount(_)));
    if counts_spans && trace.is_empty() {
        all.push(added(0, "a span is there", new_span(trace)));
    }
    all
}

/// The index of the first span of the trace itself that a selector selects.
fn first(find: &Selector, trace: &Trace) -> Option<usize> {
    let found = select(find, trace);
    let own = trace.spans().as_ptr_range();
    let mut own = found
        .iter()
        .filter(|span| own.contains(&std::ptr::from_ref(**span)));
    let first = own.next()?;
    let mut spans = trace.spans().iter();
    spans.position(|span| std::ptr::eq(span, *first))
}

fn fault(at: usize, what: &str, edit: Edit) -> Mutant {
    Mutant {
        kind: FaultKind::Added,
        site: Site::Span(Tree::Own, at),
        what: what.to_owned(),
        detail: None,
        counted: Counted::Never,
        equal: 1,
        edit,
    }
}

fn added(at: usize, what: &str, span: Span) -> Mutant {
    fault(at, what, Edit::AddSpan(Box::new(span)))
}

/// A span below the entry of the trace.
fn new_span(trace: &Trace) -> Span {
    let any = trace.spans().first().map(|span| span.span_id);
    let id = another_id(trace, any.unwrap_or_else(|| SpanId::of_caller(trace.id())));
    let mut span = Span::new(trace.id(), id, OTHER);
    if let Some(entry) = trace.entries().next().or(trace.roots().first().copied()) {
        let entry = &trace.spans()[entry];
        span.parent_id = Some(entry.span_id);
        (span.start, span.end) = (entry.start, entry.end);
        span.resource = Arc::clone(&entry.resource);
    }
    span
}

/// The span that a selector would select; `None` if a condition cannot be met.
fn span(find: &Selector, trace: &Trace) -> Option<Mutant> {
    let mut span = new_span(trace);
    for condition in &find.conditions {
        meet(condition, &mut span, trace)?;
    }
    let at = trace.roots().first().copied().unwrap_or_default();
    Some(added(
        at,
        &format!("a span that matches {find} is there"),
        span,
    ))
}

fn meet(condition: &SpanCondition, span: &mut Span, trace: &Trace) -> Option<()> {
    match &condition.ask {
        Ask::Name(matcher) => span.name = text(matcher)?,
        Ask::Service(matcher) => {
            let service = text(matcher)?;
            span.resource = Arc::new(Resource {
                attributes: [("service.name", service)].into_iter().collect(),
            });
        }
        Ask::Kind(choice) => span.kind = *choice.allowed.first()?,
        Ask::Status(choice) => span.status.code = *choice.allowed.first()?,
        Ask::Type(choice) => {
            let key = choice.allowed.first()?.identified_by()[0];
            span.attributes = with(&span.attributes, key, Value::from(OTHER));
        }
        Ask::Attribute(key, matcher) => {
            let key = key.names().next()?;
            span.attributes = with(&span.attributes, key, value(matcher)?);
        }
        Ask::Relation(relation)
            if matches!(relation.place, Relative::Below | Relative::ChildOf) =>
        {
            let Pattern::Selector(find) = &relation.other else {
                return None;
            };
            span.parent_id = Some(trace.spans()[first(find, trace)?].span_id);
        }
        _ => return None,
    }
    Some(())
}

/// Parts that the conditions of an entry exclude at a span that it selects, as faults.
fn parts(entry: &SpanEntry, at: usize) -> Vec<Mutant> {
    let excluded = entry
        .each
        .iter()
        .filter_map(|condition| match &condition.ask {
            Ask::Attribute(key, Matcher::Absent) => {
                let key = key.names().next()?.to_owned();
                let what = format!("attribute `{key}` is there");
                let edit = Edit::Attribute(key, Some(Value::from(OTHER)));
                Some(fault(at, &what, edit))
            }
            Ask::Event(event) if event.count.contains(0) && !event.count.contains(1) => {
                let name = event
                    .name
                    .as_ref()
                    .map_or_else(|| Some(OTHER.to_owned()), text)?;
                let what = format!("event `{name}` is there");
                Some(fault(at, &what, Edit::AddEvent(name)))
            }
            _ => None,
        });
    excluded.collect()
}

/// The log record that an entry excludes.
fn log(entry: &LogEntry, trace: &Trace) -> Option<Mutant> {
    if !entry.count.contains(0) {
        return None;
    }
    let first = trace.spans().first()?;
    let mut record = LogRecord {
        time: first.start,
        resource: Arc::clone(&first.resource),
        severity: Some(9),
        body: Value::from(OTHER),
        ..LogRecord::new(trace.id(), first.span_id)
    };
    for condition in &entry.find.conditions {
        match &condition.ask {
            LogAsk::Service(matcher) => {
                let service = text(matcher)?;
                record.resource = Arc::new(Resource {
                    attributes: [("service.name", service)].into_iter().collect(),
                });
            }
            LogAsk::Severity(limits) => {
                let number = limits.ranges.first()?.least?;
                record.severity = u8::try_from(number).ok();
            }
            LogAsk::Body(matcher) => record.body = value(matcher)?,
            LogAsk::Attribute(key, matcher) => {
                let key = key.names().next()?;
                record.attributes = with(&record.attributes, key, value(matcher)?);
            }
            LogAsk::Event(_) | LogAsk::Scope(_) | LogAsk::Resource(..) | LogAsk::On(_) => {
                return None;
            }
        }
    }
    Some(Mutant {
        site: Site::Log(Tree::Own, 0),
        ..fault(
            0,
            "a log record that it excludes is there",
            Edit::AddLog(Box::new(record)),
        )
    })
}

fn with(of: &Attributes, key: &str, value: Value) -> Attributes {
    let known = of
        .iter()
        .map(|(key, value)| (key.to_owned(), value.clone()));
    known.chain([(key.to_owned(), value)]).collect()
}

/// A text that matches.
fn text(matcher: &Matcher) -> Option<String> {
    value(matcher)?.as_str().map(str::to_owned)
}

/// A value that matches; `None` if it is not obvious.
fn value(matcher: &Matcher) -> Option<Value> {
    match matcher {
        Matcher::Equal(value) => Some(value.clone()),
        Matcher::OneOf(all) => all.iter().find_map(value),
        Matcher::Every(all) if all.len() == 1 => all.iter().find_map(value),
        Matcher::StartsWith(text) | Matcher::EndsWith(text) => Some(Value::from(text)),
        Matcher::Contains(value @ Value::String(_)) => Some(value.clone()),
        Matcher::Exists => Some(Value::from(OTHER)),
        _ => None,
    }
}
