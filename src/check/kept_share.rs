//! The decision of a sampler about one trace, of which a share counts many.

use super::Unjudged;
use super::{span_sampling, tail_sampling};
use crate::spec::tail_sampling::Sampler;
use crate::trace::Trace;

/// Returns `true` if a sampler keeps a complete trace.
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
