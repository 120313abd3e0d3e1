//! Reads one trace again and again, as long as it is followed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::adapter::{Adapter, FetchError, Fetched};
use crate::source::otlp;
use crate::source::poll_state::PollState;
use crate::source::store::Store;
use crate::trace::{Hole, Origin, Sender, Span, SpanId, Trace, TraceId};

/// The first pause between two requests. It doubles while nothing changes.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Maximum number of linked traces that are read.
const MOST_LINKED: usize = 16;

/// The reading of one trace.
pub(super) struct Polling {
    pub(super) trace: TraceId,
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) store: Store,
    pub(super) state: watch::Sender<PollState>,
    /// The reason why the last answer about any trace is missing.
    pub(super) trouble: watch::Sender<Option<Hole>>,
}

/// The spans that were read, by trace and id.
type Known = HashMap<(TraceId, SpanId), Span>;

impl Polling {
    /// Reads the trace until this is dropped. Returns the reason if further requests are useless.
    pub(super) async fn run(self) -> String {
        let mut known = Known::new();
        let mut pause = SHORTEST_PAUSE;
        let mut has_read = false;
        loop {
            let asked = Instant::now();
            let mut least = Duration::ZERO;
            match self.read(&known).await {
                Ok(Fetched { spans, mut holes }) => {
                    let is_same = spans.is_empty();
                    holes.extend(self.take_in(spans, &mut known));
                    pause = if is_same { 2 * pause } else { SHORTEST_PAUSE };
                    // A trace that two successive answers agree about.
                    let is_confirmed = is_same && has_read;
                    has_read = true;
                    self.trouble.send_replace(None);
                    self.state.send_modify(|state| {
                        state.troubles = holes;
                        if is_confirmed {
                            state.confirmed = Some(asked);
                        }
                    });
                }
                Err(FetchError::Later { why, after, help }) => {
                    has_read = false;
                    pause = 2 * pause;
                    least = after.unwrap_or_default();
                    let hole = Hole {
                        reason: why,
                        sender: Sender::default(),
                        remedy: help,
                    };
                    self.trouble.send_replace(Some(hole.clone()));
                    self.state.send_modify(|state| state.troubles = vec![hole]);
                }
                Err(FetchError::Refused { why, help }) => return format!("{why}; {help}"),
            }
            pause = pause.min(LONGEST_PAUSE);
            tokio::time::sleep(self.spread(pause).max(least)).await;
        }
    }

    /// The spans of the trace, and of the traces to which it links, that are new or have changed.
    async fn read(&self, known: &Known) -> Result<Fetched, FetchError> {
        let mut all = self.adapter.fetch(self.trace).await?;
        all.spans.retain(|span| span.trace_id == self.trace);
        let mut linked: Vec<TraceId> = Vec::new();
        let links = all.spans.iter().flat_map(|span| &span.links);
        for link in links.filter(|link| link.trace_id != self.trace) {
            if !linked.contains(&link.trace_id) && linked.len() < MOST_LINKED {
                linked.push(link.trace_id);
            }
        }
        for trace in linked {
            let Fetched { spans, holes } = self.adapter.fetch(trace).await?;
            let own = spans.into_iter().filter(|span| span.trace_id == trace);
            all.spans.extend(own);
            all.holes.extend(holes);
        }
        let is_new = |span: &Span| known.get(&(span.trace_id, span.span_id)) != Some(span);
        all.spans.retain(is_new);
        Ok(all)
    }

    /// Stores spans. Returns a hole for those that cannot be stored.
    fn take_in(&self, spans: Vec<Span>, known: &mut Known) -> Vec<Hole> {
        let mut holes = Vec::new();
        let mut by_trace: HashMap<TraceId, Vec<Span>> = HashMap::new();
        for span in spans {
            known.insert((span.trace_id, span.span_id), span.clone());
            by_trace.entry(span.trace_id).or_default().push(span);
        }
        for (id, spans) in by_trace {
            let trace = Trace::assemble(id, Origin::Foreign, spans);
            let request = otlp::traces_from_json(otlp::write_json(&trace).as_bytes());
            let taken_in =
                request.and_then(|request| self.store.ingest_at(&request, Instant::now()));
            if let Err(error) = taken_in {
                holes.push(Hole {
                    reason: format!("spans of the backend cannot be stored: {error}"),
                    sender: Sender::default(),
                    remedy: "report this, with the answer of the backend".to_owned(),
                });
            }
        }
        holes
    }

    /// The pause, changed by up to a tenth, so that the traces of a run are not read all at once.
    fn spread(&self, pause: Duration) -> Duration {
        let byte = self.trace.as_bytes().last().copied().unwrap_or_default();
        pause.mul_f64(0.9 + 0.2 * f64::from(byte) / 255.0)
    }
}
