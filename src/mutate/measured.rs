//! Judges faults of given evidence, for benches.

use super::exam::MOST_RECORDS;
use super::suite::{ExamSettings, Extent, SpecInput, Which, examine};
use crate::spec::Spec;
use crate::step::StepEvidence;
use crate::trace::{Response, Trace};

/// Judges all faults of the first steps of specs, each with a response and a trace. Returns the number of faults
/// that were judged, and of those that were left out.
#[must_use]
pub fn judge_faults(specs: &[Spec], response: &Response, trace: &Trace) -> (usize, usize) {
    let inputs = specs.iter().map(|spec| {
        let steps = spec.steps.first().into_iter();
        let evidence =
            steps.filter_map(|step| StepEvidence::of(spec, step, response.clone(), trace));
        SpecInput {
            spec,
            evidence: Ok(evidence.collect()),
        }
    });
    let inputs: Vec<SpecInput<'_>> = inputs.collect();
    let settings = ExamSettings {
        which: Which::All,
        ignored: &[],
        extent: Extent::Project,
        records: MOST_RECORDS,
    };
    let suite = examine(&inputs, settings, &|| false);
    (suite.judged, suite.left_out)
}
