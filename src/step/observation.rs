//! From the response to the verdict: follow the trace, settle, judge, and say what was seen.

use std::sync::Arc;
use std::time::Instant;

use super::context::{Decided, End, Scene};
use super::fire::{misfit, stopped};
use super::settings::Stop;
use super::settle::{Question, Settling, at_end};
use super::watched::{Basis, Watched};
use crate::check::{self, CheckRef, Evidence, Failure, Judged, Outcome, Subject, Unjudged};
use crate::result::{StepReport, Trouble};
use crate::secret::parts;
use crate::source::receiver::{Follow, Snapshot};
use crate::spec::{Capture, Expect, Scope};
use crate::trace::{Response, Value};
use crate::trigger::{TraceContext, TriggerError};

/// A step that is under way.
pub(crate) struct Walk<'a> {
    pub(crate) scene: Scene<'a>,
    pub(crate) scope: &'a mut Scope,
    pub(crate) context: TraceContext,
    pub(crate) follow: Follow,
    pub(crate) responded: Instant,
    pub(crate) looks: Looks,
    /// What may not be shown of one of many: the run need not know it, for few are ever told of.
    pub(crate) secrets: Vec<String>,
}

/// When a trace is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    /// With each arrival, so that the verdict is known as soon as may be.
    AtOnce,
    /// When nothing more should come: it is one of many, and nobody waits for it.
    Once {
        /// Whether something of the trace is measured, so that it has to be complete.
        measures: bool,
    },
}

impl<'a> Walk<'a> {
    /// Follows the trace until everything is decided, fills in the report, and explains it. Where
    /// a further span could change the verdict, the trace is still followed.
    pub(crate) async fn judge(
        mut self,
        report: StepReport,
        response: Response,
    ) -> (StepReport, Option<Watched>) {
        let mut decided = self.decide(report, response).await;
        let basis = decided.basis.take();
        let report = self.scene.explained(decided).await;
        let watched = basis.map(|basis| Watched::new(basis, self.follow));
        (report, watched)
    }

    /// Follows the trace until everything is decided, and fills in the report.
    pub(crate) async fn decide(&mut self, mut report: StepReport, response: Response) -> Decided {
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
        let question = Question {
            expect: &expect,
            response: &response,
            awaits_span,
        };
        let settling = self.settling(&expect);
        let (snapshot, end) = match settling.settle(&mut self.follow, question).await {
            Ok(settled) => settled,
            Err(stop) => return self.ended_by(stop, report),
        };
        report.timing.verdict = Some(self.scene.fired.elapsed());
        let from_spans = self.capture_from_spans(&captures, &snapshot, &response, end);
        report.checks.extend(from_spans);
        let filled = match awaits_span {
            true => self.scene.step.expect(self.scope).map(Some),
            false => Ok(None),
        };
        let expect = match filled {
            Ok(filled) => filled.unwrap_or(expect),
            Err(errors) => return Decided::without_trace(report, misfit(&errors)),
        };
        let question = Question {
            expect: &expect,
            response: &response,
            awaits_span,
        };
        let judged = settling.final_outcomes(question, &snapshot, end);
        report.checks.extend(judged);
        // As the author wrote them, whatever they are about.
        Judged::sort(&mut report.checks);
        let basis = self.is_open(end, &report).then(|| {
            let evidence = settling.evidence(&response, &snapshot);
            let mark = self.follow.mark();
            let ended = (settling.patience, end);
            Basis::new(&expect, &captures, &evidence, ended, mark)
        });
        let decided = self.finished(report, response, snapshot, end);
        Decided { basis, ..decided }
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
        for (index, capture) in captures.iter().enumerate() {
            if capture.from.is_from_trace() {
                continue;
            }
            let failure = self.keep(capture, &evidence).err();
            let check = CheckRef::Capture(index);
            let failed = failure.map(|failure| Judged::failed(check, failure));
            report.checks.extend(failed);
        }
        Ok(captures)
    }

    /// Gives the value of a capture to the scope.
    fn keep(&mut self, capture: &Capture, evidence: &Evidence<'_>) -> Result<(), Box<Failure>> {
        let value = check::capture(capture, evidence)?;
        if capture.is_secret || self.scope.is_secret(&capture.name) {
            self.keep_secret(&value);
        }
        self.scope.set(capture.name.clone(), value);
        Ok(())
    }

    fn keep_secret(&mut self, value: &Value) {
        match self.looks {
            Looks::AtOnce => self.scene.setting.secrets.add_value(value),
            Looks::Once { .. } => self.secrets.extend(parts(value)),
        }
    }

    /// Captures from spans, given how the wait for them ended. One that gives no value, or a value
    /// that a further span could change, is an outcome.
    fn capture_from_spans(
        &mut self,
        captures: &[Capture],
        snapshot: &Snapshot,
        response: &Response,
        end: End,
    ) -> Vec<Judged> {
        let evidence = Evidence::new(response, Some(&snapshot.trace), self.context.sampled);
        let mut outcomes = Vec::new();
        for (index, capture) in captures.iter().enumerate() {
            if !capture.from.is_from_trace() {
                continue;
            }
            let outcome = match self.keep(capture, &evidence) {
                _ if snapshot.trace.is_empty() => Outcome::Unjudged(Unjudged::NoSpans),
                Ok(()) => at_end(Outcome::Pass, end, &snapshot.trace),
                Err(failure) => at_end(Outcome::Fail(failure), end, &snapshot.trace),
            };
            if outcome != Outcome::Pass {
                outcomes.push(Judged {
                    check: CheckRef::Capture(index),
                    what: Subject::Capture(capture.name.clone()).to_string(),
                    at: capture.at.clone(),
                    outcome,
                });
            }
        }
        outcomes
    }

    fn settling(&self, expect: &Expect) -> Settling<'a> {
        let mut settling = Settling::new(self.scene.clone(), self.responded, self.looks);
        settling.patience.tolerates_orphans = expect.tolerates_orphans();
        settling.patience.sampled = self.context.sampled;
        settling
    }

    /// Returns `true` if what arrives later can change the verdict. For an early pass, that is a
    /// changed copy of a span, or a span that takes over the children of another one.
    fn is_open(&self, end: End, report: &StepReport) -> bool {
        let measures = self.looks == Looks::Once { measures: true };
        let is_about_trace = self.scene.step.is_about_trace || measures;
        is_about_trace && (end != End::Early || !report.has_failed())
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
        let is_whole = end == End::Closed && snapshot.trace.holes().is_empty();
        report.was_closed = is_whole && (self.scene.step.is_about_trace || measures);
        report.trace = Some(Arc::new(snapshot.trace)).filter(|trace| !trace.is_empty());
        report.response = Some(response);
        Decided {
            report,
            end: Some(end),
            basis: None,
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
        let settling = self.settling(expect);
        let (snapshot, end) = match settling.gather(&mut self.follow).await {
            Ok(gathered) => gathered,
            Err(stop) => return self.ended_by(stop, report),
        };
        report.timing.verdict = Some(self.scene.fired.elapsed());
        let question = Question {
            expect,
            response: &response,
            awaits_span: false,
        };
        let judged = settling.final_outcomes(question, &snapshot, end);
        let judged = judged
            .into_iter()
            .filter(|judged| judged.outcome.failure().is_some());
        report.checks.extend(judged);
        report.trouble = trouble;
        self.finished(report, response, snapshot, end)
    }

    /// The trigger gave no response: the trace, if there is one, shows how far it came.
    pub(crate) async fn explain(
        &mut self,
        mut report: StepReport,
        error: &TriggerError,
    ) -> StepReport {
        report.trouble = Some(Trouble::of(error, Some(self.scene.step.at.clone())));
        if error.is_refused() {
            return report;
        }
        let settling = Settling::new(self.scene.clone(), self.responded, self.looks);
        match settling.gather(&mut self.follow).await {
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
