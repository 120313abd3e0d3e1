//! Reads one trace again and again, as long as it is followed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use super::adapter::{Adapter, FetchError, Fetched};
use crate::source::otlp::{self, Malformed};
use crate::source::poll_state::PollState;
use crate::source::store::Store;
use crate::trace::{Hole, LogRecord, Origin, Sender, Span, SpanId, Trace, TraceId};

/// The first pause between two requests. It doubles while nothing changes.
pub(super) const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause, to which up to a tenth is added.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Maximum number of linked traces that are read.
const MOST_LINKED: usize = 16;

/// The traces of which the last answer is missing, with the reason.
pub(super) type Troubles = Arc<Mutex<HashMap<TraceId, Hole>>>;

/// The reading of one trace.
pub(super) struct Polling {
    pub(super) trace: TraceId,
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) store: Store,
    pub(super) state: watch::Sender<PollState>,
    pub(super) troubles: Troubles,
    /// Limits the requests of all traces.
    pub(super) permits: Arc<Semaphore>,
}

/// The spans that were read, by trace and id. Several spans can have one id.
type Known = HashMap<(TraceId, SpanId), Vec<Span>>;

/// The last answer.
#[derive(Clone, Copy)]
struct LastAnswer {
    /// When it was requested.
    asked: Instant,
    /// The number of its spans and log records.
    records: usize,
}

/// The log records that were read, as OTLP, each with its number.
type KnownLogs = HashMap<String, usize>;

impl Polling {
    /// Reads the trace until this is dropped. Returns the reason if further requests are useless.
    pub(super) async fn run(self) -> String {
        let (mut known, mut known_logs) = (Known::new(), KnownLogs::new());
        let mut pause = SHORTEST_PAUSE / 2;
        let mut last: Option<LastAnswer> = None;
        loop {
            let asked = Instant::now();
            let mut least = Duration::ZERO;
            let read = self.read().await;
            self.note_trouble(read.as_ref().err());
            match read {
                Ok(Fetched {
                    spans,
                    mut holes,
                    losses,
                    logs,
                    mut log_holes,
                    is_partial,
                }) => {
                    let number = spans.len() + logs.as_ref().map_or(0, Vec::len);
                    // They may have been readable since the request that did not have them yet.
                    let since = last.map_or(asked, |last| last.asked);
                    let (new, lost) = self.take_in(spans, since, &mut known);
                    holes.extend(lost);
                    let lacks_logs = logs.is_none();
                    let logs = logs.unwrap_or_default();
                    let (new_logs, lost) = self.take_in_logs(logs, since, &mut known_logs);
                    log_holes.extend(lost);
                    let new = new + new_logs;
                    let is_same =
                        new == 0 && !is_partial && last.is_some_and(|last| last.records == number);
                    pause = match new == 0 && !is_partial {
                        true => 2 * pause,
                        false => SHORTEST_PAUSE,
                    };
                    last = Some(LastAnswer {
                        asked,
                        records: number,
                    });
                    self.state.send_modify(|state| {
                        state.troubles = holes;
                        state.log_troubles = log_holes;
                        state.lacks_logs = lacks_logs;
                        // Spans of earlier answers stay.
                        state.losses.add(&losses);
                        if is_same {
                            state.confirmed = Some(asked);
                        }
                    });
                }
                Err(FetchError::Refused { why, help }) => return format!("{why}; {help}"),
                Err(error) => {
                    last = None;
                    pause = 2 * pause;
                    least = error.after();
                    let hole = Hole::from(error);
                    self.state.send_modify(|state| {
                        state.log_troubles = vec![hole.clone()];
                        state.troubles = vec![hole];
                    });
                }
            }
            pause = pause.min(LONGEST_PAUSE);
            least = least.max(self.adapter.pause());
            tokio::time::sleep(self.spread(pause).max(least)).await;
        }
    }

    fn note_trouble(&self, error: Option<&FetchError>) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            Some(error) => drop(troubles.insert(self.trace, Hole::from(error.clone()))),
            None => drop(troubles.remove(&self.trace)),
        }
    }

    async fn fetch(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let _permit = self.permits.acquire().await;
        self.adapter.fetch(trace).await
    }

    /// The spans of the trace, and of the traces to which it links.
    async fn read(&self) -> Result<Fetched, FetchError> {
        let mut all = self.fetch(self.trace).await?;
        all.spans.retain(|span| span.trace_id == self.trace);
        let mut linked: Vec<TraceId> = Vec::new();
        for link in all.spans.iter().flat_map(|span| &span.links) {
            if link.trace_id != self.trace && !linked.contains(&link.trace_id) {
                linked.push(link.trace_id);
            }
        }
        if linked.len() > MOST_LINKED {
            all.holes.push(Hole {
                reason: format!(
                    "its spans link to {} traces, of which {MOST_LINKED} were read",
                    linked.len()
                ),
                sender: Sender::default(),
                remedy: "check the spans of linked traces in specs of their own, with `trace_id`"
                    .to_owned(),
            });
        }
        for trace in linked.into_iter().take(MOST_LINKED) {
            match self.fetch(trace).await {
                Ok(Fetched {
                    spans,
                    holes,
                    losses,
                    logs,
                    log_holes,
                    is_partial,
                }) => {
                    all.is_partial |= is_partial;
                    all.losses.add(&losses);
                    all.logs = all.logs.zip(logs).map(|(own, more)| [own, more].concat());
                    add_new(&mut all.log_holes, log_holes);
                    let own = spans.into_iter().filter(|span| span.trace_id == trace);
                    all.spans.extend(own);
                    add_new(&mut all.holes, holes);
                }
                Err(error) => {
                    let hole = Hole::from(error);
                    all.log_holes.push(hole.clone());
                    all.holes.push(hole);
                }
            }
        }
        Ok(all)
    }

    /// Stores the spans that are new or have changed, as readable since this moment. Returns their number,
    /// and a hole for those that cannot be stored.
    fn take_in(&self, spans: Vec<Span>, since: Instant, known: &mut Known) -> (usize, Vec<Hole>) {
        let mut by_trace: HashMap<TraceId, Vec<Span>> = HashMap::new();
        for span in spans {
            let copies = known.get(&(span.trace_id, span.span_id));
            if !copies.is_some_and(|copies| copies.contains(&span)) {
                by_trace.entry(span.trace_id).or_default().push(span);
            }
        }
        let new = by_trace.values().map(Vec::len).sum();
        let mut holes = Vec::new();
        for (id, spans) in by_trace {
            match self.store(id, &spans, since) {
                Ok(()) => spans.into_iter().for_each(|span| {
                    known.entry((id, span.span_id)).or_default().push(span);
                }),
                Err(error) => holes.push(Hole {
                    reason: format!("spans of the backend cannot be stored: {error}"),
                    sender: Sender::default(),
                    remedy: "report this, with the answer of the backend".to_owned(),
                }),
            }
        }
        (new, holes)
    }

    /// Stores the log records that are new. Returns their number, and a hole for those that cannot be stored.
    fn take_in_logs(
        &self,
        logs: Vec<LogRecord>,
        since: Instant,
        known: &mut KnownLogs,
    ) -> (usize, Option<Hole>) {
        let (mut seen, mut new, mut hole) = (KnownLogs::new(), 0, None);
        for record in logs {
            // A copy that may be the same record counts as one of another export.
            let arrived = since + Duration::from_nanos(record.is_repeated.into());
            let written = otlp::write_log_json(record);
            let number = seen.entry(written.clone()).or_default();
            *number += 1;
            let known = known.entry(written.clone()).or_default();
            if *number <= *known {
                continue;
            }
            let request = otlp::logs_from_json(written);
            let stored = request.and_then(|request| self.store.ingest_logs_at(&request, arrived));
            match stored {
                Ok(()) => (*known, new) = (*number, new + 1),
                Err(error) => {
                    hole = Some(Hole {
                        reason: format!("log records of the backend cannot be stored: {error}"),
                        sender: Sender::default(),
                        remedy: "report this, with the answer of the backend".to_owned(),
                    });
                }
            }
        }
        (new, hole)
    }

    /// Stores spans of one trace. Each has a request of its own, because several can have one id.
    fn store(&self, id: TraceId, spans: &[Span], since: Instant) -> Result<(), Malformed> {
        for span in spans {
            let trace = Trace::assemble(id, Origin::Foreign, [span.clone()]);
            let request = otlp::traces_from_json(otlp::write_json(&trace))?;
            self.store.ingest_at(&request, since)?;
        }
        Ok(())
    }

    /// The pause, changed by up to a tenth, so that the traces of a run are not read all at once.
    fn spread(&self, pause: Duration) -> Duration {
        let byte = self.trace.as_bytes().last().copied().unwrap_or_default();
        pause.mul_f64(0.9 + 0.2 * f64::from(byte) / 255.0)
    }
}

/// Adds the holes that are not known yet. One of the whole backend is in the answer of each trace.
fn add_new(known: &mut Vec<Hole>, holes: Vec<Hole>) {
    for hole in holes {
        if !known.contains(&hole) {
            known.push(hole);
        }
    }
}
