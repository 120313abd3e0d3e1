//! Traces that are still followed after their verdict, and judged again with what came since.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completeness::{AtDeadline, Patience};
use super::context::End;
use super::delays::ProvenBound;
use super::settle::at_end;
use crate::check::{
    self, CheckRef, Evidence, Failure, Finality, Judged, Judgement, Outcome, Subject, Unjudged,
};
use crate::result::Timing;
use crate::source::receiver::{Follow, LateSpan, Mark};
use crate::spec::{Capture, Condition, Expect};
use crate::trace::{Hole, Losses, Response, Trace, Value};

/// The facts on which the verdict about a trace rests, apart from the trace.
pub(crate) struct Basis {
    /// The checks of the trace; those of the response are final.
    expect: Expect,
    /// Captures from spans, with the values that they gave.
    captured: Vec<Captured>,
    sampled: bool,
    losses: Losses,
    /// The losses of spans that were known.
    holes: Vec<Hole>,
    patience: Patience,
    end: End,
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

/// A trace judged again, with the spans that arrived and the losses that became known after the
/// verdict.
pub(crate) struct Again {
    pub(crate) trace: Arc<Trace>,
    /// The checks of the trace, and the captures that give another value now.
    pub(crate) checks: Vec<Judged>,
    pub(crate) late: LateSpans,
    /// The verdict did not wait for the complete trace.
    pub(crate) was_early: bool,
    /// No parent is missing, and no span is known to be lost.
    pub(crate) is_whole: bool,
}

/// Spans that arrived after the verdict about their trace, and losses that became known after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LateSpans {
    /// Number of spans by service.
    pub(crate) services: BTreeMap<String, usize>,
    pub(crate) holes: Vec<Hole>,
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
        (patience, end): (Patience, End),
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
            holes: evidence
                .trace
                .map_or_else(Vec::new, |trace| trace.holes().to_vec()),
            patience,
            end,
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
        for hole in &other.holes {
            if !self.holes.contains(hole) {
                self.holes.push(hole.clone());
            }
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

    /// Judges the trace again if, after the verdict, spans arrived or were lost.
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
        let late = basis.late(&self.follow.since(&basis.mark), trace.holes())?;
        let evidence = Evidence::new(&Response::None, Some(&trace), basis.sampled);
        let judgements = check::judge(&basis.expect, &evidence).into_iter();
        let mut checks: Vec<Judged> = judgements.map(|one| basis.outcome(one, &trace)).collect();
        let captured = basis.captured.iter();
        checks.extend(captured.filter_map(|one| one.changed(&evidence)));
        let is_whole = trace.holes().is_empty() && !basis.misses_parts(&trace);
        Some(Again {
            trace: Arc::new(trace),
            checks,
            late,
            was_early: basis.end == End::Early,
            is_whole,
        })
    }
}

impl Basis {
    /// The moment from which the flush bound counts.
    fn due(&self) -> Instant {
        self.patience.start.moment() + self.patience.tail
    }

    /// The outcome of a check with all spans. A pass that a further span could change depends on a
    /// parent that is missing now. An early pass does not depend on losses and missing parents.
    fn outcome(&self, judgement: Judgement, trace: &Trace) -> Judged {
        let Judgement {
            mut judged,
            finality,
        } = judgement;
        if self.end == End::Early {
            if let Outcome::Unjudged(Unjudged::Hole(_)) = judged.outcome {
                judged.outcome = Outcome::Pass;
            }
            return judged;
        }
        let condition = judged.check.condition(&self.expect);
        let is_about_parents = matches!(condition, Some(Condition::Orphans(_)));
        if finality == Finality::Open && self.misses_parts(trace) && !is_about_parents {
            let end = End::TimedOut(AtDeadline::Quiet);
            judged.outcome = at_end(judged.outcome, end, trace);
        }
        judged
    }

    fn misses_parts(&self, trace: &Trace) -> bool {
        !self.patience.accepts_parts() && trace.orphans().next().is_some()
    }

    /// What has arrived or become known since the verdict, if anything.
    fn late(&self, spans: &[LateSpan], holes: &[Hole]) -> Option<LateSpans> {
        let holes = holes.iter().filter(|hole| !self.holes.contains(hole));
        let holes: Vec<Hole> = holes.cloned().collect();
        let last = spans.iter().map(|span| span.arrived).max();
        let last = last.or_else(|| (!holes.is_empty()).then_some(self.judged))?;
        let mut services = BTreeMap::new();
        for span in spans {
            *services.entry(span.service.clone()).or_default() += 1;
        }
        Some(LateSpans {
            services,
            holes,
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
