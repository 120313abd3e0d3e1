//! Where the baseline of a spec is.

use std::path::{Path, PathBuf};

use super::asked::Asked;
use crate::budget::baseline::{BaselineError, Case, path_of, read};
use crate::result::masked;
use crate::spec::Spec;
use crate::step::Setting;

/// The place of a spec in a file of baselines.
pub(super) struct Place {
    /// The file, from where the user stands.
    pub(super) path: PathBuf,
    /// What it calls the spec; see [`case_name`].
    pub(super) case: String,
    /// The command that takes what waits beside the file.
    pub(super) accept: String,
    /// The command that deletes what waits beside the file.
    pub(super) reject: String,
}

/// What a baseline calls a spec whose name is shown as `told`. Where a secret was taken out of that,
/// other cases of the matrix may be told alike: the number of the case tells them apart.
#[must_use]
pub fn case_name(spec: &Spec, told: &str) -> String {
    match spec.case_number {
        Some(number) if told != spec.name => format!("{told} #{number}"),
        _ => told.to_owned(),
    }
}

/// What a baseline calls a spec that has not run: secrets that only a run finds out are in no name.
#[must_use]
pub fn case_of(spec: &Spec) -> String {
    case_name(spec, &masked(&spec.name, spec))
}

impl Place {
    pub(super) fn of(setting: &Setting<'_>, spec: &Spec) -> Self {
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

    /// What the file knows of the spec. Where nothing is compared, nobody looks.
    pub(super) fn read(&self, asked: &[Asked<'_>]) -> Result<Option<Case>, BaselineError> {
        if !asked.iter().any(Asked::is_compared) {
            return Ok(None);
        }
        let mut baseline = read(&self.path)?.unwrap_or_default();
        Ok(baseline.cases.remove(&self.case))
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
    fn cases_that_differ_by_a_secret_only_have_names_of_their_own() {
        let source = Source::new("order.yaml", SPEC);
        let specs = Spec::read_all(&source, Path::new("."), &Context::default()).unwrap();
        let told = |spec: &Spec| {
            let name = spec.name.replace("hunter2", "[masked]");
            case_name(spec, &name.replace("swordfish", "[masked]"))
        };
        let names: Vec<String> = specs.iter().map(told).collect();
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
