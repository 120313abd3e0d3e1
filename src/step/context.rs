//! Context of a step, and the explanation of a result that is not as expected.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completeness::{AtDeadline, Flush, WaitPolicy, WaitStart};
use super::diagnosis;
use super::first_hop::FirstHop;
use super::messages;
use super::pipeline;
use super::run_context::RunContext;
use super::sent_context::SentContext;
use super::wait_end::WaitEnd;
use super::watched::VerdictBasis;
use crate::check::{Failure, Judged, Missing, Outcome, Subject, Unjudged};
use crate::result::{StepReport, Trouble};
use crate::spec::{Called, Step};
use crate::trace::{
    Hole, LogsWithoutTrace, Response, Span, SpanKind, StatusCode, Trace, named_context,
};

/// A step that was fired, apart from its trace.
#[derive(Clone)]
pub(crate) struct StepContext<'a> {
    pub(crate) run: &'a RunContext<'a>,
    pub(crate) step: &'a Step,
    pub(crate) called: Called,
    /// What the trigger sent; `None` for one of many requests.
    pub(crate) sent: Option<Arc<SentContext>>,
    pub(crate) fired: Instant,
}

/// A step with outcomes and without explanations.
pub(crate) struct DecidedStep {
    pub(crate) report: Box<StepReport>,
    /// The end of the wait for the trace; `None` if there was no wait.
    pub(crate) end: Option<WaitEnd>,
    /// The input of a second judgement, if a further span could change the verdict.
    pub(crate) basis: Option<VerdictBasis>,
}

impl StepContext<'_> {
    pub(super) fn policy(&self, start: WaitStart) -> WaitPolicy {
        let flush = self.run.options.flush.of_step(self.step);
        let mut policy = WaitPolicy::new(start, self.step.wait, flush, &self.run.delays);
        policy.entered_by_links = matches!(self.called, Called::Message(_));
        if self.called == Called::Sent {
            policy.wait_for_pipeline(self.step.wait.flush);
        }
        if let Some(backend) = self.run.source.backend() {
            policy.flush = match backend.is_delay_known {
                true => Flush::Known(backend.delay),
                false => Flush::Assumed,
            };
            policy.bound = backend.delay.max(self.run.delays.bound());
            policy.pause = backend.pause;
            if matches!(start, WaitStart::Watch(_)) {
                // The entry may have become readable after the request that did not have it.
                policy.bound += backend.pause;
            }
        }
        policy
    }

    /// The flush bound of log records, unless the spec has one for all records.
    pub(super) fn log_bound(&self) -> Duration {
        if let Some(backend) = self.run.source.backend() {
            return backend.delay;
        }
        let bound = self.run.options.log_flush.of_step(self.step).bound();
        self.step.wait.flush.unwrap_or(bound)
    }

    /// Adds an explanation to a report that is not as expected.
    pub(crate) async fn explain(&self, decided: DecidedStep) -> Box<StepReport> {
        let DecidedStep {
            mut report, end, ..
        } = decided;
        let Some(end) = end else {
            return report;
        };
        let is_unjudged =
            |judged: &Judged| matches!(judged.outcome, Outcome::Unjudged(Unjudged::NoSpans));
        let has_failed = report.failures().next().is_some();
        let holes = report.holes();
        let is_stuck = end == WaitEnd::TimedOut(AtDeadline::NoMarker);
        if is_stuck && !has_failed && report.has_failed() {
            let stuck = self.not_through(&report).await;
            report.trouble.get_or_insert(stuck);
        } else if !has_failed && report.checks.iter().any(is_unjudged) {
            let no_spans = self.no_spans(&report).await;
            report.trouble.get_or_insert(no_spans);
        } else if !has_failed && !holes.is_empty() {
            let lost = self.lost_spans(&holes);
            report.trouble.get_or_insert(lost);
        } else if let Some(trace) = &report.trace
            && has_failed
            && self.step.is_about_trace
        {
            let diagnostics = self.run.source.diagnostics(self.fired).await;
            let mut notices = diagnosis::remarks(
                &diagnostics,
                trace,
                (end != WaitEnd::Early, self.called != Called::Unsampled),
                report.failures().any(is_about_calls),
            );
            notices.extend(self.named_elsewhere(&report));
            notices.extend(trace.holes().iter().map(Hole::in_full));
            notices.extend(self.tail_hint(&report));
            notices.extend(self.message_hint(&report));
            notices.extend(self.left_out_hint(trace));
            report.notices.extend(notices);
        } else if let WaitEnd::TimedOut(at) = end
            && report.has_failed()
            && report.trouble.is_none()
        {
            report.trouble = Some(match report.trace.as_deref() {
                Some(trace) if trace.is_empty() => self.no_spans(&report).await,
                trace => self.inconclusive(trace, at),
            });
        }
        report
    }

    /// The probable reason why no span arrived.
    pub(crate) async fn no_spans(&self, report: &StepReport) -> Trouble {
        let diagnostics = self.run.source.diagnostics(self.fired).await;
        let at = Some(&self.step.at);
        let trace = report.trace_id;
        if let (Called::Message(place), Some(id), None) =
            (&self.called, trace, self.run.source.backend())
        {
            let trace = (id, report.trace.as_deref());
            return messages::unseen(self.run, &diagnostics, place, trace, at);
        }
        let first = FirstHop {
            called: &self.called,
            sent: self.sent.as_deref(),
            trace,
            response: report.response.as_ref(),
            others: &diagnostics.unrelated,
        };
        let holes = report.trace.as_deref().map_or(&[][..], Trace::holes);
        diagnosis::no_span_of_trace(self.run, &diagnostics.stats, first, holes, at)
    }

    /// A marker did not come out of the pipeline.
    async fn not_through(&self, report: &StepReport) -> Trouble {
        let diagnostics = self.run.source.diagnostics(self.fired).await;
        let timeout = self.policy(WaitStart::of(&self.called, self.fired)).timeout;
        let trouble = pipeline::not_through(self.run, &diagnostics, report, timeout);
        let port = report.response.as_ref().and_then(Response::sent);
        let port = port.and_then(|sent| sent.port);
        let output = port.map(|port| self.output_of(port)).unwrap_or_default();
        trouble
            .with_location(Some(self.step.at.clone()))
            .with_details(output)
    }

    /// What the service on this port wrote since the trigger.
    pub(super) fn output_of(&self, port: u16) -> Vec<String> {
        self.run.options.outputs.of_port(port, self.fired)
    }

    /// Checks are unjudged because spans are lost.
    pub(crate) fn lost_spans(&self, holes: &[&Hole]) -> Trouble {
        let mut help: Vec<String> = holes.iter().map(|hole| hole.remedy.clone()).collect();
        help.dedup();
        Trouble::new("spans of this trace may be missing, so what holds so far may not be all")
            .with_location(Some(self.step.at.clone()))
            .with_details(holes.iter().map(|hole| hole.to_string()))
            .with_help(help)
    }

    /// The trace was not complete at the deadline.
    pub(crate) fn inconclusive(&self, trace: Option<&Trace>, at: AtDeadline) -> Trouble {
        let mut policy = self.policy(WaitStart::of(&self.called, self.fired));
        if self.step.needs_logs {
            policy.wait_for_logs(self.log_bound());
        }
        let mut trouble = diagnosis::inconclusive(&policy, trace, at, &self.step.at);
        if at == AtDeadline::Quiet
            && policy.flush == Flush::Assumed
            && let Some(trace) = trace
        {
            let calls = self.run.unanswered(trace);
            let backend = self.run.source.backend();
            diagnosis::add_unanswered(&mut trouble, trace, &calls, backend.as_ref());
        }
        trouble
    }

    /// Names the services that are not started for the spec if a call failed.
    fn left_out_hint(&self, trace: &Trace) -> Option<String> {
        let is_failed_call =
            |span: &Span| span.kind == SpanKind::Client && span.status.code == StatusCode::Error;
        let names: Vec<String> = self
            .step
            .left_out
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        (!names.is_empty() && trace.spans().iter().any(is_failed_call)).then(|| {
            format!(
                "not started for this spec: {}; if the call that failed needs one of them, add it to `services` of the spec",
                names.join(", ")
            )
        })
    }

    /// The log records without a trace id that arrived since the trigger; `None` if the source does not have
    /// them.
    pub(super) async fn logs_without_trace(&self) -> Option<LogsWithoutTrace> {
        self.run.source.logs_without_trace(self.logs_since()).await
    }

    /// Since when log records without a trace id can matter; `None` if the trace may be older than the step.
    pub(super) fn logs_since(&self) -> Option<Instant> {
        match self.called {
            Called::Nothing | Called::Found => None,
            Called::Path(_)
            | Called::Method(..)
            | Called::Command
            | Called::Message(_)
            | Called::Sent
            | Called::Unsampled => Some(self.fired),
        }
    }

    /// Names the message if a span is missing that it may have caused.
    fn message_hint(&self, report: &StepReport) -> Option<String> {
        let Called::Message(place) = &self.called else {
            return None;
        };
        let is_missing = report.checks.iter().any(misses_a_span);
        let trace = report.trace_id.filter(|_| is_missing)?;
        Some(messages::sent(place, trace))
    }

    /// A note if the response names another trace than that of the request.
    fn named_elsewhere(&self, report: &StepReport) -> Option<String> {
        let named = named_context(report.response.as_ref()?)?;
        let is_own = report.trace_id == Some(named.trace_id);
        (!is_own).then(|| {
            format!(
                "the header `{}` of the response names another trace, {}: a service began it in place of this one",
                named.header, named.trace_id
            )
        })
    }

    /// Suggests `tail` if the missing span may belong to work after the response.
    fn tail_hint(&self, report: &StepReport) -> Option<String> {
        let tail = self.step.wait.tail.unwrap_or_default();
        (tail.is_zero() && report.checks.iter().any(misses_a_span)).then(|| {
            "work after the response is not waited for: `wait: { tail: 2s }` gives a consumer time".to_owned()
        })
    }
}

/// Returns `true` if the failure itself names the calls that lost the trace context.
fn is_about_calls(failure: &Failure) -> bool {
    failure.subject == Subject::Propagation
}

/// Returns `true` if a span is missing that may arrive later.
fn misses_a_span(judged: &Judged) -> bool {
    let failure = judged.outcome.failure();
    failure.is_some_and(|failure| failure.missing == Some(Missing::LaterSpan))
}

impl DecidedStep {
    pub(super) fn without_trace(report: Box<StepReport>, trouble: Trouble) -> Self {
        Self {
            report: report.with_trouble(trouble),
            end: None,
            basis: None,
        }
    }
}
