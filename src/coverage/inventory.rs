//! The services, spans, attributes and calls that traces show.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use crate::check::conventional_name;
use crate::number::counted;
use crate::trace::{Field, Span, SpanId, SpanKind, Tie, Trace, TraceId, without_ids};

/// Names of spans of one service and kind that occur once, above which they are left out: they contain values.
const MOST_SINGLE_NAMES: usize = 50;

/// The instrumentation of traces, or a recorded list of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// The spans of each service.
    pub(crate) services: BTreeMap<String, BTreeMap<SpanForm, SpanFacts>>,
    /// The calls between services.
    pub(crate) edges: BTreeSet<Edge>,
}

/// Spans with the same name and kind. Ids in the name are `#`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SpanForm {
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
}

/// Facts about spans of one form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpanFacts {
    /// Number of spans; 0 in a recorded list.
    pub(crate) spans: u64,
    pub(crate) attributes: BTreeSet<String>,
    /// An SDK dropped attributes of such a span.
    pub(crate) has_dropped: bool,
}

/// A call between two services.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) tie: Tie,
}

/// An entry of an inventory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    Service(String),
    Span(String, SpanForm),
    Attribute(String, SpanForm, String),
    Edge(Edge),
}

/// Traces in which parents of spans are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orphans {
    /// They are incomplete.
    Refused,
    /// They are complete.
    Accepted,
}

/// The parts of the traces that are not known, each with the reason.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unknown {
    /// Any span may be missing.
    pub(crate) spans: Vec<String>,
    pub(crate) edges: Vec<String>,
    pub(crate) attributes: Vec<String>,
}

impl SpanForm {
    pub(crate) fn of(span: &Span) -> Self {
        Self {
            name: without_ids(&conventional_name(span)).into_owned(),
            kind: span.kind,
        }
    }
}

impl Inventory {
    pub(crate) fn of(traces: &[Trace]) -> Self {
        let mut all = Self::default();
        traces.iter().for_each(|trace| all.add(trace));
        all.edges.extend(links(traces));
        all
    }

    fn add(&mut self, trace: &Trace) {
        for (at, span) in trace.spans().iter().enumerate() {
            let service = self.services.entry(span.service().to_owned()).or_default();
            let facts = service.entry(SpanForm::of(span)).or_default();
            facts.spans += 1;
            facts.has_dropped |= span.attributes.dropped() > 0;
            let keys = span.attributes.iter().map(|(key, _)| key);
            for key in keys {
                if !facts.attributes.contains(key) {
                    facts.attributes.insert(key.to_owned());
                }
            }
            if let Some(edge) = call(trace, at) {
                self.edges.insert(edge);
            }
        }
    }

    /// Number of spans with different names or kinds.
    pub(crate) fn forms(&self) -> usize {
        self.services.values().map(BTreeMap::len).sum()
    }

    /// Number of attributes of all forms.
    pub(crate) fn attributes(&self) -> usize {
        let forms = self.services.values().flat_map(BTreeMap::values);
        forms.map(|facts| facts.attributes.len()).sum()
    }

    pub(crate) fn form(&self, service: &str, form: &SpanForm) -> Option<&SpanFacts> {
        self.services.get(service)?.get(form)
    }

    /// This inventory without names that are another one in each trace, and a note about each service with such
    /// names.
    pub(crate) fn without_single_names(mut self) -> (Self, Vec<String>) {
        let mut notes = Vec::new();
        for (service, forms) in &mut self.services {
            for kind in SpanKind::ALL {
                let is_single =
                    |form: &SpanForm, facts: &SpanFacts| form.kind == kind && facts.spans == 1;
                let single = forms.iter().filter(|(form, facts)| is_single(form, facts));
                let number = single.count();
                if number > MOST_SINGLE_NAMES {
                    forms.retain(|form, facts| !is_single(form, facts));
                    notes.push(format!(
                        "{} of {kind} spans of {service} occur once and are left out: put ids and values into attributes",
                        counted(number, "name")
                    ));
                }
            }
        }
        (self, notes)
    }
}

/// The call of which a span is the end in another service.
pub(crate) fn call(trace: &Trace, at: usize) -> Option<Edge> {
    let (span, parent) = (&trace.spans()[at], trace.parent(at)?);
    let caller = &trace.spans()[parent];
    (caller.service() != span.service()).then(|| Edge {
        from: caller.service().to_owned(),
        to: span.service().to_owned(),
        tie: Tie::Parent,
    })
}

/// The links between spans of two services, whose traces are among these.
fn links(traces: &[Trace]) -> BTreeSet<Edge> {
    let spans = || traces.iter().flat_map(Trace::spans);
    let targets: HashSet<(TraceId, SpanId)> = spans()
        .flat_map(|span| &span.links)
        .map(|link| (link.trace_id, link.span_id))
        .collect();
    let senders = spans().filter(|span| targets.contains(&(span.trace_id, span.span_id)));
    let senders: HashMap<(TraceId, SpanId), &str> = senders
        .map(|span| ((span.trace_id, span.span_id), span.service()))
        .collect();
    let mut edges = BTreeSet::new();
    for span in spans() {
        for link in &span.links {
            let from = senders.get(&(link.trace_id, link.span_id));
            if let Some(from) = from.filter(|from| **from != span.service()) {
                edges.insert(Edge {
                    from: (*from).to_owned(),
                    to: span.service().to_owned(),
                    tie: Tie::Link,
                });
            }
        }
    }
    edges
}

impl Unknown {
    /// The parts that these traces do not show for certain.
    pub(crate) fn of(traces: &[Trace], orphans: Orphans) -> Self {
        let mut unknown = Self::default();
        let incomplete = traces.iter().filter(|trace| trace.misses_spans()).count();
        if incomplete > 0 && orphans == Orphans::Refused {
            unknown.spans.push(format!(
                "parents of spans are missing in {} of {}",
                incomplete,
                counted(traces.len(), "trace")
            ));
        }
        let loses = |field: &Field| traces.iter().any(|trace| trace.losses().contains(*field));
        let lost = |fields: &[Field]| -> Vec<String> {
            let lost = fields.iter().filter(|field| loses(field));
            lost.map(|field| format!("the source of the traces does not provide {field}"))
                .collect()
        };
        unknown.spans.extend(lost(&[
            Field::Names,
            Field::NameCase,
            Field::Kind,
            Field::Services,
        ]));
        unknown.edges = lost(&[Field::Parents, Field::Links, Field::LinkingTraces]);
        unknown.attributes = lost(&[
            Field::Attributes,
            Field::MovedAttributes,
            Field::RewrittenAttributes,
            Field::TagFields,
        ]);
        unknown
    }

    /// The reasons why an entry may be there although no trace shows it.
    pub(crate) fn reasons(&self, item: &Item) -> &[String] {
        let of_kind = match item {
            Item::Service(_) | Item::Span(..) => &self.spans,
            Item::Attribute(..) => &self.attributes,
            Item::Edge(_) => &self.edges,
        };
        if self.spans.is_empty() {
            of_kind
        } else {
            &self.spans
        }
    }
}

impl fmt::Display for SpanForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.kind)
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)?;
        match self.tie {
            Tie::Parent => Ok(()),
            Tie::Link => f.write_str(" (link)"),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(service) => write!(f, "service {service}"),
            Self::Span(service, form) => write!(f, "span {service} › {form}"),
            Self::Attribute(service, form, key) => {
                write!(f, "attribute {key} of {service} › {form}")
            }
            Self::Edge(edge) => match edge.tie {
                Tie::Parent => write!(f, "call {edge}"),
                Tie::Link => write!(f, "link {} -> {}", edge.from, edge.to),
            },
        }
    }
}
