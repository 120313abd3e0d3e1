//! The entries of an inventory that checks notice.

use std::collections::{BTreeMap, BTreeSet};

use super::inventory::{Edge, Inventory, Item, SpanForm, call};
use crate::mutate::{Noticed, TracePart, noticed};
use crate::step::StepEvidence;
use crate::trace::{Tie, Trace};

/// The entries that checks of specs notice.
#[derive(Default)]
pub(crate) struct Checked {
    /// For each entry that was judged, `true` if a check notices its absence.
    judged: BTreeMap<Item, bool>,
    /// The spans of the traces that were judged. One of several equal ones stands for all.
    spans: BTreeSet<(String, SpanForm)>,
    /// Number of faults that were not judged.
    pub(crate) not_judged: usize,
    /// Number of checks that cannot be judged again, such as those of captured values.
    pub(crate) checks_left: usize,
}

impl Checked {
    /// Adds the checks of a step.
    ///
    /// # Errors
    /// No check of the step passes when it is judged again.
    pub(crate) fn add(&mut self, evidence: &StepEvidence) -> Result<(), String> {
        let Noticed {
            parts,
            faults_left,
            checks_left,
        } = noticed(evidence)?;
        self.not_judged += faults_left;
        self.checks_left += checks_left;
        // Otherwise no check is about a span.
        if evidence.expect.is_about_trace() {
            let traces = std::iter::once(&evidence.trace).chain(evidence.trace.linked());
            let spans = traces.flat_map(Trace::spans);
            let forms = spans.map(|span| (span.service().to_owned(), SpanForm::of(span)));
            self.spans.extend(forms);
        }
        for one in parts {
            for item in items(one.trace, one.at, &one.part, &evidence.trace) {
                *self.judged.entry(item).or_default() |= one.is_noticed;
            }
        }
        Ok(())
    }

    /// The entries that no check notices. If some faults were not judged, only those that were judged.
    pub(crate) fn unchecked(&self, seen: &Inventory) -> Vec<Item> {
        let is_unchecked = |item: &Item| match (self.judged.get(item), item) {
            (Some(is_noticed), _) => !is_noticed,
            (None, _) if self.not_judged > 0 => false,
            // Only others of several equal spans have it.
            (None, Item::Attribute(service, form, _)) => {
                !self.spans.contains(&(service.clone(), form.clone()))
            }
            (None, _) => true,
        };
        let mut services = BTreeSet::new();
        for (item, _) in self.judged.iter().filter(|(_, is_noticed)| **is_noticed) {
            if let Item::Span(service, _) | Item::Attribute(service, ..) = item {
                services.insert(service.as_str());
            }
        }
        let mut all = Vec::new();
        for (service, forms) in &seen.services {
            if !services.contains(service.as_str()) {
                all.push(Item::Service(service.clone()));
                continue;
            }
            for (form, facts) in forms {
                let span = Item::Span(service.clone(), form.clone());
                let keys = facts.attributes.iter();
                let attributes =
                    keys.map(|key| Item::Attribute(service.clone(), form.clone(), key.clone()));
                let unchecked: Vec<Item> = attributes.filter(is_unchecked).collect();
                let is_whole = unchecked.len() == facts.attributes.len();
                match is_unchecked(&span) && is_whole {
                    true => all.push(span),
                    false => all.extend(unchecked),
                }
            }
        }
        let edges = seen.edges.iter().cloned().map(Item::Edge);
        all.extend(edges.filter(is_unchecked));
        all
    }
}

/// The entries to which a part of a trace belongs.
fn items(trace: &Trace, at: usize, part: &TracePart, own: &Trace) -> Vec<Item> {
    let span = &trace.spans()[at];
    let service = span.service().to_owned();
    let form = SpanForm::of(span);
    match part {
        TracePart::Span => vec![Item::Span(service, form)],
        TracePart::Attribute(key) => vec![Item::Attribute(service, form, key.clone())],
        TracePart::Call => call(trace, at).map(Item::Edge).into_iter().collect(),
        TracePart::Link => {
            let traces = std::iter::once(own).chain(own.linked());
            let senders = span.links.iter().filter_map(|link| {
                let mut traces = traces.clone();
                let of = traces.find(|trace| trace.id() == link.trace_id)?;
                Some(of.spans()[of.find(link.span_id)?].service().to_owned())
            });
            let others = senders.filter(|from| *from != service);
            let edges = others.map(|from| {
                Item::Edge(Edge {
                    from,
                    to: service.clone(),
                    tie: Tie::Link,
                })
            });
            edges.collect()
        }
    }
}
