//! Arguments that several commands share, and those of `run`. Doc comments are the help.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::judging_arguments::JudgingArguments;
use super::lint_arguments::TraceLintArguments;

/// The project file, and values of variables.
#[derive(Debug, Args)]
pub(super) struct ProjectArguments {
    /// Project file [default: spanspec.yaml in this folder or above]
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "SPANSPEC_CONFIG",
        help_heading = "Project"
    )]
    pub(super) config: Option<PathBuf>,
    /// Use this profile of the project file
    #[arg(
        long,
        value_name = "NAME",
        env = "SPANSPEC_PROFILE",
        help_heading = "Project"
    )]
    pub(super) profile: Option<String>,
    /// Set a variable; repeatable
    #[arg(
        long = "var",
        value_name = "NAME=VALUE",
        env = "SPANSPEC_VAR",
        help_heading = "Variables"
    )]
    pub(super) vars: Vec<Assignment>,
    /// Read variables from a YAML or JSON file; repeatable
    #[arg(
        long,
        value_name = "FILE",
        env = "SPANSPEC_VAR_FILE",
        help_heading = "Variables"
    )]
    pub(super) var_file: Vec<PathBuf>,
    /// Mask the value of this variable in all output
    #[arg(
        long = "secret",
        value_name = "NAME",
        env = "SPANSPEC_SECRET",
        value_delimiter = ',',
        help_heading = "Variables"
    )]
    pub(super) secrets: Vec<String>,
}

/// The project and the selection of specs.
#[derive(Debug, Args)]
pub(super) struct SpecArguments {
    #[command(flatten)]
    pub(super) project: ProjectArguments,
    /// Spec files, folders or globs [default: `specs` of the project file, or specs/]
    #[arg(value_name = "SPEC", env = "SPANSPEC_SPECS", value_delimiter = ' ', value_hint = ValueHint::AnyPath)]
    pub(super) specs: Vec<String>,
    /// Run only specs whose `file › name` contains TEXT; if repeated, one must match
    #[arg(
        long,
        value_name = "TEXT",
        env = "SPANSPEC_FILTER",
        help_heading = "Specs"
    )]
    pub(super) filter: Vec<String>,
    /// Run only specs with this tag (`!TAG`: without it); if repeated, all must match
    #[arg(
        long,
        value_name = "TAG",
        env = "SPANSPEC_TAG",
        value_delimiter = ',',
        value_parser = tag,
        help_heading = "Specs"
    )]
    pub(super) tag: Vec<String>,
    /// Run only shard N of M, such as 2/5
    #[arg(
        long,
        value_name = "N/M",
        env = "SPANSPEC_SHARD",
        help_heading = "Specs"
    )]
    pub(super) shard: Option<Shard>,
}

/// The receiver: that of this process, or of another command.
#[derive(Clone, Debug, Args)]
pub(super) struct ReceiverArguments {
    /// Address of the OTLP receiver; overrides `receiver.listen` of the project file
    #[arg(long, value_name = "ADDRESS", value_parser = crate::project::parse_address, env = "SPANSPEC_LISTEN", value_delimiter = ',')]
    pub(super) listen: Vec<SocketAddr>,
    /// Use the receiver at this URL, which `exec` or `collect` started, and start no services
    #[arg(
        id = "receiver",
        long = "receiver",
        value_name = "URL",
        conflicts_with = "listen",
        env = "SPANSPEC_RECEIVER"
    )]
    pub(super) url: Option<String>,
}

/// The execution of specs by `run` and `mutate`.
#[derive(Debug, Args)]
pub(super) struct ExecutionArguments {
    /// Maximum number of concurrent specs; requests are limited to two per core, at least 8
    #[arg(short, long, value_name = "N", default_value_t = 64, value_parser = at_least_one, env = "SPANSPEC_JOBS", help_heading = "Run")]
    pub(super) jobs: usize,
    /// Retry a spec that does not pass up to N times
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        env = "SPANSPEC_RETRIES",
        help_heading = "Run"
    )]
    pub(super) retries: usize,
    /// Maximum time until a trace is complete; overrides `wait.timeout` of specs
    #[arg(long, value_name = "DURATION", value_parser = crate::spec::parse_duration, env = "SPANSPEC_TIMEOUT", help_heading = "Run")]
    pub(super) timeout: Option<Duration>,
    #[command(flatten, next_help_heading = "Run")]
    pub(super) receiver: ReceiverArguments,
    /// Read traces from this backend, such as tempo=http://127.0.0.1:3200; overrides `source` of the project file
    #[arg(
        long,
        value_name = "KIND=URL",
        value_parser = crate::project::parse_source,
        conflicts_with_all = ["listen", "receiver"],
        env = "SPANSPEC_SOURCE",
        help_heading = "Run"
    )]
    pub(super) source: Option<crate::source::SourceSettings>,
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) specs: SpecArguments,
    /// List the selected specs without running them
    #[arg(long, help_heading = "Specs", env = "SPANSPEC_LIST")]
    pub(super) list: bool,

    #[command(flatten)]
    pub(super) execution: ExecutionArguments,
    /// Exit with code 1 if a spec passed only after a retry
    #[arg(long, env = "SPANSPEC_FAIL_FLAKY", help_heading = "Run")]
    pub(super) fail_flaky: bool,
    /// Stop after the first spec that does not pass
    #[arg(
        long,
        conflicts_with = "max_fail",
        env = "SPANSPEC_FAIL_FAST",
        help_heading = "Run"
    )]
    pub(super) fail_fast: bool,
    /// Stop after N specs that do not pass
    #[arg(long, value_name = "N", value_parser = at_least_one, env = "SPANSPEC_MAX_FAIL", help_heading = "Run")]
    pub(super) max_fail: Option<usize>,

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
    /// Also write the JSON report to this folder, under a unique name, for `merge`
    #[arg(
        long,
        value_name = "DIR",
        env = "SPANSPEC_RESULTS",
        help_heading = "Output"
    )]
    pub(super) results: Option<PathBuf>,
    /// Test cases of the JUnit report
    #[arg(
        long,
        value_enum,
        default_value_t,
        env = "SPANSPEC_JUNIT_GRANULARITY",
        help_heading = "Output"
    )]
    pub(super) junit_granularity: JunitGranularity,
    /// Format of standard output
    #[arg(
        long,
        value_enum,
        default_value_t,
        env = "SPANSPEC_FORMAT",
        help_heading = "Output"
    )]
    pub(super) format: Format,
    /// Do not annotate lines of specs on GitHub
    #[arg(long, env = "SPANSPEC_NO_ANNOTATIONS", help_heading = "Output")]
    pub(super) no_annotations: bool,
    /// Print only failures and the summary
    #[arg(
        short,
        long,
        conflicts_with = "verbose",
        env = "SPANSPEC_QUIET",
        help_heading = "Output"
    )]
    pub(super) quiet: bool,
    /// Also print passed checks, responses, traces, and the output of services
    #[arg(short, long, env = "SPANSPEC_VERBOSE", help_heading = "Output")]
    pub(super) verbose: bool,
    /// Save all traces in this folder [default: those of failed specs, in target/spanspec]
    #[arg(
        long,
        value_name = "DIR",
        env = "SPANSPEC_SAVE_TRACES",
        help_heading = "Output"
    )]
    pub(super) save_traces: Option<PathBuf>,
    /// Do not save traces
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
    /// Also watch this file or folder, and restart the services when it changes; repeatable
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
    /// Folder of baselines [default: baselines/ next to each spec]
    #[arg(
        long,
        value_name = "DIR",
        env = "SPANSPEC_BASELINE",
        help_heading = "Budgets"
    )]
    pub(super) baseline: Option<PathBuf>,
    #[command(flatten)]
    pub(super) traces: TraceLintArguments,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    pub(super) specs: SpecArguments,
    /// Examine this backend, such as tempo=http://127.0.0.1:3200, instead of `source` of the project file
    #[arg(
        long,
        value_name = "KIND=URL",
        value_parser = crate::project::parse_source,
        env = "SPANSPEC_SOURCE"
    )]
    pub(super) source: Option<crate::source::SourceSettings>,
    /// Send one request of the specs, and measure the time until its spans can be read
    #[arg(long, env = "SPANSPEC_FIRE")]
    pub(super) fire: bool,
}

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// File of OTLP JSON or protobuf, optionally compressed; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Draw all spans, without a limit
    #[arg(long, env = "SPANSPEC_ALL")]
    pub(super) all: bool,
    /// List the attributes of all spans
    #[arg(short, long, env = "SPANSPEC_VERBOSE")]
    pub(super) verbose: bool,
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

/// The format of standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text for a terminal.
    #[default]
    Text,
    /// The JSON report.
    Json,
    /// Text, then annotations for GitHub; the default if GITHUB_ACTIONS=true.
    Github,
    /// Test Anything Protocol, version 14.
    Tap,
}

/// A shard and the number of shards, from 1.
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
            .ok_or_else(|| "write 2/5 for the second of five shards".to_owned())
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

/// A report and its file.
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
                    "unknown report `{kind}`: use html, junit, json or md"
                ));
            }
        };
        if path.is_empty() {
            return Err("missing file: write junit=target/junit.xml".to_owned());
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
        .ok_or_else(|| "must be at least 1".to_owned())
}

/// A tag, or a tag after `!`.
fn tag(text: &str) -> Result<String, String> {
    if text.trim() == "!" {
        return Err("missing tag after `!`: write `!slow`".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::commands::Arguments;
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
