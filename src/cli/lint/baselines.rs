//! Checks that baselines can be read, and that their cases exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::budget::Samples;
use crate::budget::baseline::{Baseline, BaselineError, path_of, read};
use crate::load::case_of;
use crate::report::Diagnostic;
use crate::report::snippet::Severity;
use crate::spec::Spec;
use crate::workspace::{Workspace, shown};

/// The findings about the baselines of all specs.
#[derive(Default)]
pub(super) struct Looked {
    /// Baselines that cannot be read.
    pub(super) errors: Vec<BaselineError>,
    /// Cases that no spec has.
    pub(super) warnings: Vec<Diagnostic>,
    /// The baselines that exist, by spec file.
    pub(super) baselines: BTreeMap<String, Baseline>,
}

impl Looked {
    /// The durations of a subject in the baseline of a spec.
    pub(super) fn samples(&self, spec: &Spec, subject: &str) -> Option<Samples> {
        let baseline = self.baselines.get(spec.at.source.name())?;
        let case = baseline.cases.get(&case_of(spec))?;
        Some(case.budgets.get(subject)?.samples())
    }
}

/// Looks at the baselines of all spec files; in `folder`, if they are there and not beside them.
pub(super) fn look(workspace: &Workspace, folder: Option<&Path>) -> Looked {
    let mut by_file: BTreeMap<&str, Vec<&Spec>> = BTreeMap::new();
    for spec in &workspace.specs {
        let file = spec.at.source.name();
        by_file.entry(file).or_default().push(spec);
    }
    let mut looked = Looked::default();
    for (file, specs) in by_file {
        let path = path_of(Path::new(file), folder, &workspace.project.dir);
        match read(&path) {
            Ok(None) => {}
            Ok(Some(baseline)) => {
                let known: BTreeSet<String> = specs.iter().map(|spec| case_of(spec)).collect();
                // Only a run finds out all secrets, so it may mask more of a name than is known here.
                let is_masked = |name: &str| name.contains("[masked]");
                let names = baseline.cases.keys();
                let idle = names.filter(|name| !known.contains(*name) && !is_masked(name));
                let warnings = idle.map(|name| of_no_spec(&path, name, file));
                looked.warnings.extend(warnings);
                looked.baselines.insert(file.to_owned(), baseline);
            }
            Err(error) => looked.errors.push(error),
        }
    }
    looked
}

fn of_no_spec(path: &Path, case: &str, file: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        id: None,
        title: format!(
            "the baseline {} is of `{case}`, and no spec in {file} is called so",
            shown(path)
        ),
        at: None,
        label: String::new(),
        also: Vec::new(),
        help: vec![
            "if the spec has another name now, give its case in the baseline that name; else delete the case"
                .to_owned(),
        ],
    }
}
