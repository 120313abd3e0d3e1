//! From the response to the verdict: follow the trace, settle, judge, and say what was seen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::diagnosis::Called;
use super::setting::{Setting, Stop};
use super::settle::{Completeness, Patience, Seen};
use super::step::{misfit, stopped, with_trouble};
use super::{StepReport, Trouble, diagnosis};
use crate::check::{self, Evidence, Finality, Judged, Judgement, Outcome, Unjudged};
use crate::source::receiver::{Follow, Snapshot};
use crate::spec::{Capture, Condition, Expect, Scope, SpecErrors, Step};
use crate::trace::{Response, Trace};
use crate::trigger::{TraceContext, TriggerError};

/// Once a verdict is known, the rest of the trace is waited for no longer than this: it only
/// makes the waterfall whole.
const LONGEST_GATHERING: Duration = Duration::from_millis(500);

/// A step that is under way.
pub(super) struct Walk<'a> {
    pub(super) setting: &'a Setting<'a>,
    pub(super) step: &'a Step,
    pub(super) scope: &'a mut Scope,
    pub(super) context: TraceContext,
    pub(super) follow: Follow,
    pub(super) called: Called,
    pub(super) fired: Instant,
    pub(super) responded: Instant,
}

/// How the wait for a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Every check was final before the trace was closed.
    Early,
    /// Nothing more would come.
    Closed,
    /// Parents were missing when every service had had its time, and a check is about just that.
    Quiet,
    /// The deadline passed.
    TimedOut,
}

impl Walk<'_> {
    /// Follows the trace until everything is decided, and fills in the report.
    pub(super) async fn judge(mut self, mut report: StepReport, response: Response) -> StepReport {
        let (captures, trouble) = match self.capture_from_response(&response, &mut report) {
            Ok(captures) => (captures, None),
            Err(trouble) => (Vec::new(), Some(trouble)),
        };
        let expect = match self.step.expect(self.scope) {
            Ok(expect) => expect,
            Err(errors) => return with_trouble(report, misfit(&errors)),
        };
        if trouble.is_some() || !report.checks.is_empty() {
            return self.give_up(report, response, &expect, trouble).await;
        }
        let awaits_span = captures.iter().any(|capture| capture.from.is_from_trace());
        let (snapshot, end) = match self.settle(&expect, &response, awaits_span).await {
            Ok(settled) => settled,
            Err(stop) => return with_trouble(report, stopped(stop, self.step)),
        };
        report.timing.verdict = Some(self.fired.elapsed());
        let expect = match self.capture_from_spans(&captures, &snapshot, &response, &mut report) {
            Ok(Some(filled)) => filled,
            Ok(None) => expect,
            Err(errors) => return with_trouble(report, misfit(&errors)),
        };
        let judged = self.final_outcomes(&expect, &snapshot, &response, end);
        report.checks.extend(judged);
        // As the author wrote them, whatever they are about.
        report.checks.sort_by_key(|judged| judged.at.place);
        self.finish(report, response, snapshot, end).await
    }

    /// Captures what the response has. A capture that fails is a failed check.
    fn capture_from_response(
        &mut self,
        response: &Response,
        report: &mut StepReport,
    ) -> Result<Vec<Capture>, Trouble> {
        let captures = self
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
                    self.setting.secrets.add([value.to_text()]);
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

    /// Waits until every check is decided, the trace is complete, or time is over.
    async fn settle(
        &mut self,
        expect: &Expect,
        response: &Response,
        awaits_span: bool,
    ) -> Result<(Snapshot, End), Stop> {
        let patience = self.patience(expect);
        let is_about_trace = expect.is_about_trace() || awaits_span;
        loop {
            let snapshot = self.look();
            let evidence = Evidence::new(response, Some(&snapshot.trace), self.context.sampled);
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
        tokio::select! {
            () = self.follow.changed() => Ok(()),
            () = tokio::time::sleep_until(until.into()) => Ok(()),
            stop = self.setting.stopped() => Err(stop),
        }
    }

    fn look(&mut self) -> Snapshot {
        let mut snapshot = self.follow.snapshot();
        let losses = self.setting.source.losses();
        snapshot.trace = snapshot.trace.with_losses(losses);
        for arrival in &snapshot.arrivals {
            self.setting
                .lags
                .note(arrival.saturating_duration_since(self.responded));
        }
        snapshot
    }

    fn completeness(&self, patience: &Patience, snapshot: &Snapshot) -> Completeness {
        let seen = match self.called {
            Called::Nothing => Seen::of_somebody_else(snapshot),
            _ => Seen::of(snapshot),
        };
        patience.completeness(Instant::now(), self.responded, &seen, &self.setting.lags)
    }

    fn patience(&self, expect: &Expect) -> Patience {
        let mut patience = Patience::new(self.step.wait, self.setting.options.flush);
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
        let evidence = Evidence::new(response, Some(&snapshot.trace), self.context.sampled);
        for capture in from_spans() {
            report.checks.extend(self.capture(capture, &evidence));
        }
        self.step.expect(self.scope).map(Some)
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
        let evidence = Evidence::new(response, Some(&snapshot.trace), self.context.sampled);
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

    /// Writes down what was seen, and what explains it.
    async fn finish(
        &self,
        mut report: StepReport,
        response: Response,
        snapshot: Snapshot,
        end: End,
    ) -> StepReport {
        let last = snapshot.arrivals.iter().max();
        report.timing.last_span = last.map(|last| last.saturating_duration_since(self.fired));
        let is_unjudged =
            |judged: &Judged| matches!(judged.outcome, Outcome::Unjudged(Unjudged::NoSpans));
        let has_failed = report
            .checks
            .iter()
            .any(|judged| judged.outcome.failure().is_some());
        if !has_failed && report.checks.iter().any(is_unjudged) {
            let sightings = self.setting.source.sightings(self.fired).await;
            let diagnosis = diagnosis::nothing_came(
                self.setting,
                &sightings,
                &self.called,
                Some(&self.step.at),
            );
            report.trouble = Some(diagnosis);
        } else if has_failed && !snapshot.trace.is_empty() && self.step.is_about_trace {
            let sightings = self.setting.source.sightings(self.fired).await;
            report.notices = diagnosis::remarks(&sightings, &snapshot.trace, end != End::Early);
            report.notices.extend(self.tail_hint(&report));
        } else if end == End::TimedOut && report.has_failed() {
            report.trouble = Some(self.inconclusive(&snapshot.trace));
        }
        report.was_closed = end == End::Closed && self.step.is_about_trace;
        report.trace = Some(Arc::new(snapshot.trace)).filter(|trace| !trace.is_empty());
        report.response = Some(response);
        report
    }

    fn inconclusive(&self, trace: &Trace) -> Trouble {
        let timeout = Patience::new(self.step.wait, self.setting.options.flush).timeout;
        Trouble {
            what: format!(
                "the trace is still incomplete {timeout:?} after the response, so what holds so far may not be all"
            ),
            at: Some(self.step.at.clone()),
            details: diagnosis::missing_parents(trace),
            help: vec![
                "`orphans: 0..` in `expect` says that parents may be missing, as of a mesh or a browser that reports elsewhere".to_owned(),
                "`wait: { timeout: … }` waits longer".to_owned(),
            ],
        }
    }

    /// Work that goes on after the response may be what is missing.
    fn tail_hint(&self, report: &StepReport) -> Option<String> {
        let tail = self.step.wait.tail.unwrap_or_default();
        let is_missing = |judged: &Judged| {
            let failure = judged.outcome.failure();
            failure.is_some_and(|failure| failure.found == "none")
                && judged.what.contains("`linked_to`")
        };
        (tail.is_zero() && report.checks.iter().any(is_missing)).then(|| {
            "work after the response is not waited for: `wait: { tail: 2s }` gives a consumer time".to_owned()
        })
    }

    /// A capture failed: the other checks are told as far as they are decided, with the trace.
    async fn give_up(
        mut self,
        mut report: StepReport,
        response: Response,
        expect: &Expect,
        trouble: Option<Trouble>,
    ) -> StepReport {
        let patience = self.patience(expect);
        let (snapshot, end) = match self.gather(&patience).await {
            Ok(gathered) => gathered,
            Err(stop) => return with_trouble(report, stopped(stop, self.step)),
        };
        report.timing.verdict = Some(self.fired.elapsed());
        let judged = self.final_outcomes(expect, &snapshot, &response, end);
        let judged = judged
            .into_iter()
            .filter(|judged| judged.outcome.failure().is_some());
        report.checks.extend(judged);
        let mut report = self.finish(report, response, snapshot, end).await;
        report.trouble = trouble.or(report.trouble);
        report
    }

    /// The trigger gave no response: the trace, if there is one, shows how far it came.
    pub(super) async fn explain(
        mut self,
        mut report: StepReport,
        error: &TriggerError,
    ) -> StepReport {
        report.trouble = Some(Trouble::of(error, Some(self.step.at.clone())));
        if error.is_refused() {
            return report;
        }
        let patience = Patience::new(self.step.wait, self.setting.options.flush);
        match self.gather(&patience).await {
            Ok((snapshot, _)) => {
                report.trace = Some(Arc::new(snapshot.trace)).filter(|trace| !trace.is_empty());
            }
            // A service that died explains why there was no response.
            Err(Stop::Died(death)) => {
                let mut trouble = stopped(Stop::Died(death), self.step);
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
