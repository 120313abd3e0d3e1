//! `GET /events`: events of all traces, as server-sent events.
//!
//! Each trace of an event is looked at, which takes time. So a stream reports a few traces, and gives way to others.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value as Json, json};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::yield_now;

use super::problem::Problem;
use super::query;
use super::state::Api;
use crate::source::{Refusal, Snapshot, StoreEvent};
use crate::trace::{Origin, TraceId};

/// Number of traces that are remembered. A forgotten trace starts again.
const MOST_TRACES: usize = 4096;

/// Number of traces that are reported in one go.
const MOST_REPORTED: usize = 32;

/// A comment is sent after this time, so that no proxy closes the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Answers with an endless stream.
pub(super) async fn follow(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    query::none(&uri)?;
    let stream_of = EventStream::new(api);
    let events = stream::unfold(stream_of, |mut stream_of| async move {
        let events = stream_of.next().await?;
        Some((Ok::<_, std::convert::Infallible>(events), stream_of))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// The stream to one client.
struct EventStream {
    api: Api,
    events: broadcast::Receiver<StoreEvent>,
    /// The traces that arrived and are not reported yet, with the number of their new spans.
    arrived: VecDeque<(TraceId, usize)>,
    /// The moment at which each trace will be complete. `None` if it is, or lacks something.
    traces: HashMap<TraceId, Option<Instant>>,
    /// The moments of `traces`.
    due: BTreeSet<(Instant, TraceId)>,
    /// The traces in the order in which they began.
    order: VecDeque<TraceId>,
    greeted: bool,
}

impl EventStream {
    fn new(api: Api) -> Self {
        Self {
            events: api.store().events(),
            api,
            arrived: VecDeque::new(),
            traces: HashMap::new(),
            due: BTreeSet::new(),
            order: VecDeque::new(),
            greeted: false,
        }
    }

    /// The next events as text. `None` if the store does not exist any longer.
    async fn next(&mut self) -> Option<String> {
        if !std::mem::replace(&mut self.greeted, true) {
            // Some servers hold back headers without a body. From now on, no event is missed.
            return Some(": listening\n\n".to_owned());
        }
        // A client that always has events would hold its thread.
        yield_now().await;
        if !self.arrived.is_empty() {
            return Some(self.report());
        }
        let due = self.due.first().map(|(due, _)| *due);
        let until = due.unwrap_or_else(|| Instant::now() + KEEP_ALIVE);
        tokio::select! {
            events = self.events.recv() => match events {
                Ok(StoreEvent::Arrived(traces)) => {
                    self.arrived.extend(traces);
                    Some(self.report())
                }
                Ok(StoreEvent::Omitted { traces }) => Some(missed(traces as u64)),
                Ok(StoreEvent::Refused(refusal)) => Some(refused(&refusal)),
                Err(RecvError::Lagged(events)) => Some(missed(events)),
                Err(RecvError::Closed) => None,
            },
            () = tokio::time::sleep_until(until.into()) => Some(match due {
                Some(_) => self.settle(),
                None => ": still here\n\n".to_owned(),
            }),
        }
    }

    /// Events for some of the traces that arrived.
    fn report(&mut self) -> String {
        let mut events = String::new();
        for _ in 0..MOST_REPORTED {
            let Some((id, arrived)) = self.arrived.pop_front() else {
                break;
            };
            let snapshot = self.look(id);
            let due = self.api.state().settler.complete_at(&snapshot);
            let is_known = self.traces.contains_key(&id);
            if !is_known {
                self.remember(id);
            }
            self.expect(id, due);
            let mut facts = facts(&snapshot);
            facts["arrived"] = arrived.into();
            let name = if is_known { "changed" } else { "started" };
            events.push_str(&event(name, &facts));
        }
        events
    }

    /// Events for some of the traces that are complete now.
    fn settle(&mut self) -> String {
        let now = Instant::now();
        let mut events = String::new();
        for _ in 0..MOST_REPORTED {
            let Some((_, id)) = self.due.first().filter(|(due, _)| *due <= now).copied() else {
                break;
            };
            let snapshot = self.look(id);
            let next = self.api.state().settler.complete_at(&snapshot);
            let is_complete = next.is_some_and(|next| next <= snapshot.at);
            self.expect(id, next.filter(|_| !is_complete));
            if is_complete {
                events.push_str(&event("settled", &facts(&snapshot)));
            }
        }
        events
    }

    fn look(&self, id: TraceId) -> Snapshot {
        self.api.store().peek(id, Origin::Foreign)
    }

    /// Sets the moment at which a trace will be complete.
    fn expect(&mut self, id: TraceId, due: Option<Instant>) {
        if let Some(Some(before)) = self.traces.insert(id, due) {
            self.due.remove(&(before, id));
        }
        self.due.extend(due.map(|due| (due, id)));
    }

    fn remember(&mut self, id: TraceId) {
        self.order.push_back(id);
        if self.order.len() > MOST_TRACES
            && let Some(oldest) = self.order.pop_front()
            && let Some(Some(due)) = self.traces.remove(&oldest)
        {
            self.due.remove(&(due, oldest));
        }
    }
}

fn missed(events: u64) -> String {
    event("missed", &json!({ "events": events }))
}

fn facts(snapshot: &Snapshot) -> Json {
    let trace = &snapshot.trace;
    json!({
        "trace_id": trace.id().to_string(),
        "spans": trace.len(),
        "services": trace.services(),
    })
}

fn refused(refusal: &Refusal) -> String {
    let facts = json!({
        "peer": refusal.sender.peer.map(|peer| peer.to_string()),
        "service": refusal.sender.service,
        "user_agent": refusal.sender.user_agent,
        "endpoint": refusal.endpoint,
        "reason": refusal.reason,
        "remedy": refusal.remedy,
    });
    event("refused", &facts)
}

/// One line of data, since JSON has no line breaks.
fn event(name: &str, data: &Json) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message as _;

    use super::*;
    use crate::source::Store;

    /// A request with a span of each of this number of traces.
    fn request(traces: u64) -> Vec<u8> {
        let spans = (1..=traces).map(|number| Span {
            trace_id: u128::from(number).to_be_bytes().to_vec(),
            span_id: number.to_be_bytes().to_vec(),
            ..Span::default()
        });
        let scope = ScopeSpans {
            spans: spans.collect(),
            ..ScopeSpans::default()
        };
        let resource = ResourceSpans {
            scope_spans: vec![scope],
            ..ResourceSpans::default()
        };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![resource],
        };
        request.encode_to_vec()
    }

    #[tokio::test]
    async fn a_request_about_many_traces_is_reported_in_small_parts_up_to_a_bound() {
        let store = Store::remembering(64 << 20);
        let mut events = EventStream::new(Api::new(store.clone()));
        store.ingest(&request(5_000)).unwrap();
        let mut text = events.next().await.unwrap();
        while !text.contains("event: missed") {
            let part = events.next().await.unwrap();
            let reported = part.matches("event: started").count();
            assert!(reported <= MOST_REPORTED, "{reported}");
            text.push_str(&part);
        }
        assert_eq!(text.matches("event: started").count(), 4096);
        assert!(text.ends_with("data: {\"events\":904}\n\n"), "{text}");
    }

    #[tokio::test]
    async fn forgotten_traces_are_not_due() {
        let store = Store::remembering(64 << 20);
        let mut events = EventStream::new(Api::new(store));
        for number in 0..2 * MOST_TRACES {
            let id = TraceId::random();
            events.remember(id);
            events.expect(id, Some(Instant::now()));
            assert!(events.due.len() <= MOST_TRACES, "{number}");
        }
        assert_eq!(events.traces.len(), events.due.len());
    }
}
