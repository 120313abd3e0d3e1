//! Rules about the instrumentation that traces show: their names, levels and limits. `instrumentation` applies them.

mod rule;
mod settings;

use std::fmt;
use std::sync::Arc;

pub use rule::{Level, Rule};
pub use settings::{IgnoredFindings, Preset, Settings};
pub(crate) use settings::{WeaverLevel, WeaverSettings};

/// A rule of `lint` in `expect`: each finding fails.
#[derive(Clone, Debug)]
pub struct LintExpectation {
    pub(crate) rule: Rule,
    pub(crate) origin: RuleOrigin,
    /// The settings of the project, changed by the spec.
    pub(crate) settings: Arc<Settings>,
}

/// The reason why a rule is among those of a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleOrigin {
    /// The spec denies it by name. If it cannot be judged, the check is unjudged.
    Named,
    /// A set of rules, or the project file, denies it. If it cannot be judged, the report notes that.
    Set,
}

impl fmt::Display for LintExpectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lint rule `{}`", self.rule)
    }
}
