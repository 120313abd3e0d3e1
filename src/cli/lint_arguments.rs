//! The arguments of `lint` about traces.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use crate::instrumentation::{Level, Preset, Rule, Settings};
use crate::spec::lint::WeaverSettings;

/// Rules about traces, in place of specs.
#[derive(Debug, Args)]
pub(super) struct TraceLintArguments {
    /// Check the instrumentation in saved traces, instead of specs: files, folders, or `-`; repeatable
    #[arg(
        long,
        value_name = "PATH",
        num_args = 1..,
        value_hint = ValueHint::AnyPath,
        conflicts_with = "baseline",
        group = "traffic",
        env = "SPANSPEC_LINT_TRACES",
        help_heading = "Traces"
    )]
    pub(super) traces: Vec<PathBuf>,
    /// Check the newest traces of this backend, such as tempo=http://127.0.0.1:3200
    #[arg(
        long,
        value_name = "KIND=URL",
        value_parser = crate::project::parse_source,
        conflicts_with = "baseline",
        group = "traffic",
        env = "SPANSPEC_LINT_SOURCE",
        help_heading = "Traces"
    )]
    pub(super) source: Option<crate::source::SourceSettings>,
    /// Length of the time in which traces of the backend start [default: 1h]
    #[arg(long, value_name = "DURATION", value_parser = crate::spec::parse_duration, requires = "source", env = "SPANSPEC_LINT_SINCE", help_heading = "Traces")]
    pub(super) since: Option<Duration>,
    /// Maximum number of traces of the backend, the newest first [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000), requires = "source", env = "SPANSPEC_LINT_LIMIT", help_heading = "Traces")]
    pub(super) limit: Option<u64>,
    /// Read traces of the backend with a span of this service only
    #[arg(
        long,
        value_name = "NAME",
        requires = "source",
        env = "SPANSPEC_LINT_SERVICE",
        help_heading = "Traces"
    )]
    pub(super) service: Option<String>,
    /// Receive traces for this time, or until Ctrl-C, and check them
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = crate::spec::parse_duration,
        conflicts_with = "baseline",
        group = "traffic",
        env = "SPANSPEC_LINT_OBSERVE",
        help_heading = "Traces"
    )]
    pub(super) observe: Option<Duration>,
    /// Address of the receiver for --observe; overrides `receiver.listen` of the project file
    #[arg(long, value_name = "ADDRESS", value_parser = crate::project::parse_address, requires = "observe", value_delimiter = ',', env = "SPANSPEC_LINT_LISTEN", help_heading = "Traces")]
    pub(super) listen: Vec<SocketAddr>,
    /// The rules to start from [default: recommended]
    #[arg(
        long,
        value_enum,
        requires = "traffic",
        env = "SPANSPEC_LINT_RULES",
        help_heading = "Traces"
    )]
    pub(super) rules: Option<RuleSet>,
    /// Turn rules off, such as too-many-spans; repeatable
    #[arg(long, value_name = "RULE", value_parser = rule, value_delimiter = ',', requires = "traffic", env = "SPANSPEC_LINT_ALLOW", help_heading = "Traces")]
    pub(super) allow: Vec<Rule>,
    /// Let findings of these rules be warnings; repeatable
    #[arg(long, value_name = "RULE", value_parser = rule, value_delimiter = ',', requires = "traffic", env = "SPANSPEC_LINT_WARN", help_heading = "Traces")]
    pub(super) warn: Vec<Rule>,
    /// Let findings of these rules be errors; repeatable
    #[arg(long, value_name = "RULE", value_parser = rule, value_delimiter = ',', requires = "traffic", env = "SPANSPEC_LINT_DENY", help_heading = "Traces")]
    pub(super) deny: Vec<Rule>,
    /// Compare the spans with this registry of conventions, by OpenTelemetry Weaver
    #[arg(
        long,
        value_name = "PATH_OR_URL",
        requires = "traffic",
        env = "SPANSPEC_LINT_WEAVER_REGISTRY",
        help_heading = "Traces"
    )]
    pub(super) weaver_registry: Option<String>,
    /// Also fail if there are warnings
    #[arg(
        long,
        requires = "traffic",
        env = "SPANSPEC_LINT_STRICT",
        help_heading = "Traces"
    )]
    pub(super) strict: bool,
    /// Write a report: sarif=PATH, junit=PATH or json=PATH; repeatable
    #[arg(
        long = "report",
        value_name = "KIND=PATH",
        value_delimiter = ',',
        requires = "traffic",
        env = "SPANSPEC_LINT_REPORT",
        help_heading = "Traces"
    )]
    pub(super) reports: Vec<LintReport>,
    /// Format of standard output
    #[arg(
        long,
        value_enum,
        default_value_t,
        env = "SPANSPEC_FORMAT",
        help_heading = "Traces"
    )]
    pub(super) format: LintFormat,
}

/// A set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RuleSet {
    /// Rules that find faults only.
    Recommended,
    /// All rules.
    All,
    /// No rule but those of the other flags.
    None,
}

/// The format of standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LintFormat {
    /// Text for a terminal.
    #[default]
    #[value(alias = "tap")]
    Text,
    /// Text, and annotations for GitHub Actions.
    Github,
    /// A JSON document.
    Json,
}

/// A report and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LintReport {
    pub(super) kind: LintReportKind,
    pub(super) path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LintReportKind {
    Sarif,
    Junit,
    Json,
}

impl TraceLintArguments {
    /// Returns `true` if traces are examined, and not specs.
    pub(super) fn is_about_traces(&self) -> bool {
        !self.traces.is_empty() || self.source.is_some() || self.observe.is_some()
    }

    /// The settings of the project file, changed by the flags.
    pub(super) fn change(&self, mut settings: Settings) -> Settings {
        if let Some(rules) = self.rules {
            settings.preset = match rules {
                RuleSet::Recommended => Preset::Recommended,
                RuleSet::All => Preset::All,
                RuleSet::None => Preset::None,
            };
        }
        let flags = [
            (&self.allow, Level::Off),
            (&self.warn, Level::Warning),
            (&self.deny, Level::Error),
        ];
        for (rules, level) in flags {
            let levels = rules.iter().map(|rule| (*rule, level));
            settings.levels.extend(levels);
        }
        if let Some(registry) = &self.weaver_registry {
            let fail_on = settings.weaver.map(|weaver| weaver.fail_on);
            settings.weaver = Some(WeaverSettings {
                registry: registry.clone(),
                fail_on: fail_on.unwrap_or_default(),
            });
        }
        settings
    }
}

impl FromStr for LintReport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, path) = text.split_once('=').unwrap_or((text, ""));
        let kind = match kind {
            "sarif" => LintReportKind::Sarif,
            "junit" => LintReportKind::Junit,
            "json" => LintReportKind::Json,
            _ => return Err(format!("unknown report `{kind}`: use sarif, junit or json")),
        };
        match path {
            "" => Err("missing file: write sarif=target/lint.sarif".to_owned()),
            path => Ok(Self {
                kind,
                path: path.into(),
            }),
        }
    }
}

fn rule(text: &str) -> Result<Rule, String> {
    let rules: Vec<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    Rule::of(text).ok_or_else(|| format!("unknown rule: {}", crate::yaml::suggest(text, &rules)))
}
