//! `GET /events`: events of all traces, as server-sent events.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value as Json, json};
use tokio::sync::broadcast::{self, error::RecvError};

use super::problem::Problem;
use super::query;
use super::state::Api;
use crate::source::{Refusal, Snapshot, StoreEvent};
use crate::trace::{Origin, TraceId};

/// Number of traces that are remembered. A forgotten trace starts again.
const MOST_TRACES: usize = 4096;

/// A comment is sent after this time, so that no proxy closes the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Answers with an endless stream.
pub(super) async fn follow(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    query::none(&uri)?;
    let stream_of = EventStream {
        events: api.store().events(),
        api,
        traces: HashMap::new(),
        order: VecDeque::new(),
        greeted: false,
    };
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
    /// The moment at which each trace will be complete. `None` if it is, or lacks something.
    traces: HashMap<TraceId, Option<Instant>>,
    /// The traces in the order in which they began.
    order: VecDeque<TraceId>,
    greeted: bool,
}

impl EventStream {
    /// The next events as text. `None` if the store does not exist any longer.
    async fn next(&mut self) -> Option<String> {
        if !std::mem::replace(&mut self.greeted, true) {
            // Some servers hold back headers without a body. From now on, no event is missed.
            return Some(": listening\n\n".to_owned());
        }
        let due = self.traces.values().flatten().min().copied();
        let until = due.unwrap_or_else(|| Instant::now() + KEEP_ALIVE);
        tokio::select! {
            events = self.events.recv() => match events {
                Ok(StoreEvent::Arrived(traces)) => Some(self.arrived(&traces)),
                Ok(StoreEvent::Refused(refusal)) => Some(refused(&refusal)),
                Err(RecvError::Lagged(missed)) => {
                    Some(event("missed", &json!({ "events": missed })))
                }
                Err(RecvError::Closed) => None,
            },
            () = tokio::time::sleep_until(until.into()) => Some(match due {
                Some(_) => self.settle(),
                None => ": still here\n\n".to_owned(),
            }),
        }
    }

    fn arrived(&mut self, traces: &[(TraceId, usize)]) -> String {
        let events = traces.iter().map(|&(id, arrived)| {
            let snapshot = self.look(id);
            let due = self.api.state().settler.complete_at(&snapshot);
            let name = match self.traces.insert(id, due) {
                Some(_) => "changed",
                None => {
                    self.remember(id);
                    "started"
                }
            };
            let mut facts = facts(&snapshot);
            facts["arrived"] = arrived.into();
            event(name, &facts)
        });
        events.collect()
    }

    /// Events for the traces that are complete now.
    fn settle(&mut self) -> String {
        let now = Instant::now();
        let due: Vec<TraceId> = self
            .traces
            .iter()
            .filter(|(_, due)| due.is_some_and(|due| due <= now))
            .map(|(&id, _)| id)
            .collect();
        let mut events = String::new();
        for id in due {
            let snapshot = self.look(id);
            let next = self.api.state().settler.complete_at(&snapshot);
            let is_complete = next.is_some_and(|next| next <= snapshot.at);
            self.traces.insert(id, next.filter(|_| !is_complete));
            if is_complete {
                events.push_str(&event("settled", &facts(&snapshot)));
            }
        }
        events
    }

    fn look(&self, id: TraceId) -> Snapshot {
        self.api.store().peek(id, Origin::Foreign)
    }

    fn remember(&mut self, id: TraceId) {
        self.order.push_back(id);
        if self.order.len() > MOST_TRACES
            && let Some(oldest) = self.order.pop_front()
        {
            self.traces.remove(&oldest);
        }
    }
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
