//! Traces that are still followed after their verdict, and judged again with what came since.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completeness::Patience;
use super::delays::ProvenBound;
use crate::check::{self, CheckRef, Evidence, Failure, Judged, Subject};
use crate::result::Timing;
use crate::source::receiver::{Follow, LateSpan, Mark};
use crate::spec::{Capture, Expect};
use crate::trace::{Losses, Response, Trace, Value};

/// The facts on which the verdict about a trace rests, apart from the trace.
pub(crate) struct Basis {
    /// The checks of the trace; those of the response are final.
    expect: Expect,
    /// Captures from spans, with the values that they gave.
    captured: Vec<Captured>,
    sampled: bool,
    losses: Losses,
    patience: Patience,
    judged: Instant,
    mark: Mark,
}

/// A capture from a span.
struct Captured {
    check: CheckRef,
    capture: Capture,
    value: Option<Value>,
}

/// A trace whose verdict a further span could change.
pub(crate) struct Watched {
    basis: Basis,
    follow: Follow,
    is_late: bool,
}

/// A trace judged again, with the spans that arrived after the verdict.
pub(crate) struct Again {
    pub(crate) trace: Arc<Trace>,
    /// The checks of the trace, and the captures that give another value now.
    pub(crate) checks: Vec<Judged>,
    pub(crate) late: LateSpans,
}

/// Spans that arrived after the verdict about their trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LateSpans {
    /// Number of spans by service.
    pub(crate) services: BTreeMap<String, usize>,
    /// From the verdict to the arrival of the last one.
    pub(crate) after_verdict: Duration,
    /// From the response, or the end of `tail`, to the arrival of the last one.
    pub(crate) lag: Duration,
    pub(crate) last: Instant,
}

impl Basis {
    pub(crate) fn new(
        expect: &Expect,
        captures: &[Capture],
        evidence: &Evidence<'_>,
        patience: Patience,
        mark: Mark,
    ) -> Self {
        let mut expect = expect.clone();
        expect.checks.retain(|check| check.ask.is_about_trace());
        let from_spans = captures
            .iter()
            .enumerate()
            .filter(|(_, capture)| capture.from.is_from_trace());
        Self {
            expect,
            captured: from_spans
                .map(|(index, capture)| Captured {
                    check: CheckRef::Capture(index),
                    capture: capture.clone(),
                    value: check::capture(capture, evidence).ok(),
                })
                .collect(),
            sampled: evidence.sampled,
            losses: evidence
                .trace
                .map_or_else(Losses::none, |trace| trace.losses().clone()),
            patience,
            judged: Instant::now(),
            mark,
        }
    }
}

impl LateSpans {
    pub(crate) fn number(&self) -> usize {
        self.services.values().sum()
    }

    /// Adds those of another trace.
    pub(crate) fn add(&mut self, other: &Self) {
        for (service, spans) in &other.services {
            *self.services.entry(service.clone()).or_default() += spans;
        }
        self.after_verdict = self.after_verdict.max(other.after_verdict);
        self.lag = self.lag.max(other.lag);
        self.last = self.last.max(other.last);
    }

    /// From the moment when the trigger was fired to the arrival of the last one.
    pub(crate) fn since_fired(&self, timing: &Timing) -> Option<Duration> {
        timing.verdict.map(|verdict| verdict + self.after_verdict)
    }
}

impl Watched {
    pub(crate) fn new(basis: Basis, follow: Follow) -> Self {
        Self {
            basis,
            follow,
            is_late: false,
        }
    }

    /// Notes what has arrived since the verdict: it proves the flush bound wrong.
    pub(crate) fn note(&mut self, proven: &ProvenBound) {
        if !self.follow.has_changed() {
            return;
        }
        self.is_late = true;
        self.follow.snapshot();
        let (due, bound) = (self.basis.due(), self.basis.patience.bound);
        for span in self.follow.since(&self.basis.mark) {
            let by = span.arrived.saturating_duration_since(due);
            if by > bound {
                proven.note(&span.service, by, bound);
            }
        }
    }

    /// Judges the trace again if spans arrived after the verdict.
    pub(crate) fn again(&mut self) -> Option<Again> {
        if !self.is_late && !self.follow.has_changed() {
            return None;
        }
        let basis = &self.basis;
        let trace = self
            .follow
            .snapshot()
            .trace
            .with_losses(basis.losses.clone());
        let late = basis.late(&self.follow.since(&basis.mark))?;
        let evidence = Evidence::new(&Response::None, Some(&trace), basis.sampled);
        let judgements = check::judge(&basis.expect, &evidence).into_iter();
        let mut checks: Vec<Judged> = judgements.map(|judgement| judgement.judged).collect();
        let captured = basis.captured.iter();
        checks.extend(captured.filter_map(|one| one.changed(&evidence)));
        Some(Again {
            trace: Arc::new(trace),
            checks,
            late,
        })
    }
}

impl Basis {
    /// The moment from which the flush bound counts.
    fn due(&self) -> Instant {
        self.patience.start.moment() + self.patience.tail
    }

    fn late(&self, spans: &[LateSpan]) -> Option<LateSpans> {
        let last = spans.iter().map(|span| span.arrived).max()?;
        let mut services = BTreeMap::new();
        for span in spans {
            *services.entry(span.service.clone()).or_default() += 1;
        }
        Some(LateSpans {
            services,
            after_verdict: last.saturating_duration_since(self.judged),
            lag: last.saturating_duration_since(self.due()),
            last,
        })
    }
}

impl Captured {
    /// A failed check if the capture no longer gives the value that later steps used.
    fn changed(&self, evidence: &Evidence<'_>) -> Option<Judged> {
        let (capture, before) = (&self.capture, self.value.as_ref());
        let failure = match check::capture(capture, evidence) {
            Ok(value) if Some(&value) == before => return None,
            Ok(value) => Box::new(Failure::new(
                Subject::Capture(capture.name.clone()),
                capture.at.clone(),
                before.map_or_else(|| "nothing".to_owned(), Value::to_string),
                value.to_string(),
            )),
            Err(failure) => failure,
        };
        Some(Judged::failed(self.check, failure))
    }
}
