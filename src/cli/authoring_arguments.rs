//! The arguments of `record`, `init`, `schema`, `completions` and `man`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::arguments::{ProjectArguments, ReceiverArguments, at_least_one};

#[derive(Debug, Args)]
pub(super) struct RecordArguments {
    #[command(flatten)]
    pub(super) project: ProjectArguments,
    /// METHOD URL [JSON], with variables: POST '${BASE_URL}/orders' '{"sku": "A1"}'; or grpc
    /// HOST:PORT/SERVICE/METHOD [JSON]; or the file of a spec, to which expectations for the trace are added
    #[arg(value_name = "REQUEST", num_args = 1..=3, required = true)]
    pub(super) request: Vec<String>,
    /// Name of the spec [default: METHOD and path, call, or operation]
    #[arg(
        long,
        value_name = "NAME",
        env = "SPANSPEC_NAME",
        help_heading = "Request"
    )]
    pub(super) name: Option<String>,
    /// Header, or metadata of a gRPC call; repeatable. The spec gets variables in place of credentials
    #[arg(
        long = "header",
        short = 'H',
        value_name = "NAME: VALUE",
        env = "SPANSPEC_HEADER",
        help_heading = "Request"
    )]
    pub(super) headers: Vec<Header>,
    /// JSON body
    #[arg(
        long,
        value_name = "JSON",
        env = "SPANSPEC_JSON",
        conflicts_with = "body",
        help_heading = "Request"
    )]
    pub(super) json: Option<String>,
    /// Text body
    #[arg(
        long,
        value_name = "TEXT",
        env = "SPANSPEC_BODY",
        help_heading = "Request"
    )]
    pub(super) body: Option<String>,
    /// `.proto` file of a gRPC call; repeatable. Without it, the server needs the reflection service
    #[arg(
        long = "proto",
        value_name = "FILE",
        env = "SPANSPEC_PROTO",
        help_heading = "Request"
    )]
    pub(super) protos: Vec<PathBuf>,
    /// Folder to which imports of `.proto` files are relative; repeatable
    #[arg(
        long,
        value_name = "FOLDER",
        env = "SPANSPEC_INCLUDE",
        requires = "protos",
        help_heading = "Request"
    )]
    pub(super) include: Vec<PathBuf>,
    /// Number of times to send the request, to find values that vary
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_least_one, env = "SPANSPEC_TIMES", help_heading = "Request")]
    pub(super) times: usize,
    /// Maximum time until the trace is complete
    #[arg(long, value_name = "DURATION", value_parser = crate::spec::parse_duration, env = "SPANSPEC_TIMEOUT", help_heading = "Request")]
    pub(super) timeout: Option<Duration>,
    #[command(flatten, next_help_heading = "Request")]
    pub(super) receiver: ReceiverArguments,
    /// Write the spec to this file instead of standard output
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "SPANSPEC_OUT",
        help_heading = "Output"
    )]
    pub(super) out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, env = "SPANSPEC_FORCE", help_heading = "Output")]
    pub(super) force: bool,
}

/// A header and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((name, value)) if !name.trim().is_empty() => Ok(Self {
                name: name.trim().to_owned(),
                value: value.trim().to_owned(),
            }),
            _ => Err("write 'NAME: VALUE', such as 'accept: text/plain'".to_owned()),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// Folder of the project
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(super) dir: PathBuf,
    /// CI system to write a workflow for
    #[arg(long, value_enum, default_value_t, env = "SPANSPEC_CI")]
    pub(super) ci: Ci,
}

/// A CI system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Ci {
    /// .github/workflows/spanspec.yaml
    #[default]
    Github,
    /// .gitlab-ci.yml
    Gitlab,
    /// No workflow
    None,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Format to describe
    #[arg(value_name = "WHAT", value_enum)]
    pub(super) of: SchemaOf,
}

/// A format with a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SchemaOf {
    /// Specs
    Spec,
    /// The project file, spanspec.yaml
    Project,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// Name of the shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Folder for the pages of all commands [default: print the first page]
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<PathBuf>,
}
