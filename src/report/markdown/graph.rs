//! The services of a run and their calls, as a Mermaid graph.

use std::collections::BTreeMap;

use super::inert::label;
use crate::number::{self, count, counted};
use crate::result::{Report, StepReport};
use crate::trace::{Nanos, StatusCode, Trace};

/// Larger graphs are unreadable, and GitHub does not draw them.
const MOST_CALLS: usize = 100;

/// The calls of one service to another, or the first requests to a service.
#[derive(Default)]
struct ServiceCall {
    calls: usize,
    durations: Vec<Nanos>,
    errors: usize,
}

#[derive(Default)]
struct Graph {
    calls: BTreeMap<(String, String), ServiceCall>,
    /// Span links, for example from a producer of messages to its consumer.
    links: BTreeMap<(String, String), usize>,
}

/// The section of the page; empty if no service called another.
pub(super) fn section(report: &Report) -> String {
    let graph = Graph::of(report);
    if graph.calls.is_empty() && graph.links.is_empty() {
        return String::new();
    }
    format!(
        "### Services\n\n```mermaid\n{}```\n\n{}",
        graph.drawn(),
        graph.left_out()
    )
}

impl Graph {
    fn of(report: &Report) -> Self {
        let mut graph = Self::default();
        let attempts = report.specs.iter().filter_map(|spec| spec.last_attempt());
        for trace in attempts.flat_map(|last| &last.steps).filter_map(trace) {
            graph.add(trace);
            graph.add_links(trace);
        }
        graph
    }

    fn add(&mut self, trace: &Trace) {
        for (at, span) in trace.spans().iter().enumerate() {
            let Some(parent) = trace.parent(at) else {
                continue;
            };
            let (from, to) = (trace.spans()[parent].service(), span.service());
            if from == to {
                continue;
            }
            let call = self
                .calls
                .entry((from.to_owned(), to.to_owned()))
                .or_default();
            call.calls += 1;
            call.durations.extend(span.duration());
            call.errors += usize::from(span.status.code == StatusCode::Error);
        }
        trace.linked().iter().for_each(|linked| self.add(linked));
    }

    /// A link points back to what caused the span.
    fn add_links(&mut self, trace: &Trace) {
        let all: Vec<&Trace> = std::iter::once(trace).chain(trace.linked()).collect();
        for span in all.iter().flat_map(|trace| trace.spans()) {
            for link in &span.links {
                let home = all.iter().find(|trace| trace.id() == link.trace_id);
                let cause = home.and_then(|home| Some(&home.spans()[home.find(link.span_id)?]));
                let Some(cause) = cause.filter(|cause| cause.service() != span.service()) else {
                    continue;
                };
                let key = (cause.service().to_owned(), span.service().to_owned());
                *self.links.entry(key).or_default() += 1;
            }
        }
    }

    fn drawn(&self) -> String {
        let mut nodes: Vec<&str> = Vec::new();
        let mut lines = String::new();
        let calls = self.calls.iter().take(MOST_CALLS);
        let links = self.links.iter().take(MOST_CALLS);
        let arrows = calls
            .map(|(ends, call)| (ends, "-->", call.in_words()))
            .chain(links.map(|(ends, number)| (ends, "-.->", counted(*number, "link"))));
        for ((from, to), arrow, words) in arrows {
            let (from, to) = (number(&mut nodes, from), number(&mut nodes, to));
            lines.push_str(&format!("  s{from} {arrow}|\"{}\"| s{to}\n", label(&words)));
        }
        let names = nodes.iter().enumerate();
        let names: String = names
            .map(|(at, name)| format!("  s{at}[\"{}\"]\n", label(name)))
            .collect();
        format!("flowchart LR\n{names}{lines}")
    }

    fn left_out(&self) -> String {
        let more = |number: usize| number.saturating_sub(MOST_CALLS);
        match more(self.calls.len()) + more(self.links.len()) {
            0 => String::new(),
            number => format!("_{} more are not drawn._\n\n", count(number)),
        }
    }
}

impl ServiceCall {
    fn in_words(&self) -> String {
        let mut durations = self.durations.clone();
        durations.sort_unstable();
        let half = durations.get(durations.len() / 2).copied();
        let half = half.map_or_else(|| "unknown".to_owned(), number::nanos);
        let errors = match self.errors {
            0 => String::new(),
            errors => format!(", {}", counted(errors, "error")),
        };
        let calls = counted(self.calls, "call");
        format!("{calls}{errors}, p50 {half}")
    }
}

fn trace(step: &StepReport) -> Option<&Trace> {
    step.trace.as_deref()
}

/// The index of a name in the list, to which new names are added.
fn number<'a>(nodes: &mut Vec<&'a str>, name: &'a str) -> usize {
    nodes
        .iter()
        .position(|node| *node == name)
        .unwrap_or_else(|| {
            nodes.push(name);
            nodes.len() - 1
        })
}
