//! Checks that would notice faults, as YAML. Each is proven: it passes without the faults, and not with them.

use std::sync::Arc;

use super::edit::{Edit, FaultyEvidence};
use super::exam::{holds, is_noticed};
use super::mutant::Mutant;
use super::site::{Site, Tree};
use super::subject::Subject;
use crate::draft::{AttributeForm, Sketches};
use crate::spec::{Expect, FaultKind, Source};
use crate::trace::{CommandResponse, GrpcResponse, HttpResponse, Nanos, Response, Span, Value};

/// A slow span takes ten times as long: a limit in between is far from both.
const LIMIT: Nanos = 5;

/// Checks for an `expect`, and the faults that they notice.
#[derive(Debug)]
pub(super) struct Remedy {
    /// YAML under `expect`, without indentation.
    pub(super) text: String,
    /// For each of the faults, `true` if it would be noticed.
    pub(super) covers: Vec<bool>,
}

/// A line of the checks. One that notices no further fault is left out.
#[derive(Clone)]
enum Line {
    /// Always there.
    Fixed(String),
    /// A line of an entry.
    Part(String),
    /// A line under a key of the entry.
    Under(&'static str, String),
    /// A line under a key of a key.
    Deeper([&'static str; 2], String),
    /// A line beside the list of entries.
    Beside(String),
}

/// The number of spans that may still be judged to prove checks.
pub(super) struct Effort<'a> {
    spans: usize,
    is_stopped: &'a dyn Fn() -> bool,
}

impl<'a> Effort<'a> {
    /// This number, until `is_stopped` returns `true`.
    pub(super) fn new(spans: usize, is_stopped: &'a dyn Fn() -> bool) -> Self {
        Self { spans, is_stopped }
    }

    /// Returns `true` if this number of judgements of a step is possible.
    fn take(&mut self, subject: &Subject<'_>, judgements: usize) -> bool {
        let spans = (subject.size() + 1).saturating_mul(judgements);
        let left = self.spans.checked_sub(spans);
        let left = left.filter(|_| !(self.is_stopped)());
        self.spans = left.unwrap_or(self.spans);
        left.is_some()
    }
}

/// Checks that notice faults of one place; `None` if there are none, or if it takes too much effort.
pub(super) fn remedy(
    subject: &Subject<'_>,
    faults: &[&Mutant],
    effort: &mut Effort<'_>,
) -> Option<Remedy> {
    let first = faults.first()?;
    let form = match first.site {
        Site::Response => Form::Top,
        Site::Span(..) => Form::Entry("spans"),
        Site::Log(..) => Form::Entry("logs"),
    };
    let mut lines = match first.site {
        Site::Response => of_response(subject, faults),
        Site::Span(tree, span) => of_span(subject, tree, span, faults),
        Site::Log(tree, log) => {
            let entry = subject.sketches(tree).log(subject.log(tree, log))?;
            vec![Line::Fixed(
                entry.strip_prefix("- ").unwrap_or(&entry).to_owned(),
            )]
        }
    };
    if !effort.take(subject, faults.len() + 1) {
        return None;
    }
    let mut faulty = FaultyEvidence::new(subject.evidence);
    let mut covered = |lines: &[Line]| covers(subject, &mut faulty, faults, &form.written(lines));
    let mut covers = covered(&lines).filter(|covers| covers.contains(&true))?;
    let mut at = lines.len();
    while at > 0 && effort.take(subject, faults.len() + 1) {
        at -= 1;
        if matches!(lines[at], Line::Fixed(_)) {
            continue;
        }
        let mut fewer = lines.clone();
        fewer.remove(at);
        if let Some(same) = covered(&fewer).filter(|fewer| *fewer == covers) {
            (lines, covers) = (fewer, same);
        }
    }
    Some(Remedy {
        text: form.written(&lines),
        covers,
    })
}

/// The place of lines in `expect`.
#[derive(Clone, Copy)]
enum Form {
    Top,
    /// An entry of a list.
    Entry(&'static str),
}

impl Form {
    fn written(self, lines: &[Line]) -> String {
        let mut written: Vec<String> = Vec::new();
        let mut keys: &[&'static str] = &[];
        for line in lines {
            let (under, text): (&[&str], &String) = match line {
                Line::Beside(_) => continue,
                Line::Fixed(text) | Line::Part(text) => (&[], text),
                Line::Under(key, text) => (std::slice::from_ref(key), text),
                Line::Deeper(keys, text) => (keys, text),
            };
            if under != keys {
                let new = under.iter().enumerate();
                written.extend(new.map(|(depth, key)| format!("{}{key}:", "  ".repeat(depth))));
            }
            keys = under;
            written.push(format!("{}{text}", "  ".repeat(under.len())));
        }
        let Self::Entry(key) = self else {
            return written.iter().map(|line| format!("{line}\n")).collect();
        };
        let start = |at: usize| if at == 0 { "  - " } else { "    " };
        let entry = written.iter().enumerate();
        let entry = entry.map(|(at, line)| format!("{}{line}\n", start(at)));
        let beside = lines.iter().filter_map(|line| match line {
            Line::Beside(text) => Some(format!("{text}\n")),
            _ => None,
        });
        format!(
            "{key}:\n{}{}",
            entry.collect::<String>(),
            beside.collect::<String>()
        )
    }
}

/// The faults that the checks notice; `None` if they are invalid, or do not pass without a fault.
fn covers(
    subject: &Subject<'_>,
    faulty: &mut FaultyEvidence<'_>,
    faults: &[&Mutant],
    text: &str,
) -> Option<Vec<bool>> {
    let expect = read(text, subject)?;
    if !holds(&expect, subject) {
        return None;
    }
    let noticed = faults
        .iter()
        .map(|fault| is_noticed(&expect, faulty, fault));
    Some(noticed.collect())
}

fn read(text: &str, subject: &Subject<'_>) -> Option<Expect> {
    let trigger = match &subject.evidence.response {
        Response::Http(_) => "request",
        Response::Grpc(_) => "grpc",
        Response::Command(_) => "run",
        Response::Message(_) => "publish",
        Response::Sent(_) => "send",
        Response::Conformance(_) => "conformance",
        Response::Traffic(_) => "observe",
        Response::None => "trace_id",
    };
    // Checks name the receivers of the project.
    let globals = match &subject.evidence.response {
        Response::Sent(_) => subject.evidence.scope.globals(),
        _ => Arc::default(),
    };
    Expect::of_trigger(&Source::new("suggestion.yaml", text), trigger, &globals).ok()
}

fn of_span(subject: &Subject<'_>, tree: Tree, at: usize, faults: &[&Mutant]) -> Vec<Line> {
    let (sketches, span) = (subject.sketches(tree), subject.span(tree, at));
    let mut lines: Vec<Line> = match linking(subject, tree) {
        None => sketches.find(at).into_iter().map(Line::Fixed).collect(),
        Some(service) => {
            let linked = format!("linked_to: {{ {} }}", Sketches::in_service(service));
            vec![Line::Fixed(sketches.find_with(at, &linked))]
        }
    };
    let has = |kind: FaultKind| has(faults, kind);
    lines.push(Line::Part(format!("count: {}", sketches.number(at))));
    if has(FaultKind::Parent) {
        let place = sketches.place(at);
        lines.extend(place.map(|place| Line::Part(format!("below: {place}"))));
        let parent = tree.of(&subject.evidence.trace).parent(at);
        let parent = parent.map(|parent| sketches.selector(parent));
        lines.extend(parent.map(|parent| Line::Part(format!("child_of: {parent}"))));
    }
    if has(FaultKind::Kind) {
        lines.push(Line::Part(format!("kind: {}", span.kind)));
    }
    if has(FaultKind::StatusError) {
        lines.push(Line::Part("status: { not: error }".to_owned()));
    }
    if has(FaultKind::StatusUnset) {
        lines.push(Line::Part("status: error".to_owned()));
    }
    if has(FaultKind::LinkGone) {
        lines.push(Line::Part(format!("links: {}", span.links.len())));
    }
    if has(FaultKind::Duration) {
        lines.extend(limit(span).map(Line::Part));
    }
    lines.extend(attributes(sketches, at, span, faults));
    lines.extend(events(span, faults));
    if has(FaultKind::ArrivedTwice) {
        lines.push(Line::Beside("duplicated: 0".to_owned()));
    }
    if has(FaultKind::Rerouted)
        && let Some(delivery) = subject.evidence.trace.delivery()
        && let Some([receiver, ..]) = delivery.arrivals.get(&span.span_id).map(Vec::as_slice)
        && !receiver.is_empty()
    {
        let find = sketches.selector(at);
        let check = format!("at: {{ {receiver}: {{ spans: [{{ find: {find} }}] }} }}");
        lines.push(Line::Beside(check));
    }
    lines
}

/// A service of the trace itself with which a link connects a linked trace.
fn linking<'s>(subject: &'s Subject<'_>, tree: Tree) -> Option<&'s str> {
    let Tree::Linked(number) = tree else {
        return None;
    };
    let own = &subject.evidence.trace;
    let linked = &own.linked()[number];
    let to = |span: &&Span| {
        let links = linked.spans().iter().flat_map(|span| &span.links);
        let mut ids = links.map(|link| link.span_id);
        ids.any(|id| id == span.span_id)
            || span.links.iter().any(|link| link.trace_id == linked.id())
    };
    own.spans().iter().find(to).map(Span::service)
}

/// `duration: < 500ms`.
fn limit(span: &Span) -> Option<String> {
    let limit = span
        .duration()
        .ok()?
        .checked_mul(LIMIT)?
        .div_ceil(1_000_000);
    // Two digits are enough.
    let unit = 10_u64.pow(limit.checked_ilog10()?.saturating_sub(1));
    Some(format!("duration: < {}ms", limit.div_ceil(unit) * unit))
}

fn attributes(
    sketches: &Sketches,
    at: usize,
    span: &Span,
    faults: &[&Mutant],
) -> impl Iterator<Item = Line> {
    let is_of_attribute = |fault: &&&Mutant| {
        matches!(
            fault.kind,
            FaultKind::AttributeGone | FaultKind::AttributeValue | FaultKind::AttributeType
        )
    };
    let details = faults.iter().filter(is_of_attribute);
    let mut keys: Vec<&str> = details
        .filter_map(|fault| fault.detail.as_deref())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let lines = keys.into_iter().filter_map(|key| {
        let value = span.attributes.get(key)?;
        let equal = match sketches.form_of(at, key) {
            AttributeForm::Constant => Sketches::attribute(key, value),
            AttributeForm::Varies | AttributeForm::LeftOut => None,
        };
        Some(equal.unwrap_or_else(|| Sketches::any_attribute(key)))
    });
    let lines: Vec<Line> = lines.map(|line| Line::Under("attributes", line)).collect();
    lines.into_iter()
}

fn events(span: &Span, faults: &[&Mutant]) -> Vec<Line> {
    let gone = faults
        .iter()
        .filter(|fault| fault.kind == FaultKind::EventGone);
    let lines = gone.filter_map(|fault| {
        let name = fault.detail.as_deref()?;
        let number = span
            .events
            .iter()
            .filter(|event| event.name == name)
            .count();
        let written = Sketches::event(name);
        Some(match number {
            1 => format!("- {written}"),
            _ => format!("- {{ name: {written}, count: {number} }}"),
        })
    });
    lines.map(|line| Line::Under("events", line)).collect()
}

fn of_response(subject: &Subject<'_>, faults: &[&Mutant]) -> Vec<Line> {
    match &subject.evidence.response {
        Response::Http(http) => of_http(subject, http, faults),
        Response::Grpc(grpc) => of_grpc(subject, grpc, faults),
        Response::Command(command) => of_command(subject, command, faults),
        Response::Message(_) => of_receipt(faults),
        Response::Sent(_) | Response::Conformance(_) | Response::Traffic(_) | Response::None => {
            Vec::new()
        }
    }
}

fn has(faults: &[&Mutant], kind: FaultKind) -> bool {
    faults.iter().any(|fault| fault.kind == kind)
}

/// A line of its own.
fn part(text: impl Into<String>) -> Line {
    Line::Part(text.into())
}

fn of_http(subject: &Subject<'_>, http: &HttpResponse, faults: &[&Mutant]) -> Vec<Line> {
    let mut lines = Vec::new();
    if has(faults, FaultKind::ResponseStatus) {
        lines.push(part(format!("status: {}", http.status)));
    }
    lines.extend(headers(http, faults));
    let values: Vec<String> = json(subject, &http.body, faults).collect();
    if values.is_empty() && has(faults, FaultKind::BodyEmpty) {
        lines.push(part("body: { length: 1.. }"));
    }
    lines.extend(values.into_iter().map(|line| Line::Under("json", line)));
    lines
}

fn of_grpc(subject: &Subject<'_>, grpc: &GrpcResponse, faults: &[&Mutant]) -> Vec<Line> {
    let mut lines = Vec::new();
    if has(faults, FaultKind::ResponseStatus) {
        lines.push(part(format!("status: {}", grpc.code)));
    }
    if has(faults, FaultKind::StatusMessage) {
        let text = Sketches::quoted(&grpc.status_message);
        lines.push(part(format!("status_message: {text}")));
    }
    let gone = faults
        .iter()
        .filter(|fault| fault.kind == FaultKind::HeaderGone);
    for fault in gone {
        let key = match fault.edit {
            Edit::RemoveTrailer(_) => "trailers",
            _ => "metadata",
        };
        let name = fault.detail.as_deref().map(Sketches::any_attribute);
        lines.extend(name.map(|name| Line::Under(key, name)));
    }
    if faults
        .iter()
        .any(|fault| matches!(fault.edit, Edit::RemoveDetails))
    {
        lines.push(part(format!(
            "details: {{ length: {} }}",
            grpc.details.len()
        )));
    }
    let message = grpc.messages.first().filter(|_| !grpc.is_stream);
    let leaves = message
        .into_iter()
        .flat_map(|message| of_values(subject, message, faults));
    let values: Vec<String> = leaves.collect();
    let is_shorter = |fault: &&Mutant| matches!(fault.edit, Edit::EmptyBody | Edit::RemoveMessage);
    if values.is_empty() && faults.iter().any(is_shorter) {
        lines.push(part(format!(
            "messages: {{ length: {} }}",
            grpc.messages.len()
        )));
    }
    lines.extend(values.into_iter().map(|line| Line::Under("json", line)));
    lines
}

fn of_command(subject: &Subject<'_>, command: &CommandResponse, faults: &[&Mutant]) -> Vec<Line> {
    let mut lines = Vec::new();
    if has(faults, FaultKind::ResponseStatus)
        && let Some(code) = command.exit_code
    {
        lines.push(part(format!("exit_code: {code}")));
    }
    let values: Vec<String> = json(subject, command.stdout.as_bytes(), faults).collect();
    if values.is_empty() && has(faults, FaultKind::BodyEmpty) {
        lines.push(part("stdout: { length: 1.. }"));
    }
    lines.extend(
        values
            .into_iter()
            .map(|line| Line::Deeper(["stdout", "json"], line)),
    );
    lines
}

fn headers(http: &HttpResponse, faults: &[&Mutant]) -> Vec<Line> {
    let gone = faults
        .iter()
        .filter(|fault| fault.kind == FaultKind::HeaderGone);
    let lines = gone.filter_map(|fault| {
        let name = fault.detail.as_deref()?;
        let value = http.header(name).next()?;
        let media_type = value.split(';').next().unwrap_or(value).trim();
        match name {
            "content-type" => {
                let written = Sketches::quoted(media_type);
                Some(format!("content-type: {{ starts_with: {written} }}"))
            }
            _ => Some(Sketches::any_attribute(name)),
        }
    });
    lines.map(|line| Line::Under("headers", line)).collect()
}

fn of_receipt(faults: &[&Mutant]) -> Vec<Line> {
    let gone = faults
        .iter()
        .filter(|fault| fault.kind == FaultKind::JsonGone);
    let paths = gone.filter_map(|fault| fault.detail.as_deref());
    paths
        .map(|path| Line::Under("json", Sketches::any_path(path)))
        .collect()
}

/// Lines for the values of a JSON text that faults concern.
fn json(subject: &Subject<'_>, text: &[u8], faults: &[&Mutant]) -> std::vec::IntoIter<String> {
    let document = Value::from_json(text).ok();
    let lines = document.map(|document| of_values(subject, &document, faults));
    lines.unwrap_or_default().into_iter()
}

/// Lines for the values of a JSON document that faults concern.
fn of_values(subject: &Subject<'_>, document: &Value, faults: &[&Mutant]) -> Vec<String> {
    let of_json = faults
        .iter()
        .filter(|fault| matches!(fault.edit, Edit::Json(..)));
    let details: Vec<&str> = of_json
        .filter_map(|fault| fault.detail.as_deref())
        .collect();
    let leaves = subject.own.leaves(document).into_iter();
    let named = leaves.filter(|leaf| details.contains(&leaf.path.as_str()));
    named.filter_map(|leaf| leaf.line).collect()
}
