//! Whether a sampler keeps a trace, for the share of many traces.

use super::Unjudged;
use super::{span_sampling, tail_sampling};
use crate::spec::tail_sampling::Sampler;
use crate::trace::Trace;

/// Whether a sampler keeps a complete trace.
///
/// # Errors
/// The reason why that is not known.
pub(crate) fn is_kept(sampler: &Sampler, trace: &Trace) -> Result<bool, Unjudged> {
    if trace.is_empty() {
        return Err(Unjudged::NoSpans);
    }
    match sampler {
        Sampler::Tail(processor, version) => tail_sampling::is_kept(processor, *version, trace),
        Sampler::Probabilistic(processor) => span_sampling::is_kept(processor, trace),
    }
}
