//! One step: its trigger is read and fired; what follows is [`Walk`]'s.

use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::context::Scene;
use super::observation::{Looks, Walk};
use super::settings::{Setting, Stop};
use super::watched::Watched;
use crate::result::{Phase, StepReport, Timing, Trouble};
use crate::source::receiver::Follow;
use crate::spec::{Scope, SpecErrors, Step, Trigger};
use crate::trace::{Origin, Response};
use crate::trigger::{Session, TraceContext, TriggerError, fire};

/// Between two attempts at a connection that is refused while a service may still be starting.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Runs a step, and gives its captures to the scope. Where a further span could change the
/// verdict, the trace is still followed.
pub(crate) async fn run(
    setting: &Setting<'_>,
    step: &Step,
    phase: Phase,
    scope: &mut Scope,
    session: &Session,
) -> (StepReport, Option<Watched>) {
    let mut report = blank(step, phase);
    let (trigger, context) = match prepare(step, scope) {
        Ok(prepared) => prepared,
        Err(errors) => return (with_trouble(report, misfit(&errors)), None),
    };
    setting.secrets.add_credentials_of(&trigger);
    report.trigger = trigger.describe();
    report.trace_id = Some(context.trace_id);
    let follow = follow(setting, &trigger, &context);
    let fired = Instant::now();
    let starting_until = setting.options.starting_until;
    let in_flight = Some(&*setting.in_flight);
    let answer = tokio::select! {
        answer = fire_when_possible(starting_until, in_flight, &trigger, &context, session) => answer,
        // What was begun is cleaned up also when the user ends the run.
        stop = setting.stopped(), if phase != Phase::Teardown => {
            return (with_trouble(report, stopped(stop, step)), None);
        }
    };
    let responded = Instant::now();
    report.timing.response = Some(responded - fired);
    let mut walk = Walk {
        scene: Scene {
            setting,
            step,
            called: trigger.called(),
            fired,
        },
        scope,
        context,
        follow,
        responded,
        looks: Looks::AtOnce,
        secrets: Vec::new(),
    };
    match answer {
        Ok(response) => {
            setting.secrets.add_cookies_of(&response);
            walk.judge(report, response).await
        }
        Err(error) => (walk.explain(report, &error).await, None),
    }
}

/// Reads the trigger, and makes the context in which it is fired.
pub(crate) fn prepare(
    step: &Step,
    scope: &mut Scope,
) -> Result<(Trigger, TraceContext), SpecErrors> {
    // The id has to be known before the trigger is read, for `${trace_id}` may stand in it.
    let context = TraceContext::random();
    scope.set_trace_id(context.trace_id);
    let trigger = step.trigger(scope)?;
    let mut context = TraceContext {
        trace_id: context.trace_id,
        ..TraceContext::of(&trigger)
    };
    if let Some(existing) = trigger.existing_trace() {
        context.trace_id = existing.trace_id;
        scope.set_trace_id(existing.trace_id);
    }
    Ok((trigger, context))
}

/// Starts to follow what the trigger will cause.
pub(crate) fn follow(setting: &Setting<'_>, trigger: &Trigger, context: &TraceContext) -> Follow {
    let follow = |origin| setting.source.follow(context.trace_id, origin);
    match trigger.existing_trace() {
        Some(existing) => follow(existing.origin()),
        None => follow(Origin::Injected(context.parent_id)).fresh(),
    }
}

/// Fires, with few enough others in flight. A refused connection is tried again for as long as a
/// service may still be starting.
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
            fire(trigger, context, session).await
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

pub(crate) fn blank(step: &Step, phase: Phase) -> StepReport {
    StepReport {
        phase,
        name: step.name.clone(),
        trigger: String::new(),
        trace_id: None,
        trace: None,
        response: None,
        checks: Vec::new(),
        trouble: None,
        notices: Vec::new(),
        was_closed: false,
        timing: Timing::default(),
        saved_trace: None,
        earlier: None,
        load: None,
    }
}

pub(crate) fn with_trouble(mut report: StepReport, trouble: Trouble) -> StepReport {
    report.trouble = Some(trouble);
    report
}

/// A value that was captured does not fit where it is used.
pub(crate) fn misfit(errors: &SpecErrors) -> Trouble {
    let first = errors.0.first();
    Trouble {
        what: first.map_or_else(
            || "this cannot be read".to_owned(),
            |error| error.what.clone(),
        ),
        at: first.map(|error| error.at.clone()),
        details: errors.0.iter().skip(1).map(ToString::to_string).collect(),
        help: first
            .and_then(|error| error.help.clone())
            .into_iter()
            .collect(),
    }
}

pub(crate) fn stopped(stop: Stop, step: &Step) -> Trouble {
    match stop {
        Stop::Died(trouble) => Trouble {
            at: Some(step.at.clone()),
            ..trouble
        },
        Stop::Interrupted => Trouble {
            what: "interrupted".to_owned(),
            at: None,
            details: Vec::new(),
            help: Vec::new(),
        },
    }
}
