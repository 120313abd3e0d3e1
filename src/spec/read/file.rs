//! Files that a spec names, as sources of their own for messages.

use std::path::{Component, Path, PathBuf};

use super::Reader;
use crate::spec::{MAX_FILE_SIZE, Source};
use crate::yaml::Node;

impl Reader<'_> {
    /// The text of a file that a node names.
    pub(crate) fn source_of(&self, path: &Path, named: &Node) -> Option<Source> {
        let wrong = |what: String, help: &str| self.wrong(named.place, what, "this file", help);
        let shown = path.display();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                return wrong(format!("failed to read {shown}: {error}"), "check the file");
            }
        };
        if bytes.len() > MAX_FILE_SIZE {
            let limit = MAX_FILE_SIZE >> 20;
            return wrong(format!("{shown} is larger than {limit} MiB"), "split it");
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some(Source::new(self.name_of(path), text)),
            Err(_) => wrong(format!("{shown} is not UTF-8"), "save it as UTF-8"),
        }
    }

    /// The path as it is named in messages: like that of the spec, relative if that is.
    pub(super) fn name_of(&self, path: &Path) -> String {
        let spec = Path::new(self.errors.source().name());
        let written = path.strip_prefix(self.dir).unwrap_or(path);
        let mut name = PathBuf::new();
        let parts = spec.parent().unwrap_or(Path::new("")).join(written);
        for part in parts.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir
                    if matches!(name.components().next_back(), Some(Component::Normal(_))) =>
                {
                    name.pop();
                }
                part => name.push(part),
            }
        }
        name.display().to_string()
    }
}
