//! Compares the decisions of a Collector's `probabilistic_sampler` about the spans of a trace with what is
//! expected.

use super::judgement::{Finality, Standing};
use super::{Failure, Subject, Unjudged, Witness};
use crate::number::counted;
use crate::sampling::{ProbabilisticSampler, Reason};
use crate::spec::Check;
use crate::spec::tail_sampling::SpanSamplingExpectation;
use crate::trace::{Span, Trace};

/// Judges all spans of a trace. The sampler decides about each on its own.
pub(super) fn judge(check: &Check, expected: &SpanSamplingExpectation, trace: &Trace) -> Standing {
    if let Err(why) = refuse_losses(&expected.processor, trace) {
        return Standing::unjudged(why);
    }
    let decided = trace
        .spans()
        .iter()
        .map(|span| (span, expected.processor.decide(span)));
    let wrong: Vec<(&Span, Reason)> = decided
        .filter(|(_, decision)| decision.is_kept != expected.kept)
        .map(|(span, decision)| (span, decision.reason))
        .collect();
    if wrong.is_empty() {
        return Standing::holds(Finality::Open);
    }
    let (want, is) = match expected.kept {
        true => ("each span kept", "dropped"),
        false => ("each span dropped", "kept"),
    };
    let found = format!("{} of {} {is}", wrong.len(), counted(trace.len(), "span"));
    let subject = Subject::Trace("sampling of spans");
    let mut failure = Failure::of_check(check, subject, want, found);
    if wrong
        .iter()
        .any(|(_, reason)| *reason == Reason::Randomness)
    {
        failure.hints.push(format!(
            "`{}` keeps a share of {} %: the attribute `sampling.priority` decides instead, 1 keeps a span and 0 drops it",
            expected.processor.id, expected.processor.sampling_percentage
        ));
    }
    failure.show(wrong, |(span, reason)| {
        Witness::new(span, format!("{is}: {reason}"))
    });
    Standing::fails(failure, Finality::Open)
}

/// Returns `true` if the processor keeps all spans of the trace, and `false` if none.
///
/// # Errors
/// It keeps some of them, or that is not known.
#[cfg(feature = "run")]
pub(super) fn is_kept(processor: &ProbabilisticSampler, trace: &Trace) -> Result<bool, Unjudged> {
    refuse_losses(processor, trace)?;
    let spans = trace.spans().iter();
    let kept = spans.filter(|span| processor.decide(span).is_kept).count();
    if kept > 0 && kept < trace.len() {
        let spans = counted(trace.len(), "span");
        return Err(Unjudged::Sampling {
            reason: format!("`{}` keeps {kept} of the {spans} of a trace", processor.id),
            remedy: "set `sampling.priority` on all spans of a trace, or on none".to_owned(),
        });
    }
    Ok(kept > 0)
}

/// Refuses a trace without the fields that decide.
fn refuse_losses(processor: &ProbabilisticSampler, trace: &Trace) -> Result<(), Unjudged> {
    let mut spans = trace.spans().iter();
    let decided = spans.try_for_each(|span| {
        let decision = processor.decide_with(span, trace.losses());
        decision.map(drop)
    });
    decided.map_err(Unjudged::Lost)
}
