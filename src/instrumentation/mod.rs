//! Findings about the instrumentation of services, from their traces: broken propagation, missing or
//! superfluous spans, wrong status, outdated conventions, secrets.
//!
//! Pure. Each file has the rules of one subject; `rule` lists all.

mod conventions;
mod finding;
mod identity;
pub(crate) mod lost;
mod observed;
mod propagation;
mod rule;
mod sensitive;
mod settings;
mod status;
#[cfg(test)]
mod tests;
mod time;
mod volume;

pub(crate) use finding::Finding;
pub(crate) use observed::Observed;
pub(crate) use rule::{Level, Rule};
pub(crate) use settings::{IgnoredFindings, Preset, Settings};

use finding::Findings;

/// Applies the rules that are on. The most severe findings come first, then those with most spans.
pub(crate) fn examine(observed: &Observed<'_>, settings: &Settings) -> Vec<Finding> {
    let mut found = Findings::default();
    propagation::examine(observed, &mut found);
    volume::examine(observed, settings, &mut found);
    identity::examine(observed, &mut found);
    status::examine(observed, &mut found);
    time::examine(observed, &mut found);
    conventions::examine(observed, &mut found);
    sensitive::examine(observed, &mut found);
    found.with_levels(settings)
}
