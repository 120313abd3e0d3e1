//! What can be typed for `exec`, `collect` and `merge`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::arguments::{Format, ProjectArguments, ReportFile};

/// The receiver and the services.
#[derive(Debug, Args)]
pub(super) struct SystemArguments {
    #[command(flatten)]
    pub(super) project: ProjectArguments,
    /// Where to listen for OTLP and for the HTTP API; wins over `receiver.listen` of the project file
    #[arg(long, value_name = "ADDRESS", value_parser = crate::project::parse_address, env = "SPANSPEC_LISTEN", value_delimiter = ',')]
    pub(super) listen: Vec<SocketAddr>,
    /// Tell what builds and services write
    #[arg(short, long, env = "SPANSPEC_VERBOSE")]
    pub(super) verbose: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExecArguments {
    #[command(flatten)]
    pub(super) system: SystemArguments,
    /// Merge what every spanspec within the command finds into a report: junit=PATH or json=PATH
    #[arg(
        long = "report",
        value_name = "KIND=PATH",
        env = "SPANSPEC_REPORT",
        value_delimiter = ','
    )]
    pub(super) reports: Vec<ReportFile>,
    /// Merge this JUnit file into the report too, which the command writes; repeatable
    #[arg(
        long,
        value_name = "FILE",
        env = "SPANSPEC_MERGE",
        value_delimiter = ','
    )]
    pub(super) merge: Vec<PathBuf>,
    /// The command and its arguments, after `--`
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub(super) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct CollectArguments {
    #[command(flatten)]
    pub(super) system: SystemArguments,
    /// Write where it listens, and the variables to set, into this file once all is ready
    #[arg(long, value_name = "FILE", env = "SPANSPEC_READY_FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// What standard output gets once all is ready
    #[arg(long, value_enum, default_value_t, env = "SPANSPEC_FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct MergeArguments {
    /// JSON reports of spanspec, JUnit files of any tool, and folders of them
    #[arg(value_name = "FILE", required = true)]
    pub(super) file: Vec<PathBuf>,
    /// Write a report: junit=PATH or json=PATH; repeatable
    #[arg(
        long = "report",
        value_name = "KIND=PATH",
        env = "SPANSPEC_REPORT",
        value_delimiter = ',',
        required = true
    )]
    pub(super) reports: Vec<ReportFile>,
}
