//! Watches everything that arrives during a window, of any trace.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::otlp;
use super::store::{
    DecodedLogs, MOST_BYTES, RecordDecoder, SharedState, TrafficInterest, TrafficRecorder,
};
use crate::trace::{Hole, LogRecord, Nanos, Sender, Span, Trace, TraceId, Traffic};

/// An open window. It records facts, and spans and log records if they are wanted, until this is dropped.
pub struct TrafficWatch {
    state: SharedState,
    number: u64,
    changes: watch::Receiver<u64>,
}

/// The spans and log records of a window.
#[derive(Clone, Debug, Default)]
pub(crate) struct WindowRecords {
    /// The traces that began in the window, in the order of their first spans, with their log records. Of one
    /// that began before, spans may be missing.
    pub(crate) traces: Vec<Trace>,
    /// Log records without a trace of which a span arrived.
    pub(crate) other_logs: Vec<Arc<LogRecord>>,
    /// Spans for which there was no room.
    pub(crate) span_hole: Option<Hole>,
    /// Log records for which there was no room.
    pub(crate) log_hole: Option<Hole>,
}

impl TrafficWatch {
    pub(super) fn open(state: SharedState, interest: TrafficInterest) -> Self {
        let (number, changes) = state.lock().traffic.open(interest);
        Self {
            state,
            number,
            changes,
        }
    }

    /// Waits for an arrival since the last call. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // The state that we hold has the sender.
            std::future::pending::<()>().await;
        }
    }

    /// The facts so far.
    pub(crate) fn facts(&self) -> Traffic {
        self.with(|recorder| recorder.facts()).unwrap_or_default()
    }

    /// The traces whose entry, a span without a parent, arrived since the last call, and the number of those
    /// that are not listed.
    pub(crate) fn take_entered(&self) -> (Vec<TraceId>, u64) {
        self.with(TrafficRecorder::take_entered).unwrap_or_default()
    }

    /// From now on, only keeps spans and log records of traces of which a span has arrived.
    pub(crate) fn keep_known_traces(&self) {
        let traces: HashSet<TraceId> = self.records().traces.iter().map(Trace::id).collect();
        self.with(|recorder| recorder.keep_known_traces(traces));
    }

    /// The spans and log records that were kept.
    pub(crate) fn records(&self) -> WindowRecords {
        let kept = self.with(|recorder| {
            let began = recorder.began_wall();
            (recorder.spans.clone(), recorder.logs.clone(), began)
        });
        let Some((spans, logs, began)) = kept else {
            return WindowRecords::default();
        };
        let mut decoder = RecordDecoder::default();
        let span_hole = no_room("spans", spans.dropped);
        let log_hole = no_room("log records", logs.dropped);
        let decoded = spans.records.into_iter();
        let decoded = decoded.filter_map(|raw| decoder.span(raw).ok());
        let spans: Vec<Span> = decoded.flatten().collect();
        let mut of_logs = DecodedLogs::default();
        of_logs.read(logs.records, &mut decoder);
        let mut traces = otlp::assemble(spans);
        traces.retain(|trace| begins_after(began, trace));
        let (traces, other_logs) = with_logs(traces, &of_logs.records);
        WindowRecords {
            traces,
            other_logs,
            span_hole,
            log_hole,
        }
    }

    fn with<T>(&self, read: impl FnOnce(&mut TrafficRecorder) -> T) -> Option<T> {
        self.state.lock().traffic.get(self.number).map(read)
    }
}

/// Returns `true` if no span of the trace started before this time.
fn begins_after(time: Nanos, trace: &Trace) -> bool {
    let mut spans = trace.spans().iter();
    spans.all(|span| span.start == 0 || span.start >= time)
}

/// The traces with their log records, and the records of other traces or of none.
fn with_logs(traces: Vec<Trace>, records: &[Arc<LogRecord>]) -> (Vec<Trace>, Vec<Arc<LogRecord>>) {
    let known: HashSet<TraceId> = traces.iter().map(Trace::id).collect();
    let is_of_known = |record: &&Arc<LogRecord>| {
        let trace = record.trace_id;
        trace.is_some_and(|trace| known.contains(&trace))
    };
    let (own, others): (Vec<_>, Vec<_>) = records.iter().partition(is_of_known);
    let mut by_trace = std::collections::HashMap::<TraceId, Vec<Arc<LogRecord>>>::new();
    for record in own {
        if let Some(trace) = record.trace_id {
            by_trace.entry(trace).or_default().push(Arc::clone(record));
        }
    }
    let traces = traces.into_iter().map(|trace| {
        let logs = by_trace.remove(&trace.id()).unwrap_or_default();
        // Requests that spanspec sends are part of the traffic.
        trace.with_own_caller().with_logs(Arc::new(logs))
    });
    (traces.collect(), others.into_iter().cloned().collect())
}

/// The loss of records that did not fit.
fn no_room(what: &str, dropped: u64) -> Option<Hole> {
    (dropped > 0).then(|| Hole {
        reason: format!(
            "{dropped} {what} of the window were not kept, because they have more than {} MiB",
            MOST_BYTES >> 20
        ),
        sender: Sender::default(),
        remedy: "observe a shorter time, or send spanspec the telemetry of fewer services"
            .to_owned(),
    })
}

impl Drop for TrafficWatch {
    fn drop(&mut self) {
        self.state.lock().traffic.close(self.number);
    }
}

impl fmt::Debug for TrafficWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrafficWatch").finish_non_exhaustive()
    }
}
