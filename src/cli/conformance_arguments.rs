//! The arguments of `conformance`.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::arguments::{Format, JunitGranularity, ProjectArguments, ReceiverArguments, ReportFile};
use super::authoring_arguments::Header;

#[derive(Debug, Args)]
pub(super) struct ConformanceArguments {
    #[command(flatten)]
    pub(super) project: ProjectArguments,
    /// URLs to request, with variables: '${BASE_URL}/orders'. `{echo}` stands for the URL of the echo
    #[arg(value_name = "URL", required = true)]
    pub(super) urls: Vec<String>,
    /// Path on which the service calls the URL in the header `x-spanspec-echo`; replaces that of URL
    #[arg(
        long,
        value_name = "PATH",
        env = "SPANSPEC_ECHO",
        help_heading = "Cases"
    )]
    pub(super) echo: Option<String>,
    /// Name of the header with the URL of the echo [default: x-spanspec-echo]
    #[arg(
        long,
        value_name = "NAME",
        env = "SPANSPEC_ECHO_HEADER",
        help_heading = "Cases"
    )]
    pub(super) echo_header: Option<String>,
    /// Level of W3C Trace Context
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u8).range(1..=2),
        env = "SPANSPEC_LEVEL",
        help_heading = "Cases"
    )]
    pub(super) level: u8,
    /// Also fail cases that violate a SHOULD, which are notes otherwise
    #[arg(long, env = "SPANSPEC_STRICT", help_heading = "Cases")]
    pub(super) strict: bool,
    /// Leave out the cases of W3C Baggage
    #[arg(long, env = "SPANSPEC_NO_BAGGAGE", help_heading = "Cases")]
    pub(super) no_baggage: bool,
    /// Send these formats beside `traceparent`, and report which one wins
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        value_delimiter = ',',
        env = "SPANSPEC_FORMATS",
        help_heading = "Cases"
    )]
    pub(super) formats: Vec<OtherFormat>,
    /// Case that is known not to conform; repeatable
    #[arg(
        long,
        value_name = "CASE",
        value_delimiter = ',',
        value_parser = case,
        env = "SPANSPEC_ALLOW",
        help_heading = "Cases"
    )]
    pub(super) allow: Vec<String>,
    /// Header of all requests; repeatable
    #[arg(
        long = "header",
        short = 'H',
        value_name = "NAME: VALUE",
        env = "SPANSPEC_HEADER",
        help_heading = "Cases"
    )]
    pub(super) headers: Vec<Header>,
    /// Maximum time of a request [default: 10s]
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = crate::spec::parse_duration,
        env = "SPANSPEC_REQUEST_TIMEOUT",
        help_heading = "Cases"
    )]
    pub(super) timeout: Option<Duration>,
    /// Longest delay between the end of a span and its export [default: that of the services]
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = crate::spec::parse_duration,
        env = "SPANSPEC_FLUSH",
        help_heading = "Run"
    )]
    pub(super) flush: Option<Duration>,
    #[command(flatten, next_help_heading = "Run")]
    pub(super) receiver: ReceiverArguments,
    /// Write a report: html=PATH, junit=PATH, json=PATH or md=PATH; repeatable
    #[arg(
        long = "report",
        value_name = "KIND=PATH",
        env = "SPANSPEC_REPORT",
        value_delimiter = ',',
        help_heading = "Output"
    )]
    pub(super) reports: Vec<ReportFile>,
    /// Test cases of the JUnit report [default: check, which is a conformance case]
    #[arg(
        long,
        value_enum,
        env = "SPANSPEC_JUNIT_GRANULARITY",
        help_heading = "Output"
    )]
    pub(super) junit_granularity: Option<JunitGranularity>,
    /// Format of standard output
    #[arg(
        long,
        value_enum,
        default_value_t,
        env = "SPANSPEC_FORMAT",
        help_heading = "Output"
    )]
    pub(super) format: Format,
    /// Do not print the table of cases
    #[arg(
        short,
        long,
        conflicts_with = "verbose",
        env = "SPANSPEC_QUIET",
        help_heading = "Output"
    )]
    pub(super) quiet: bool,
    /// Also print passed cases, and the output of services
    #[arg(short, long, action = ArgAction::SetTrue, env = "SPANSPEC_VERBOSE", help_heading = "Output")]
    pub(super) verbose: bool,
}

/// A format beside `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OtherFormat {
    B3,
    #[value(name = "b3multi")]
    B3Multi,
    Jaeger,
    #[value(name = "xray")]
    XRay,
}

impl OtherFormat {
    /// Its name in a spec.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
            Self::XRay => "xray",
        }
    }
}

fn case(text: &str) -> Result<String, String> {
    let names = crate::conformance::all_names();
    match names.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(crate::spec::did_you_mean(text, &names)
            .unwrap_or_else(|| "the table of a run names all cases".to_owned())),
    }
}
