//! The arguments of budgets and baselines.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::budget::baseline::Mismatch;
use crate::project::Project;
use crate::spec::MOST_CONFIRMATIONS;
use crate::step::{Budgeting, Update};
use clap::{Args, ValueEnum};

/// The verdicts of budgets, and the use of baselines.
#[derive(Debug, Args)]
#[command(next_help_heading = "Budgets")]
pub(super) struct JudgingArguments {
    /// Also fail verdicts that are not proven: too few samples, or no baseline
    #[arg(long, env = "SPANSPEC_STRICT")]
    pub(super) strict: bool,
    /// Maximum number of further runs that confirm a budget over its limit, before it fails: 0 to 2;
    /// overrides `repeat.confirm` of specs
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u8).range(..=i64::from(MOST_CONFIRMATIONS)),
        env = "SPANSPEC_CONFIRM"
    )]
    pub(super) confirm: Option<u8>,
    /// The pause before such a run
    #[arg(long, hide = true, value_name = "DURATION", default_value = "5s", value_parser = crate::spec::parse_duration, env = "SPANSPEC_CONFIRM_PAUSE")]
    pub(super) confirm_pause: Duration,
    /// Folder of baselines [default: baselines/ next to each spec]
    #[arg(long, value_name = "DIR", env = "SPANSPEC_BASELINE")]
    pub(super) baseline: Option<PathBuf>,
    /// When to write baselines and shapes: `auto` writes a proposal (`.new`) if there is none, a budget
    /// regressed or a shape differs, and nothing in CI
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        env = "SPANSPEC_UPDATE_BASELINES"
    )]
    pub(super) update_baselines: UpdateBaselines,
    /// Compare with baselines of other machines and load patterns too
    #[arg(long, env = "SPANSPEC_ALLOW_ENV_MISMATCH")]
    pub(super) allow_env_mismatch: bool,
    /// Name of this machine; baselines are comparable between machines with the same name
    #[arg(long, value_name = "NAME", env = "SPANSPEC_MACHINE")]
    pub(super) machine: Option<String>,
}

/// When to write baselines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum UpdateBaselines {
    /// Write proposals, except in CI.
    #[default]
    Auto,
    /// Write baselines.
    Always,
    /// Write nothing.
    Never,
}

impl JudgingArguments {
    /// The settings for the specs of a project.
    pub(super) fn budgeting(&self, project: &Project) -> Budgeting {
        let ci = std::env::var_os("CI");
        Budgeting {
            is_strict: self.strict,
            confirm: self.confirm,
            confirm_pause: self.confirm_pause,
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

/// The folder of baselines and the name of this machine. An empty value counts as unset.
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
