//! The arguments of `import`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct ImportArguments {
    #[command(subcommand)]
    pub(super) command: ImportCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// Tests, suites, variable sets and settings of Tracetest
    Tracetest(TracetestArguments),
    /// A command of curl, as browsers copy it
    Curl(CurlArguments),
    /// Files of hurl: entries become steps
    Hurl(FilesArguments),
    /// Collections and environments of Postman
    Postman(FilesArguments),
    /// OpenAPI 3.0 and 3.1: a contract spec for each operation
    Openapi(FilesArguments),
    /// A saved trace: OTLP, Zipkin or Jaeger
    Otlp(OtlpArguments),
}

#[derive(Debug, Args)]
pub(super) struct TracetestArguments {
    /// YAML files, or folders with them
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::AnyPath)]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) output: ImportOutput,
}

#[derive(Debug, Args)]
pub(super) struct CurlArguments {
    /// The command in quotes, or - to read it from standard input
    #[arg(value_name = "COMMAND", allow_hyphen_values = true)]
    pub(super) command: String,
    #[command(flatten)]
    pub(super) output: ImportOutput,
}

#[derive(Debug, Args)]
pub(super) struct FilesArguments {
    /// Files, or folders with them
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::AnyPath)]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) output: ImportOutput,
}

#[derive(Debug, Args)]
pub(super) struct OtlpArguments {
    /// File with traces, or - for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) file: PathBuf,
    /// Trace to import, if the file has several: its id, or the beginning of it
    #[arg(long, value_name = "ID", env = "SPANSPEC_TRACE")]
    pub(super) trace: Option<String>,
    #[command(flatten)]
    pub(super) output: ImportOutput,
}

/// The destination of the files.
#[derive(Debug, Args)]
pub(super) struct ImportOutput {
    /// Write the files to this folder instead of standard output
    #[arg(
        short,
        long,
        value_name = "DIR",
        env = "SPANSPEC_OUT",
        value_hint = ValueHint::DirPath,
        help_heading = "Output"
    )]
    pub(super) out: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long, env = "SPANSPEC_FORCE", help_heading = "Output")]
    pub(super) force: bool,
}
