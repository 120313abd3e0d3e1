//! Spans and log records that arrive after a test took its trace for complete.
//!
//! Every assertion that passed is kept with its trace. When the call or the receiver of a test is
//! dropped, late spans are reported, and late log records if an assertion is about log records, and assertions that they contradict panic: then the test
//! still runs.

use std::collections::{HashSet, VecDeque};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::assertion;
use crate::check::Unjudged;
use crate::number::duration;
use crate::source::{Follow, Snapshot, Store};
use crate::spec::{Expect, Location};
use crate::trace::{Hole, Span, SpanId, Trace, TraceId};

/// The number of traces that are watched. The oldest go first.
const MOST: usize = 256;

/// The traces that tests took for complete.
static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

/// The last traces that tests gave up waiting for.
static GIVEN_UP: Mutex<VecDeque<TraceId>> = Mutex::new(VecDeque::new());

struct Watched {
    store: Store,
    follow: Follow,
    taken: Instant,
    /// The trace at that time.
    trace: Trace,
    /// The assertions that passed.
    passed: Vec<Passed>,
}

/// An assertion that passed.
#[derive(Clone)]
pub(super) struct Passed {
    pub(super) name: String,
    pub(super) expect: Expect,
    pub(super) at: Location,
}

/// The late spans of a trace, in words, and the assertions that they contradict.
struct Late {
    note: String,
    contradicted: Vec<String>,
}

/// Notes that a trace was not complete at the timeout.
pub(super) fn give_up(trace: &Trace) {
    let mut all = GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MOST {
        all.pop_front();
    }
    all.push_back(trace.id());
}

/// The reason why the trace is not complete, if a test gave up waiting for it.
pub(super) fn why_incomplete(trace: &Trace) -> Option<Unjudged> {
    let all = GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner);
    // A hole is a reason of its own.
    let is_given_up =
        all.contains(&trace.id()) && !is_taken(trace.id()) && trace.holes().is_empty();
    is_given_up.then(|| match trace.has_entry() {
        true => Unjudged::TimedOut,
        false => Unjudged::EntryMissing,
    })
}

/// Starts to watch a trace that was taken for complete.
pub(super) fn watch(store: &Store, follow: Follow, trace: &Trace) {
    store.when_closed(report_all);
    let watched = Watched {
        store: store.clone(),
        follow,
        taken: Instant::now(),
        trace: trace.clone(),
        passed: Vec::new(),
    };
    let mut all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|one| one.follow.trace_id() != trace.id());
    if all.len() >= MOST {
        all.remove(0);
    }
    all.push(watched);
}

/// Remembers an assertion that passed.
///
/// # Panics
/// If spans that have arrived in the meantime contradict it.
#[track_caller]
pub(super) fn passed(trace: TraceId, passed: Passed) {
    let late = {
        let mut all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = all.iter().position(|one| one.follow.trace_id() == trace) else {
            return;
        };
        all[at].passed.push(passed);
        contradiction(&mut all, at)
    };
    if let Some(late) = late {
        panic!("\n{}{}", late.contradicted.concat(), late.note);
    }
}

/// The late spans of a trace, if they contradict an assertion. Then its watch ends: they are
/// reported once.
fn contradiction(all: &mut Vec<Watched>, at: usize) -> Option<Late> {
    let late = all[at]
        .late()
        .filter(|late| !late.contradicted.is_empty())?;
    all.remove(at);
    Some(late)
}

/// The trace is one that `Call::trace` gave: complete, or accepted as it is.
pub(super) fn is_taken(trace: TraceId) -> bool {
    let all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().any(|one| one.follow.trace_id() == trace)
}

/// Ends the watch over one trace if late spans contradict what was asserted of it.
///
/// # Panics
/// In this case, unless the thread panics already.
pub(super) fn end_of_call(trace: TraceId) {
    let late = {
        let mut all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.iter().position(|one| one.follow.trace_id() == trace);
        found.and_then(|at| contradiction(&mut all, at))
    };
    report(late.into_iter().collect());
}

/// Reports the late spans of all traces of a store.
fn report_all(store: &Store) {
    let mut ended: Vec<Watched> = {
        let mut all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, rest) = all.drain(..).partition(|one| one.store.is(store));
        *all = rest;
        ended
    };
    report(ended.iter_mut().filter_map(Watched::late).collect());
}

fn report(late: Vec<Late>) {
    let notes: String = late.iter().map(|late| late.note.as_str()).collect();
    let contradicted: String = late
        .iter()
        .flat_map(|late| late.contradicted.clone())
        .collect();
    if contradicted.is_empty() || std::thread::panicking() {
        // Without stderr there is nowhere to report it.
        let _ = write!(std::io::stderr(), "{contradicted}{notes}");
        return;
    }
    panic!("\n{contradicted}{notes}");
}

impl Watched {
    /// Changes since the trace was taken for complete.
    fn late(&mut self) -> Option<Late> {
        let Snapshot {
            trace,
            arrivals,
            linked_arrival,
            ..
        } = self.follow.snapshot();
        let holes: Vec<&Hole> = trace.holes().iter().collect();
        let spans = changed(&self.trace, &trace);
        let logs = self.late_logs(&trace);
        if spans.is_empty() && holes.is_empty() && logs.is_none() {
            return None;
        }
        let mut note = logs.unwrap_or_default();
        if !spans.is_empty() {
            let last = arrivals.into_iter().chain(linked_arrival).max();
            let by = last.map_or(Duration::ZERO, |last| {
                last.saturating_duration_since(self.taken)
            });
            note.push_str(&arrived(trace.id(), &spans, by));
        }
        for hole in holes {
            note.push_str(&format!(
                "note: spans of trace {} may be missing: {hole}\n   help: {}\n",
                trace.id(),
                hole.remedy
            ));
        }
        let known = self.trace.missing_spans();
        let missing: Vec<SpanId> = trace.missing_spans().difference(&known).copied().collect();
        let why = (!missing.is_empty()).then_some(Unjudged::Incomplete(missing));
        let contradicted = self.passed.iter().filter_map(|one| {
            let name = format!("{}   passed before the late spans", one.name);
            assertion::unmet_of(&name, &trace, &one.expect, one.at.clone(), why.as_ref())
        });
        Some(Late {
            note,
            contradicted: contradicted.collect(),
        })
    }
}

impl Watched {
    /// The note about late and lost log records, if an assertion that passed is about log records.
    fn late_logs(&self, trace: &Trace) -> Option<String> {
        if !self.passed.iter().any(|one| one.expect.needs_logs()) {
            return None;
        }
        let logs = |trace: &Trace| -> usize {
            let all = std::iter::once(trace).chain(trace.linked());
            all.map(|trace| trace.logs().len()).sum()
        };
        let late = logs(trace).saturating_sub(logs(&self.trace));
        let arrived = (late > 0).then(|| {
            format!(
                "note: {} of trace {} arrived after it was considered complete\n   help: set OTEL_BLRP_SCHEDULE_DELAY=100 for the service, as `Receiver::env` does, or a longer `flush_within`\n",
                match late {
                    1 => "1 log record".to_owned(),
                    count => format!("{count} log records"),
                },
                trace.id()
            )
        });
        let lost = trace.log_holes().get(self.trace.log_holes().len()..);
        let lost = lost.unwrap_or_default().first().map(|hole| {
            format!(
                "note: log records of trace {} may be missing: {hole}\n   help: {}\n",
                trace.id(),
                hole.remedy
            )
        });
        let notes: Vec<String> = arrived.into_iter().chain(lost).collect();
        (!notes.is_empty()).then(|| notes.concat())
    }
}

/// The spans of a trace, and of those linked with it, that are not in an earlier state of it.
fn changed<'t>(before: &Trace, after: &'t Trace) -> Vec<&'t Span> {
    let all = |trace: &'_ Trace| -> Vec<(TraceId, SpanId)> {
        let spans = trace.spans().iter();
        spans.map(|span| (span.trace_id, span.span_id)).collect()
    };
    let known: HashSet<(TraceId, SpanId)> = std::iter::once(before)
        .chain(before.linked())
        .flat_map(all)
        .collect();
    let same = |span: &Span| {
        let traces = std::iter::once(before).chain(before.linked());
        let mut of_trace = traces.filter(|trace| trace.id() == span.trace_id);
        of_trace.any(|trace| trace.spans().contains(span))
    };
    let spans = std::iter::once(after)
        .chain(after.linked())
        .flat_map(Trace::spans);
    spans
        .filter(|span| !known.contains(&(span.trace_id, span.span_id)) || !same(span))
        .collect()
}

fn arrived(trace: TraceId, spans: &[&Span], by: Duration) -> String {
    let mut services: Vec<&str> = spans.iter().map(|span| span.service()).collect();
    services.sort_unstable();
    services.dedup();
    format!(
        "note: {} of trace {trace} arrived up to {} after it was considered complete, from {}\n   help: set OTEL_BSP_SCHEDULE_DELAY=100 for the service, as `Receiver::env` does, or a longer `flush_within`\n",
        match spans.len() {
            1 => "1 span".to_owned(),
            count => format!("{count} spans"),
        },
        duration(by),
        services.join(", "),
    )
}
