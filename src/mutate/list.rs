//! The faults of a trace.
//!
//! Equal spans have the same service, name, kind and parent; the first stands for all of them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::edit::Edit;
use super::facts::TreeFacts;
use super::mutant::Mutant;
use super::sample::Sample;
use super::site::{Site, Tree};
use super::subject::Subject;
use super::value::{OTHER, other_text, other_type, other_value};
use crate::draft::{AttributeForm, Sketches};
use crate::number::counted;
use crate::spec::{Counted, EXCEPTION, FaultKind, severity_name};
use crate::trace::{
    Attributes, LogRecord, Nanos, Span, SpanKind, StatusCode, Trace, Value, nanos_of,
};

/// Attributes of the semantic conventions whose faults count by default: the outcome of an operation, and its
/// destination. Others identify the operation, as its name does.
const ESSENTIAL: [&str; 9] = [
    "http.response.status_code",
    "http.status_code",
    "rpc.grpc.status_code",
    "rpc.response.status_code",
    "db.response.status_code",
    "error.type",
    "messaging.destination.name",
    "gen_ai.request.model",
    "graphql.operation.name",
];

/// The first words of attributes that instrumentation libraries set: the namespaces of OpenTelemetry's semantic
/// conventions, and those of frameworks. All others are set by the application.
const INSTRUMENTATION: [&str; 58] = [
    "aspnetcore",
    "aws",
    "azure",
    "browser",
    "busy_ns",
    "client",
    "cloud",
    "code",
    "container",
    "cpu",
    "db",
    "deployment",
    "device",
    "dns",
    "dotnet",
    "elasticsearch",
    "enduser",
    "error",
    "exception",
    "express",
    "faas",
    "fastify",
    "feature_flag",
    "gcp",
    "gen_ai",
    "graphql",
    "host",
    "http",
    "idle_ns",
    "jvm",
    "k8s",
    "koa",
    "level",
    "log",
    "messaging",
    "nestjs",
    "net",
    "network",
    "nodejs",
    "os",
    "otel",
    "peer",
    "plugin",
    "process",
    "rpc",
    "server",
    "service",
    "session",
    "signalr",
    "spring",
    "system",
    "target",
    "telemetry",
    "thread",
    "tls",
    "url",
    "user",
    "user_agent",
];

/// A shorter duration varies too much for a limit: 10 ms.
const SHORTEST: Nanos = 10_000_000;

/// Factor by which a fault makes a span slower.
const SLOWER: u64 = 10;

/// Additional duration of a span or a response that exceeds nearly every limit: 10 minutes.
pub(super) const HANG: Duration = Duration::from_secs(600);

/// Maximum number of characters of a value in words.
const LONGEST: usize = 48;

/// Adds the faults of a trace. They count if a draft of a spec would have an entry for the span.
pub(super) fn faults(subject: &Subject<'_>, tree: Tree, sample: &mut Sample) {
    let trace = tree.of(&subject.evidence.trace);
    let mut list = FaultList {
        tree,
        trace,
        facts: TreeFacts::of(trace),
        sketches: subject.sketches(tree),
        knows_uncorrelated: subject.evidence.logs_without_trace.is_some(),
        receivers: subject.evidence.expect.receivers(),
        at: 0,
        equal: 1,
        matters: false,
        found: Vec::new(),
    };
    for (first, number) in classes(trace) {
        list.at = first;
        list.equal = number;
        list.matters = list.sketches.is_telling(first);
        list.of_span();
        sample.add(&class_of(trace, first), list.found.drain(..));
    }
    list.of_resources(sample);
    list.lost_span(sample);
    list.of_logs(sample);
}

/// Service, name and kind of a span, with service and name of its parent.
type SpanClass<'t> = (&'t str, &'t str, &'static str, Option<(&'t str, &'t str)>);

fn class_of(trace: &Trace, at: usize) -> SpanClass<'_> {
    let span = &trace.spans()[at];
    let parent = trace.parent(at).map(|parent| &trace.spans()[parent]);
    let parent = parent.map(|span| (span.service(), span.name.as_str()));
    (span.service(), &span.name, span.kind.as_str(), parent)
}

/// The first of equal spans, with their number.
fn classes(trace: &Trace) -> Vec<(usize, usize)> {
    let mut known = HashMap::new();
    let mut all: Vec<(usize, usize)> = Vec::new();
    for &at in trace.top_down() {
        let number = *known.entry(class_of(trace, at)).or_insert(all.len());
        match all.get_mut(number) {
            Some((_, equal)) => *equal += 1,
            None => all.push((at, 1)),
        }
    }
    all
}

struct FaultList<'e> {
    tree: Tree,
    trace: &'e Trace,
    facts: TreeFacts<'e>,
    sketches: &'e Sketches,
    knows_uncorrelated: bool,
    /// The receivers that checks name.
    receivers: BTreeSet<String>,
    /// The span, the number of equal ones, and if its faults matter.
    at: usize,
    equal: usize,
    matters: bool,
    found: Vec<Mutant>,
}

impl<'e> FaultList<'e> {
    fn span(&self) -> &'e Span {
        &self.trace.spans()[self.at]
    }

    /// Adds a fault of the span.
    fn add(&mut self, kind: FaultKind, what: impl Into<String>, edit: Edit) {
        let counted = match self.matters {
            true => kind.counted(),
            false => kind.counted().max(Counted::WithAll),
        };
        self.add_counted(kind, counted, (what.into(), None), edit);
    }

    fn add_counted(
        &mut self,
        kind: FaultKind,
        counted: Counted,
        (what, detail): (String, Option<String>),
        edit: Edit,
    ) {
        self.found.push(Mutant {
            kind,
            site: Site::Span(self.tree, self.at),
            what,
            detail,
            counted,
            equal: self.equal,
            edit,
        });
    }

    fn of_span(&mut self) {
        self.gone();
        self.doubled();
        self.arrivals();
        self.moved();
        self.identity();
        self.status();
        self.slow();
        self.attributes();
        self.events();
        self.links();
    }

    fn gone(&mut self) {
        let below = self.facts.sizes[self.at];
        // Without any span, each run reports that none arrived, except that of a pipeline.
        let is_all = below == self.trace.len() && self.trace.delivery().is_none();
        if self.is_hop() && !is_all {
            let service = self.span().service();
            let what = format!("context lost: {service} starts a trace of its own");
            self.matters |= below > 1;
            self.add(FaultKind::ContextLost, what, Edit::RemoveSubtree);
        } else if below > 1 && !is_all {
            let others = counted(below - 1, "span");
            let what = format!("gone, with {others} below it");
            self.add(FaultKind::SubtreeGone, what, Edit::RemoveSubtree);
        }
        self.matters = self.sketches.is_telling(self.at);
        if below > 1 {
            let what = "gone; its children attach to its parent";
            self.add(FaultKind::SpanGone, what, Edit::Remove);
        } else if !is_all && !self.is_hop() {
            self.add(FaultKind::SpanGone, "gone", Edit::Remove);
        }
    }

    /// Returns `true` if the context of the span comes from another service.
    fn is_hop(&self) -> bool {
        let Some(parent) = self.trace.parent(self.at) else {
            return false;
        };
        let is_called = matches!(self.span().kind, SpanKind::Server | SpanKind::Consumer);
        is_called || self.trace.spans()[parent].service() != self.span().service()
    }

    fn doubled(&mut self) {
        let what = match self.trace.children(self.at).is_empty() {
            true => "occurs twice",
            false => "occurs twice, with all below it",
        };
        self.add(FaultKind::SpanDoubled, what, Edit::Double);
    }

    /// The faults of a span that came out of a pipeline.
    fn arrivals(&mut self) {
        let id = self.span().span_id;
        let Some(delivery) = self.trace.delivery().filter(|_| self.tree == Tree::Own) else {
            return;
        };
        let receivers = delivery.arrivals.get(&id);
        let now = receivers.and_then(|all| all.first()).cloned();
        let mut others = delivery.at.keys().chain(&self.receivers);
        let other = others.find(|name| Some(*name) != now.as_ref()).cloned();
        if delivery.has_repeats {
            let what = "arrives twice";
            self.add_counted(
                FaultKind::ArrivedTwice,
                Counted::Always,
                (what.to_owned(), None),
                Edit::ArriveAgain,
            );
        }
        if let Some(other) = other {
            let what = format!("arrives at `{other}`");
            self.add_counted(
                FaultKind::Rerouted,
                Counted::Always,
                (what, None),
                Edit::Reroute(other),
            );
        }
    }

    fn moved(&mut self) {
        let service = self.span().service();
        let other = self.facts.other_service(service);
        let other = other.unwrap_or(OTHER).to_owned();
        let what = format!("sent by service {other}");
        self.add(FaultKind::Service, what, Edit::Service(other));
        let Some((parent, crosses)) = self.other_parent() else {
            return;
        };
        let what = format!("child of `{}`", self.trace.spans()[parent].name);
        let counted = match crosses && self.matters {
            true => Counted::Always,
            false => Counted::WithAll,
        };
        let edit = Edit::Parent(parent);
        self.add_counted(FaultKind::Parent, counted, (what, None), edit);
    }

    /// The entry above the span, or an earlier sibling; and `true` if another service would have called it.
    fn other_parent(&self) -> Option<(usize, bool)> {
        let parent = self.trace.parent(self.at)?;
        let service = |at: usize| self.trace.spans()[at].service();
        let entry = Some(self.facts.roots[self.at]).filter(|entry| *entry != parent);
        let other = entry.or(self.facts.earlier[self.at])?;
        Some((other, service(other) != service(parent)))
    }

    fn identity(&mut self) {
        let name = other_text(&self.span().name);
        self.add(
            FaultKind::SpanRenamed,
            "has another name",
            Edit::Rename(name),
        );
        let kind = match self.span().kind {
            SpanKind::Internal => SpanKind::Server,
            _ => SpanKind::Internal,
        };
        let what = format!("kind {kind} instead of {}", self.span().kind);
        self.add(FaultKind::Kind, what, Edit::Kind(kind));
        if !self.span().scope.name.is_empty() {
            let scope = other_text(&self.span().scope.name);
            self.add(FaultKind::Scope, "of another scope", Edit::Scope(scope));
        }
    }

    fn status(&mut self) {
        let status = &self.span().status;
        match status.code {
            StatusCode::Error => {
                let edit = Edit::Status(StatusCode::Unset);
                self.add(
                    FaultKind::StatusUnset,
                    "status unset instead of error",
                    edit,
                );
            }
            code => {
                let what = format!("status error instead of {code}");
                let edit = Edit::Status(StatusCode::Error);
                self.add(FaultKind::StatusError, what, edit);
            }
        }
        if !status.message.is_empty() {
            let edit = Edit::StatusMessage(other_text(&status.message));
            self.add(FaultKind::StatusMessage, "another status message", edit);
        }
    }

    fn slow(&mut self) {
        let Ok(duration) = self.span().duration() else {
            return;
        };
        if duration == 0 {
            return;
        }
        let is_entry = self.tree == Tree::Own && self.facts.is_entry(self.at);
        let counted = match is_entry && duration >= SHORTEST {
            true => Counted::Always,
            false => Counted::WithAll,
        };
        let what = format!("takes {SLOWER} times as long");
        let edit = Edit::Slow(duration.saturating_mul(SLOWER - 1));
        self.add_counted(FaultKind::Duration, counted, (what, None), edit);
        // For limits that are far away, and for lower ones.
        let extremes = [Edit::Slow(nanos_of(HANG)), Edit::Instant];
        for edit in extremes {
            let words = ("takes much longer, or no time".to_owned(), None);
            self.add_counted(FaultKind::Duration, Counted::Never, words, edit);
        }
    }

    fn attributes(&mut self) {
        for (key, value) in self.span().attributes.iter() {
            let form = self.sketches.form_of(self.at, key);
            let counted = match form {
                AttributeForm::LeftOut => Counted::Never,
                _ if self.matters && is_essential(key) => Counted::Always,
                _ => Counted::WithAll,
            };
            let edit = |value| Edit::Attribute(key.to_owned(), value);
            let at = Site::Span(self.tree, self.at);
            let faults = of_attribute(at, (key, value), counted, &edit);
            let equal = self.equal;
            let varies = form == AttributeForm::Varies;
            self.found.extend(faults.map(|fault| Mutant {
                equal,
                // No check can know a value that varies.
                counted: match varies && fault.kind != FaultKind::AttributeGone {
                    true => Counted::Never,
                    false => fault.counted,
                },
                ..fault
            }));
        }
    }

    fn events(&mut self) {
        let mut known: HashSet<&str> = HashSet::new();
        for (number, event) in self.span().events.iter().enumerate() {
            if !known.insert(&event.name) {
                continue;
            }
            let what = format!("event `{}` gone", excerpt(&event.name));
            let counted = match self.matters {
                _ if event.name == EXCEPTION && self.has_exception_in_log() => Counted::Never,
                true => Counted::Always,
                false => Counted::WithAll,
            };
            let words = (what, Some(event.name.clone()));
            let edit = Edit::RemoveEvent(number);
            self.add_counted(FaultKind::EventGone, counted, words, edit);
            for (key, value) in event.attributes.iter() {
                let at = Site::Span(self.tree, self.at);
                let edit = |value| Edit::EventAttribute(number, key.to_owned(), value);
                let counted = match self.sketches.value_varies(value) {
                    true => Counted::Never,
                    false => Counted::WithAll,
                };
                let faults = of_attribute(at, (key, value), counted, &edit);
                self.found.extend(faults.map(|fault| Mutant {
                    what: format!("event `{}`: {}", excerpt(&event.name), fault.what),
                    detail: Some(format!("{}.{key}", event.name)),
                    ..fault
                }));
            }
        }
    }

    /// Returns `true` if the exception is a log record, too, which then stands for the event.
    fn has_exception_in_log(&self) -> bool {
        self.facts.has_exception_in_log(self.span().span_id)
    }

    fn links(&mut self) {
        for number in 0..self.span().links.len() {
            self.add(FaultKind::LinkGone, "link gone", Edit::RemoveLink(number));
        }
    }

    /// The attributes of each resource, except the name of the service.
    fn of_resources(&mut self, sample: &mut Sample) {
        let (mut addresses, mut known) = (HashSet::new(), HashSet::new());
        let trace = self.trace;
        for (at, span) in trace.spans().iter().enumerate() {
            let attributes = &span.resource.attributes;
            // Most spans share one; to compare the contents of all would take long.
            let is_new = addresses.insert(Arc::as_ptr(&span.resource));
            if !is_new || !known.insert(format!("{attributes:?}")) {
                continue;
            }
            (self.at, self.equal) = (at, 1);
            let named = attributes.iter().filter(|(key, _)| *key != "service.name");
            for (key, value) in named {
                let counted = match key.starts_with("service.") || key.starts_with("deployment.") {
                    true => Counted::WithAll,
                    false => Counted::Never,
                };
                let words = |what: String| (what, Some(key.to_owned()));
                let gone = words(format!("resource attribute `{key}` gone"));
                let edit = Edit::Resource(key.to_owned(), None);
                self.add_counted(FaultKind::ResourceGone, counted, gone, edit);
                let other = other_value(key, value);
                let what = format!("resource attribute `{key}` is {}", in_words(&other));
                let edit = Edit::Resource(key.to_owned(), Some(other));
                self.add_counted(FaultKind::ResourceValue, counted, words(what), edit);
            }
            sample.add(&span.service(), self.found.drain(..));
        }
    }

    /// A span with children that is lost: each run reports it, unless the spec accepts orphans.
    fn lost_span(&mut self, sample: &mut Sample) {
        let mut parents = (0..self.trace.len()).filter(|at| !self.trace.children(*at).is_empty());
        let Some(first) = parents.next_back() else {
            return;
        };
        (self.at, self.equal) = (first, 1);
        let words = ("lost; its children arrive".to_owned(), None);
        self.add_counted(FaultKind::SpanLost, Counted::Never, words, Edit::Lose);
        sample.add(&class_of(self.trace, first), self.found.drain(..));
    }

    /// Log records. Equal ones have the same service, severity and text apart from digits.
    fn of_logs(&self, sample: &mut Sample) {
        let mut known: HashMap<LogClass<'_>, usize> = HashMap::new();
        let mut firsts: Vec<(usize, usize)> = Vec::new();
        for (at, record) in self.trace.logs().iter().enumerate() {
            let number = *known.entry(log_class(record)).or_insert(firsts.len());
            match firsts.get_mut(number) {
                Some((_, equal)) => *equal += 1,
                None => firsts.push((at, 1)),
            }
        }
        for (at, equal) in firsts {
            let faults = self.of_log(at).into_iter();
            let faults = faults.map(|fault| Mutant { equal, ..fault });
            sample.add(&log_class(&self.trace.logs()[at]), faults);
        }
    }

    fn of_log(&self, at: usize) -> Vec<Mutant> {
        let record = &*self.trace.logs()[at];
        let site = Site::Log(self.tree, at);
        let is_drafted = Sketches::log_group(record).is_some();
        let fault = |kind: FaultKind, what: &str, edit: Edit| Mutant {
            kind,
            site,
            what: what.to_owned(),
            detail: None,
            counted: match is_drafted {
                true => kind.counted(),
                false => kind.counted().max(Counted::WithAll),
            },
            equal: 1,
            edit,
        };
        let changed = |record: LogRecord| Edit::Log(Box::new(record));
        let severity = match record.severity {
            Some(17..) => 9,
            _ => 17,
        };
        let mut all = vec![
            fault(FaultKind::LogGone, "gone", Edit::RemoveLog),
            fault(
                FaultKind::LogSeverity,
                &format!("severity {}", severity_name(severity)),
                changed(LogRecord {
                    severity: Some(severity),
                    ..record.clone()
                }),
            ),
            fault(
                FaultKind::LogBody,
                "another text",
                changed(LogRecord {
                    body: other_value("", &record.body),
                    ..record.clone()
                }),
            ),
        ];
        if self.knows_uncorrelated && self.tree == Tree::Own {
            let what = "without a trace id";
            all.push(fault(FaultKind::LogUncorrelated, what, Edit::Uncorrelate));
        }
        for (key, value) in record.attributes.iter() {
            let counted = match Sketches::is_named_to_vary(key) || self.sketches.value_varies(value)
            {
                true => Counted::Never,
                false => Counted::WithAll,
            };
            let edit = |value: Option<Value>| {
                let others = record.attributes.iter().filter(|(name, _)| *name != key);
                let others = others.map(|(name, value)| (name.to_owned(), value.clone()));
                let value = value.map(|value| (key.to_owned(), value));
                let attributes: Attributes = others.chain(value).collect();
                changed(LogRecord {
                    attributes: attributes.with_dropped(record.attributes.dropped()),
                    ..record.clone()
                })
            };
            all.extend(of_attribute(site, (key, value), counted, &edit));
        }
        all
    }
}

/// Service, severity and text of a log record, apart from digits.
type LogClass<'t> = (&'t str, Option<u8>, String);

fn log_class(record: &LogRecord) -> LogClass<'_> {
    let text = record.body.to_text();
    let text = text.replace(|digit: char| digit.is_ascii_digit(), "0");
    (record.service(), record.severity, text)
}

/// The faults of an attribute.
fn of_attribute<'k>(
    site: Site,
    (key, value): (&'k str, &'k Value),
    counted: Counted,
    edit: &dyn Fn(Option<Value>) -> Edit,
) -> impl Iterator<Item = Mutant> + use<'k> {
    let fault = |kind: FaultKind, what: String, edit: Edit| Mutant {
        kind,
        site,
        what,
        detail: Some(key.to_owned()),
        counted: counted.max(kind.counted()),
        equal: 1,
        edit,
    };
    let other = other_value(key, value);
    let gone = format!("attribute `{key}` gone");
    let changed = format!(
        "attribute `{key}` is {} instead of {}",
        in_words(&other),
        in_words(value)
    );
    let retyped = other_type(value).map(|retyped| {
        let what = format!(
            "attribute `{key}` is {} instead of {}",
            in_words(&retyped),
            in_words(value)
        );
        fault(FaultKind::AttributeType, what, edit(Some(retyped)))
    });
    let both = [
        fault(FaultKind::AttributeGone, gone, edit(None)),
        fault(FaultKind::AttributeValue, changed, edit(Some(other))),
    ];
    both.into_iter().chain(retyped)
}

/// Returns `true` if faults of the attribute count by default.
fn is_essential(key: &str) -> bool {
    let first = key.split('.').next().unwrap_or(key);
    ESSENTIAL.contains(&key) || !INSTRUMENTATION.contains(&first)
}

/// A value as JSON, or its beginning.
pub(super) fn in_words(value: &Value) -> String {
    excerpt(&value.to_string())
}

/// The beginning of a text.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
