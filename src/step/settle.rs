//! The wait for the trace of a step: when its checks are looked at, and when that ends.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::completeness::{AtDeadline, Completeness, Flush, Patience, Start};
use super::context::{End, Scene};
use super::observation::Looks;
use super::settings::Stop;
use super::{diagnosis, drive};
use crate::check::{self, Evidence, Finality, Judged, Judgement, Outcome, Unjudged};
use crate::source::receiver::{Follow, Snapshot};
use crate::spec::{Called, Condition, Expect};
use crate::trace::{Response, Trace};

/// Once a verdict is known, the rest of the trace is waited for no longer than this: it only
/// completes the waterfall.
const LONGEST_GATHERING: Duration = Duration::from_millis(500);

/// The wait for one trace.
pub(crate) struct Settling<'s> {
    scene: Scene<'s>,
    pub(crate) patience: Patience,
    looks: Looks,
}

/// The checks of a step, and the response that they are about.
#[derive(Clone, Copy)]
pub(crate) struct Question<'q> {
    pub(crate) expect: &'q Expect,
    pub(crate) response: &'q Response,
    /// A capture needs a span.
    pub(crate) awaits_span: bool,
}

impl<'s> Settling<'s> {
    /// The wait for the trace of a step whose response was received at `responded`.
    pub(crate) fn new(scene: Scene<'s>, responded: Instant, looks: Looks) -> Self {
        let start = match scene.called {
            Called::Nothing => Start::Watch(responded),
            _ => Start::Response(responded),
        };
        Self {
            patience: scene.patience(start),
            scene,
            looks,
        }
    }

    /// Waits until the checks are decided or the trace is complete.
    pub(crate) async fn settle(
        &self,
        follow: &mut Follow,
        question: Question<'_>,
    ) -> Result<(Snapshot, End), Stop> {
        let is_about_trace = question.expect.is_about_trace() || question.awaits_span;
        let settled = match self.looks {
            Looks::AtOnce if is_about_trace => self.settle_early(follow, question).await,
            Looks::AtOnce => self.look_once(follow, question).await,
            Looks::Once { measures } if is_about_trace || measures => {
                self.settle_whole(follow, question).await
            }
            Looks::Once { .. } => self.gather(follow).await,
        };
        if let Ok((snapshot, end)) = &settled {
            self.note(snapshot, *end);
        }
        settled
    }

    /// Records facts of the run that notes at its end are about.
    fn note(&self, snapshot: &Snapshot, end: End) {
        let setting = self.scene.setting;
        if end != End::Early {
            setting.note_wait(self.patience.flush);
        }
        if end == End::Closed && !self.patience.accepts_parts() {
            let calls = setting.unanswered(&snapshot.trace);
            setting.note_unanswered(diagnosis::unanswered(&snapshot.trace, &calls));
        }
    }

    /// Nothing is asked of the trace: it only illustrates a failure.
    async fn look_once(
        &self,
        follow: &mut Follow,
        question: Question<'_>,
    ) -> Result<(Snapshot, End), Stop> {
        let snapshot = self.with_losses(follow.snapshot());
        match self
            .outcomes(question, &snapshot)
            .iter()
            .any(has_finally_failed)
        {
            true => self.gather(follow).await,
            false => Ok((snapshot, End::Early)),
        }
    }

    /// Waits until every check is decided, the trace is complete, or time is over.
    async fn settle_early(
        &self,
        follow: &mut Follow,
        question: Question<'_>,
    ) -> Result<(Snapshot, End), Stop> {
        let settled = self.until(follow, |snapshot| {
            let judgements = self.outcomes(question, &snapshot);
            if judgements.iter().any(has_finally_failed) {
                return ControlFlow::Break(None);
            }
            let is_decided = judgements.iter().all(|one| one.finality == Finality::Final);
            if is_decided && !question.awaits_span {
                return ControlFlow::Break(Some((snapshot, End::Early)));
            }
            let completeness = self.completeness(&snapshot);
            match ended(completeness, question, &judgements) {
                ControlFlow::Break(end) => ControlFlow::Break(Some((snapshot, end))),
                ControlFlow::Continue(next) => ControlFlow::Continue(next),
            }
        });
        match settled.await? {
            Some(settled) => Ok(settled),
            None => self.gather(follow).await,
        }
    }

    /// Waits until nothing more should come, and looks only then; again only at what comes later.
    async fn settle_whole(
        &self,
        follow: &mut Follow,
        question: Question<'_>,
    ) -> Result<(Snapshot, End), Stop> {
        tokio::time::sleep_until(self.patience.quiet_after().into()).await;
        self.until(follow, |snapshot| {
            let completeness = self.completeness(&snapshot);
            if completeness == Completeness::Closed {
                return ControlFlow::Break((snapshot, End::Closed));
            }
            let judgements = self.outcomes(question, &snapshot);
            if judgements.iter().any(has_finally_failed) {
                return ControlFlow::Break((snapshot, End::Early));
            }
            match ended(completeness, question, &judgements) {
                ControlFlow::Break(end) => ControlFlow::Break((snapshot, end)),
                ControlFlow::Continue(next) => ControlFlow::Continue(next),
            }
        })
        .await
    }

    /// Waits a little for the rest of a trace whose verdict is known.
    pub(crate) async fn gather(&self, follow: &mut Follow) -> Result<(Snapshot, End), Stop> {
        let until = Instant::now() + self.patience.bound.min(LONGEST_GATHERING);
        self.until(follow, |snapshot| match self.completeness(&snapshot) {
            Completeness::Closed => ControlFlow::Break((snapshot, End::Closed)),
            _ if snapshot.at >= until => ControlFlow::Break((snapshot, End::Early)),
            Completeness::Open(next) => ControlFlow::Continue(next.min(until)),
            Completeness::Quiet(_) | Completeness::TimedOut(_) => ControlFlow::Continue(until),
        })
        .await
    }

    async fn until<T>(
        &self,
        follow: &mut Follow,
        mut look: impl FnMut(Snapshot) -> ControlFlow<T, Instant>,
    ) -> Result<T, Stop> {
        // Of many requests, the driver ends all at once.
        let may_stop = self.looks == Looks::AtOnce;
        tokio::select! {
            seen = drive::until(follow, |snapshot| look(self.with_losses(snapshot))) => Ok(seen),
            stop = self.scene.setting.stopped(), if may_stop => Err(stop),
        }
    }

    pub(crate) fn evidence<'e>(
        &self,
        response: &'e Response,
        snapshot: &'e Snapshot,
    ) -> Evidence<'e> {
        Evidence::new(response, Some(&snapshot.trace), self.patience.sampled)
    }

    fn outcomes(&self, question: Question<'_>, snapshot: &Snapshot) -> Vec<Judgement> {
        check::outcomes(question.expect, &self.evidence(question.response, snapshot))
    }

    fn completeness(&self, snapshot: &Snapshot) -> Completeness {
        let setting = self.scene.setting;
        // Looked at again with each arrival, so not where the answer does not matter.
        let misses_servers = self.patience.flush == Flush::Assumed
            && !self.patience.accepts_parts()
            && !setting.unanswered(&snapshot.trace).is_empty();
        self.patience.look(snapshot, misses_servers, &setting.bound)
    }

    fn with_losses(&self, mut snapshot: Snapshot) -> Snapshot {
        let losses = self.scene.setting.source.losses();
        snapshot.trace = snapshot.trace.with_losses(losses);
        snapshot
    }

    /// The outcomes that count, given how the wait ended.
    pub(crate) fn final_outcomes(
        &self,
        question: Question<'_>,
        snapshot: &Snapshot,
        end: End,
    ) -> Vec<Judged> {
        let evidence = self.evidence(question.response, snapshot);
        let judgements = check::judge(question.expect, &evidence).into_iter();
        judgements
            .map(
                |Judgement {
                     mut judged,
                     finality,
                 }| {
                    let is_about_parents = is_orphans(question.expect, &judged);
                    if finality == Finality::Open && !(is_about_parents && end.is_quiet()) {
                        judged.outcome = at_end(judged.outcome, end, &snapshot.trace);
                    }
                    judged
                },
            )
            .collect()
    }
}

/// The outcome of a check that a further span could change, given how the wait ended.
pub(crate) fn at_end(outcome: Outcome, end: End, trace: &Trace) -> Outcome {
    if let (Outcome::Pass | Outcome::Fail(_), Some(hole)) = (&outcome, trace.holes().first()) {
        return Outcome::Unjudged(Unjudged::Hole(Box::new(hole.clone())));
    }
    match (end, outcome) {
        (End::Early | End::Quiet, Outcome::Pass | Outcome::Fail(_)) => {
            Outcome::Unjudged(Unjudged::NotReached)
        }
        (End::TimedOut(at), Outcome::Pass) => Outcome::Unjudged(match at {
            AtDeadline::NoEntry => Unjudged::EntryMissing,
            AtDeadline::Open => Unjudged::TimedOut,
            AtDeadline::Quiet => {
                let missing: Vec<_> = trace.missing_parents().into_iter().collect();
                match missing.is_empty() {
                    true => Unjudged::ServerMissing,
                    false => Unjudged::ParentsMissing(missing),
                }
            }
        }),
        (_, outcome) => outcome,
    }
}

/// The end of the wait, or the moment at which it can come.
fn ended(
    completeness: Completeness,
    question: Question<'_>,
    judgements: &[Judgement],
) -> ControlFlow<End, Instant> {
    match completeness {
        Completeness::Closed => ControlFlow::Break(End::Closed),
        Completeness::TimedOut(at) => ControlFlow::Break(End::TimedOut(at)),
        Completeness::Quiet(_) if is_decided_when_quiet(question, judgements) => {
            ControlFlow::Break(End::Quiet)
        }
        Completeness::Quiet(next) | Completeness::Open(next) => ControlFlow::Continue(next),
    }
}

fn has_finally_failed(judgement: &Judgement) -> bool {
    judgement.finality == Finality::Final && judgement.judged.outcome.failure().is_some()
}

fn is_orphans(expect: &Expect, judged: &Judged) -> bool {
    let condition = judged.check.condition(expect);
    matches!(condition, Some(Condition::Orphans(_)))
}

/// `orphans` is judged when the trace is quiet: it fails, or nothing else is undecided.
fn is_decided_when_quiet(question: Question<'_>, judgements: &[Judgement]) -> bool {
    let is_about_parents = |one: &&Judgement| is_orphans(question.expect, &one.judged);
    let has_failed = |one: &Judgement| one.judged.outcome.failure().is_some();
    let is_decided = |one: &Judgement| one.finality == Finality::Final || is_about_parents(&one);
    judgements.iter().filter(is_about_parents).any(has_failed)
        || !question.awaits_span && judgements.iter().all(is_decided)
}
