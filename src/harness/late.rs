//! Spans that arrive after a test took its trace for complete.
//!
//! Every assertion that passed is kept with its trace. When the call or the receiver of a test is
//! dropped, late spans are reported, and assertions that they contradict panic: then the test
//! still runs.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::assertion;
use crate::number::duration;
use crate::source::{Follow, Snapshot, Store};
use crate::spec::{Expect, Location};
use crate::trace::{Origin, Trace, TraceId};

/// The number of traces that are watched. The oldest go first.
const MOST: usize = 256;

/// The traces that tests took for complete.
static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

struct Watched {
    store: Store,
    origin: Origin,
    /// Keeps the spans of the trace in the store.
    follow: Follow,
    taken: Instant,
    spans: usize,
    /// What held of it.
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

/// Starts to watch a trace that was taken for complete.
pub(super) fn watch(store: &Store, origin: Origin, trace: &Trace) {
    let follow = store.follow(trace.id(), origin);
    store.when_closed(report_all);
    let watched = Watched {
        store: store.clone(),
        origin,
        follow,
        taken: Instant::now(),
        spans: trace.len(),
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
    let ended: Vec<Watched> = {
        let mut all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, rest) = all.drain(..).partition(|one| one.store.is(store));
        *all = rest;
        ended
    };
    report(ended.iter().filter_map(Watched::late).collect());
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
    fn late(&self) -> Option<Late> {
        let id = self.follow.trace_id();
        let Snapshot {
            trace, arrivals, ..
        } = self.store.peek(id, self.origin);
        let count = trace.len().saturating_sub(self.spans);
        if count == 0 {
            return None;
        }
        let spans = trace.spans().iter().zip(&arrivals);
        let late: Vec<_> = spans.filter(|(_, at)| **at > self.taken).collect();
        let by = late
            .iter()
            .map(|(_, at)| at.duration_since(self.taken))
            .max()?;
        let mut services: Vec<&str> = late.iter().map(|(span, _)| span.service()).collect();
        services.sort_unstable();
        services.dedup();
        let passed = self.passed.iter();
        Some(Late {
            note: format!(
                "note: {} of trace {id} arrived up to {} after it was considered complete, from {}\n   help: set OTEL_BSP_SCHEDULE_DELAY=100 for the service, as `Receiver::env` does, or a longer `flush_within`\n",
                match late.len() {
                    1 => "1 span".to_owned(),
                    count => format!("{count} spans"),
                },
                duration(by),
                services.join(", "),
            ),
            contradicted: passed
                .filter_map(|one| {
                    let name = format!("{}   passed before the late spans", one.name);
                    assertion::unmet_of_complete(&name, &trace, &one.expect, one.at.clone())
                })
                .collect(),
        })
    }
}
