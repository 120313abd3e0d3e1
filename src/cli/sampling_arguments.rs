//! The arguments of `sampling`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::arguments::ProjectArguments;
use crate::sampling::CollectorVersion;
use crate::sampling::replay::Arrival;

#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct SamplingArguments {
    #[command(subcommand)]
    pub(super) command: SamplingCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum SamplingCommand {
    /// Check the samplers of a Collector's configuration, and the pipelines that they stand in
    Lint(SamplingLintArguments),
    /// Propose policies from saved traces, for a number of spans per second
    Design(SamplingDesignArguments),
    /// Decide about traces as a sampler of a Collector does
    Replay(Box<SamplingReplayArguments>),
}

#[derive(Debug, Args)]
pub(super) struct SamplingReplayArguments {
    /// Configuration of a Collector
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) file: PathBuf,
    /// Saved traces: files, folders, or `-` for standard input; without them, a backend is read
    #[arg(value_name = "TRACES", value_hint = ValueHint::AnyPath)]
    pub(super) traces: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) source: SamplingSourceArguments,
    /// The processor, if the file has several, such as tail_sampling/errors
    #[arg(long, value_name = "ID", env = "SPANSPEC_PROCESSOR")]
    pub(super) processor: Option<String>,
    /// Version of the Collector, which determines keys, types and decisions
    #[arg(
        long,
        value_name = "VERSION",
        default_value_t,
        env = "SPANSPEC_COLLECTOR_VERSION"
    )]
    pub(super) collector_version: CollectorVersion,
    /// When spans arrive at the Collector
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        env = "SPANSPEC_ARRIVAL"
    )]
    pub(super) arrival: ArrivalArgument,
    /// Show all traces
    #[arg(long, env = "SPANSPEC_ALL")]
    pub(super) all: bool,
    /// Format of standard output
    #[arg(long, value_enum, default_value_t, env = "SPANSPEC_FORMAT")]
    pub(super) format: SamplingFormat,
}

/// A backend with the traces.
#[derive(Debug, Args)]
pub(super) struct SamplingSourceArguments {
    /// Read traces from this backend, such as tempo=http://127.0.0.1:3200; overrides `source` of the project file
    #[arg(
        long,
        value_name = "KIND=URL",
        value_parser = crate::project::parse_source,
        conflicts_with = "traces",
        env = "SPANSPEC_SOURCE"
    )]
    pub(super) source: Option<crate::source::SourceSettings>,
    /// Length of the time in which traces of the backend start
    #[arg(long, value_name = "DURATION", value_parser = crate::spec::parse_duration, default_value = "1h", env = "SPANSPEC_SINCE")]
    pub(super) since: Duration,
    /// Maximum number of traces of the backend, the newest first
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=100_000), env = "SPANSPEC_LIMIT")]
    pub(super) limit: u64,
    #[command(flatten)]
    pub(super) project: ProjectArguments,
}

/// When spans arrive at the Collector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ArrivalArgument {
    /// Each span at its end, so that spans can be too late for the decision.
    #[default]
    End,
    /// All spans of a trace before its decision.
    Together,
}

impl From<ArrivalArgument> for Arrival {
    fn from(argument: ArrivalArgument) -> Self {
        match argument {
            ArrivalArgument::End => Self::AtEnd,
            ArrivalArgument::Together => Self::Together,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct SamplingDesignArguments {
    /// Saved traces: files, folders, or `-` for standard input
    #[arg(value_name = "TRACES", required = true, value_hint = ValueHint::AnyPath)]
    pub(super) traces: Vec<PathBuf>,
    /// Number of spans per second to keep, on average
    #[arg(long, value_name = "N", value_parser = above_zero, env = "SPANSPEC_SPANS_PER_SECOND")]
    pub(super) spans_per_second: f64,
    /// Version of the Collector, which determines decisions
    #[arg(
        long,
        value_name = "VERSION",
        default_value_t,
        env = "SPANSPEC_COLLECTOR_VERSION"
    )]
    pub(super) collector_version: CollectorVersion,
    /// Format of standard output: YAML with comments, or a JSON document
    #[arg(long, value_enum, default_value_t, env = "SPANSPEC_FORMAT")]
    pub(super) format: SamplingFormat,
}

#[derive(Debug, Args)]
pub(super) struct SamplingLintArguments {
    /// Configurations of a Collector, or Jaeger's remote sampling strategies
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(super) files: Vec<PathBuf>,
    /// Version of the Collector, which determines keys, types and decisions
    #[arg(
        long,
        value_name = "VERSION",
        default_value_t,
        env = "SPANSPEC_COLLECTOR_VERSION"
    )]
    pub(super) collector_version: CollectorVersion,
    /// Number of Collectors that receive spans of the same traces
    #[arg(long, value_name = "N", default_value_t = 1, env = "SPANSPEC_REPLICAS")]
    pub(super) replicas: u32,
    /// Ignore the warnings of this rule, such as unanchored-regex; repeatable
    #[arg(long, value_name = "RULE", value_parser = rule, value_delimiter = ',', env = "SPANSPEC_ALLOW")]
    pub(super) allow: Vec<crate::sampling::config::LintRule>,
    /// Also fail if there are warnings
    #[arg(long, env = "SPANSPEC_STRICT")]
    pub(super) strict: bool,
    /// Format of standard output
    #[arg(long, value_enum, default_value_t, env = "SPANSPEC_FORMAT")]
    pub(super) format: SamplingFormat,
}

/// The format of standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum SamplingFormat {
    /// Text for a terminal.
    #[default]
    #[value(alias = "github", alias = "tap")]
    Text,
    /// A JSON document.
    Json,
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|number: &f64| number.is_finite() && *number > 0.0)
        .ok_or_else(|| "write a number above 0".to_owned())
}

fn rule(text: &str) -> Result<crate::sampling::config::LintRule, String> {
    use crate::sampling::config::{Level, LintRule};

    let rules = LintRule::ALL
        .iter()
        .filter(|rule| rule.level() == Level::Warning);
    let ids: Vec<&str> = rules.clone().map(|rule| rule.id()).collect();
    rules
        .copied()
        .find(|rule| rule.id() == text)
        .ok_or_else(|| format!("no rule of warnings: {}", crate::yaml::suggest(text, &ids)))
}
