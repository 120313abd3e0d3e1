//! The arguments of `exec`, `collect` and `merge`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::arguments::{Format, ProjectArguments, ReportFile};

/// The receiver and the services.
#[derive(Debug, Args)]
pub(super) struct SystemArguments {
    #[command(flatten)]
    pub(super) project: ProjectArguments,
    /// Address of the OTLP receiver and its HTTP API; overrides `receiver.listen` of the project file
    #[arg(long, value_name = "ADDRESS", value_parser = crate::project::parse_address, env = "SPANSPEC_LISTEN", value_delimiter = ',')]
    pub(super) listen: Vec<SocketAddr>,
    /// Print the output of builds and services
    #[arg(short, long, env = "SPANSPEC_VERBOSE")]
    pub(super) verbose: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExecArguments {
    #[command(flatten)]
    pub(super) system: SystemArguments,
    /// Merge the results of all spanspec runs of the command: junit=PATH or json=PATH
    #[arg(
        long = "report",
        value_name = "KIND=PATH",
        env = "SPANSPEC_REPORT",
        value_delimiter = ','
    )]
    pub(super) reports: Vec<ReportFile>,
    /// Also merge this JUnit file, which the command writes; repeatable
    #[arg(
        long,
        value_name = "FILE",
        env = "SPANSPEC_MERGE",
        value_delimiter = ','
    )]
    pub(super) merge: Vec<PathBuf>,
    /// Command and its arguments, after `--`
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub(super) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(super) struct CollectArguments {
    #[command(flatten)]
    pub(super) system: SystemArguments,
    /// Write the addresses and the variables to this file when all services are ready
    #[arg(long, value_name = "FILE", env = "SPANSPEC_READY_FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// Format of standard output when all services are ready
    #[arg(long, value_enum, default_value_t, env = "SPANSPEC_FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct MergeArguments {
    /// JSON reports of spanspec, JUnit files of any tool, or folders of such files
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
