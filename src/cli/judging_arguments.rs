//! What can be typed about how budgets are judged.

use std::path::{Path, PathBuf};

use crate::budget::baseline::Mismatch;
use crate::project::Project;
use crate::step::{Budgeting, Update};
use clap::{Args, ValueEnum};

/// How budgets are judged, and what becomes of baselines.
#[derive(Debug, Args)]
#[command(next_help_heading = "Budgets")]
pub(super) struct JudgingArguments {
    /// Fail what is not proven, too: budgets with too few samples, or without a baseline
    #[arg(long, env = "SPANSPEC_STRICT")]
    pub(super) strict: bool,
    /// Keep baselines in this folder [default: baselines/ beside each spec]
    #[arg(long, value_name = "DIR", env = "SPANSPEC_BASELINE")]
    pub(super) baseline: Option<PathBuf>,
    /// Whether what was measured becomes a baseline: auto proposes it where one is missing or not
    /// met, for `baseline accept`, and writes nothing in CI
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        env = "SPANSPEC_UPDATE_BASELINES"
    )]
    pub(super) update_baselines: UpdateBaselines,
    /// Compare with baselines that were measured on another machine or in another way
    #[arg(long, env = "SPANSPEC_ALLOW_ENV_MISMATCH")]
    pub(super) allow_env_mismatch: bool,
    /// Call this machine so; machines of one name are taken to be equally fast
    #[arg(long, value_name = "NAME", env = "SPANSPEC_MACHINE")]
    pub(super) machine: Option<String>,
}

/// Whether what was measured becomes a baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum UpdateBaselines {
    /// Proposed beside the baseline; not where CI is set.
    #[default]
    Auto,
    /// Written into the baseline.
    Always,
    /// Not written.
    Never,
}

impl JudgingArguments {
    /// What they mean for the specs of a project.
    pub(super) fn budgeting(&self, project: &Project) -> Budgeting {
        let ci = std::env::var_os("CI");
        Budgeting {
            is_strict: self.strict,
            update: match self.update_baselines {
                UpdateBaselines::Auto => Update::usual(ci.as_deref().and_then(|ci| ci.to_str())),
                UpdateBaselines::Always => Update::Always,
                UpdateBaselines::Never => Update::Never,
            },
            mismatch: match self.allow_env_mismatch {
                true => Mismatch::Allowed,
                false => Mismatch::Refused,
            },
            ..kept(self.baseline.as_deref(), self.machine.as_deref(), project)
        }
    }
}

/// Where baselines of a project are, and what this machine is called there. A variable that is
/// empty is one that is not set.
pub(super) fn kept(folder: Option<&Path>, machine: Option<&str>, project: &Project) -> Budgeting {
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let machine = machine.filter(|name| !name.is_empty());
    Budgeting {
        folder: folder.map(Path::to_owned),
        root: project.dir.clone(),
        machine: machine.map(str::to_owned),
        ..Budgeting::default()
    }
}
