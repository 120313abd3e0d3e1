//! Where the baseline of a spec is.

use std::path::{Path, PathBuf};

use super::super::setting::Setting;
use super::asked::Asked;
use crate::budget::baseline::{BaselineError, Case, path_of, read};
use crate::spec::Spec;

/// The place of a spec in a file of baselines.
pub(super) struct Place {
    /// The file, from where the user stands.
    pub(super) path: PathBuf,
    /// What it calls the spec. A secret in a name stays out of the file.
    pub(super) case: String,
    /// The command that takes what waits beside the file.
    pub(super) accept: String,
}

impl Place {
    pub(super) fn of(setting: &Setting<'_>, spec: &Spec) -> Self {
        let budgeting = &setting.options.budgets;
        let file = Path::new(spec.at.source.name());
        let accept = "spanspec baseline accept".to_owned();
        Self {
            accept: match &budgeting.folder {
                Some(folder) => {
                    let folder = folder.to_string_lossy();
                    format!("{accept} --baseline {}", shell_words::quote(&folder))
                }
                None => accept,
            },
            path: path_of(file, budgeting.folder.as_deref(), &budgeting.root),
            case: setting.secrets.text(&spec.name),
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
