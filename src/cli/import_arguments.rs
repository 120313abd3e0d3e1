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
}

#[derive(Debug, Args)]
pub(super) struct TracetestArguments {
    /// YAML files, or folders with them
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::AnyPath)]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) output: ImportOutput,
}

/// Where the files go.
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
