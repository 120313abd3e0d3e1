//! The wait for the trace of a step: when its checks are judged, and when the wait ends.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::completeness::{Completeness, Flush, WaitPolicy, WaitStart};
use super::context::StepContext;
use super::diagnosis;
use super::drive::drive;
use super::settings::Stop;
use super::wait_end::WaitEnd;
use crate::check::{self, Evidence, Finality, Judged, Judgement};
use crate::source::{Follow, Snapshot};
use crate::spec::{Condition, Expect, MetricEntry};
use crate::trace::Response;

/// Maximum wait for the rest of a trace after the verdict. The rest only completes the waterfall.
const MAX_GATHERING: Duration = Duration::from_millis(500);

/// When a trace is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JudgeWhen {
    /// On every arrival, for the earliest verdict.
    OnArrival,
    /// When the flush bound has passed: the request is one of many.
    WhenComplete(TraceUse),
}

/// The use of the trace of one of many requests, besides checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraceUse {
    /// A budget measures it, so it must be complete.
    Measured,
    /// The report may show it.
    Shown,
    /// None. If no check is about the trace, the request is judged at once.
    Unused,
}

/// The wait for one trace.
pub(super) struct TraceWait<'s> {
    context: StepContext<'s>,
    pub(super) policy: WaitPolicy,
    when: JudgeWhen,
}

/// The checks of a step, and the response to judge.
#[derive(Clone, Copy)]
pub(super) struct Expected<'q> {
    pub(super) expect: &'q Expect,
    pub(super) response: &'q Response,
    /// A capture needs a span.
    pub(super) awaits_span: bool,
}

impl Expected<'_> {
    /// Returns `true` if the trace must be complete: for a capture, or for the span of an exemplar.
    fn awaits_trace(&self) -> bool {
        self.awaits_span || self.expect.metrics.iter().any(MetricEntry::needs_spans)
    }
}

impl<'s> TraceWait<'s> {
    /// The wait for the trace of a step whose response was received at `responded`.
    pub(super) fn new(context: StepContext<'s>, responded: Instant, when: JudgeWhen) -> Self {
        Self {
            policy: context.policy(WaitStart::of(&context.called, responded)),
            context,
            when,
        }
    }

    /// Waits until the checks are decided or the trace is complete.
    pub(super) async fn settle(
        &self,
        follow: &mut Follow,
        expected: Expected<'_>,
    ) -> Result<(Snapshot, WaitEnd), Stop> {
        let is_about_trace = expected.expect.is_about_trace() || expected.awaits_span;
        let settled = match self.when {
            JudgeWhen::OnArrival if is_about_trace => self.settle_early(follow, expected).await,
            JudgeWhen::WhenComplete(_) if is_about_trace => {
                self.settle_whole(follow, expected).await
            }
            JudgeWhen::WhenComplete(TraceUse::Measured) => {
                self.settle_whole(follow, expected).await
            }
            JudgeWhen::WhenComplete(TraceUse::Shown) => self.gather(follow).await,
            JudgeWhen::OnArrival | JudgeWhen::WhenComplete(TraceUse::Unused) => {
                self.judge_once(follow, expected).await
            }
        };
        if let Ok((snapshot, end)) = &settled {
            self.record(snapshot, *end);
        }
        settled
    }

    /// Records facts for the notes at the end of the run.
    fn record(&self, snapshot: &Snapshot, end: WaitEnd) {
        let run = self.context.run;
        if end != WaitEnd::Early {
            run.record_wait(self.policy.flush);
        }
        if end == WaitEnd::Closed && !self.policy.accepts_parts() {
            let calls = run.unanswered(&snapshot.trace);
            run.record_unanswered(diagnosis::unanswered(&snapshot.trace, &calls));
        }
    }

    /// Judges without a wait. No check needs the trace; it only illustrates a failure.
    async fn judge_once(
        &self,
        follow: &mut Follow,
        expected: Expected<'_>,
    ) -> Result<(Snapshot, WaitEnd), Stop> {
        let snapshot = self.with_losses(follow.snapshot());
        match self
            .outcomes(expected, &snapshot)
            .iter()
            .any(has_finally_failed)
        {
            true => Box::pin(self.gather(follow)).await,
            false => Ok((snapshot, WaitEnd::Early)),
        }
    }

    /// Waits until all checks are final, the trace is complete, or the deadline has passed.
    async fn settle_early(
        &self,
        follow: &mut Follow,
        expected: Expected<'_>,
    ) -> Result<(Snapshot, WaitEnd), Stop> {
        let settled = self.drive(follow, |snapshot| {
            let judgements = self.outcomes(expected, &snapshot);
            if judgements.iter().any(has_finally_failed) {
                return ControlFlow::Break(None);
            }
            let is_decided = judgements.iter().all(|one| one.finality == Finality::Final);
            if is_decided && !self.awaits_trace(expected) {
                return ControlFlow::Break(Some((snapshot, WaitEnd::Early)));
            }
            let completeness = self.completeness(&snapshot);
            match self.ended(completeness, expected, &judgements) {
                ControlFlow::Break(end) => ControlFlow::Break(Some((snapshot, end))),
                ControlFlow::Continue(next) => ControlFlow::Continue(next),
            }
        });
        match settled.await? {
            Some(settled) => Ok(settled),
            None => Box::pin(self.gather(follow)).await,
        }
    }

    /// Waits until the flush bound has passed, and judges then and at later arrivals.
    async fn settle_whole(
        &self,
        follow: &mut Follow,
        expected: Expected<'_>,
    ) -> Result<(Snapshot, WaitEnd), Stop> {
        tokio::time::sleep_until(self.policy.quiet_after().into()).await;
        self.drive(follow, |snapshot| {
            let completeness = self.completeness(&snapshot);
            if completeness == Completeness::Closed {
                return ControlFlow::Break((snapshot, WaitEnd::Closed));
            }
            let judgements = self.outcomes(expected, &snapshot);
            // Only a complete trace shows if a search means it.
            if !self.policy.is_found() && judgements.iter().any(has_finally_failed) {
                return ControlFlow::Break((snapshot, WaitEnd::Early));
            }
            match self.ended(completeness, expected, &judgements) {
                ControlFlow::Break(end) => ControlFlow::Break((snapshot, end)),
                ControlFlow::Continue(next) => ControlFlow::Continue(next),
            }
        })
        .await
    }

    /// Waits briefly for the rest of a trace whose verdict is known.
    pub(super) async fn gather(&self, follow: &mut Follow) -> Result<(Snapshot, WaitEnd), Stop> {
        let until = Instant::now() + self.policy.bound.min(MAX_GATHERING);
        self.drive(follow, |snapshot| match self.completeness(&snapshot) {
            Completeness::Closed => ControlFlow::Break((snapshot, WaitEnd::Closed)),
            _ if snapshot.at >= until => ControlFlow::Break((snapshot, WaitEnd::Early)),
            Completeness::Open(next) => ControlFlow::Continue(next.min(until)),
            Completeness::Quiet(_) | Completeness::TimedOut(_) => ControlFlow::Continue(until),
        })
        .await
    }

    async fn drive<T>(
        &self,
        follow: &mut Follow,
        mut decide: impl FnMut(Snapshot) -> ControlFlow<T, Instant>,
    ) -> Result<T, Stop> {
        // The driver of `repeat` ends all requests at once.
        let may_stop = self.when == JudgeWhen::OnArrival;
        tokio::select! {
            decided = drive(follow, |snapshot| decide(self.with_losses(snapshot))) => Ok(decided),
            stop = self.context.run.stopped(), if may_stop => Err(stop),
        }
    }

    pub(super) fn evidence<'e>(
        &self,
        response: &'e Response,
        snapshot: &'e Snapshot,
    ) -> Evidence<'e> {
        let trace = Some(&snapshot.trace);
        Evidence::new(response, trace, self.policy.sampled)
    }

    /// Returns `true` if a check has failed, and no further span can change that.
    pub(super) fn has_failed(&self, expected: Expected<'_>, snapshot: &Snapshot) -> bool {
        let outcomes = self.outcomes(expected, snapshot);
        outcomes.iter().any(has_finally_failed)
    }

    fn outcomes(&self, expected: Expected<'_>, snapshot: &Snapshot) -> Vec<Judgement> {
        check::outcomes(expected.expect, &self.evidence(expected.response, snapshot))
    }

    fn completeness(&self, snapshot: &Snapshot) -> Completeness {
        let run = self.context.run;
        // This happens on each arrival, so the search is left out where its result has no effect.
        let misses_servers = self.policy.flush == Flush::Assumed
            && !self.policy.accepts_parts()
            && !run.unanswered(&snapshot.trace).is_empty();
        self.policy
            .completeness(snapshot, misses_servers, &run.delays)
    }

    /// The end of the wait, or the moment at which it can end.
    fn ended(
        &self,
        completeness: Completeness,
        expected: Expected<'_>,
        judgements: &[Judgement],
    ) -> ControlFlow<WaitEnd, Instant> {
        match completeness {
            Completeness::Closed => ControlFlow::Break(WaitEnd::Closed),
            Completeness::TimedOut(at) => ControlFlow::Break(WaitEnd::TimedOut(at)),
            Completeness::Quiet(_) if self.is_decided_when_quiet(expected, judgements) => {
                ControlFlow::Break(WaitEnd::Quiet)
            }
            Completeness::Quiet(next) | Completeness::Open(next) => ControlFlow::Continue(next),
        }
    }

    /// `orphans` is decided when the trace is quiet: it fails, or it is the only open check.
    fn is_decided_when_quiet(&self, expected: Expected<'_>, judgements: &[Judgement]) -> bool {
        let is_about_parents = |one: &&Judgement| is_orphans(expected.expect, &one.judged);
        let has_failed = |one: &Judgement| one.judged.outcome.failure().is_some();
        let is_decided =
            |one: &Judgement| one.finality == Finality::Final || is_about_parents(&one);
        judgements.iter().filter(is_about_parents).any(has_failed)
            || !self.awaits_trace(expected) && judgements.iter().all(is_decided)
    }

    /// Returns `true` if the trace must be complete even if all checks are decided.
    fn awaits_trace(&self, expected: Expected<'_>) -> bool {
        expected.awaits_trace() || self.when == JudgeWhen::WhenComplete(TraceUse::Measured)
    }

    fn with_losses(&self, mut snapshot: Snapshot) -> Snapshot {
        let mut losses = self.context.run.source.losses();
        losses.add(snapshot.trace.losses());
        snapshot.trace = snapshot.trace.with_losses(losses);
        if self.policy.is_found() {
            snapshot.trace = snapshot.trace.with_own_caller();
        }
        snapshot
    }

    /// The final outcomes, given how the wait ended.
    pub(super) fn final_outcomes(
        &self,
        expected: Expected<'_>,
        evidence: &Evidence<'_>,
        end: WaitEnd,
    ) -> Vec<Judged> {
        let judgements = check::judge(expected.expect, evidence).into_iter();
        judgements
            .map(
                |Judgement {
                     mut judged,
                     finality,
                 }| {
                    let is_about_parents = is_orphans(expected.expect, &judged);
                    let is_final =
                        finality == Finality::Final || is_about_parents && end.is_quiet();
                    if let Some(trace) = evidence.trace.filter(|_| !is_final) {
                        judged.outcome = end.final_outcome(judged.outcome, trace);
                    }
                    judged
                },
            )
            .collect()
    }
}

fn has_finally_failed(judgement: &Judgement) -> bool {
    judgement.finality == Finality::Final && judgement.judged.outcome.failure().is_some()
}

fn is_orphans(expect: &Expect, judged: &Judged) -> bool {
    let condition = judged.check.condition(expect);
    matches!(condition, Some(Condition::Orphans(_)))
}
