//! The arguments of `mutate`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::arguments::{ExecutionArguments, SpecArguments};

#[derive(Debug, Args)]
pub(super) struct MutateArguments {
    #[command(flatten)]
    pub(super) specs: SpecArguments,
    #[command(flatten)]
    pub(super) execution: ExecutionArguments,
    /// Judge traces that `run --save-traces` saved in this folder, and run nothing
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["listen", "receiver", "source"],
        env = "SPANSPEC_TRACES",
        help_heading = "Run"
    )]
    pub(super) traces: Option<PathBuf>,
    /// Count the faults of all attributes, headers and spans
    #[arg(long, env = "SPANSPEC_ALL", help_heading = "Score")]
    pub(super) all: bool,
    /// Exit with code 1 if the score is lower, from 0 to 1
    #[arg(long, value_name = "SCORE", value_parser = score, env = "SPANSPEC_MIN_SCORE", help_heading = "Score")]
    pub(super) min_score: Option<f64>,
    /// Print the output of builds and services
    #[arg(short, long, env = "SPANSPEC_VERBOSE", help_heading = "Output")]
    pub(super) verbose: bool,
    /// Write a report: html=PATH or json=PATH; repeatable
    #[arg(
        long = "report",
        value_name = "KIND=PATH",
        env = "SPANSPEC_REPORT",
        value_delimiter = ',',
        help_heading = "Output"
    )]
    pub(super) reports: Vec<MutateReport>,
    /// Format of standard output
    #[arg(
        long,
        value_enum,
        default_value_t,
        env = "SPANSPEC_FORMAT",
        help_heading = "Output"
    )]
    pub(super) format: MutateFormat,
}

/// The format of standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum MutateFormat {
    /// Text for a terminal.
    #[default]
    Text,
    /// JSON.
    Json,
}

/// A report and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MutateReport {
    pub(super) kind: MutateReportKind,
    pub(super) path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MutateReportKind {
    Html,
    Json,
}

impl FromStr for MutateReport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, path) = text.split_once('=').unwrap_or((text, ""));
        let kind = match kind {
            "html" => MutateReportKind::Html,
            "json" => MutateReportKind::Json,
            _ => return Err(format!("unknown report `{kind}`: use html or json")),
        };
        match path {
            "" => Err("missing file: write html=target/mutate.html".to_owned()),
            path => Ok(Self {
                kind,
                path: path.into(),
            }),
        }
    }
}

fn score(text: &str) -> Result<f64, String> {
    let score = text.parse().ok();
    score
        .filter(|score| (0.0..=1.0).contains(score))
        .ok_or_else(|| "must be a number from 0 to 1, such as 0.8".to_owned())
}
