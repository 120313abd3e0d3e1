//! `needs` of a spec.

use super::Location;

/// A spec, all cases of its matrix, or all specs of a file.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "run"), expect(dead_code, reason = "for runs"))]
pub(crate) struct Need {
    /// The name of the spec, or the path of the file, as written.
    pub(crate) name: String,
    /// The file that it names, like the name of a [`Source`](super::Source).
    pub(crate) file: Option<String>,
    /// Its place.
    pub(crate) at: Location,
}
