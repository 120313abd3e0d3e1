//! Applies a fault to evidence.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::arrivals::{of_changed, repeated, rerouted};
use super::site::{Site, Tree};
use crate::check::{Evidence, HeadEvidence, WindowEvidence};
use crate::instrumentation::Surroundings;
use crate::step::StepEvidence;
use crate::trace::{
    Attributes, CommandResponse, GrpcCode, GrpcEnding, GrpcResponse, HttpResponse, LogRecord,
    LogsWithoutTrace, Nanos, Resource, Response, Scope, Span, SpanId, SpanKind, StatusCode, Trace,
    TraceId, Value,
};

/// A change of the evidence at a place.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// Removes a span. Its children and log records move to its parent.
    Remove,
    /// Removes a span, and all below it.
    RemoveSubtree,
    /// Removes a span, and nothing that refers to it.
    Lose,
    /// Adds a copy of a span, and of all below it.
    Double,
    /// Lets a span arrive again, at the same receivers.
    ArriveAgain,
    /// Lets a span arrive at this receiver instead.
    Reroute(String),
    Rename(String),
    Kind(SpanKind),
    Scope(String),
    Service(String),
    /// Moves a span below another one.
    Parent(usize),
    Status(StatusCode),
    StatusMessage(String),
    /// Makes a span take this much longer.
    Slow(Nanos),
    /// Makes a span end when it begins.
    Instant,
    Attribute(String, Option<Value>),
    /// Changes a resource attribute of all spans with the same resource.
    Resource(String, Option<Value>),
    RemoveEvent(usize),
    /// Changes an attribute of an event.
    EventAttribute(usize, String, Option<Value>),
    AddEvent(String),
    RemoveLink(usize),
    AddSpan(Box<Span>),
    RemoveLog,
    /// Changes a log record.
    Log(Box<LogRecord>),
    AddLog(Box<LogRecord>),
    /// Moves a log record to those without a trace id.
    Uncorrelate,
    ResponseStatus(i32),
    /// Removes a header, or metadata of a gRPC call.
    RemoveHeader(String),
    /// Removes metadata after the last message of a gRPC call.
    RemoveTrailer(String),
    /// Removes the details of a gRPC status.
    RemoveDetails,
    /// Removes the last message of a stream.
    RemoveMessage,
    EmptyBody,
    /// Replaces the body, or the output of a command.
    Body(String),
    /// Replaces the standard error of a command.
    Stderr(String),
    /// The response takes this much longer.
    SlowResponse(Duration),
    Json(Vec<String>, Option<Value>),
}

impl Edit {
    /// Returns `true` if the tree of a trace, and its links to others, stay as they are.
    fn keeps_tree(&self) -> bool {
        match self {
            Self::Rename(_)
            | Self::Scope(_)
            | Self::Status(_)
            | Self::StatusMessage(_)
            | Self::Instant
            | Self::Attribute(..)
            | Self::RemoveEvent(_)
            | Self::EventAttribute(..)
            | Self::AddEvent(_) => true,
            // The others move, add or remove spans, or change the identity of one.
            _ => false,
        }
    }
}

/// The evidence of a step, to which one fault after another is applied.
pub(super) struct FaultyEvidence<'e> {
    of: &'e StepEvidence,
    /// The trace without a fault. To build a tree anew would take longer than to judge it.
    trace: Trace,
    misses_spans: bool,
}

impl<'e> FaultyEvidence<'e> {
    pub(super) fn new(of: &'e StepEvidence) -> Self {
        Self {
            of,
            trace: of.trace.clone(),
            misses_spans: of.trace.misses_spans(),
        }
    }

    /// Judges the evidence with a fault. The second parameter of `judge` is `true` if a run would report that
    /// the trace became incomplete.
    pub(super) fn with<T>(
        &mut self,
        site: Site,
        edit: &Edit,
        judge: impl FnOnce(&Evidence<'_>, bool) -> T,
    ) -> T {
        let Site::Span(tree, at) = site else {
            return self.with_copy(site, edit, judge);
        };
        // The parts that arrived at receivers change, too.
        if !edit.keeps_tree() || self.of.trace.delivery().is_some() {
            return self.with_copy(site, edit, judge);
        }
        let span = tree.of_mut(&mut self.trace).span_mut(at);
        let before = span.clone();
        change_fields(span, edit);
        let judged = judge(&self.of.evidence_with(&self.trace), false);
        *tree.of_mut(&mut self.trace).span_mut(at) = before;
        judged
    }

    fn with_copy<T>(
        &self,
        site: Site,
        edit: &Edit,
        judge: impl FnOnce(&Evidence<'_>, bool) -> T,
    ) -> T {
        let mutated = MutatedEvidence::new(self.of, site, edit);
        let is_incomplete = !self.misses_spans && mutated.trace.misses_spans();
        judge(&mutated.evidence(), is_incomplete)
    }
}

/// Evidence with a fault.
struct MutatedEvidence<'e> {
    response: Cow<'e, Response>,
    trace: Cow<'e, Trace>,
    logs_without_trace: Option<Cow<'e, LogsWithoutTrace>>,
    head: Option<&'e HeadEvidence>,
    surroundings: Option<&'e Surroundings>,
    window: Option<&'e WindowEvidence>,
    sampled: bool,
}

impl<'e> MutatedEvidence<'e> {
    /// The evidence of a step with a change.
    fn new(of: &'e StepEvidence, site: Site, edit: &Edit) -> Self {
        let mut mutated = Self {
            response: Cow::Borrowed(&of.response),
            trace: Cow::Borrowed(&of.trace),
            logs_without_trace: of.logs_without_trace.as_ref().map(Cow::Borrowed),
            head: of.head.as_ref(),
            surroundings: of.surroundings.as_ref(),
            window: of.window.as_deref(),
            sampled: of.sampled,
        };
        match site {
            Site::Response => change_response(mutated.response.to_mut(), edit),
            Site::Span(tree, span) => {
                let trace = with_tree(&of.trace, tree, |trace| change_span(trace, span, edit));
                mutated.trace = Cow::Owned(trace);
            }
            Site::Log(tree, log) => {
                if let (Edit::Uncorrelate, Some(others)) = (edit, &mut mutated.logs_without_trace) {
                    let record = LogRecord {
                        trace_id: None,
                        span_id: None,
                        ..LogRecord::clone(&tree.of(&of.trace).logs()[log])
                    };
                    others.to_mut().records.push(Arc::new(record));
                }
                let trace = with_tree(&of.trace, tree, |trace| change_log(trace, log, edit));
                mutated.trace = Cow::Owned(trace);
            }
        }
        mutated
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence::new(&self.response, Some(&self.trace), self.sampled)
            .with_logs_without_trace(self.logs_without_trace.as_deref())
            .with_head(self.head)
            .with_surroundings(self.surroundings)
            .with_window(self.window)
    }
}

/// The trace with a changed tree. A tree without spans, or without a link to the trace, is left out.
fn with_tree(trace: &Trace, tree: Tree, change: impl FnOnce(&Trace) -> Trace) -> Trace {
    let Tree::Linked(number) = tree else {
        let changed = change(trace);
        let (before, now) = (link_targets(trace), link_targets(&changed));
        let linked = changed
            .linked()
            .iter()
            .filter(|one| is_connected(trace, &now, one) || !is_connected(trace, &before, one));
        let linked = linked.cloned().collect();
        return changed.with_linked(linked);
    };
    let mut linked = trace.linked().to_vec();
    let changed = change(&linked[number]);
    let own = link_targets(trace);
    let is_lost =
        is_connected(trace, &own, &linked[number]) && !is_connected(trace, &own, &changed);
    match changed.is_empty() || is_lost {
        true => drop(linked.remove(number)),
        false => linked[number] = changed,
    }
    trace.clone().with_linked(linked)
}

/// The traces to which spans of a trace link.
fn link_targets(trace: &Trace) -> HashSet<TraceId> {
    let links = trace.spans().iter().flat_map(|span| &span.links);
    links.map(|link| link.trace_id).collect()
}

/// Returns `true` if a span of one trace links to the other. `targets` are those of the own trace.
fn is_connected(own: &Trace, targets: &HashSet<TraceId>, linked: &Trace) -> bool {
    targets.contains(&linked.id()) || link_targets(linked).contains(&own.id())
}

fn change_span(trace: &Trace, at: usize, edit: &Edit) -> Trace {
    let mut spans = trace.spans().to_vec();
    match edit {
        Edit::ArriveAgain | Edit::Reroute(_) => return arrived_otherwise(trace, at, edit),
        Edit::Remove => return without_span(trace, at),
        Edit::RemoveSubtree => return without_subtree(trace, at),
        Edit::Lose => {
            spans.remove(at);
        }
        Edit::Double => return doubled(trace, at),
        Edit::Slow(more) => slow(trace, at, *more, &mut spans),
        Edit::Resource(key, value) => {
            let old = Arc::clone(&spans[at].resource);
            let new = Arc::new(Resource {
                attributes: with_attribute(&old.attributes, key, value.as_ref()),
            });
            for span in spans.iter_mut().filter(|span| span.resource == old) {
                span.resource = Arc::clone(&new);
            }
        }
        Edit::Parent(parent) => spans[at].parent_id = Some(trace.spans()[*parent].span_id),
        Edit::AddSpan(span) => spans.push(Span::clone(span)),
        edit => change_fields(&mut spans[at], edit),
    }
    rebuilt(trace, spans, trace.logs().to_vec())
}

fn change_fields(span: &mut Span, edit: &Edit) {
    match edit {
        Edit::Rename(name) => span.name.clone_from(name),
        Edit::Kind(kind) => span.kind = *kind,
        Edit::Instant => span.end = span.start,
        Edit::Scope(name) => {
            span.scope = Arc::new(Scope {
                name: name.clone(),
                ..Scope::clone(&span.scope)
            });
        }
        Edit::Service(name) => {
            let (key, value) = ("service.name", Value::from(name));
            span.resource = Arc::new(Resource {
                attributes: with_attribute(&span.resource.attributes, key, Some(&value)),
            });
        }
        Edit::Status(code) => span.status.code = *code,
        Edit::StatusMessage(text) => span.status.message.clone_from(text),
        Edit::Attribute(key, value) => {
            span.attributes = with_attribute(&span.attributes, key, value.as_ref());
        }
        Edit::RemoveEvent(number) => drop(span.events.remove(*number)),
        Edit::EventAttribute(number, key, value) => {
            let event = &mut span.events[*number];
            event.attributes = with_attribute(&event.attributes, key, value.as_ref());
        }
        Edit::AddEvent(name) => span.events.push(crate::trace::Event {
            name: name.clone(),
            time: span.start,
            ..crate::trace::Event::default()
        }),
        Edit::RemoveLink(number) => drop(span.links.remove(*number)),
        _ => {}
    }
}

/// The attributes without a key, or with another value of it.
fn with_attribute(of: &Attributes, key: &str, value: Option<&Value>) -> Attributes {
    let others = of.iter().filter(|(name, _)| *name != key);
    let others = others.map(|(name, value)| (name.to_owned(), value.clone()));
    let new = value.map(|value| (key.to_owned(), value.clone()));
    let changed: Attributes = others.chain(new).collect();
    changed.with_dropped(of.dropped())
}

fn without_span(trace: &Trace, at: usize) -> Trace {
    let removed = &trace.spans()[at];
    let (id, parent) = (removed.span_id, removed.parent_id);
    let mut spans = trace.spans().to_vec();
    for &child in trace.children(at) {
        spans[child].parent_id = parent;
    }
    spans.remove(at);
    let logs = trace.logs().iter().map(|record| {
        if record.span_id != Some(id) {
            return Arc::clone(record);
        }
        Arc::new(LogRecord {
            span_id: parent,
            ..LogRecord::clone(record)
        })
    });
    rebuilt(trace, spans, logs.collect())
}

fn without_subtree(trace: &Trace, at: usize) -> Trace {
    let below = subtree(trace, at);
    let ids: BTreeSet<SpanId> = below.iter().map(|&at| trace.spans()[at].span_id).collect();
    let is_kept = |at: &usize| !below.contains(at);
    let spans = (0..trace.len()).filter(is_kept);
    let spans = spans.map(|at| trace.spans()[at].clone()).collect();
    let is_elsewhere =
        |record: &&Arc<LogRecord>| record.span_id.is_none_or(|id| !ids.contains(&id));
    let logs = trace.logs().iter().filter(is_elsewhere).cloned();
    rebuilt(trace, spans, logs.collect())
}

/// The indexes of a span and of all below it.
fn subtree(trace: &Trace, at: usize) -> BTreeSet<usize> {
    let mut all = BTreeSet::new();
    let mut open = vec![at];
    while let Some(span) = open.pop() {
        all.insert(span);
        open.extend(trace.children(span));
    }
    all
}

fn doubled(trace: &Trace, at: usize) -> Trace {
    let below = subtree(trace, at);
    let ids: HashMap<SpanId, SpanId> = below
        .iter()
        .map(|&at| trace.spans()[at].span_id)
        .map(|id| (id, another_id(trace, id)))
        .collect();
    let copies = below.iter().map(|&copied| {
        let span = &trace.spans()[copied];
        let parent = span.parent_id.filter(|_| copied != at);
        let parent = parent.and_then(|id| ids.get(&id).copied());
        Span {
            span_id: ids[&span.span_id],
            parent_id: parent.or(span.parent_id),
            ..span.clone()
        }
    });
    let spans = trace.spans().iter().cloned().chain(copies).collect();
    let logs = trace.logs().iter().filter_map(|record| {
        let id = ids.get(&record.span_id?)?;
        Some(Arc::new(LogRecord {
            span_id: Some(*id),
            ..LogRecord::clone(record)
        }))
    });
    let logs = trace.logs().iter().cloned().chain(logs).collect();
    rebuilt(trace, spans, logs)
}

/// An id that no span of the trace has.
pub(super) fn another_id(trace: &Trace, id: SpanId) -> SpanId {
    let mut number = u64::from_be_bytes(*id.as_bytes());
    loop {
        number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        if let Some(other) = SpanId::from_bytes(number.to_be_bytes())
            && trace.find(other).is_none()
        {
            return other;
        }
    }
}

/// Makes a span longer. Its ancestors end later, and everything that began after its end begins later.
/// Spans below it stay as they are.
fn slow(trace: &Trace, at: usize, more: Nanos, spans: &mut [Span]) {
    let end = spans[at].end;
    let later = |time: Nanos| time.saturating_add(more);
    let ancestors: BTreeSet<usize> =
        std::iter::successors(trace.parent(at), |&span| trace.parent(span)).collect();
    let below = subtree(trace, at);
    for (number, span) in spans.iter_mut().enumerate() {
        if number == at || ancestors.contains(&number) && span.end >= end {
            span.end = later(span.end);
        } else if !below.contains(&number) && span.start >= end {
            let is_open = span.end == 0;
            (span.start, span.end) = (later(span.start), if is_open { 0 } else { later(span.end) });
            span.events
                .iter_mut()
                .for_each(|event| event.time = later(event.time));
        }
    }
}

fn change_log(trace: &Trace, at: usize, edit: &Edit) -> Trace {
    let mut logs = trace.logs().to_vec();
    match edit {
        Edit::RemoveLog | Edit::Uncorrelate => drop(logs.remove(at)),
        Edit::Log(record) => logs[at] = Arc::new(LogRecord::clone(record)),
        Edit::AddLog(record) => logs.push(Arc::new(LogRecord::clone(record))),
        _ => {}
    }
    let changed = trace.clone().with_logs(Arc::new(logs));
    delivered(trace, changed)
}

/// The trace with other arrivals of a span.
fn arrived_otherwise(trace: &Trace, at: usize, edit: &Edit) -> Trace {
    let span = &trace.spans()[at];
    let Some(delivery) = trace.delivery() else {
        return trace.clone();
    };
    let delivery = match edit {
        Edit::Reroute(receiver) => rerouted(delivery, span, receiver),
        _ => repeated(delivery, span.span_id),
    };
    trace.clone().with_delivery(delivery)
}

/// The changed trace with the arrivals of its spans, if it came out of a pipeline.
fn delivered(before: &Trace, after: Trace) -> Trace {
    match before.delivery() {
        Some(delivery) => {
            let delivery = of_changed(delivery, before, &after);
            after.with_delivery(delivery)
        }
        None => after,
    }
}

/// A trace with other spans and log records.
fn rebuilt(of: &Trace, spans: Vec<Span>, logs: Vec<Arc<LogRecord>>) -> Trace {
    let changed = Trace::assemble(of.id(), of.origin(), spans)
        .with_linked(of.linked().to_vec())
        .with_losses(of.losses().clone())
        .with_holes(of.holes().to_vec())
        .with_logs(Arc::new(logs))
        .with_log_holes(of.log_holes().to_vec());
    delivered(of, changed)
}

fn change_response(response: &mut Response, edit: &Edit) {
    if let Edit::SlowResponse(more) = edit {
        response.add_time(*more);
    }
    match response {
        Response::Http(http) => change_http(http, edit),
        Response::Grpc(grpc) => change_grpc(grpc, edit),
        Response::Command(command) => change_command(command, edit),
        Response::Message(message) => {
            if let Edit::Json(keys, value) = edit {
                change_json_text(&mut message.receipt, keys, value.as_ref());
            }
        }
        Response::Sent(_) | Response::Conformance(_) | Response::Traffic(_) | Response::None => {}
    }
}

fn change_http(http: &mut HttpResponse, edit: &Edit) {
    match edit {
        Edit::ResponseStatus(code) => http.status = u16::try_from(*code).unwrap_or(500),
        Edit::RemoveHeader(name) => http.headers.retain(|(key, _)| key != name),
        Edit::EmptyBody => http.body.clear(),
        Edit::Body(text) => http.body = text.clone().into_bytes(),
        Edit::Json(keys, value) => {
            if let Ok(mut body) = Value::from_json(&http.body) {
                change_json(&mut body, keys, value.as_ref());
                http.body = body.to_json().to_string().into_bytes();
            }
        }
        _ => {}
    }
}

fn change_grpc(grpc: &mut GrpcResponse, edit: &Edit) {
    match edit {
        Edit::ResponseStatus(code) => {
            grpc.code = GrpcCode(u32::try_from(*code).unwrap_or(2));
            grpc.ending = GrpcEnding::Server;
        }
        Edit::StatusMessage(text) => grpc.status_message.clone_from(text),
        Edit::RemoveHeader(name) => grpc.metadata.retain(|(key, _)| key != name),
        Edit::RemoveTrailer(name) => grpc.trailers.retain(|(key, _)| key != name),
        Edit::RemoveDetails => grpc.details.clear(),
        Edit::RemoveMessage => drop(grpc.messages.pop()),
        Edit::EmptyBody => grpc.messages.clear(),
        Edit::Json(keys, value) => {
            if let Some(message) = grpc.messages.first_mut() {
                change_json(message, keys, value.as_ref());
            }
        }
        _ => {}
    }
}

fn change_command(command: &mut CommandResponse, edit: &Edit) {
    match edit {
        Edit::ResponseStatus(code) => (command.exit_code, command.signal) = (Some(*code), None),
        Edit::EmptyBody => command.stdout.clear(),
        Edit::Body(text) => command.stdout.clone_from(text),
        Edit::Stderr(text) => command.stderr.clone_from(text),
        Edit::Json(keys, value) => change_json_text(&mut command.stdout, keys, value.as_ref()),
        _ => {}
    }
}

fn change_json_text(text: &mut String, keys: &[String], value: Option<&Value>) {
    if let Ok(mut document) = Value::from_json(text.as_bytes()) {
        change_json(&mut document, keys, value);
        *text = document.to_json().to_string();
    }
}

/// Replaces or removes the value at a path of keys.
fn change_json(document: &mut Value, keys: &[String], value: Option<&Value>) {
    let (Value::Map(entries), Some((key, rest))) = (document, keys.split_first()) else {
        return;
    };
    let Some(at) = entries.iter().position(|(name, _)| name == key) else {
        return;
    };
    match (rest, value) {
        ([], None) => drop(entries.remove(at)),
        ([], Some(value)) => entries[at].1 = value.clone(),
        (rest, value) => change_json(&mut entries[at].1, rest, value),
    }
}
