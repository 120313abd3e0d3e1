//! The service graph of a trace: calls between services with their numbers, errors and durations.
//!
//! `report` draws it.

use std::collections::{BTreeMap, HashMap};

use super::{Nanos, Span, SpanId, SpanKind, StatusCode, Trace, TraceId};

/// The services of a trace and of those linked to it, and the calls between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceGraph {
    /// All services, sorted by name.
    pub services: Vec<Service>,
    /// All pairs of a calling and a called service.
    pub calls: Vec<Calls>,
}

/// A service of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Number of its spans.
    pub spans: usize,
    /// Number of its spans with status error.
    pub errors: usize,
    /// Median duration of its entry spans; `None` if none has a duration.
    pub p50: Option<Nanos>,
}

/// The calls between two services, or from a service to itself over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Index of the calling service.
    pub from: usize,
    /// Index of the called service.
    pub to: usize,
    /// The relation between the spans of the two services.
    pub tie: Tie,
    /// Number of calls.
    pub count: usize,
    /// Number of calls whose span in the called service has status error.
    pub errors: usize,
    /// Median duration of the spans in the called service; `None` if none has a duration.
    pub p50: Option<Nanos>,
}

/// The relation between spans of two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tie {
    /// One span is the parent of the other.
    Parent,
    /// The later span has a link to the earlier one, as in consumers of messages.
    Link,
}

/// Durations and errors of a group of spans.
#[derive(Default)]
struct CallStats {
    spans: usize,
    durations: Vec<Nanos>,
    errors: usize,
}

impl CallStats {
    fn add(&mut self, span: &Span) {
        self.spans += 1;
        self.durations.extend(span.duration());
        self.errors += usize::from(span.status.code == StatusCode::Error);
    }
}

impl Trace {
    /// The service graph of this trace and the linked ones.
    #[must_use]
    pub fn service_graph(&self) -> ServiceGraph {
        let traces: Vec<&Trace> = std::iter::once(self).chain(self.linked()).collect();
        ServiceGraph::of(&traces)
    }
}

impl ServiceGraph {
    /// The service graph of several traces.
    #[must_use]
    pub fn of(traces: &[&Trace]) -> Self {
        let mut all: BTreeMap<&str, (CallStats, CallStats)> = BTreeMap::new();
        for trace in traces {
            for (at, span) in trace.spans().iter().enumerate() {
                let (spans, entries) = all.entry(span.service()).or_default();
                spans.add(span);
                let caller = trace.parent(at).map(|parent| &trace.spans()[parent]);
                if caller.is_none_or(|caller| is_call(caller, span)) {
                    entries.add(span);
                }
            }
        }
        let index: HashMap<&str, usize> = all.keys().copied().zip(0..).collect();
        let calls = calls(traces, &index);
        let services = all
            .into_iter()
            .map(|(name, (spans, entries))| Service {
                name: name.to_owned(),
                spans: spans.spans,
                errors: spans.errors,
                p50: median(entries.durations),
            })
            .collect();
        Self { services, calls }
    }
}

fn calls(traces: &[&Trace], index: &HashMap<&str, usize>) -> Vec<Calls> {
    let mut all: BTreeMap<(usize, usize, Tie), CallStats> = BTreeMap::new();
    let mut note = |caller: &Span, called: &Span, tie| {
        let pair = (index[caller.service()], index[called.service()], tie);
        all.entry(pair).or_default().add(called);
    };
    let by_id: HashMap<(TraceId, SpanId), &Span> = traces
        .iter()
        .flat_map(|trace| trace.spans())
        .map(|span| ((span.trace_id, span.span_id), span))
        .collect();
    for trace in traces {
        for (at, span) in trace.spans().iter().enumerate() {
            let parent = trace.parent(at).map(|parent| &trace.spans()[parent]);
            if let Some(caller) = parent.filter(|caller| is_call(caller, span)) {
                note(caller, span, Tie::Parent);
            }
            for link in &span.links {
                match by_id.get(&(link.trace_id, link.span_id)) {
                    Some(sender) if sender.service() != span.service() => {
                        note(sender, span, Tie::Link);
                    }
                    _ => {}
                }
            }
        }
    }
    all.into_iter()
        .map(|((from, to, tie), tally)| Calls {
            from,
            to,
            tie,
            count: tally.spans,
            errors: tally.errors,
            p50: median(tally.durations),
        })
        .collect()
}

/// Returns `true` if a span and its child are the two ends of a call.
fn is_call(caller: &Span, called: &Span) -> bool {
    let has_sent = matches!(caller.kind, SpanKind::Client | SpanKind::Producer);
    let has_received = matches!(called.kind, SpanKind::Server | SpanKind::Consumer);
    caller.service() != called.service() || (has_sent && has_received)
}

/// The lower median, so that it is one of the durations.
fn median(mut durations: Vec<Nanos>) -> Option<Nanos> {
    durations.sort_unstable();
    let middle = durations.len().saturating_sub(1) / 2;
    durations.get(middle).copied()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Link, Origin, Resource, Status};
    use super::*;

    fn id(n: u64) -> SpanId {
        SpanId::from_bytes(n.to_be_bytes()).unwrap()
    }

    fn span(trace: u8, n: u64, parent: Option<u64>, service: &str, duration: Nanos) -> Span {
        let trace_id = TraceId::from_bytes([trace; 16]).unwrap();
        let attributes = [("service.name", service)].into_iter().collect();
        Span {
            parent_id: parent.map(id),
            start: n,
            end: n + duration,
            resource: Arc::new(Resource { attributes }),
            ..Span::new(trace_id, id(n), "")
        }
    }

    fn trace(number: u8, spans: Vec<Span>) -> Trace {
        let trace_id = TraceId::from_bytes([number; 16]).unwrap();
        Trace::assemble(trace_id, Origin::Foreign, spans)
    }

    #[test]
    fn calls_between_services_are_counted_with_their_errors_and_median() {
        let mut failed = span(1, 4, Some(1), "stock", 30);
        failed.status = Status {
            code: StatusCode::Error,
            message: String::new(),
        };
        let graph = trace(
            1,
            vec![
                span(1, 1, None, "order", 100),
                span(1, 2, Some(1), "stock", 10),
                span(1, 3, Some(1), "stock", 20),
                failed,
                span(1, 5, Some(2), "stock", 1),
            ],
        )
        .service_graph();
        let call = Calls {
            from: 0,
            to: 1,
            tie: Tie::Parent,
            count: 3,
            errors: 1,
            p50: Some(20),
        };
        assert_eq!(graph.calls, [call]);
        let of = |s: &Service| (s.name.clone(), s.spans, s.errors, s.p50.unwrap());
        assert_eq!(
            graph.services.iter().map(of).collect::<Vec<_>>(),
            [("order".into(), 1, 0, 100), ("stock".into(), 4, 1, 20)]
        );
    }

    #[test]
    fn a_service_that_sends_to_itself_calls_itself() {
        let mut client = span(1, 2, Some(1), "order", 10);
        client.kind = SpanKind::Client;
        let mut server = span(1, 3, Some(2), "order", 8);
        server.kind = SpanKind::Server;
        let graph = trace(1, vec![span(1, 1, None, "order", 20), client, server]).service_graph();
        assert_eq!((graph.calls[0].from, graph.calls[0].to), (0, 0));
        assert_eq!(graph.calls[0].count, 1);
    }

    #[test]
    fn a_consumer_in_a_linked_trace_is_called_by_the_producer() {
        let mut consumer = span(2, 9, None, "mail", 5);
        consumer.links = vec![Link {
            trace_id: TraceId::from_bytes([1; 16]).unwrap(),
            span_id: id(1),
            trace_state: String::new(),
            attributes: super::super::Attributes::default(),
        }];
        let judged = trace(1, vec![span(1, 1, None, "order", 20)]);
        let graph = judged
            .with_linked(vec![trace(2, vec![consumer])])
            .service_graph();
        assert_eq!(graph.calls.len(), 1);
        assert_eq!(graph.calls[0].tie, Tie::Link);
    }
}
