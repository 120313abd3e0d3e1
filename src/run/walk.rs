//! From the response to the verdict: follow the trace, settle, judge, and say what was seen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::diagnosis::Called;
use super::scene::{Decided, End, Scene};
use super::setting::Stop;
use super::settle::{Completeness, Patience, Seen};
use super::step::{misfit, stopped};
use super::{StepReport, Trouble};
use crate::check::{self, Evidence, Finality, Judged, Judgement, Outcome, Unjudged};
use crate::source::receiver::{Follow, Snapshot};
use crate::spec::{Capture, Condition, Expect, Scope, SpecErrors};
use crate::trace::Response;
use crate::trigger::{TraceContext, TriggerError};

/// Once a verdict is known, the rest of the trace is waited for no longer than this: it only
/// makes the waterfall whole.
const LONGEST_GATHERING: Duration = Duration::from_millis(500);

/// A step that is under way.
pub(super) struct Walk<'a> {
    pub(super) scene: Scene<'a>,
    pub(super) scope: &'a mut Scope,
    pub(super) context: TraceContext,
    pub(super) follow: Follow,
    pub(super) responded: Instant,
    pub(super) looks: Looks,
    /// What may not be shown of one of many: the run need not know it, for few are ever told of.
    pub(super) secrets: Vec<String>,
}

/// When a trace is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    /// With each arrival, so that the verdict is known as soon as may be.
    AtOnce,
    /// When nothing more should come: it is one of many, and nobody waits for it.
    Once {
        /// Whether something of the trace is measured, so that it has to be complete.
        measures: bool,
    },
}

impl Walk<'_> {
    /// Follows the trace until everything is decided, fills in the report, and explains it.
    pub(super) async fn judge(mut self, report: StepReport, response: Response) -> StepReport {
        let decided = self.decide(report, response).await;
        self.scene.explained(decided).await
    }

    /// Follows the trace until everything is decided, and fills in the report.
    pub(super) async fn decide(&mut self, mut report: StepReport, response: Response) -> Decided {
        let (captures, trouble) = match self.capture_from_response(&response, &mut report) {
            Ok(captures) => (captures, None),
            Err(trouble) => (Vec::new(), Some(trouble)),
        };
        let expect = match self.scene.step.expect(self.scope) {
            Ok(expect) => expect,
            Err(errors) => return Decided::without_trace(report, misfit(&errors)),
        };
        if trouble.is_some() || !report.checks.is_empty() {
            return self.give_up(report, response, &expect, trouble).await;
        }
        let awaits_span = captures.iter().any(|capture| capture.from.is_from_trace());
        let (snapshot, end) = match self.settle(&expect, &response, awaits_span).await {
            Ok(settled) => settled,
            Err(stop) => return self.ended_by(stop, report),
        };
        report.timing.verdict = Some(self.scene.fired.elapsed());
        let expect = match self.capture_from_spans(&captures, &snapshot, &response, &mut report) {
            Ok(Some(filled)) => filled,
            Ok(None) => expect,
            Err(errors) => return Decided::without_trace(report, misfit(&errors)),
        };
        let judged = self.final_outcomes(&expect, &snapshot, &response, end);
        report.checks.extend(judged);
        // As the author wrote them, whatever they are about.
        report.checks.sort_by_key(|judged| judged.at.place);
        self.finished(report, response, snapshot, end)
    }

    fn ended_by(&self, stop: Stop, report: StepReport) -> Decided {
        Decided::without_trace(report, stopped(stop, self.scene.step))
    }

    /// Captures what the response has. A capture that fails is a failed check.
    fn capture_from_response(
        &mut self,
        response: &Response,
        report: &mut StepReport,
    ) -> Result<Vec<Capture>, Trouble> {
        let captures = self
            .scene
            .step
            .captures(self.scope)
            .map_err(|errors| misfit(&errors))?;
        // What comes from a span is known by name already, for `expect` may use it.
        captures
            .iter()
            .for_each(|capture| self.scope.expect(capture.name.clone()));
        let evidence = Evidence::new(response, None, self.context.sampled);
        for capture in captures
            .iter()
            .filter(|capture| !capture.from.is_from_trace())
        {
            report.checks.extend(self.capture(capture, &evidence));
        }
        Ok(captures)
    }

    fn capture(&mut self, capture: &Capture, evidence: &Evidence<'_>) -> Option<Judged> {
        match check::capture(capture, evidence) {
            Ok(value) => {
                if capture.is_secret {
                    self.keep_secret(value.to_text());
                }
                self.scope.set(capture.name.clone(), value);
                None
            }
            Err(failure) => Some(Judged {
                what: failure.subject.to_string(),
                at: failure.at.clone(),
                outcome: Outcome::Fail(failure),
            }),
        }
    }

    fn keep_secret(&mut self, value: String) {
        match self.looks {
            Looks::AtOnce => self.scene.setting.secrets.add([value]),
            Looks::Once { .. } => self.secrets.push(value),
        }
    }

    async fn settle(
        &mut self,
        expect: &Expect,
        response: &Response,
        awaits_span: bool,
    ) -> Result<(Snapshot, End), Stop> {
        let is_about_trace = expect.is_about_trace() || awaits_span;
        match self.looks {
            Looks::AtOnce => {
                self.settle_early(expect, response, is_about_trace, awaits_span)
                    .await
            }
            Looks::Once { measures } if is_about_trace || measures => {
                self.settle_whole(expect, response).await
            }
            Looks::Once { .. } => self.gather(&self.patience(expect)).await,
        }
    }

    /// Waits until nothing more should come, and looks only then; again only at what comes later.
    async fn settle_whole(
        &mut self,
        expect: &Expect,
        response: &Response,
    ) -> Result<(Snapshot, End), Stop> {
        let patience = self.patience(expect);
        let first = patience.quiet_after(self.responded, &self.scene.setting.lags);
        tokio::time::sleep_until(first.into()).await;
        loop {
            let snapshot = self.look();
            let completeness = self.completeness(&patience, &snapshot);
            let until = match completeness {
                Completeness::Closed => return Ok((snapshot, End::Closed)),
                Completeness::TimedOut => return Ok((snapshot, End::TimedOut)),
                Completeness::Quiet(until) | Completeness::Open(until) => until,
            };
            let judgements = check::outcomes(expect, &self.evidence(response, &snapshot));
            if judgements.iter().any(has_finally_failed) {
                return Ok((snapshot, End::Early));
            }
            let is_quiet = matches!(completeness, Completeness::Quiet(_));
            if is_quiet && orphans_fail(expect, &judgements) {
                return Ok((snapshot, End::Quiet));
            }
            self.wait(until).await?;
        }
    }

    /// Waits until every check is decided, the trace is complete, or time is over.
    async fn settle_early(
        &mut self,
        expect: &Expect,
        response: &Response,
        is_about_trace: bool,
        awaits_span: bool,
    ) -> Result<(Snapshot, End), Stop> {
        let patience = self.patience(expect);
        loop {
            let snapshot = self.look();
            let evidence = self.evidence(response, &snapshot);
            let judgements = check::outcomes(expect, &evidence);
            if judgements.iter().any(has_finally_failed) {
                return self.gather(&patience).await;
            }
            let is_decided = judgements.iter().all(|one| one.finality == Finality::Final);
            if !is_about_trace || (is_decided && !awaits_span) {
                return Ok((snapshot, End::Early));
            }
            let until = match self.completeness(&patience, &snapshot) {
                Completeness::Closed => return Ok((snapshot, End::Closed)),
                Completeness::TimedOut => return Ok((snapshot, End::TimedOut)),
                Completeness::Quiet(_) if orphans_fail(expect, &judgements) => {
                    return Ok((snapshot, End::Quiet));
                }
                Completeness::Quiet(deadline) => deadline,
                Completeness::Open(until) => until,
            };
            self.wait(until).await?;
        }
    }

    /// Waits a little for the rest of a trace whose verdict is known.
    async fn gather(&mut self, patience: &Patience) -> Result<(Snapshot, End), Stop> {
        let until = Instant::now() + patience.flush.bound().min(LONGEST_GATHERING);
        loop {
            let snapshot = self.look();
            match self.completeness(patience, &snapshot) {
                Completeness::Closed => return Ok((snapshot, End::Closed)),
                _ if Instant::now() >= until => return Ok((snapshot, End::Early)),
                Completeness::Open(next) => self.wait(next.min(until)).await?,
                Completeness::Quiet(_) | Completeness::TimedOut => self.wait(until).await?,
            }
        }
    }

    async fn wait(&mut self, until: Instant) -> Result<(), Stop> {
        // Whoever sent many ends all of them.
        let may_stop = self.looks == Looks::AtOnce;
        tokio::select! {
            () = self.follow.changed() => Ok(()),
            () = tokio::time::sleep_until(until.into()) => Ok(()),
            stop = self.scene.setting.stopped(), if may_stop => Err(stop),
        }
    }

    fn evidence<'e>(&self, response: &'e Response, snapshot: &'e Snapshot) -> Evidence<'e> {
        Evidence::new(response, Some(&snapshot.trace), self.context.sampled)
    }

    fn look(&mut self) -> Snapshot {
        let mut snapshot = self.follow.snapshot();
        let losses = self.scene.setting.source.losses();
        snapshot.trace = snapshot.trace.with_losses(losses);
        for arrival in &snapshot.arrivals {
            self.scene
                .setting
                .lags
                .note(arrival.saturating_duration_since(self.responded));
        }
        snapshot
    }

    fn completeness(&self, patience: &Patience, snapshot: &Snapshot) -> Completeness {
        let seen = match self.scene.called {
            Called::Nothing => Seen::of_somebody_else(snapshot),
            _ => Seen::of(snapshot),
        };
        let lags = &self.scene.setting.lags;
        patience.completeness(Instant::now(), self.responded, &seen, lags)
    }

    fn patience(&self, expect: &Expect) -> Patience {
        let mut patience = self.scene.patience();
        patience.tolerates_orphans = expect.tolerates_orphans();
        patience.sampled = self.context.sampled;
        patience
    }

    /// Captures from spans, once the trace is complete; then what is expected has to be read
    /// again, for it may use them.
    fn capture_from_spans(
        &mut self,
        captures: &[Capture],
        snapshot: &Snapshot,
        response: &Response,
        report: &mut StepReport,
    ) -> Result<Option<Expect>, SpecErrors> {
        let from_spans = || {
            captures
                .iter()
                .filter(|capture| capture.from.is_from_trace())
        };
        if from_spans().next().is_none() || snapshot.trace.is_empty() {
            return Ok(None);
        }
        let evidence = self.evidence(response, snapshot);
        for capture in from_spans() {
            report.checks.extend(self.capture(capture, &evidence));
        }
        self.scene.step.expect(self.scope).map(Some)
    }

    /// The outcomes that count, given how the wait ended.
    fn final_outcomes(
        &self,
        expect: &Expect,
        snapshot: &Snapshot,
        response: &Response,
        end: End,
    ) -> Vec<Judged> {
        let missing: Vec<_> = snapshot.trace.missing_parents().into_iter().collect();
        let evidence = self.evidence(response, snapshot);
        check::judge(expect, &evidence)
            .into_iter()
            .map(
                |Judgement {
                     mut judged,
                     finality,
                 }| {
                    let is_open = finality == Finality::Open;
                    match (end, &judged.outcome) {
                        (End::Early | End::Quiet, Outcome::Pass | Outcome::Fail(_))
                            if is_open && !(end == End::Quiet && is_orphans(expect, &judged)) =>
                        {
                            judged.outcome = Outcome::Unjudged(Unjudged::NotReached);
                        }
                        (End::TimedOut, Outcome::Pass) if is_open && !missing.is_empty() => {
                            let why = Unjudged::ParentsMissing(missing.clone());
                            judged.outcome = Outcome::Unjudged(why);
                        }
                        _ => {}
                    }
                    judged
                },
            )
            .collect()
    }

    /// Writes down what was seen.
    fn finished(
        &self,
        mut report: StepReport,
        response: Response,
        snapshot: Snapshot,
        end: End,
    ) -> Decided {
        let last = snapshot.arrivals.iter().max();
        let fired = self.scene.fired;
        report.timing.last_span = last.map(|last| last.saturating_duration_since(fired));
        let measures = self.looks == Looks::Once { measures: true };
        report.was_closed = end == End::Closed && (self.scene.step.is_about_trace || measures);
        report.trace = Some(Arc::new(snapshot.trace)).filter(|trace| !trace.is_empty());
        report.response = Some(response);
        Decided {
            report,
            end: Some(end),
        }
    }

    /// A capture failed: the other checks are told as far as they are decided, with the trace.
    async fn give_up(
        &mut self,
        mut report: StepReport,
        response: Response,
        expect: &Expect,
        trouble: Option<Trouble>,
    ) -> Decided {
        let patience = self.patience(expect);
        let (snapshot, end) = match self.gather(&patience).await {
            Ok(gathered) => gathered,
            Err(stop) => return self.ended_by(stop, report),
        };
        report.timing.verdict = Some(self.scene.fired.elapsed());
        let judged = self.final_outcomes(expect, &snapshot, &response, end);
        let judged = judged
            .into_iter()
            .filter(|judged| judged.outcome.failure().is_some());
        report.checks.extend(judged);
        report.trouble = trouble;
        self.finished(report, response, snapshot, end)
    }

    /// The trigger gave no response: the trace, if there is one, shows how far it came.
    pub(super) async fn explain(
        &mut self,
        mut report: StepReport,
        error: &TriggerError,
    ) -> StepReport {
        report.trouble = Some(Trouble::of(error, Some(self.scene.step.at.clone())));
        if error.is_refused() {
            return report;
        }
        let patience = self.scene.patience();
        match self.gather(&patience).await {
            Ok((snapshot, _)) => {
                report.trace = Some(Arc::new(snapshot.trace)).filter(|trace| !trace.is_empty());
            }
            // A service that died explains why there was no response.
            Err(Stop::Died(death)) => {
                let mut trouble = stopped(Stop::Died(death), self.scene.step);
                trouble
                    .details
                    .extend(report.trouble.take().map(|without| without.what));
                report.trouble = Some(trouble);
            }
            Err(Stop::Interrupted) => {}
        }
        report
    }
}

fn has_finally_failed(judgement: &Judgement) -> bool {
    judgement.finality == Finality::Final && judgement.judged.outcome.failure().is_some()
}

fn is_orphans(expect: &Expect, judged: &Judged) -> bool {
    expect
        .checks
        .iter()
        .any(|check| matches!(check.ask, Condition::Orphans(_)) && check.at == judged.at)
}

fn orphans_fail(expect: &Expect, judgements: &[Judgement]) -> bool {
    judgements
        .iter()
        .any(|one| one.judged.outcome.failure().is_some() && is_orphans(expect, &one.judged))
}
