//! Records of a signal that were sent and are not in the store: those of refused exports, rejected
//! spans, and records that were discarded to make room.
//!
//! Memory is bounded. If the losses of a trace are forgotten, every trace that began before the last
//! of them counts as incomplete.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::trace::{Hole, Sender, TraceId};

/// Number of losses of unknown traces that are kept. The last one decides which traces may be
/// concerned; the others are only reported.
const MOST_GENERAL: usize = 20;

/// Number of traces whose losses are kept.
const MOST_TRACES: usize = 16_384;

/// Number of losses that are kept of one trace.
const MOST_OF_TRACE: usize = 4;

/// All known losses.
#[derive(Debug, Default)]
pub(super) struct LostRecords {
    /// Losses of unknown traces, oldest first.
    general: VecDeque<Loss>,
    by_trace: HashMap<TraceId, TraceLosses>,
    /// The keys of `by_trace`, oldest first.
    order: VecDeque<TraceId>,
    /// The latest of the losses that are no longer in `by_trace`.
    forgotten: Option<Loss>,
    /// The hole that all discarded records leave.
    discarded: Option<Arc<Hole>>,
}

/// Lost records, and when they arrived.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    pub(super) at: Instant,
    pub(super) hole: Arc<Hole>,
}

/// The losses of one trace.
#[derive(Clone, Debug, Default)]
pub(super) struct TraceLosses(Vec<Loss>);

/// The time in which lost records may belong to a trace.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct Lifetime {
    /// The start of the trace, or the moment from which it is followed if that is earlier. `None`
    /// if this is before the first moment of the machine's clock.
    pub(in crate::source) began: Option<Instant>,
    /// The moment from which the trace is followed: none of its spans was discarded since.
    pub(in crate::source) followed: Instant,
}

impl Lifetime {
    /// The lifetime of a trace that is followed since before it began.
    pub(in crate::source) fn since(followed: Instant) -> Self {
        Self {
            began: Some(followed),
            followed,
        }
    }
}

impl Loss {
    pub(super) fn now(hole: Hole) -> Self {
        Self {
            at: Instant::now(),
            hole: Arc::new(hole),
        }
    }
}

impl TraceLosses {
    pub(super) fn add(&mut self, loss: Loss) {
        if let Some(known) = self.0.iter_mut().find(|known| known.hole == loss.hole) {
            known.at = known.at.max(loss.at);
        } else if self.0.len() < MOST_OF_TRACE {
            self.0.push(loss);
        }
    }

    pub(super) fn holes(&self) -> impl Iterator<Item = &Arc<Hole>> {
        self.0.iter().map(|loss| &loss.hole)
    }
}

impl LostRecords {
    /// Adds a loss that may concern every trace of its time.
    pub(super) fn note_general(&mut self, loss: Loss) {
        if self.general.len() == MOST_GENERAL {
            self.general.pop_front();
        }
        self.general.push_back(loss);
    }

    /// Adds a loss of this trace.
    pub(super) fn note(&mut self, trace: TraceId, loss: Loss) {
        match self.by_trace.entry(trace) {
            Entry::Occupied(mut known) => return known.get_mut().add(loss),
            // Most traces have one.
            Entry::Vacant(new) => new.insert(TraceLosses(Vec::with_capacity(1))).add(loss),
        }
        self.order.push_back(trace);
        if self.order.len() > MOST_TRACES
            && let Some(oldest) = self.order.pop_front()
        {
            let forgotten = self.by_trace.remove(&oldest).unwrap_or_default();
            self.forget(forgotten.0);
        }
    }

    /// Adds the traces of requests that were discarded by a store that keeps this many bytes, with their arrivals.
    pub(super) fn note_discarded<'t>(
        &mut self,
        records: &str,
        capacity: usize,
        requests: impl DoubleEndedIterator<Item = (&'t [TraceId], Instant)>,
    ) {
        let hole = || Arc::new(discarded(records, capacity));
        let hole = Arc::clone(self.discarded.get_or_insert_with(hole));
        let losses = requests.map(|(traces, at)| {
            let hole = Arc::clone(&hole);
            (traces, Loss { at, hole })
        });
        self.note_all(losses);
    }

    /// Adds losses that concern many traces, the last one last. At most [`MOST_TRACES`] of them are visited.
    pub(super) fn note_all<'t>(
        &mut self,
        losses: impl DoubleEndedIterator<Item = (&'t [TraceId], Loss)>,
    ) {
        let mut room = MOST_TRACES;
        let mut kept = Vec::new();
        for (traces, loss) in losses.rev() {
            let known = traces.len().min(room);
            room -= known;
            if known < traces.len() {
                self.forget([loss.clone()]);
            }
            kept.push((&traces[traces.len() - known..], loss));
        }
        for (traces, loss) in kept.into_iter().rev() {
            for &trace in traces {
                self.note(trace, loss.clone());
            }
        }
    }

    fn forget(&mut self, losses: impl IntoIterator<Item = Loss>) {
        let all = losses.into_iter().chain(self.forgotten.take());
        self.forgotten = all.max_by_key(|loss| loss.at);
    }

    /// The losses of this trace.
    pub(super) fn of(&self, trace: TraceId) -> TraceLosses {
        self.by_trace.get(&trace).cloned().unwrap_or_default()
    }

    /// Losses that may concern a trace of this time, beside its own.
    pub(super) fn general(&self, lifetime: Lifetime) -> impl Iterator<Item = &Arc<Hole>> {
        let forgotten = self.forgotten.iter().filter(move |loss| {
            // A followed trace loses nothing.
            loss.at < lifetime.followed
        });
        self.general
            .iter()
            .chain(forgotten)
            .filter(move |loss| Some(loss.at) >= lifetime.began)
            .map(|loss| &loss.hole)
    }
}

/// The hole in a trace whose records were discarded by a store that keeps this many bytes.
fn discarded(records: &str, capacity: usize) -> Hole {
    Hole {
        reason: format!(
            "{records} of this trace were discarded to make room for later ones: the receiver keeps the last {} MiB",
            capacity >> 20
        ),
        sender: Sender::default(),
        remedy: "ask for the trace right after its request".to_owned(),
    }
}

/// The hole that a line leaves which was cut because it is too long.
#[cfg(feature = "run")]
pub(super) fn cut_line(service: &str) -> Hole {
    Hole {
        reason: format!("a line that `{service}` printed has more than 16 KiB, and was cut"),
        sender: Sender::default(),
        remedy: "print shorter lines, or send log records over OTLP".to_owned(),
    }
}

/// The hole after a line with records of several traces.
#[cfg(feature = "run")]
pub(super) fn joined_lines(service: &str) -> Hole {
    Hole {
        reason: format!("`{service}` printed a line with the ids of several traces"),
        sender: Sender::default(),
        remedy: "print each record with one call (Python: `logging`, not `print`, in threads), or send log records over OTLP".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn loss(at: Instant, reason: &str) -> Loss {
        let hole = Hole {
            reason: reason.to_owned(),
            sender: Sender::default(),
            remedy: String::new(),
        };
        Loss {
            at,
            hole: Arc::new(hole),
        }
    }

    fn id(number: usize) -> TraceId {
        TraceId::from_bytes((number as u128 + 1).to_be_bytes()).unwrap()
    }

    #[test]
    fn a_loss_that_is_forgotten_concerns_every_trace_that_began_before_it() {
        let start = Instant::now();
        let at = |number: u32| start + Duration::from_millis(1) * number;
        let mut lost = LostRecords::default();
        for number in 0..=MOST_TRACES {
            lost.note(id(number), loss(at(10), "discarded"));
        }
        assert_eq!(lost.of(id(0)).holes().count(), 0);
        assert_eq!(lost.of(id(1)).holes().count(), 1);
        let general = |began: u32, followed: u32| {
            let lifetime = Lifetime {
                began: Some(at(began)),
                followed: at(followed),
            };
            lost.general(lifetime).count()
        };
        assert_eq!(general(5, 20), 1);
        // It began later, or was followed already.
        assert_eq!((general(15, 20), general(5, 7)), (0, 0));
    }

    #[test]
    fn a_request_about_very_many_traces_is_forgotten_except_for_the_last_ones() {
        let at = Instant::now();
        let mut lost = LostRecords::default();
        let many: Vec<TraceId> = (0..2 * MOST_TRACES).map(id).collect();
        let losses = [
            (&many[..5], "first"),
            (&many[..], "all"),
            (&many[5..6], "last"),
        ];
        let losses = losses.into_iter();
        lost.note_all(losses.map(|(traces, why)| (traces, loss(at, why))));
        assert_eq!(lost.order.len(), MOST_TRACES);
        let known = |number: usize| lost.of(id(number)).holes().count();
        assert_eq!(
            [0, 5, MOST_TRACES, 2 * MOST_TRACES - 1].map(known),
            [0, 1, 0, 1]
        );
        let lifetime = Lifetime {
            began: Some(at),
            followed: at + Duration::from_secs(1),
        };
        assert_eq!(lost.general(lifetime).count(), 1);
    }

    #[test]
    fn of_many_refused_exports_the_last_ones_are_kept() {
        let start = Instant::now();
        let mut lost = LostRecords::default();
        for number in 0..100 {
            let at = start + Duration::from_secs(number);
            lost.note_general(loss(at, &number.to_string()));
        }
        let lifetime = Lifetime {
            began: Some(start + Duration::from_secs(98)),
            followed: start,
        };
        let reasons = lost.general(lifetime).map(|hole| hole.reason.as_str());
        assert_eq!(reasons.collect::<Vec<_>>(), ["98", "99"]);
    }
}
