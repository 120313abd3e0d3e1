//! The arguments of `lint` about traces.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};

use crate::instrumentation::{Level, Preset, Rule, Settings};

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
        env = "SPANSPEC_LINT_TRACES",
        help_heading = "Traces"
    )]
    pub(super) traces: Vec<PathBuf>,
    /// The rules to start from [default: recommended]
    #[arg(
        long,
        value_enum,
        requires = "traces",
        env = "SPANSPEC_LINT_RULES",
        help_heading = "Traces"
    )]
    pub(super) rules: Option<RuleSet>,
    /// Turn rules off, such as too-many-spans; repeatable
    #[arg(long, value_name = "RULE", value_parser = rule, value_delimiter = ',', requires = "traces", env = "SPANSPEC_LINT_ALLOW", help_heading = "Traces")]
    pub(super) allow: Vec<Rule>,
    /// Let findings of these rules be warnings; repeatable
    #[arg(long, value_name = "RULE", value_parser = rule, value_delimiter = ',', requires = "traces", env = "SPANSPEC_LINT_WARN", help_heading = "Traces")]
    pub(super) warn: Vec<Rule>,
    /// Let findings of these rules be errors; repeatable
    #[arg(long, value_name = "RULE", value_parser = rule, value_delimiter = ',', requires = "traces", env = "SPANSPEC_LINT_DENY", help_heading = "Traces")]
    pub(super) deny: Vec<Rule>,
    /// Also fail if there are warnings
    #[arg(
        long,
        requires = "traces",
        env = "SPANSPEC_LINT_STRICT",
        help_heading = "Traces"
    )]
    pub(super) strict: bool,
    /// Write a report: sarif=PATH or json=PATH; repeatable
    #[arg(
        long = "report",
        value_name = "KIND=PATH",
        value_delimiter = ',',
        requires = "traces",
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
    #[value(alias = "github", alias = "tap")]
    Text,
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
    Json,
}

impl TraceLintArguments {
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
        settings
    }
}

impl FromStr for LintReport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, path) = text.split_once('=').unwrap_or((text, ""));
        let kind = match kind {
            "sarif" => LintReportKind::Sarif,
            "json" => LintReportKind::Json,
            _ => return Err(format!("unknown report `{kind}`: use sarif or json")),
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
