//! The arguments of `coverage`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};

use super::arguments::ProjectArguments;

#[derive(Debug, Args)]
pub(super) struct CoverageArguments {
    /// Files and folders with saved traces, such as those of `run --save-traces`; `-` reads standard input
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::AnyPath)]
    pub(super) traces: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) project: ProjectArguments,
    /// File with the recorded list [default: coverage.yaml beside the project file]
    #[arg(long, value_name = "FILE", env = "SPANSPEC_COVERAGE_LIST", value_hint = ValueHint::FilePath, help_heading = "Coverage")]
    pub(super) list: Option<PathBuf>,
    /// Write the services, spans, attributes and calls of these traces to the list
    #[arg(long, env = "SPANSPEC_COVERAGE_ACCEPT", help_heading = "Coverage")]
    pub(super) accept: bool,
    /// Compare although parents of spans are missing, as behind a mesh that reports elsewhere
    #[arg(
        long,
        env = "SPANSPEC_COVERAGE_ACCEPT_ORPHANS",
        help_heading = "Coverage"
    )]
    pub(super) accept_orphans: bool,
    /// Also list what no check of these specs notices [default: the specs of the project]
    #[arg(long, value_name = "SPEC", num_args = 0.., value_hint = ValueHint::AnyPath, env = "SPANSPEC_COVERAGE_SPECS", value_delimiter = ' ', help_heading = "Coverage")]
    pub(super) specs: Option<Vec<String>>,
    /// Write a report: json=PATH; repeatable
    #[arg(
        long = "report",
        value_name = "KIND=PATH",
        env = "SPANSPEC_REPORT",
        value_delimiter = ',',
        help_heading = "Output"
    )]
    pub(super) reports: Vec<CoverageReport>,
    /// Format of standard output
    #[arg(
        long,
        value_enum,
        default_value_t,
        env = "SPANSPEC_FORMAT",
        help_heading = "Output"
    )]
    pub(super) format: CoverageFormat,
}

/// The format of standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum CoverageFormat {
    /// Text for a terminal.
    #[default]
    #[value(alias = "github", alias = "tap")]
    Text,
    /// A JSON document.
    Json,
}

/// The file of a JSON report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CoverageReport(pub(super) PathBuf);

impl FromStr for CoverageReport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some(("json", path)) if !path.is_empty() => Ok(Self(path.into())),
            Some(("json", _)) => Err("missing file: write json=target/coverage.json".to_owned()),
            _ => {
                let kind = text.split_once('=').map_or(text, |(kind, _)| kind);
                Err(format!("unknown report `{kind}`: use json"))
            }
        }
    }
}
