//! What can be typed for `ab` and `baseline`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::budget::{FEWEST_PAIRS, FEWEST_RUNS};
use clap::{Args, Subcommand, ValueHint};

use super::arguments::{SpecArguments, at_least_one};

#[derive(Debug, Args)]
pub(super) struct AbArguments {
    /// The version that is known: a project file that starts it, or a URL where it runs
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub(super) a: String,
    /// The version in question: a project file if A is one, else a URL
    #[arg(value_name = "B", value_hint = ValueHint::AnyPath)]
    pub(super) b: String,
    #[command(flatten)]
    pub(super) specs: SpecArguments,
    /// Run each version so many times, in turn
    #[arg(long, value_name = "N", default_value_t = FEWEST_PAIRS, value_parser = enough_pairs, env = "SPANSPEC_PAIRS", help_heading = "Run")]
    pub(super) pairs: usize,
    /// Requests of each run, instead of `repeat.times`; a spec with `rate` is run as it is
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = at_least_one, env = "SPANSPEC_REQUESTS", help_heading = "Run")]
    pub(super) requests: usize,
    /// The variable that the two URLs are the values of [default: BASE_URL]
    #[arg(
        long,
        value_name = "NAME",
        env = "SPANSPEC_URL_VARIABLE",
        help_heading = "Run"
    )]
    pub(super) url_variable: Option<String>,
    /// Also write what it comes to as Markdown into this file, such as $GITHUB_STEP_SUMMARY
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

/// How specs are run that are measured only.
#[derive(Debug, Args)]
pub(super) struct SessionArguments {
    /// How long a trace may take to be complete; wins over `wait.timeout` of specs
    #[arg(long, value_name = "DURATION", value_parser = crate::spec::parse_duration, env = "SPANSPEC_TIMEOUT", help_heading = "Run")]
    pub(super) timeout: Option<Duration>,
    /// Where to listen for OTLP; wins over `receiver.listen` of the project file
    #[arg(long, value_name = "ADDRESS", value_parser = crate::project::parse_address, env = "SPANSPEC_LISTEN", value_delimiter = ',', help_heading = "Run")]
    pub(super) listen: Vec<SocketAddr>,
    /// Tell what builds and services write
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
    /// Move new baselines into the place of the old ones
    Accept(StoredArguments),
    /// Delete new baselines
    Reject(StoredArguments),
    /// Show what baselines hold
    Show(StoredArguments),
    /// Run specs several times, to measure how much this machine changes from run to run
    Calibrate(Box<CalibrateArguments>),
}

/// Which baselines.
#[derive(Debug, Args)]
pub(super) struct StoredArguments {
    /// Spec files, folders or globs, or baseline files [default: all of the project]
    #[arg(value_name = "SPEC", env = "SPANSPEC_SPECS", value_delimiter = ' ', value_hint = ValueHint::AnyPath)]
    pub(super) files: Vec<String>,
    /// The project file [default: spanspec.yaml here or in a folder above]
    #[arg(short, long, value_name = "FILE", env = "SPANSPEC_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// The folder of baselines [default: baselines/ beside each spec]
    #[arg(long, value_name = "DIR", env = "SPANSPEC_BASELINE")]
    pub(super) baseline: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CalibrateArguments {
    #[command(flatten)]
    pub(super) specs: SpecArguments,
    /// Run each spec so many times
    #[arg(long, value_name = "N", default_value_t = FEWEST_RUNS, value_parser = enough_runs, env = "SPANSPEC_RUNS", help_heading = "Run")]
    pub(super) runs: usize,
    #[command(flatten)]
    pub(super) session: SessionArguments,
    /// The folder of baselines [default: baselines/ beside each spec]
    #[arg(
        long,
        value_name = "DIR",
        env = "SPANSPEC_BASELINE",
        help_heading = "Baselines"
    )]
    pub(super) baseline: Option<PathBuf>,
    /// What to call this machine; those of the same name are taken for alike
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
        .ok_or_else(|| format!("{fewest} is the least, for fewer say nothing"))
}
