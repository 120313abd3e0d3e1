//! The place of a spec in the baseline files.

use std::path::{Path, PathBuf};

use super::requirement::Requirement;
use crate::budget::baseline::{BaselineError, Case, path_of, read};
use crate::result::masked;
use crate::spec::Spec;
use crate::step::RunContext;

/// The place of a spec in the baseline files.
pub(super) struct BaselinePlace {
    /// The file, relative to the working directory.
    pub(super) path: PathBuf,
    /// The name of the case; see [`case_name`].
    pub(super) case: String,
    /// The command that accepts a proposal for the file.
    pub(super) accept: String,
    /// The command that deletes the proposal.
    pub(super) reject: String,
}

/// The name of a spec in a baseline; `masked` is its name without secrets. If a secret was removed,
/// other cases of the matrix may have the same name, so the number of the case is added.
#[must_use]
pub fn case_name(spec: &Spec, masked: &str) -> String {
    match spec.case_number {
        Some(number) if masked != spec.name => format!("{masked} #{number}"),
        _ => masked.to_owned(),
    }
}

/// The name of a spec in a baseline before it has run. Secrets that only a run knows are not in names.
#[must_use]
pub fn case_of(spec: &Spec) -> String {
    case_name(spec, &masked(&spec.name, spec))
}

impl BaselinePlace {
    pub(super) fn of(setting: &RunContext<'_>, spec: &Spec) -> Self {
        let budgeting = &setting.options.budgets;
        let file = Path::new(spec.at.source.name());
        let folder = budgeting.folder.as_ref();
        let folder = folder.map_or_else(String::new, |folder| {
            let folder = folder.to_string_lossy();
            format!(" --baseline {}", shell_words::quote(&folder))
        });
        let spec_file = shell_words::quote(spec.at.source.name());
        Self {
            accept: format!("spanspec baseline accept{folder}"),
            reject: format!("spanspec baseline reject{folder} {spec_file}"),
            path: path_of(file, budgeting.folder.as_deref(), &budgeting.root),
            case: case_name(spec, &setting.secrets.text(&spec.name)),
        }
    }

    /// Reads the case of the spec, if a budget is compared with a baseline. Without such a case, also
    /// the names of the others.
    pub(super) fn read(
        &self,
        required: &[Requirement<'_>],
    ) -> Result<(Option<Case>, Vec<String>), BaselineError> {
        if !required.iter().any(Requirement::is_compared) {
            return Ok((None, Vec::new()));
        }
        let mut baseline = read(&self.path)?.unwrap_or_default();
        Ok(match baseline.cases.remove(&self.case) {
            Some(case) => (Some(case), Vec::new()),
            None => (None, baseline.cases.into_keys().collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Context, Source};

    const SPEC: &str = "\
name: order
matrix: { key: [hunter2, swordfish, none] }
request: http://127.0.0.1:1/orders
expect: { status: 2xx }
";

    #[test]
    fn cases_that_differ_by_a_secret_only_have_distinct_names() {
        let source = Source::new("order.yaml", SPEC);
        let specs = Spec::read_all(&source, Path::new("."), &Context::default()).unwrap();
        let name = |spec: &Spec| {
            let name = spec.name.replace("hunter2", "[masked]");
            case_name(spec, &name.replace("swordfish", "[masked]"))
        };
        let names: Vec<String> = specs.iter().map(name).collect();
        assert_eq!(
            names,
            [
                "order [key=[masked]] #1",
                "order [key=[masked]] #2",
                "order [key=none]"
            ]
        );
    }
}
