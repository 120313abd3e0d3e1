//! A trace at one moment.

use std::time::{Duration, Instant, SystemTime};

use super::store::{Lifetime, RawRecord, RecordDecoder, undecoded};
use crate::trace::{Hole, Origin, Trace, TraceId};

/// Assumed delay from the end of a span to its arrival if its clock is wrong: SDKs export every 5 s by
/// default.
const LONGEST_EXPORT_DELAY: Duration = Duration::from_millis(5_500);

/// A clock may be ahead by this much, since some SDKs count in milliseconds.
const CLOCK_PRECISION: Duration = Duration::from_millis(10);

/// The passage of markers through a pipeline, after the telemetry that a `send` put in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passage {
    /// No marker was sent.
    #[default]
    NotAwaited,
    /// A marker did not arrive.
    Missing,
    /// All markers arrived, the last one at this moment.
    Complete(Instant),
}

/// A trace at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The moment at which it was taken. All spans that arrived earlier are in it. For decisions about
    /// the trace, this is the present, since spans may arrive while the snapshot is judged.
    pub at: Instant,
    /// All spans that the source had at this moment are in the snapshot. This is `at`, unless the source
    /// polls.
    pub known_until: Instant,
    /// The spans that have arrived, with the linked traces of which a span arrived.
    pub trace: Trace,
    /// The arrival of each span, in the order of [`Trace::spans`]. The last one if a span was sent
    /// again with other content.
    pub arrivals: Vec<Instant>,
    /// The last arrival of a span of a linked trace.
    pub linked_arrival: Option<Instant>,
    /// The last arrival of a log record of the trace or of a linked one.
    pub log_arrival: Option<Instant>,
    /// The passage of the markers.
    pub passage: Passage,
}

impl Snapshot {
    pub(super) fn new(
        at: Instant,
        own: (Trace, Vec<Instant>),
        linked: Vec<(Trace, Vec<Instant>)>,
    ) -> Self {
        let (trace, arrivals) = own;
        let (linked, linked_arrivals): (Vec<Trace>, Vec<_>) = linked
            .into_iter()
            .filter(|(trace, _)| !trace.is_empty())
            .unzip();
        Self {
            at,
            known_until: at,
            trace: trace.with_linked(linked),
            arrivals,
            linked_arrival: linked_arrivals.into_iter().flatten().max(),
            log_arrival: None,
            passage: Passage::NotAwaited,
        }
    }

    /// The time in which spans of this trace, followed since this moment, may have been lost.
    ///
    /// It begins with the trace, at the earliest moment that a span gives: its start, or its
    /// arrival minus its duration. A service whose clock runs ahead reports a start that is later
    /// than that; the delay of its export is then unknown, so the usual longest one is assumed.
    pub(super) fn lifetime(&self, followed: Instant) -> Lifetime {
        let (now, wall_clock) = (Instant::now(), SystemTime::now());
        let spans = self.trace.spans().iter().zip(&self.arrivals);
        let ages = spans.map(|(span, &arrival)| {
            let before_arrival = span.duration().map_or(Duration::ZERO, Duration::from_nanos);
            let by_arrival = now.saturating_duration_since(arrival) + before_arrival;
            // The span has no start.
            if span.start == 0 {
                return by_arrival;
            }
            let start = SystemTime::UNIX_EPOCH + Duration::from_nanos(span.start);
            match wall_clock.duration_since(start) {
                Ok(by_start) if by_start + CLOCK_PRECISION >= by_arrival => {
                    by_start.max(by_arrival)
                }
                _ => by_arrival + LONGEST_EXPORT_DELAY,
            }
        });
        let age = ages.max().unwrap_or_default().max(followed.elapsed());
        Lifetime {
            began: now.checked_sub(age),
            followed,
        }
    }

    pub(super) fn with_holes(mut self, holes: Vec<Hole>) -> Self {
        self.trace = self.trace.with_holes(holes);
        self
    }

    /// The snapshot of this trace with the linked ones, made of raw spans; its own come first.
    pub(super) fn of(
        at: Instant,
        trace: TraceId,
        origin: Origin,
        spans: Vec<(TraceId, Vec<RawRecord>)>,
    ) -> Self {
        let mut decoder = RecordDecoder::default();
        let mut holes = Vec::new();
        let mut traces = spans.into_iter().map(|(id, raws)| {
            let copies = raws.into_iter().filter_map(|raw| {
                let arrived = raw.arrived;
                let decoded = decoder.span(raw).map_err(|error| undecoded(&error));
                let span = decoded.map_err(|hole| holes.push(hole)).ok().flatten()?;
                Some((span, arrived))
            });
            let origin = if id == trace { origin } else { Origin::Foreign };
            Trace::assemble_marked(id, origin, &copies.collect::<Vec<_>>())
        });
        let own = traces
            .next()
            .unwrap_or_else(|| Trace::assemble_marked(trace, origin, &[]));
        let linked = traces.collect();
        Self::new(at, own, linked).with_holes(holes)
    }
}
