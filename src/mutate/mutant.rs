//! A fault at one place.

use super::edit::Edit;
use super::site::Site;
use crate::spec::{Counted, FaultKind};

/// A fault at one place of the evidence of a step.
pub(super) struct Mutant {
    pub(super) kind: FaultKind,
    pub(super) site: Site,
    /// The fault in words.
    pub(super) what: String,
    /// The attribute, event, header or path.
    pub(super) detail: Option<String>,
    pub(super) counted: Counted,
    /// The number of equal places, for which it stands.
    pub(super) equal: usize,
    pub(super) edit: Edit,
}
