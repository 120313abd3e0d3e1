//! `GET /events`: what happens, as server-sent events.

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
use super::{Api, query};
use crate::source::receiver::{News, Refusal, Snapshot};
use crate::trace::{Origin, TraceId};

/// So many traces are known at once; one that is forgotten begins anew.
const MOST_TRACES: usize = 4096;

/// A comment is sent that often, so that nobody in between takes the line for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Answers without end.
pub(super) async fn follow(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    query::none(&uri)?;
    let watcher = Watcher {
        news: api.store().news(),
        api,
        traces: HashMap::new(),
        order: VecDeque::new(),
        greeted: false,
    };
    let events = stream::unfold(watcher, |mut watcher| async move {
        let events = watcher.next().await?;
        Some((Ok::<_, std::convert::Infallible>(events), watcher))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// One client, and what it was told of which trace.
struct Watcher {
    api: Api,
    news: broadcast::Receiver<News>,
    /// When each trace will be complete, unless it is already or lacks something.
    traces: HashMap<TraceId, Option<Instant>>,
    /// The traces in the order in which they began.
    order: VecDeque<TraceId>,
    greeted: bool,
}

impl Watcher {
    /// The next events as they are sent; nothing when the store is gone.
    async fn next(&mut self) -> Option<String> {
        if !std::mem::replace(&mut self.greeted, true) {
            // Headers alone may be held back; whoever reads this misses nothing from now on.
            return Some(": listening\n\n".to_owned());
        }
        let due = self.traces.values().flatten().min().copied();
        let until = due.unwrap_or_else(|| Instant::now() + KEEP_ALIVE);
        tokio::select! {
            news = self.news.recv() => match news {
                Ok(News::Arrived(traces)) => Some(self.arrived(&traces)),
                Ok(News::Refused(refusal)) => Some(refused(&refusal)),
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
            let due = self.api.running().settler.complete_at(&snapshot);
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

    /// Tells of traces that have become complete by now.
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
            let next = self.api.running().settler.complete_at(&snapshot);
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

/// JSON has no line breaks of its own, so it is one line of data.
fn event(name: &str, data: &Json) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
