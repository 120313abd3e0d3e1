//! The control of a request without the sampled flag: the same request with the flag, sent before it.
//!
//! Without it, a service that exports nothing at all would look like one that follows the flag.

use std::ops::ControlFlow;
use std::time::Instant;

use super::completeness::WaitStart;
use super::context::StepContext;
use super::drive::drive;
use super::fire::{fire_when_possible, follow, prepare};
use super::poll::Tryout;
use crate::check::Control;
use crate::number::counted;
use crate::result::{StepReport, Trouble};
use crate::spec::{Called, Scope};

impl Tryout<'_> {
    /// Sends the control and waits for its trace, if a check needs it.
    ///
    /// # Errors
    /// The step cannot be read, or the run was stopped.
    pub(super) async fn control(
        &self,
        scope: &mut Scope,
        report: &mut StepReport,
    ) -> Result<Option<Control>, Trouble> {
        let (run, step) = (self.run, self.reader.step);
        if !step.needs_control {
            return Ok(None);
        }
        let prepared = prepare(run, self.reader, scope);
        let (trigger, mut trace_context) = prepared.map_err(|errors| Trouble::from(&errors))?;
        if trace_context.sampled {
            return Ok(None);
        }
        trace_context.sampled = true;
        let mut follow = follow(run, &trigger, &trace_context);
        let fired = Instant::now();
        let answer = fire_when_possible(
            run.options.starting_until,
            Some(&*run.in_flight),
            &trigger,
            &trace_context,
            self.session,
        );
        if let Err(error) = self.unless_stopped(answer).await? {
            return Ok(Some(Control::Nothing(format!(
                "the same request with the sampled flag got no response: {error}"
            ))));
        }
        let context = StepContext {
            run,
            step,
            called: Called::Nothing,
            sent: None,
            fired,
        };
        let policy = context.policy(WaitStart::Response(Instant::now()));
        let trace = drive(&mut follow, |snapshot| {
            let completeness = policy.completeness(&snapshot, false, &run.delays);
            match completeness.next_change() {
                Some(next) => ControlFlow::Continue(next),
                None => ControlFlow::Break(snapshot.trace),
            }
        });
        let trace = self.unless_stopped(trace).await?;
        if trace.is_empty() {
            return Ok(Some(Control::Nothing(
                "none arrived of the same request with the sampled flag either".to_owned(),
            )));
        }
        let services: Vec<&str> = trace.services().into_iter().collect();
        report.notices.push(format!(
            "the control, trace {}, is the same request with the sampled flag: it has {} of {}",
            trace.id(),
            counted(trace.len(), "span"),
            services.join(", ")
        ));
        let services = services.into_iter().map(str::to_owned).collect();
        Ok(Some(Control::Recorded(services)))
    }
}
