//! Finds shape files that no spec uses.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::budget::baseline::real_path;
use crate::report::Diagnostic;
use crate::report::snippet::Severity;
use crate::shape_file;
use crate::spec::Spec;
use crate::workspace::shown;

/// A warning for each shape beside one that a spec uses, and that itself no spec uses.
pub(super) fn unused(specs: &[Spec]) -> Vec<Diagnostic> {
    let used: BTreeSet<PathBuf> = specs.iter().flat_map(shapes).collect();
    let folders: BTreeSet<&Path> = used.iter().filter_map(|file| file.parent()).collect();
    let mut warnings = Vec::new();
    for folder in folders {
        for file in text_files(folder).difference(&used) {
            // Texts of other kinds may stand beside shapes.
            if matches!(shape_file::text(file), Ok(Some(_))) {
                warnings.push(of_no_spec(file));
            }
        }
    }
    warnings
}

fn shapes(spec: &Spec) -> Vec<PathBuf> {
    let scope = spec.scope();
    let expects = spec
        .steps
        .iter()
        .filter_map(|step| step.expect(&scope).ok());
    let files = expects.flat_map(|expect| {
        let files = expect.shape_files();
        let files = files.filter_map(|(path, _)| real_path(path));
        files.collect::<Vec<_>>()
    });
    files.collect()
}

fn text_files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect()
}

fn of_no_spec(file: &Path) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        id: None,
        title: format!("no spec uses the shape {}", shown(file)),
        at: None,
        label: String::new(),
        also: Vec::new(),
        help: vec!["delete it, or name it as `shape` in `expect`".to_owned()],
    }
}
