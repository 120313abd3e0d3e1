//! The commands. Doc comments are the help.

use clap::{Parser, Subcommand, ValueEnum};

use super::arguments::{
    DoctorArguments, LintArguments, RunArguments, ShowArguments, WatchArguments,
};
use super::authoring_arguments::{
    CompletionsArguments, InitArguments, ManArguments, RecordArguments, SchemaArguments,
};
use super::budget_arguments::{AbArguments, BaselineArguments};
use super::conformance_arguments::ConformanceArguments;
use super::coverage_arguments::CoverageArguments;
use super::exec_arguments::{CollectArguments, ExecArguments, MergeArguments};
use super::import_arguments::ImportArguments;
use super::mutate_arguments::MutateArguments;
use super::sampling_arguments::SamplingArguments;

/// Tests a distributed system by its traces.
///
/// Sends a request with its own `traceparent`, receives the spans that the services export for it
/// over OTLP, and checks them against specs.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// When to use colors
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "SPANSPEC_COLOR"
    )]
    pub(super) color: Color,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start the services, send the requests, and judge the traces
    Run(Box<RunArguments>),
    /// Review, accept, reject, show and calibrate baselines
    Baseline(BaselineArguments),
    /// Compare the durations of two versions, in alternating runs
    Ab(Box<AbArguments>),
    /// Find faults that no check notices
    Mutate(Box<MutateArguments>),
    /// Compare the instrumentation that saved traces show with a recorded list
    Coverage(Box<CoverageArguments>),
    /// Check specs without running them, or the instrumentation that traces show
    Lint(Box<LintArguments>),
    /// Run a test command with a receiver and the services
    Exec(Box<ExecArguments>),
    /// Run a receiver and the services until Ctrl-C
    Collect(CollectArguments),
    /// Merge result files of several processes into one report
    Merge(MergeArguments),
    /// Check how services treat trace context, with the cases of the W3C
    Conformance(Box<ConformanceArguments>),
    /// Check the sampling of an OpenTelemetry Collector
    Sampling(SamplingArguments),
    /// Examine the tracing backend from which traces are read
    Doctor(Box<DoctorArguments>),
    /// Draw a saved trace (OTLP JSON or protobuf) as a waterfall
    Show(ShowArguments),
    /// Run specs whenever a file changes
    Watch(Box<WatchArguments>),
    /// Send a request, and write a spec from its response and trace
    Record(Box<RecordArguments>),
    /// Write specs from the files of other tools
    Import(ImportArguments),
    /// Write a project file, a first spec and a CI workflow
    Init(InitArguments),
    /// Print the JSON Schema of specs or of the project file, for editors
    Schema(SchemaArguments),
    /// Print a completion script for a shell
    Completions(CompletionsArguments),
    /// Print the man page, or write the pages of all commands to a folder
    Man(ManArguments),
}

/// When to use colors.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Sets the choice for all output of this process.
    pub(super) fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}
