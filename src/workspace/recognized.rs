//! Recognizes files of spanspec that were named in place of others: a trace in place of a spec.

use std::path::Path;

use serde_json::Value as Json;

use super::files::{read, shown};
use crate::budget::baseline::FORMAT;
use crate::project::FILE_NAME;
use crate::spec::{ErrorList, Kind, Source, parse_documents};

/// The kind of a file, by its name and its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A project file.
    Project,
    /// A spec.
    Spec,
    /// A trace as OTLP/JSON.
    Trace,
    /// A JSON report.
    Report,
    /// A baseline.
    Baseline,
}

impl FileKind {
    /// The kind of the file, if it is one of these.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        if path.file_name().is_some_and(|name| name == FILE_NAME) {
            return Some(Self::Project);
        }
        let source = read(path).ok()?;
        Self::of_json(source.text()).or_else(|| Self::of_yaml(&source))
    }

    fn of_json(text: &str) -> Option<Self> {
        // Files of traces may have a document on each line.
        let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Json>();
        let document = documents.next()?.ok()?;
        if document["format"] == FORMAT {
            return Some(Self::Baseline);
        }
        if document["tool"]["name"] == env!("CARGO_PKG_NAME") {
            return Some(Self::Report);
        }
        document["resourceSpans"].is_array().then_some(Self::Trace)
    }

    fn of_yaml(source: &Source) -> Option<Self> {
        let documents = parse_documents(&ErrorList::new(source));
        let root = documents.first()?;
        let has = |keys: &[&str]| keys.iter().any(|key| root.get(key).is_some());
        if has(&["request", "graphql", "run", "trace_id", "steps", "expect"]) {
            return Some(Self::Spec);
        }
        has(&["services", "receiver", "specs"]).then_some(Self::Project)
    }

    /// With its article.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "a project file",
            Self::Spec => "a spec",
            Self::Trace => "a saved trace",
            Self::Report => "a report of spanspec",
            Self::Baseline => "a baseline",
        }
    }

    /// The command for this file, as an instruction.
    #[must_use]
    pub fn command(self, path: &Path) -> String {
        let file = shown(path);
        match self {
            Self::Project => format!("`spanspec run --config {file}` runs its specs"),
            Self::Spec => format!("`spanspec run {file}` runs it"),
            Self::Trace => format!("`spanspec show {file}` draws it"),
            Self::Report => format!("`spanspec merge {file} --report junit=FILE` converts it"),
            Self::Baseline => format!("`spanspec baseline show {file}` shows it"),
        }
    }
}

/// Returns `true` if a spec of the file has budgets. Also for a file that cannot be read, whose errors
/// are reported elsewhere.
pub(crate) fn has_budgets(path: &Path) -> bool {
    let Ok(source) = read(path) else { return true };
    let documents = parse_documents(&ErrorList::new(&source));
    documents.is_empty() || documents.iter().any(|root| root.get("budgets").is_some())
}

/// Returns `true` if the text of a spec file mentions a shape of traces.
pub(crate) fn mentions_shape(path: &Path) -> bool {
    read(path).is_ok_and(|source| source.text().contains("shape"))
}

/// Returns `true` if the first document of the file is a map, as that of a spec or a project file.
pub(crate) fn has_keys(path: &Path) -> bool {
    let Ok(source) = read(path) else { return true };
    let documents = parse_documents(&ErrorList::new(&source));
    documents
        .first()
        .is_some_and(|root| matches!(root.kind, Kind::Map(_)))
}
