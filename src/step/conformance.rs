//! Runs the conformance cases of a step.

use super::run_context::RunContext;
use crate::probe::{Circumstances, probe};
use crate::spec::{Conformance, Step};
use crate::trace::ConformanceResponse;
use crate::trigger::TraceContext;

/// Sends the requests of all cases, and judges what the observers see.
pub(super) async fn run_cases(
    run: &RunContext<'_>,
    step: &Step,
    suite: &Conformance,
    context: &TraceContext,
) -> ConformanceResponse {
    let declared = run.options.flush.of_step(step).bound();
    let flush = step.wait.flush.unwrap_or(declared);
    let circumstances = Circumstances {
        source: run.source,
        flush: flush.max(run.delays.bound()),
        starting_until: run.options.starting_until,
    };
    probe(suite, context, &circumstances).await
}
