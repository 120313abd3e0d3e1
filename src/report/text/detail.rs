//! The amount of detail.

/// The amount of detail in a text report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Only specs that did not pass.
    Quiet,
    /// Also a line for each spec that passed.
    #[default]
    Normal,
    /// Also every check, the response, the timing and the trace of each spec.
    Verbose,
}
