//! The arguments of `ab` and `baseline`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::budget::{FEWEST_PAIRS, FEWEST_RUNS};
use clap::{Args, Subcommand, ValueHint};

use super::arguments::{SpecArguments, at_least_one};

#[derive(Debug, Args)]
pub(super) struct AbArguments {
    /// Known version: a project file that starts it, or its URL
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub(super) a: String,
    /// New version: a project file if A is one, or its URL
    #[arg(value_name = "B", value_hint = ValueHint::AnyPath)]
    pub(super) b: String,
    #[command(flatten)]
    pub(super) specs: SpecArguments,
    /// Number of runs of each version, in turn [default: 5 for one compared quantile, 7 for up to 6]
    #[arg(long, value_name = "N", value_parser = enough_pairs, env = "SPANSPEC_PAIRS", help_heading = "Run")]
    pub(super) pairs: Option<usize>,
    /// Number of requests per run; overrides `repeat.times`, but not `rate`
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = at_least_one, env = "SPANSPEC_REQUESTS", help_heading = "Run")]
    pub(super) requests: usize,
    /// Variable that holds the URL [default: BASE_URL]
    #[arg(
        long,
        value_name = "NAME",
        env = "SPANSPEC_URL_VARIABLE",
        help_heading = "Run"
    )]
    pub(super) url_variable: Option<String>,
    /// Also fail verdicts that are not proven
    #[arg(long, env = "SPANSPEC_STRICT", help_heading = "Run")]
    pub(super) strict: bool,
    /// Also write a Markdown summary to this file, such as $GITHUB_STEP_SUMMARY
    #[arg(
        long,
        value_name = "PATH",
        env = "SPANSPEC_MARKDOWN",
        value_hint = ValueHint::FilePath,
        help_heading = "Output"
    )]
    pub(super) markdown: Option<PathBuf>,
    #[command(flatten)]
    pub(super) session: SessionArguments,
}

/// The session of `ab` and `baseline calibrate`.
#[derive(Debug, Args)]
pub(super) struct SessionArguments {
    /// Maximum time until a trace is complete; overrides `wait.timeout` of specs
    #[arg(long, value_name = "DURATION", value_parser = crate::spec::parse_duration, env = "SPANSPEC_TIMEOUT", help_heading = "Run")]
    pub(super) timeout: Option<Duration>,
    /// Address of the OTLP receiver; overrides `receiver.listen` of the project file
    #[arg(long, value_name = "ADDRESS", value_parser = crate::project::parse_address, env = "SPANSPEC_LISTEN", value_delimiter = ',', help_heading = "Run")]
    pub(super) listen: Vec<SocketAddr>,
    /// Print the output of builds and services
    #[arg(short, long, env = "SPANSPEC_VERBOSE", help_heading = "Output")]
    pub(super) verbose: bool,
}

#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct BaselineArguments {
    #[command(subcommand)]
    pub(super) command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum BaselineCommand {
    /// Show each new baseline beside the old one
    Review(StoredArguments),
    /// Replace baselines with their proposals
    Accept(StoredArguments),
    /// Delete proposals
    Reject(StoredArguments),
    /// Show the contents of baselines
    Show(StoredArguments),
    /// Measure the variation between runs on this machine
    Calibrate(Box<CalibrateArguments>),
}

/// The selection of baselines.
#[derive(Debug, Args)]
pub(super) struct StoredArguments {
    /// Spec files, folders or globs, or baseline files [default: all of the project]
    #[arg(value_name = "SPEC", env = "SPANSPEC_SPECS", value_delimiter = ' ', value_hint = ValueHint::AnyPath)]
    pub(super) files: Vec<String>,
    /// Project file [default: spanspec.yaml in this folder or above]
    #[arg(short, long, value_name = "FILE", env = "SPANSPEC_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Folder of baselines [default: baselines/ next to each spec]
    #[arg(long, value_name = "DIR", env = "SPANSPEC_BASELINE")]
    pub(super) baseline: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CalibrateArguments {
    #[command(flatten)]
    pub(super) specs: SpecArguments,
    /// Number of runs of each spec
    #[arg(long, value_name = "N", default_value_t = FEWEST_RUNS, value_parser = enough_runs, env = "SPANSPEC_RUNS", help_heading = "Run")]
    pub(super) runs: usize,
    /// Pause between the runs, so that they see the machine at different times
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = crate::spec::parse_duration, env = "SPANSPEC_PAUSE", help_heading = "Run")]
    pub(super) pause: Duration,
    #[command(flatten)]
    pub(super) session: SessionArguments,
    /// Folder of baselines [default: baselines/ next to each spec]
    #[arg(
        long,
        value_name = "DIR",
        env = "SPANSPEC_BASELINE",
        help_heading = "Baselines"
    )]
    pub(super) baseline: Option<PathBuf>,
    /// Name of this machine; baselines are comparable between machines with the same name
    #[arg(
        long,
        value_name = "NAME",
        env = "SPANSPEC_MACHINE",
        help_heading = "Baselines"
    )]
    pub(super) machine: Option<String>,
}

fn enough_pairs(text: &str) -> Result<usize, String> {
    at_least(FEWEST_PAIRS, text)
}

fn enough_runs(text: &str) -> Result<usize, String> {
    at_least(FEWEST_RUNS, text)
}

fn at_least(fewest: usize, text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    number
        .filter(|number| *number >= fewest)
        .ok_or_else(|| format!("must be at least {fewest}: fewer prove nothing"))
}
