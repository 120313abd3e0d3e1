//! From the response of a step to its verdict: follow the trace, wait, judge, and capture.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::context::{DecidedStep, StepContext};
use super::kept::StepEvidence;
use super::metrics::{AfterResponse, StepMetrics};
use super::settings::{Services, Stop};
use super::settle::{Expected, JudgeWhen, TraceUse, TraceWait};
use super::step_reader::StepReader;
use super::wait_end::WaitEnd;
use super::watched::{VerdictBasis, WatchedTrace};
use crate::check::{
    self, CheckRef, Evidence, HeadEvidence, Judged, MetricEvidence, Outcome, Subject, Unjudged,
    WindowEvidence,
};
use crate::instrumentation::Surroundings;
use crate::number::counted;
use crate::result::{StepReport, Trouble};
use crate::secret::parts;
use crate::source::{Follow, Snapshot};
use crate::spec::{Capture, Expect, Scope};
use crate::trace::{LogsWithoutTrace, Response, SpanKind, Trace, Value};
use crate::trigger::{TraceContext, TriggerError};

/// Maximum number of exemplars that a report contains.
const MOST_EXEMPLARS: usize = 1_000;

/// Maximum number of other requests that a note names.
const MOST_REQUESTS: usize = 4;

/// A step whose trigger was fired.
pub(crate) struct Observation<'a> {
    pub(crate) context: StepContext<'a>,
    pub(crate) reader: &'a StepReader<'a>,
    pub(crate) scope: &'a mut Scope,
    pub(crate) trace_context: TraceContext,
    pub(crate) follow: Follow,
    /// Present if a check needs metrics.
    pub(crate) metrics: Option<StepMetrics>,
    /// The evidence on head sampling.
    pub(crate) head: HeadEvidence,
    pub(crate) responded: Instant,
    pub(crate) when: JudgeWhen,
    /// Secrets of a request that is one of many. The run learns them only if a report shows the
    /// request, which is rare.
    pub(crate) secrets: Vec<String>,
}

/// What is known beside the response and the trace, as far as checks need it.
struct BesideTrace {
    logs_without_trace: Option<LogsWithoutTrace>,
    metrics: Option<MetricEvidence>,
    head: HeadEvidence,
    window: Option<Arc<WindowEvidence>>,
    surroundings: Option<Surroundings>,
}

impl BesideTrace {
    fn add_to<'e>(&'e self, evidence: Evidence<'e>) -> Evidence<'e> {
        evidence
            .with_logs_without_trace(self.logs_without_trace.as_ref())
            .with_metrics(self.metrics.as_ref())
            .with_head(Some(&self.head))
            .with_surroundings(self.surroundings.as_ref())
            .with_window(self.window.as_deref())
    }
}

/// What the checks did not look at, in a sentence each.
fn notices(judged: &[Judged], expect: &Expect, evidence: &Evidence<'_>) -> Vec<String> {
    let trace = evidence.trace;
    let of_others = trace.zip(evidence.logs_without_trace);
    let of_others =
        of_others.and_then(|(trace, others)| check::logs_of_others(judged, expect, others, trace));
    let in_logs = trace.map(|trace| check::exceptions_in_logs(judged, expect, trace));
    of_others
        .into_iter()
        .chain(check::hops_not_judged(judged, expect, evidence))
        .chain(in_logs.into_iter().flatten())
        .chain(check::lint_remarks(expect, evidence))
        .collect()
}

impl<'a> Observation<'a> {
    /// Waits for the verdict, completes the report, and explains it. Returns the trace if a further
    /// span could change the verdict.
    pub(super) async fn judge(
        mut self,
        report: Box<StepReport>,
        response: Response,
    ) -> (Box<StepReport>, Option<WatchedTrace>) {
        let mut decided = self.decide(report, response).await;
        let basis = decided.basis.take();
        let report = self.context.explain(decided).await;
        let watched = basis.map(|basis| WatchedTrace::new(basis, self.follow));
        (report, watched)
    }

    /// Waits for the verdict, and completes the report without an explanation.
    pub(crate) async fn decide(
        &mut self,
        mut report: Box<StepReport>,
        response: Response,
    ) -> DecidedStep {
        let (captures, trouble) = match self.capture_from_response(&response, &mut report) {
            Ok(captures) => (captures, None),
            Err(trouble) => (Arc::default(), Some(trouble)),
        };
        let expect = match self.reader.expect(self.scope) {
            Ok(expect) => expect,
            Err(errors) => return DecidedStep::without_trace(report, Trouble::from(&errors)),
        };
        if trouble.is_some() || !report.checks.is_empty() {
            // Boxed, like what follows the wait, so that a request that waits takes less memory.
            return Box::pin(self.give_up(report, response, &expect, trouble)).await;
        }
        let captures_span = captures.iter().any(|capture| capture.from.is_from_trace());
        let keep = self.context.run.options.keep_evidence.clone();
        let awaits_output = self.context.step.sends_metrics() && !expect.metrics.is_empty();
        let awaits_span =
            captures_span || awaits_output || keep.is_some() && expect.is_about_trace();
        let expected = Expected {
            expect: &expect,
            response: &response,
            awaits_span,
        };
        let wait = self.wait(&expect);
        let (snapshot, end) = match wait.settle(&mut self.follow, expected).await {
            Ok(settled) => settled,
            Err(stop) => return self.ended_by(stop, report),
        };
        report.timing.verdict = Some(self.context.fired.elapsed());
        let gathered = self.gather_beside(expected, &wait, (&snapshot, end), &mut report);
        let beside = match Box::pin(gathered).await {
            Ok(beside) => beside,
            Err(stop) => return self.ended_by(stop, report),
        };
        let evidence = beside.add_to(wait.evidence(&response, &snapshot));
        let from_spans = self.capture_from_spans(&captures, &snapshot, &evidence, end);
        report.checks.extend(from_spans);
        let filled = match awaits_span {
            true => self.reader.expect(self.scope),
            false => Ok(expect),
        };
        let expect = match filled {
            Ok(expect) => expect,
            Err(errors) => return DecidedStep::without_trace(report, Trouble::from(&errors)),
        };
        let expected = Expected {
            expect: &expect,
            response: &response,
            awaits_span,
        };
        let mut judged = wait.final_outcomes(expected, &evidence, end);
        report.kept = keep.map(|keep| {
            keep.keep(StepEvidence {
                step: self.context.step.clone(),
                trigger: report.trigger.clone(),
                scope: self.scope.clone(),
                captures: Arc::clone(&captures),
                expect: Arc::clone(&expect),
                response: response.clone(),
                trace: snapshot.trace.clone(),
                sampled: evidence.sampled,
                logs_without_trace: beside.logs_without_trace.clone(),
                head: Some(beside.head.clone()),
                surroundings: beside.surroundings.clone(),
                window: beside.window.clone(),
            })
        });
        self.name_uncorrelated(&mut judged, &expect, &snapshot.trace)
            .await;
        report.notices.extend(notices(&judged, &expect, &evidence));
        report.checks.extend(judged);
        Judged::sort(&mut report.checks);
        let basis = self.is_open(end, &report).then(|| {
            let mark = self.follow.mark();
            let ended = (wait.policy, end, self.context.logs_since());
            VerdictBasis::new(&expect, &captures, &evidence, ended, mark)
        });
        let decided = self.finished(report, response, snapshot, end);
        DecidedStep { basis, ..decided }
    }

    /// Gathers what the checks need beside the response and the trace, and adds what the report shows of it.
    async fn gather_beside(
        &mut self,
        expected: Expected<'_>,
        wait: &TraceWait<'_>,
        (snapshot, end): (&Snapshot, WaitEnd),
        report: &mut StepReport,
    ) -> Result<BesideTrace, Stop> {
        let Expected {
            expect, response, ..
        } = expected;
        let trace = &snapshot.trace;
        let logs_without_trace = self.logs_without_trace(expect).await;
        let metrics = self.metrics(expected, wait, (snapshot, end)).await?;
        if let Some(metrics) = &metrics {
            report.timing.verdict = Some(self.context.fired.elapsed());
            let others = self.other_requests(expect, metrics).await;
            report.notices.extend(others);
            report.exemplars = metrics.records.exemplars_of(trace, MOST_EXEMPLARS);
        }
        let window = self.context.window(expect, response, trace).await;
        Ok(BesideTrace {
            logs_without_trace,
            metrics,
            head: self.head_sampling(trace),
            window: window.map(Arc::new),
            surroundings: self.surroundings(expect, trace).await,
        })
    }

    fn ended_by(&self, stop: Stop, report: Box<StepReport>) -> DecidedStep {
        DecidedStep::without_trace(report, stop.trouble(self.context.step))
    }

    /// Captures values from the response. A capture without a value is a failed check.
    fn capture_from_response(
        &mut self,
        response: &Response,
        report: &mut StepReport,
    ) -> Result<Arc<[Capture]>, Trouble> {
        let captures = self.reader.captures(self.scope);
        let captures = captures.map_err(|errors| Trouble::from(&errors))?;
        // `expect` may use the names of captures from spans, which have no value yet.
        captures
            .iter()
            .for_each(|capture| self.scope.expect(capture.name.clone()));
        let evidence = Evidence::new(response, None, self.trace_context.sampled);
        for (index, capture) in captures.iter().enumerate() {
            if capture.from.is_from_trace() {
                continue;
            }
            let outcome = self.capture(capture, &evidence).err();
            let failed = outcome.map(|outcome| Judged::capture(index, capture, outcome));
            report.checks.extend(failed);
        }
        Ok(captures)
    }

    /// Sets the value of a capture in the scope.
    fn capture(&mut self, capture: &Capture, evidence: &Evidence<'_>) -> Result<(), Outcome> {
        if capture.is_secret || self.scope.is_secret(&capture.name) {
            for value in check::captured_values(capture, evidence) {
                self.add_secret(&value);
            }
        }
        let value = check::capture(capture, evidence)?;
        self.scope.set(capture.name.clone(), value);
        Ok(())
    }

    fn add_secret(&mut self, value: &Value) {
        match self.when {
            JudgeWhen::OnArrival => self.context.run.secrets.add_value(value),
            JudgeWhen::WhenComplete(_) => self.secrets.extend(parts(value)),
        }
    }

    /// Captures values from spans, given how the wait ended. A capture without a value, or with one
    /// that a further span could change, is an outcome.
    fn capture_from_spans(
        &mut self,
        captures: &[Capture],
        snapshot: &Snapshot,
        evidence: &Evidence<'_>,
        end: WaitEnd,
    ) -> Vec<Judged> {
        let mut outcomes = Vec::new();
        for (index, capture) in captures.iter().enumerate() {
            if !capture.from.is_from_trace() {
                continue;
            }
            let outcome = match self.capture(capture, evidence) {
                _ if snapshot.trace.is_empty() => Outcome::Unjudged(Unjudged::NoSpans),
                Ok(()) => end.final_outcome(Outcome::Pass, &snapshot.trace),
                Err(outcome) => end.final_outcome(outcome, &snapshot.trace),
            };
            if outcome != Outcome::Pass {
                outcomes.push(Judged::capture(index, capture, outcome));
            }
        }
        outcomes
    }

    fn wait(&self, expect: &Expect) -> TraceWait<'a> {
        let mut wait = TraceWait::new(self.context.clone(), self.responded, self.when);
        wait.policy.tolerates_orphans = expect.tolerates_orphans();
        wait.policy.sampled = self.trace_context.sampled;
        wait.policy.permits_restart = expect.permits_restart();
        if self.context.step.needs_logs {
            wait.policy.wait_for_logs(self.context.log_bound());
        }
        wait
    }

    /// The metrics, if a check needs them and the source has them. After a final failure, they are not
    /// waited for.
    async fn metrics(
        &mut self,
        expected: Expected<'_>,
        wait: &TraceWait<'_>,
        (snapshot, end): (&Snapshot, WaitEnd),
    ) -> Result<Option<MetricEvidence>, Stop> {
        let Some(metrics) = &mut self.metrics else {
            return Ok(None);
        };
        if self.context.step.sends_metrics() {
            let sent = expected.response.sent();
            let markers = sent.map_or(&[][..], |sent| &sent.markers);
            return Ok(Some(metrics.output(self.context.fired, markers, end)));
        }
        if wait.has_failed(expected, snapshot) {
            return Ok(Some(metrics.so_far(self.context.fired)));
        }
        let after = AfterResponse {
            responded: self.responded,
            trace: &snapshot.trace,
            policy: &wait.policy,
        };
        let evidence = metrics
            .after_response(&self.context, expected.expect, after)
            .await?;
        Ok(Some(evidence))
    }

    /// The evidence on head sampling. Calls are looked at only if a check needs them.
    fn head_sampling(&self, trace: &Trace) -> HeadEvidence {
        let mut head = self.head.clone();
        if self.context.step.needs_control {
            let calls = self.context.run.unanswered(trace).into_iter();
            head.unanswered = calls.map(|call| trace.spans()[call].span_id).collect();
        }
        head
    }

    /// What arrived beside the trace, if a rule of `lint` needs it and the services send their spans here.
    async fn surroundings(&self, expect: &Expect, trace: &Trace) -> Option<Surroundings> {
        let run = self.context.run;
        let mut rules = expect.lint_rules();
        if run.source.backend().is_some() || !rules.any(|lint| lint.rule.needs_surroundings()) {
            return None;
        }
        let diagnostics = run.source.diagnostics(self.context.fired).await;
        let calls = run.unanswered(trace).into_iter();
        Some(Surroundings {
            has_all: !diagnostics.has_discarded,
            others: diagnostics.unrelated,
            unanswered: calls.map(|call| trace.spans()[call].span_id).collect(),
        })
    }

    /// A note about other requests to the services whose metrics are checked.
    async fn other_requests(&self, expect: &Expect, metrics: &MetricEvidence) -> Option<String> {
        if self.context.step.sends_metrics() {
            return None;
        }
        let since = self.metrics.as_ref()?.began();
        let services: BTreeSet<&str> = check::metric_services(&expect.metrics, metrics).collect();
        let diagnostics = self.context.run.source.diagnostics(since).await;
        let spans = diagnostics.unrelated.iter().flat_map(Trace::spans);
        let servers =
            spans.filter(|span| span.kind == SpanKind::Server && services.contains(span.service()));
        let mut requests: BTreeMap<String, u64> = BTreeMap::new();
        for span in servers {
            let name = format!("`{}` of {}", span.name, span.service());
            *requests.entry(name).or_default() += 1;
        }
        let named = requests.iter().take(MOST_REQUESTS);
        let named: Vec<String> = named
            .map(|(name, times)| format!("{name} ({})", counted(*times, "time")))
            .collect();
        (!named.is_empty()).then(|| {
            format!(
                "metrics also count other requests that these services handled: {}",
                named.join(", ")
            )
        })
    }

    /// The log records without a trace id, if a check needs them and the source has them.
    async fn logs_without_trace(&self, expect: &Expect) -> Option<LogsWithoutTrace> {
        match expect.is_about_correlation() {
            true => self.context.logs_without_trace().await,
            false => None,
        }
    }

    /// Adds a hint to each entry of `logs` that found nothing, if log records without a trace id meet it, or with
    /// the id of a span of this trace and of another trace.
    async fn name_uncorrelated(&self, judged: &mut [Judged], expect: &Expect, trace: &Trace) {
        let mut others = None;
        for one in judged {
            let CheckRef::Log { entry, .. } = one.check else {
                continue;
            };
            let (Some(failure), Some(entry)) = (one.failure_mut(), expect.logs.get(entry)) else {
                continue;
            };
            if !matches!(failure.subject, Subject::SelectedLogs(_)) || !failure.witnesses.is_empty()
            {
                continue;
            }
            if others.is_none() {
                others = Some(self.context.logs_without_trace().await.unwrap_or_default());
            }
            let Some(others) = &others else {
                continue;
            };
            let records = others.records.iter();
            let meeting =
                records.filter(|record| check::meets_apart_from_span(&entry.find, record));
            let number = meeting.count();
            if number > 0 {
                // In place of the reasons why there is none.
                failure.hints.clear();
                failure.hints.push(format!(
                    "{} without a trace id would meet this: `logs_correlated: true` names the remedy",
                    counted(number, "log record")
                ));
            }
            check::show_stray(failure, &entry.find, &others.stray, trace);
        }
    }

    /// Returns `true` if a later arrival can change the verdict. For an early pass, that is a changed
    /// copy of a span, or a span that takes over the children of another one.
    fn is_open(&self, end: WaitEnd, report: &StepReport) -> bool {
        let measures = self.when == JudgeWhen::WhenComplete(TraceUse::Measured);
        let is_about_trace = self.context.step.is_about_trace || measures;
        is_about_trace && (end != WaitEnd::Early || !report.has_failed())
    }

    /// Completes the report with response, trace and timing.
    fn finished(
        &self,
        mut report: Box<StepReport>,
        response: Response,
        snapshot: Snapshot,
        end: WaitEnd,
    ) -> DecidedStep {
        let last = snapshot.arrivals.iter().max();
        let fired = self.context.fired;
        report.timing.last_span = last.map(|last| last.saturating_duration_since(fired));
        let measures = self.when == JudgeWhen::WhenComplete(TraceUse::Measured);
        let is_whole = end == WaitEnd::Closed && snapshot.trace.holes().is_empty();
        report.was_closed = is_whole && (self.context.step.is_about_trace || measures);
        let has_any = |trace: &Arc<Trace>| {
            let has_records = !trace.is_empty() || !trace.logs().is_empty();
            has_records || trace.is_linked_to() || !trace.holes().is_empty()
        };
        report.trace = Some(Arc::new(snapshot.trace)).filter(has_any);
        report.response = Some(response);
        DecidedStep {
            report,
            end: Some(end),
            basis: None,
        }
    }

    /// Reports the final failures and the trace after a capture failed.
    async fn give_up(
        &mut self,
        mut report: Box<StepReport>,
        response: Response,
        expect: &Expect,
        trouble: Option<Trouble>,
    ) -> DecidedStep {
        let wait = self.wait(expect);
        let (snapshot, end) = match wait.gather(&mut self.follow).await {
            Ok(gathered) => gathered,
            Err(stop) => return self.ended_by(stop, report),
        };
        report.timing.verdict = Some(self.context.fired.elapsed());
        let expected = Expected {
            expect,
            response: &response,
            awaits_span: false,
        };
        let evidence = wait.evidence(&response, &snapshot);
        let judged = wait.final_outcomes(expected, &evidence, end);
        let judged = judged
            .into_iter()
            .filter(|judged| judged.outcome.failure().is_some());
        report.checks.extend(judged);
        report.trouble = trouble;
        self.finished(report, response, snapshot, end)
    }

    /// Reports a response that does not meet `until` of a poll. Its trace only illustrates that.
    pub(super) async fn report_unmet(
        &mut self,
        mut report: Box<StepReport>,
        response: Response,
        unmet: Vec<Judged>,
    ) -> Box<StepReport> {
        report.checks = unmet;
        let wait = TraceWait::new(self.context.clone(), self.responded, self.when);
        let gathered = wait.gather(&mut self.follow).await;
        report.timing.verdict = Some(self.context.fired.elapsed());
        match gathered {
            Ok((snapshot, end)) => self.finished(report, response, snapshot, end).report,
            Err(stop) => report.with_trouble(stop.trouble(self.context.step)),
        }
    }

    /// Reports that a poll ended before the response of its last try.
    pub(super) async fn report_too_late(&mut self, report: Box<StepReport>) -> Box<StepReport> {
        let trigger = &report.trigger;
        let what = format!("no response before the end of all tries ({trigger})");
        let trouble = Trouble::new(&what)
            .with_location(Some(self.context.step.at.clone()))
            .with_help([
                "increase `timeout` of `poll`; for an event stream that does not end, set `request.timeout` to less than that",
            ]);
        self.report_without_response(report, trouble).await
    }

    /// Reports a trigger without a response.
    pub(crate) async fn report_error(
        &mut self,
        report: Box<StepReport>,
        error: &TriggerError,
    ) -> Box<StepReport> {
        let at = error.location().unwrap_or(&self.context.step.at);
        let mut trouble = Trouble::from_error(error).with_location(Some(at.clone()));
        let help = match self.context.run.options.services {
            Services::Ours if error.is_refused() => Some(
                "start the service; if spanspec.yaml starts it, pass it this port in `env`, and add `ready`",
            ),
            _ => error.help(),
        };
        trouble.help.extend(help.map(str::to_owned));
        if error.is_refused() {
            return report.with_trouble(trouble);
        }
        let mut report = self.report_without_response(report, trouble).await;
        // Only now, since a service writes its reason at about the same time.
        let port = error.pipeline_port();
        let output = port.map(|port| self.context.output_of(port));
        if let Some(trouble) = &mut report.trouble {
            trouble.details.extend(output.unwrap_or_default());
        }
        report
    }

    /// Adds the trace, if any, which shows how far the request came.
    async fn report_without_response(
        &mut self,
        mut report: Box<StepReport>,
        trouble: Trouble,
    ) -> Box<StepReport> {
        report.trouble = Some(trouble);
        let wait = TraceWait::new(self.context.clone(), self.responded, self.when);
        match wait.gather(&mut self.follow).await {
            Ok((snapshot, _)) => {
                report.trace = Some(Arc::new(snapshot.trace)).filter(|trace| !trace.is_empty());
            }
            // A service that died explains why there was no response.
            Err(Stop::Died(death)) => {
                let mut trouble = Stop::Died(death).trouble(self.context.step);
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
