//! Traces that are followed after their verdict, and judged again if spans arrive or are lost.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completeness::{AtDeadline, WaitPolicy};
use super::delays::ExportDelays;
use super::wait_end::WaitEnd;
use crate::check::{
    self, Evidence, Failure, Finality, HeadEvidence, Judged, Judgement, Outcome, Subject,
    WindowEvidence,
};
use crate::instrumentation::Surroundings;
use crate::result::Timing;
use crate::secret::parts;
use crate::source::{Follow, FollowMark, LateKind, LateRecord};
use crate::spec::{Capture, Condition, Expect};
use crate::trace::{Hole, LogsWithoutTrace, Losses, Response, Trace, Value};

/// The input of a verdict, apart from the trace.
pub(crate) struct VerdictBasis {
    /// The checks of the trace; those of the response are final.
    expect: Expect,
    captured: Vec<Captured>,
    /// What was sent into a pipeline; otherwise nothing, since checks of the response are final.
    response: Response,
    sampled: bool,
    losses: Losses,
    /// The losses of spans and log records that were known at the verdict.
    holes: Vec<Hole>,
    logs_without_trace: Option<LogsWithoutTrace>,
    head: Option<HeadEvidence>,
    surroundings: Option<Surroundings>,
    window: Option<Box<WindowEvidence>>,
    /// Since when log records without a trace id can matter.
    logs_since: Option<Instant>,
    policy: WaitPolicy,
    end: WaitEnd,
    judged: Instant,
    mark: FollowMark,
}

/// A capture from a span, with its value.
struct Captured {
    index: usize,
    capture: Capture,
    value: Option<Value>,
}

/// A trace that is followed after its verdict, because a later arrival could change it.
pub(crate) struct WatchedTrace {
    basis: VerdictBasis,
    follow: Follow,
    is_late: bool,
}

/// A second judgement of a trace, with the spans that arrived and the losses that became known after
/// the first.
pub(crate) struct Rejudged {
    pub(crate) trace: Arc<Trace>,
    /// The checks of the trace, and the captures whose values changed.
    pub(crate) checks: Vec<Judged>,
    pub(crate) late: LateSpans,
    /// The values of secret captures.
    pub(crate) secrets: Vec<String>,
    /// The verdict did not wait for the complete trace.
    pub(crate) was_early: bool,
    /// No parent is missing, and no span is known to be lost.
    pub(crate) is_whole: bool,
}

/// Spans, and log records if a check needs them, that arrived after the verdict about their trace, and
/// losses that became known after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LateSpans {
    /// Number of spans and log records for each service.
    pub(crate) services: BTreeMap<String, usize>,
    /// Their kinds.
    pub(crate) kinds: BTreeSet<LateKind>,
    pub(crate) holes: Vec<Hole>,
    /// From the verdict to the arrival of the last one.
    pub(crate) after_verdict: Duration,
    /// From the response, or the end of `tail`, to the arrival of the last one.
    pub(crate) lag: Duration,
    pub(crate) last: Instant,
}

impl VerdictBasis {
    pub(crate) fn new(
        expect: &Expect,
        captures: &[Capture],
        evidence: &Evidence<'_>,
        (policy, end, logs_since): (WaitPolicy, WaitEnd, Option<Instant>),
        mark: FollowMark,
    ) -> Self {
        let mut expect = expect.clone();
        expect.checks.retain(|check| check.ask.is_about_trace());
        // Their verdict is final.
        expect.metrics.clear();
        let from_spans = captures
            .iter()
            .enumerate()
            .filter(|(_, capture)| capture.from.is_from_trace());
        Self {
            expect,
            captured: from_spans
                .map(|(index, capture)| Captured {
                    index,
                    capture: capture.clone(),
                    value: check::capture(capture, evidence).ok(),
                })
                .collect(),
            response: match evidence.response {
                sent @ Response::Sent(_) => sent.clone(),
                _ => Response::None,
            },
            sampled: evidence.sampled,
            losses: evidence
                .trace
                .map_or_else(Losses::none, |trace| trace.losses().clone()),
            holes: evidence.trace.map_or_else(Vec::new, |trace| {
                let holes = trace.holes().iter().chain(trace.log_holes());
                holes.cloned().collect()
            }),
            logs_without_trace: evidence.logs_without_trace.cloned(),
            head: evidence.head.cloned(),
            surroundings: evidence.surroundings.cloned(),
            window: evidence.window.cloned().map(Box::new),
            logs_since,
            policy,
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

    /// Adds the late spans of another trace.
    pub(crate) fn add(&mut self, other: &Self) {
        for (service, spans) in &other.services {
            *self.services.entry(service.clone()).or_default() += spans;
        }
        for hole in &other.holes {
            if !self.holes.contains(hole) {
                self.holes.push(hole.clone());
            }
        }
        self.kinds.extend(&other.kinds);
        self.after_verdict = self.after_verdict.max(other.after_verdict);
        self.lag = self.lag.max(other.lag);
        self.last = self.last.max(other.last);
    }

    /// From the moment when the trigger was fired to the arrival of the last one.
    pub(crate) fn since_fired(&self, timing: &Timing) -> Option<Duration> {
        timing.verdict.map(|verdict| verdict + self.after_verdict)
    }
}

impl WatchedTrace {
    pub(crate) fn new(basis: VerdictBasis, mut follow: Follow) -> Self {
        follow.end_polling();
        Self {
            basis,
            follow,
            is_late: false,
        }
    }

    /// Records the delays of spans that have arrived since the verdict.
    pub(crate) fn record_late_spans(&mut self, delays: &ExportDelays) {
        // An early verdict did not wait for the rest of its trace.
        let is_of_pipeline = self.basis.policy.of_pipeline;
        if self.basis.end == WaitEnd::Early || is_of_pipeline || !self.follow.has_changed() {
            return;
        }
        self.is_late = true;
        let trace = self.follow.snapshot().trace;
        let (due, bound) = (self.basis.due(), self.basis.policy.bound);
        for span in self
            .basis
            .needed(self.follow.since(&self.basis.mark), &trace)
        {
            let by = span.arrived.saturating_duration_since(due);
            if by > bound {
                delays.record(&span.service, by, bound);
            }
        }
    }

    /// Judges the trace again if, after the verdict, spans arrived or were lost.
    pub(crate) fn judge_again(&mut self) -> Option<Rejudged> {
        let has_changed = self.is_late || self.follow.has_changed();
        let basis = &self.basis;
        if !has_changed && basis.logs_without_trace.is_none() {
            return None;
        }
        let snapshot = self.follow.snapshot();
        let trace = snapshot.trace.with_losses(basis.losses.clone());
        let uncorrelated = basis.uncorrelated(&self.follow, &trace);
        let (logs_without_trace, others) = uncorrelated.unzip();
        if !has_changed && others.as_ref().is_none_or(Vec::is_empty) {
            return None;
        }
        let mut records = basis.needed(self.follow.since(&basis.mark), &trace);
        records.extend(others.unwrap_or_default());
        let late = basis.late(&records, &basis.losses_of(&trace))?;
        let judged = basis.judged_trace(&trace);
        let evidence = Evidence::new(&basis.response, Some(&judged), basis.sampled)
            .with_logs_without_trace(logs_without_trace.as_ref())
            .with_head(basis.head.as_ref())
            .with_surroundings(basis.surroundings.as_ref())
            .with_window(basis.window.as_deref());
        let judgements = check::judge(&basis.expect, &evidence).into_iter();
        let mut checks: Vec<Judged> = judgements.map(|one| basis.outcome(one, &trace)).collect();
        let captured = basis.captured.iter();
        checks.extend(captured.filter_map(|one| one.changed(&evidence)));
        let secrets = basis.captured.iter().filter(|one| one.capture.is_secret);
        let secrets = secrets
            .flat_map(|one| check::captured_values(&one.capture, &evidence))
            .flat_map(|value| parts(&value))
            .collect();
        drop(judged);
        let is_whole = trace.holes().is_empty() && !basis.misses_parts(&trace);
        Some(Rejudged {
            trace: Arc::new(trace),
            checks,
            late,
            secrets,
            was_early: basis.end == WaitEnd::Early,
            is_whole,
        })
    }
}

impl VerdictBasis {
    /// The records that a check can need. A log record of a span that did not arrive shows that the trace is
    /// incomplete.
    fn needed(&self, mut late: Vec<LateRecord>, trace: &Trace) -> Vec<LateRecord> {
        let needs_logs = self.expect.needs_logs() || self.misses_parts(trace);
        late.retain(|record| record.kind == LateKind::Span || needs_logs);
        late
    }

    /// The known losses that a check can need.
    fn losses_of(&self, trace: &Trace) -> Vec<Hole> {
        let of_logs = trace
            .log_holes()
            .iter()
            .filter(|_| self.expect.needs_logs());
        trace.holes().iter().chain(of_logs).cloned().collect()
    }

    /// The log records without a trace id, if a check needs them, and those that arrived after the verdict and
    /// can be of this trace.
    fn uncorrelated(
        &self,
        follow: &Follow,
        trace: &Trace,
    ) -> Option<(LogsWithoutTrace, Vec<LateRecord>)> {
        let known = self.logs_without_trace.as_ref()?;
        let now = follow.logs_without_trace(self.logs_since);
        // The store of a remote source has none of them.
        let new = now.records.get(known.records.len()..).unwrap_or_default();
        let stray = now.stray.iter();
        let stray = stray.filter(|record| !known.stray.contains(record));
        let new = new.iter().chain(stray);
        let of_trace = new.filter(|record| check::may_be_of_trace(record, trace));
        let now_arrived = Instant::now();
        let late = of_trace.map(|record| LateRecord::of_log(record, now_arrived));
        let late: Vec<LateRecord> = late.collect();
        match late.is_empty() {
            true => Some((known.clone(), late)),
            false => Some((now, late)),
        }
    }

    /// The moment from which the flush bound counts.
    fn due(&self) -> Instant {
        self.policy.start.moment() + self.policy.tail
    }

    /// The outcome of a check with all spans. A pass that a further span could change depends on a
    /// parent that is missing now. An early pass does not depend on losses and missing parents.
    fn outcome(&self, judgement: Judgement, trace: &Trace) -> Judged {
        let Judgement {
            mut judged,
            finality,
        } = judgement;
        if self.end == WaitEnd::Early {
            return judged;
        }
        let condition = judged.check.condition(&self.expect);
        let is_about_parents = matches!(condition, Some(Condition::Orphans(_)));
        if finality == Finality::Open && self.misses_parts(trace) && !is_about_parents {
            let end = WaitEnd::TimedOut(AtDeadline::Quiet);
            judged.outcome = end.final_outcome(judged.outcome, trace);
        }
        judged
    }

    /// The trace on which the checks are judged again. Losses do not change an early pass; only
    /// spans that arrived do, and a loss must not hide that they do.
    fn judged_trace<'t>(&self, trace: &'t Trace) -> Cow<'t, Trace> {
        match self.end {
            WaitEnd::Early => Cow::Owned(trace.clone().without_holes()),
            _ => Cow::Borrowed(trace),
        }
    }

    fn misses_parts(&self, trace: &Trace) -> bool {
        !self.policy.accepts_parts() && trace.misses_spans()
    }

    /// The arrivals and losses since the verdict.
    fn late(&self, spans: &[LateRecord], holes: &[Hole]) -> Option<LateSpans> {
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
            kinds: spans.iter().map(|record| record.kind).collect(),
            holes,
            after_verdict: last.saturating_duration_since(self.judged),
            lag: last.saturating_duration_since(self.due()),
            last,
        })
    }
}

impl Captured {
    /// A check that does not hold if the capture no longer gives the value that later steps used.
    fn changed(&self, evidence: &Evidence<'_>) -> Option<Judged> {
        let (capture, before) = (&self.capture, self.value.as_ref());
        let outcome = match check::capture(capture, evidence) {
            Ok(value) if Some(&value) == before => return None,
            Ok(value) => Outcome::Fail(Box::new(Failure::new(
                Subject::Capture(capture.name.clone()),
                capture.at.clone(),
                before.map_or_else(|| "nothing".to_owned(), Value::to_string),
                value.to_string(),
            ))),
            Err(outcome) => outcome,
        };
        Some(Judged::capture(self.index, capture, outcome))
    }
}
