//! Evidence of steps, kept so that their checks can be judged again.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::check::{Evidence, HeadEvidence, WindowEvidence};
use crate::instrumentation::Surroundings;
#[cfg(feature = "cli")]
use crate::spec::Spec;
use crate::spec::{Capture, Expect, Scope, Step};
use crate::trace::{LogsWithoutTrace, Response, Trace};

/// The evidence of all steps of a run. A clone refers to the same evidence. It contains secrets, so it is
/// neither written nor part of a report.
#[derive(Clone, Default)]
pub struct KeptEvidence(Arc<Mutex<Vec<StepEvidence>>>);

/// The evidence about one step, with its checks.
pub(crate) struct StepEvidence {
    pub(crate) step: Step,
    /// The trigger on one line.
    pub(crate) trigger: String,
    /// The variables with which the checks were read, with the captures of the step.
    pub(crate) scope: Scope,
    pub(crate) captures: Arc<[Capture]>,
    pub(crate) expect: Arc<Expect>,
    pub(crate) response: Response,
    pub(crate) trace: Trace,
    pub(crate) sampled: bool,
    pub(crate) logs_without_trace: Option<LogsWithoutTrace>,
    pub(crate) head: Option<HeadEvidence>,
    pub(crate) surroundings: Option<Surroundings>,
    pub(crate) window: Option<Arc<WindowEvidence>>,
}

impl KeptEvidence {
    /// Keeps the evidence of a step, and returns its number.
    pub(crate) fn keep(&self, evidence: StepEvidence) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(evidence);
        all.len() - 1
    }

    /// Takes all evidence, in the order of its numbers.
    pub(crate) fn take(&self) -> Vec<StepEvidence> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut all)
    }
}

impl StepEvidence {
    /// The evidence of a step of which only the trace is known; `None` if its checks cannot be read.
    #[cfg(feature = "cli")]
    pub(crate) fn of_trace(spec: &Spec, step: &Step, trace: &Trace) -> Option<Self> {
        Self::of(spec, step, Response::None, trace)
    }

    /// The evidence of a step that was not run; `None` if its checks cannot be read.
    #[cfg(feature = "cli")]
    pub(crate) fn of(spec: &Spec, step: &Step, response: Response, trace: &Trace) -> Option<Self> {
        let mut scope = spec.scope();
        scope.set_trace_id(trace.id());
        let captures: Arc<[Capture]> = step.captures(&scope).ok()?.into();
        // Some have no value: those from a response that is not known.
        captures
            .iter()
            .for_each(|capture| scope.expect(capture.name.clone()));
        let evidence = Evidence::new(&response, Some(trace), true);
        for capture in captures.iter() {
            if let Ok(value) = crate::check::capture(capture, &evidence) {
                scope.set(capture.name.clone(), value);
            }
        }
        Some(Self {
            expect: Arc::new(step.expect(&scope).ok()?),
            step: step.clone(),
            trigger: String::new(),
            scope,
            captures,
            response,
            trace: trace.clone(),
            sampled: true,
            logs_without_trace: None,
            head: None,
            surroundings: None,
            window: None,
        })
    }

    /// The evidence without faults.
    pub(crate) fn evidence(&self) -> Evidence<'_> {
        self.evidence_with(&self.trace)
    }

    /// The evidence with another trace.
    pub(crate) fn evidence_with<'e>(&'e self, trace: &'e Trace) -> Evidence<'e> {
        Evidence::new(&self.response, Some(trace), self.sampled)
            .with_logs_without_trace(self.logs_without_trace.as_ref())
            .with_head(self.head.as_ref())
            .with_surroundings(self.surroundings.as_ref())
            .with_window(self.window.as_deref())
    }
}

/// Writes the number of steps.
impl fmt::Debug for KeptEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "KeptEvidence({})", all.len())
    }
}
