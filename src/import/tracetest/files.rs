//! Files that Tracetest's files name.

use crate::spec::Location;

/// Access to files that a file names.
pub(crate) struct Files<'a> {
    /// Reads the file at a path, which is relative to the file with this name.
    pub(crate) read: &'a dyn Fn(&str, &str) -> Result<String, String>,
}

impl Files<'_> {
    pub(super) fn read(&self, at: &Location, path: &str) -> Result<String, String> {
        (self.read)(at.source.name(), path)
    }
}
