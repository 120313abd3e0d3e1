//! All traces of a report: their service graph, and the list from which the reader chooses two.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use super::graph::GraphLayout;
use super::spec::{earlier_trace, request_traces, shown_traces};
use crate::result::{Attempt, Report, StepReport};
use crate::trace::{Nanos, ServiceGraph, Trace, TraceId};

/// The data about all traces.
#[derive(Serialize)]
pub(super) struct PageRun {
    graph: GraphLayout,
    /// Names of services.
    services: Vec<String>,
    traces: Vec<ListedTrace>,
}

/// A trace of the list, and its place in the data of a spec.
#[derive(Serialize)]
struct ListedTrace {
    /// Number of the spec, from 1.
    spec: usize,
    attempt: usize,
    step: usize,
    /// The list of the step, and the index in it.
    list: &'static str,
    at: usize,
    id: String,
    label: String,
    spans: usize,
    duration: Option<Nanos>,
    /// Indices of services.
    services: Vec<usize>,
}

/// Collects the traces of a report.
#[derive(Default)]
struct Collection<'a> {
    traces: Vec<(ListedTrace, &'a Trace)>,
    /// The traces of this run, each once. Those of earlier runs do not count.
    of_run: Vec<&'a Trace>,
    seen: HashSet<TraceId>,
}

impl PageRun {
    /// `None` if the report has no trace.
    pub(super) fn of(report: &Report) -> Option<Self> {
        let mut all = Collection::default();
        for (number, spec) in (1..).zip(&report.specs) {
            for (attempt, of) in spec.attempts.iter().enumerate() {
                all.add(number, attempt, spec.attempts.len(), of);
            }
        }
        if all.traces.is_empty() {
            return None;
        }
        let graph = ServiceGraph::of(&all.of_run);
        let names = all.traces.iter().flat_map(|(_, trace)| trace.services());
        let names: BTreeSet<&str> = names.collect();
        let services: BTreeMap<&str, usize> = names.into_iter().zip(0..).collect();
        let listed = |(listed, trace): &mut (ListedTrace, &Trace)| {
            let own = trace.services().into_iter();
            listed.services = own.map(|name| services[name]).collect();
        };
        all.traces.iter_mut().for_each(listed);
        Some(Self {
            graph: GraphLayout::from(graph),
            services: services.into_keys().map(str::to_owned).collect(),
            traces: all.traces.into_iter().map(|(listed, _)| listed).collect(),
        })
    }

    /// Number of traces.
    pub(super) fn len(&self) -> usize {
        self.traces.len()
    }
}

impl<'a> Collection<'a> {
    fn add(&mut self, spec: usize, attempt: usize, attempts: usize, of: &'a Attempt) {
        let of_attempt = (attempts > 1).then(|| format!("attempt {}", attempt + 1));
        for (number, step) in of.steps.iter().enumerate() {
            let of_step = (of.steps.len() > 1).then(|| name_of(step, number));
            let mut add = |list, at, trace: &'a Trace, what: Option<String>| {
                let parts = [of_attempt.clone(), of_step.clone(), what];
                let label: Vec<String> = parts.into_iter().flatten().collect();
                let listed = ListedTrace {
                    spec,
                    attempt,
                    step: number,
                    list,
                    at,
                    id: trace.id().to_string(),
                    label: label.join(", "),
                    spans: trace.len(),
                    duration: trace.duration(),
                    services: Vec::new(),
                };
                self.traces.push((listed, trace));
                if list != "earlier" && self.seen.insert(trace.id()) {
                    self.of_run.push(trace);
                }
            };
            for (at, trace) in shown_traces(step).into_iter().enumerate() {
                add("traces", at, trace, (at > 0).then(|| "linked".to_owned()));
            }
            for (at, trace) in request_traces(step).into_iter().enumerate() {
                add("load", at, trace, Some("slowest of a budget".to_owned()));
            }
            if let Some(trace) = earlier_trace(step) {
                add("earlier", 0, trace, Some("when it passed".to_owned()));
            }
        }
    }
}

fn name_of(step: &StepReport, number: usize) -> String {
    let name = step.name.clone();
    name.unwrap_or_else(|| format!("step {}", number + 1))
}
