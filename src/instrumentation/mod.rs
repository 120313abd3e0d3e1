//! Findings about the instrumentation of services, from their traces: broken propagation, missing or
//! superfluous spans, wrong status, outdated conventions, secrets.
//!
//! Pure. Each file has the rules of one subject; `rule` lists all.

mod consumers;
mod conventions;
mod finding;
mod identity;
pub(crate) mod logging;
pub(crate) mod lost;
mod needs;
mod observed;
mod propagation;
mod sensitive;
mod status;
#[cfg(test)]
mod tests;
mod time;
mod volume;

pub(crate) use finding::{Examination, Finding, Unknown};
pub(crate) use observed::{Extent, Observed, Surroundings};

pub(crate) use crate::spec::lint::{IgnoredFindings, Level, Preset, Rule, Settings};

use finding::Findings;

/// Applies the rules that are on.
pub(crate) fn examine(observed: &Observed<'_>, settings: &Settings) -> Examination {
    let losses = observed.losses();
    let mut found = Findings::with(losses.clone());
    for &rule in Rule::ALL {
        let mut needed = needs::needed(rule).iter();
        if let Some(&field) = needed.find(|&&field| losses.contains(field)) {
            found.lost(rule, field);
        }
    }
    let is_any_on = |rules: &[Rule]| {
        let mut rules = rules.iter();
        rules.any(|&rule| settings.level(rule) != Level::Off)
    };
    for (rules, examine) in SUBJECTS {
        if is_any_on(rules) {
            examine(observed, settings, &mut found);
        }
    }
    found.with_levels(settings)
}

/// A file of rules, and its function.
type Subject = (&'static [Rule], fn(&Observed<'_>, &Settings, &mut Findings));

/// All files of rules.
const SUBJECTS: [Subject; 7] = [
    (propagation::RULES, propagation::examine),
    (volume::RULES, volume::examine),
    (identity::RULES, identity::examine),
    (status::RULES, status::examine),
    (time::RULES, time::examine),
    (conventions::RULES, conventions::examine),
    (sensitive::RULES, sensitive::examine),
];
