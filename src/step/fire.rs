//! Runs one step: reads its trigger and fires it. The rest is left to [`Observation`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::context::StepContext;
use super::metrics::StepMetrics;
use super::observation::Observation;
use super::poll::{TryAnswer, Tryout};
use super::run_context::RunContext;
use super::sent_context::SentContext;
use super::settle::JudgeWhen;
use super::step_reader::StepReader;
use super::watched::WatchedTrace;
use crate::check::HeadEvidence;
use crate::result::{Phase, StepReport};
use crate::source::{Follow, Signal};
use crate::spec::{Scope, SpecErrors, Step, Trigger};
use crate::trace::{Origin, Response, SentTelemetry};
use crate::trigger::{Session, TraceContext, TriggerError, fire};

/// Pause before a refused connection is tried again while a service may still be starting.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Runs a step, and sets its captures in the scope. Returns the trace if a further span could change
/// the verdict.
pub(crate) async fn run_step(
    run: &RunContext<'_>,
    step: &Step,
    phase: Phase,
    scope: &mut Scope,
    session: &Session,
) -> (Box<StepReport>, Option<WatchedTrace>) {
    let mut report = blank(step, phase);
    let metrics = match StepMetrics::before_trigger(run, step).await {
        Ok(metrics) => metrics,
        Err(stop) => return (report.with_trouble(stop.trouble(step)), None),
    };
    let reader = StepReader::new(step);
    let tryout = Tryout {
        run,
        reader: &reader,
        phase,
        session,
    };
    let control = match Box::pin(tryout.control(scope, &mut report)).await {
        Ok(control) => control,
        Err(trouble) => return (report.with_trouble(trouble), None),
    };
    let last = match Box::pin(tryout.fire(scope, &mut report)).await {
        Ok(last) => last,
        Err(trouble) => return (report.with_trouble(trouble), None),
    };
    report.timing.response = Some(last.responded - last.fired);
    report.notices.extend(last.response_notes());
    let follow = match &last.answer {
        TryAnswer::Response(Response::Sent(sent)) => with_markers(run, last.follow, sent),
        _ => last.follow,
    };
    let mut observation = Observation {
        context: StepContext {
            run,
            step,
            called: last.trigger.called(),
            sent: Some(Arc::new(SentContext::of(
                &last.trigger,
                &last.trace_context,
            ))),
            fired: last.fired,
        },
        reader: &reader,
        scope,
        head: HeadEvidence {
            trace_state: last.trace_context.trace_state.clone(),
            control,
            unanswered: Vec::new(),
        },
        trace_context: last.trace_context,
        follow,
        metrics,
        responded: last.responded,
        when: JudgeWhen::OnArrival,
        secrets: Vec::new(),
    };
    let report = match last.answer {
        TryAnswer::Response(response) => return observation.judge(report, response).await,
        TryAnswer::Unmet(response, unmet) => {
            observation.report_unmet(report, response, unmet).await
        }
        TryAnswer::Error(error) => observation.report_error(report, &error).await,
        TryAnswer::TooLate => observation.report_too_late(report).await,
    };
    (report, None)
}

/// Reads the trigger, and creates the trace context that it will send.
pub(crate) fn prepare(
    run: &RunContext<'_>,
    reader: &StepReader<'_>,
    scope: &mut Scope,
) -> Result<(Arc<Trigger>, TraceContext), SpecErrors> {
    // The trigger may contain `${trace_id}`, so the id exists before the trigger is read.
    let context = TraceContext::random();
    scope.set_trace_id(context.trace_id);
    let trigger = reader.trigger(scope)?;
    let of_trigger = TraceContext::of(&trigger);
    let mut context = match trigger.existing_trace() {
        Some(_) => of_trigger,
        None => of_trigger.starting(context.trace_id),
    };
    scope.set_trace_id(context.trace_id);
    if run.source.backend().is_some_and(|of| of.marks_requests) {
        context.mark();
    }
    Ok((trigger, context))
}

/// Starts to follow the trace of the trigger.
pub(crate) fn follow(run: &RunContext<'_>, trigger: &Trigger, context: &TraceContext) -> Follow {
    let follow = |origin| run.source.follow(context.trace_id, origin);
    match trigger.existing_trace() {
        Some(existing) => follow(existing.origin()),
        None if matches!(trigger, Trigger::Send(_)) => follow(Origin::Foreign).fresh(),
        None => follow(Origin::Injected(context.parent_id)).fresh(),
    }
}

/// Also follows the markers of the telemetry that was sent.
fn with_markers(run: &RunContext<'_>, follow: Follow, sent: &SentTelemetry) -> Follow {
    let markers = sent.markers.iter();
    let markers = markers.map(|&id| run.source.follow(id, Origin::Foreign).fresh());
    let signals = [
        (Signal::Traces, !sent.trace.is_empty()),
        (Signal::Logs, sent.logs > 0),
        (Signal::Metrics, sent.points > 0),
    ];
    let signals = signals.into_iter().filter(|(_, is_sent)| *is_sent);
    let signals: Vec<Signal> = signals.map(|(signal, _)| signal).collect();
    follow.with_markers(markers.collect(), &signals)
}

/// Fires the trigger, within the limit of requests in flight. Tries a refused connection again until
/// `starting_until`.
pub(crate) async fn fire_when_possible(
    starting_until: Option<Instant>,
    in_flight: Option<&Semaphore>,
    trigger: &Trigger,
    context: &TraceContext,
    session: &Session,
) -> Result<Response, TriggerError> {
    loop {
        let answer = {
            let _permit = match in_flight {
                Some(in_flight) if trigger.is_connecting() => in_flight.acquire().await.ok(),
                _ => None,
            };
            match trigger {
                Trigger::Send(send) => Box::pin(crate::send::send(send, context, session))
                    .await
                    .map(|sent| Response::Sent(Box::new(sent))),
                _ => fire(trigger, context, session).await,
            }
        };
        let is_starting = starting_until.is_some_and(|until| Instant::now() < until);
        match answer {
            Err(error) if error.is_refused() && is_starting => {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// The report of a step that has not run yet.
pub(crate) fn blank(step: &Step, phase: Phase) -> Box<StepReport> {
    Box::new(StepReport {
        name: step.name.clone(),
        ..StepReport::blank(phase)
    })
}
