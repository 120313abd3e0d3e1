//! What the user can type, and the environment variable that stands for each of it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use super::authoring_arguments::{
    CompletionsArguments, InitArguments, ManArguments, RecordArguments, SchemaArguments,
};
use super::budget_arguments::{AbArguments, BaselineArguments};
use super::exec_arguments::{CollectArguments, ExecArguments, MergeArguments};
use super::judging_arguments::JudgingArguments;

/// Tests a distributed system by its traces.
///
/// Fires a request with a `traceparent` of its own, receives the spans that the services export
/// for it over OTLP, and holds them against specs.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// When to colour the output
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
    /// Start the services, fire the requests, and judge the traces
    Run(Box<RunArguments>),
    /// Review what runs measured, and say what later ones are held against
    Baseline(BaselineArguments),
    /// Run two versions in turn, and say whether the second is slower
    Ab(Box<AbArguments>),
    /// Check specs without running them
    Lint(LintArguments),
    /// Start a receiver and the services, and run a command whose tests find them
    Exec(Box<ExecArguments>),
    /// Start a receiver and the services, for tests that run elsewhere, until Ctrl-C
    Collect(CollectArguments),
    /// Make one report of the result files of several processes
    Merge(MergeArguments),
    /// Draw the waterfall of a trace that was saved as OTLP JSON or protobuf
    Show(ShowArguments),
    /// Run specs, and again whenever a file changes
    Watch(Box<WatchArguments>),
    /// Fire a request, and write a spec of what it did
    Record(Box<RecordArguments>),
    /// Write a project file, a first spec and a CI workflow
    Init(InitArguments),
    /// Print the JSON Schema of specs or of the project file, for editors
    Schema(SchemaArguments),
    /// Print what a shell needs to complete arguments
    Completions(CompletionsArguments),
    /// Print the man page, or write those of all commands into a folder
    Man(ManArguments),
}

/// When to colour the output.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Makes it the choice of everything that writes.
    pub(super) fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// Where the project is, and what variables stand for.
#[derive(Debug, Args)]
pub(super) struct ProjectArguments {
    /// The project file [default: spanspec.yaml here or in a folder above]
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "SPANSPEC_CONFIG",
        help_heading = "Project"
    )]
    pub(super) config: Option<PathBuf>,
    /// Give a variable a value
    #[arg(
        long = "var",
        value_name = "NAME=VALUE",
        env = "SPANSPEC_VAR",
        help_heading = "Variables"
    )]
    pub(super) vars: Vec<Assignment>,
    /// Give variables the values in a YAML or JSON file
    #[arg(
        long,
        value_name = "FILE",
        env = "SPANSPEC_VAR_FILE",
        help_heading = "Variables"
    )]
    pub(super) var_file: Vec<PathBuf>,
    /// Mask the value of this variable wherever it appears
    #[arg(
        long = "secret",
        value_name = "NAME",
        env = "SPANSPEC_SECRET",
        value_delimiter = ',',
        help_heading = "Variables"
    )]
    pub(super) secrets: Vec<String>,
}

/// Where specs are, and what their variables stand for.
#[derive(Debug, Args)]
pub(super) struct SpecArguments {
    #[command(flatten)]
    pub(super) project: ProjectArguments,
    /// Files, folders or globs of specs [default: `specs` of the project file, else specs/]
    #[arg(value_name = "SPEC", env = "SPANSPEC_SPECS", value_delimiter = ' ', value_hint = ValueHint::AnyPath)]
    pub(super) specs: Vec<String>,
    /// Only specs whose `file › name` contains this; repeat it for any of several
    #[arg(
        long,
        value_name = "TEXT",
        env = "SPANSPEC_FILTER",
        help_heading = "Specs"
    )]
    pub(super) filter: Vec<String>,
    /// Only specs with this tag, or without it if `!` stands before; repeat it for all of several
    #[arg(
        long,
        value_name = "TAG",
        env = "SPANSPEC_TAG",
        value_delimiter = ',',
        value_parser = tag,
        help_heading = "Specs"
    )]
    pub(super) tag: Vec<String>,
    /// Only the N-th of M parts of all specs, such as 2/5
    #[arg(
        long,
        value_name = "N/M",
        env = "SPANSPEC_SHARD",
        help_heading = "Specs"
    )]
    pub(super) shard: Option<Shard>,
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) specs: SpecArguments,
    /// List the selected specs and run none
    #[arg(long, help_heading = "Specs", env = "SPANSPEC_LIST")]
    pub(super) list: bool,

    /// Run up to N specs side by side; two per core (8 at least) fire at the same time
    #[arg(short, long, value_name = "N", default_value_t = 64, value_parser = at_least_one, env = "SPANSPEC_JOBS", help_heading = "Run")]
    pub(super) jobs: usize,
    /// Give a spec that does not pass up to N more attempts, each with a new trace
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        env = "SPANSPEC_RETRIES",
        help_heading = "Run"
    )]
    pub(super) retries: usize,
    /// Start no further spec after the first that did not pass
    #[arg(
        long,
        conflicts_with = "max_fail",
        env = "SPANSPEC_FAIL_FAST",
        help_heading = "Run"
    )]
    pub(super) fail_fast: bool,
    /// Start no further spec after N that did not pass
    #[arg(long, value_name = "N", value_parser = at_least_one, env = "SPANSPEC_MAX_FAIL", help_heading = "Run")]
    pub(super) max_fail: Option<usize>,
    /// How long a trace may take to be complete; wins over `wait.timeout` of specs
    #[arg(long, value_name = "DURATION", value_parser = crate::spec::parse_duration, env = "SPANSPEC_TIMEOUT", help_heading = "Run")]
    pub(super) timeout: Option<Duration>,
    /// Where to listen for OTLP; wins over `receiver.listen` of the project file
    #[arg(long, value_name = "ADDRESS", value_parser = crate::project::parse_address, env = "SPANSPEC_LISTEN", value_delimiter = ',', help_heading = "Run")]
    pub(super) listen: Vec<SocketAddr>,
    /// Take traces from the receiver at this URL, which `exec` or `collect` started with the
    /// services, and start neither
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "listen",
        env = "SPANSPEC_RECEIVER",
        help_heading = "Run"
    )]
    pub(super) receiver: Option<String>,

    #[command(flatten)]
    pub(super) budgets: JudgingArguments,

    /// Write a report: html=PATH, junit=PATH, json=PATH or md=PATH; repeatable
    #[arg(
        long = "report",
        value_name = "KIND=PATH",
        env = "SPANSPEC_REPORT",
        value_delimiter = ',',
        help_heading = "Output"
    )]
    pub(super) reports: Vec<ReportFile>,
    /// Also write the JSON report into this folder, under a name of its own, for `merge`
    #[arg(
        long,
        value_name = "DIR",
        env = "SPANSPEC_RESULTS",
        help_heading = "Output"
    )]
    pub(super) results: Option<PathBuf>,
    /// What becomes a test case of the JUnit report
    #[arg(
        long,
        value_enum,
        default_value_t,
        env = "SPANSPEC_JUNIT_GRANULARITY",
        help_heading = "Output"
    )]
    pub(super) junit_granularity: JunitGranularity,
    /// What standard output gets
    #[arg(
        long,
        value_enum,
        default_value_t,
        env = "SPANSPEC_FORMAT",
        help_heading = "Output"
    )]
    pub(super) format: Format,
    /// Annotate no line of a spec on GitHub
    #[arg(long, env = "SPANSPEC_NO_ANNOTATIONS", help_heading = "Output")]
    pub(super) no_annotations: bool,
    /// Tell only what is not well, and the summary
    #[arg(
        short,
        long,
        conflicts_with = "verbose",
        env = "SPANSPEC_QUIET",
        help_heading = "Output"
    )]
    pub(super) quiet: bool,
    /// Tell every check, the response, the trace, and what services and telemetry say
    #[arg(short, long, env = "SPANSPEC_VERBOSE", help_heading = "Output")]
    pub(super) verbose: bool,
    /// Save every trace in this folder [default: failed ones, in target/spanspec]
    #[arg(
        long,
        value_name = "DIR",
        env = "SPANSPEC_SAVE_TRACES",
        help_heading = "Output"
    )]
    pub(super) save_traces: Option<PathBuf>,
    /// Save no trace
    #[arg(
        long,
        conflicts_with = "save_traces",
        env = "SPANSPEC_NO_SAVE_TRACES",
        help_heading = "Output"
    )]
    pub(super) no_save_traces: bool,
}

#[derive(Debug, Args)]
pub(super) struct WatchArguments {
    #[command(flatten)]
    pub(super) run: RunArguments,
    /// Also when something here changes, such as the sources of services, which are then started
    /// anew; repeatable
    #[arg(
        long,
        value_name = "PATH",
        env = "SPANSPEC_ALSO",
        value_delimiter = ',',
        help_heading = "Watch"
    )]
    pub(super) also: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct LintArguments {
    #[command(flatten)]
    pub(super) specs: SpecArguments,
    /// Look for baselines in this folder [default: baselines/ beside each spec]
    #[arg(
        long,
        value_name = "DIR",
        env = "SPANSPEC_BASELINE",
        help_heading = "Budgets"
    )]
    pub(super) baseline: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// A file of OTLP JSON or protobuf, perhaps compressed; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Draw every span, however many there are
    #[arg(long, env = "SPANSPEC_ALL")]
    pub(super) all: bool,
}

/// A test case of the JUnit report.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum JunitGranularity {
    /// Each spec.
    #[default]
    Spec,
    /// Each check of a spec.
    Check,
}

/// What standard output gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text for people.
    #[default]
    Text,
    /// The JSON report.
    Json,
    /// The text with GitHub's annotations after it; usual where GITHUB_ACTIONS=true.
    Github,
    /// Test Anything Protocol, version 14.
    Tap,
}

/// One of several parts of all specs, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) number: u64,
    pub(super) of: u64,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, of)| {
            Some(Self {
                number: number.parse().ok()?,
                of: of.parse().ok()?,
            })
        });
        parts
            .filter(|shard| shard.number >= 1 && shard.number <= shard.of)
            .ok_or_else(|| "write 2/5 for the second of five parts".to_owned())
    }
}

/// A variable and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => Ok(Self {
                name: name.trim().to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("write NAME=VALUE".to_owned()),
        }
    }
}

/// A report and the file that it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReportFile {
    pub(super) kind: ReportKind,
    pub(super) path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportKind {
    Html,
    Junit,
    Json,
    Markdown,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, path) = text.split_once('=').unwrap_or((text, ""));
        let kind = match kind {
            "html" => ReportKind::Html,
            "junit" => ReportKind::Junit,
            "json" => ReportKind::Json,
            "md" => ReportKind::Markdown,
            _ => {
                return Err(format!(
                    "there is no report `{kind}`; there are html, junit, json and md"
                ));
            }
        };
        if path.is_empty() {
            return Err("name a file: junit=target/junit.xml".to_owned());
        }
        Ok(Self {
            kind,
            path: path.into(),
        })
    }
}

pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "1 is the least".to_owned())
}

/// A tag, or a tag after `!`.
fn tag(text: &str) -> Result<String, String> {
    if text.trim() == "!" {
        return Err("no tag after `!`: write `!slow`".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_make_sense_to_clap() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_has_a_twin_in_the_environment() {
        use clap::CommandFactory;
        let command = Arguments::command();
        for argument in all_arguments(&command) {
            let id = argument.get_id().as_str();
            let has_none = matches!(id, "help" | "version") || argument.is_positional();
            assert!(has_none || argument.get_env().is_some(), "{id} has none");
        }
    }

    /// Those of a command and of all commands below it.
    fn all_arguments(command: &clap::Command) -> Vec<&clap::Arg> {
        let below = command.get_subcommands().flat_map(all_arguments);
        command.get_arguments().chain(below).collect()
    }

    #[test]
    fn a_shard_is_one_of_its_parts() {
        assert_eq!("2/5".parse(), Ok(Shard { number: 2, of: 5 }));
        for text in ["0/5", "6/5", "2", "a/b", "1/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
