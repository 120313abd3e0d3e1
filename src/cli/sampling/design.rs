//! `spanspec sampling design`: policies for a number of spans per second, from saved traces.

use std::fmt::Write as _;
use std::io::Write;

use serde_json::{Value as Json, json};

use super::super::exit::{Exit, fail};
use super::super::output;
use super::super::sampling_arguments::{SamplingDesignArguments, SamplingFormat};
use super::super::trace_files::{self, Traces};
use crate::number::{count, counted, figure};
use crate::sampling::config::{Environment, read};
use crate::sampling::design::{FEWEST, Kind, NoProposal, Proposal, Proposed, propose, yaml};
use crate::sampling::replay::{Arrival, Replayed, replay};
use crate::yaml::Source;

/// A proposal, and the decisions of its policies about the traces that it is made from.
struct Design {
    traces: Traces,
    proposal: Proposal,
    yaml: String,
    results: Vec<Replayed>,
}

/// Numbers of the traces of a policy, by decision.
#[derive(Default)]
struct TraceCounts {
    kept: usize,
    lost: usize,
    unknown: usize,
    spans_kept: usize,
}

/// Prints a proposal.
pub(super) fn design(arguments: &SamplingDesignArguments) -> Exit {
    let traces = match trace_files::read(&arguments.traces) {
        Ok(traces) => traces,
        Err(exit) => return exit,
    };
    let proposal = match propose(&traces.all, arguments.spans_per_second) {
        Ok(proposal) => proposal,
        Err(error) => return no_proposal(error),
    };
    let yaml = yaml(&proposal);
    let environment = Environment {
        version: arguments.collector_version,
        variable: &|_| None,
    };
    let reading = read(&Source::new("design", yaml.clone()), &environment).ok();
    let config = reading.as_ref().and_then(|reading| {
        let is_accepted = reading.obstacles().next().is_none();
        reading
            .configuration
            .tail_sampling
            .first()
            .filter(|_| is_accepted)
    });
    let Some(config) = config else {
        let text = "error: the proposed policies are not valid: this is an error of spanspec";
        return fail(Exit::Errored, text);
    };
    let version = arguments.collector_version;
    let results = replay(config, version, &traces.all, Arrival::Together);
    let design = Design {
        traces,
        proposal,
        yaml,
        results,
    };
    let text = match arguments.format {
        SamplingFormat::Text => design.text(arguments.spans_per_second),
        SamplingFormat::Json => format!("{:#}\n", design.json()),
    };
    match output::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(Exit::Errored, &format!("error: cannot write: {error}"))
        }
        _ => Exit::Passed,
    }
}

fn no_proposal(error: NoProposal) -> Exit {
    let (exit, text) = match error {
        NoProposal::NoSpans => (
            Exit::Nothing,
            "error: the traces have no spans\nhelp: name files with traces as OTLP JSON or protobuf",
        ),
        NoProposal::NoTime => (
            Exit::Usage,
            "error: all spans have the same time, so that there is no number of spans per second\nhelp: name traces of a longer time",
        ),
    };
    fail(exit, text)
}

impl Design {
    fn counts(&self, policy: &Proposed) -> TraceCounts {
        let mut counts = TraceCounts::default();
        for &at in &policy.traces {
            match self.results[at].kept() {
                Some(true) => {
                    counts.kept += 1;
                    counts.spans_kept += self.traces.all[at].spans.len();
                }
                Some(false) => counts.lost += 1,
                None => counts.unknown += 1,
            }
        }
        counts
    }

    fn per_second(&self, spans: usize) -> f64 {
        spans as f64 / self.proposal.seconds
    }

    /// Spans per second that the policies keep of these traces.
    fn replayed(&self) -> f64 {
        let policies = self.proposal.policies.iter();
        self.per_second(policies.map(|policy| self.counts(policy).spans_kept).sum())
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.proposal.notes.clone();
        let number = self.traces.all.len();
        if number < FEWEST {
            notes.push(format!(
                "{} are few: thresholds and shares are uncertain",
                counted(number, "trace")
            ));
        }
        let unknown: usize = self
            .proposal
            .policies
            .iter()
            .map(|policy| self.counts(policy).unknown)
            .sum();
        if unknown > 0 {
            notes.push(format!(
                "nothing is decided about {}, of which a part is missing or lost",
                counted(unknown, "trace")
            ));
        }
        let incomplete = self.traces.incomplete.len();
        if incomplete > 0 {
            notes.push(format!(
                "spans of {} are missing",
                counted(incomplete, "trace")
            ));
        }
        notes
    }

    /// YAML, with the figures as comments before it.
    fn text(&self, budget: f64) -> String {
        let mut text = String::new();
        for line in self.figures(budget).lines() {
            let _ = writeln!(text, "{}", format!("# {line}").trim_end());
        }
        text + &self.yaml
    }

    fn figures(&self, budget: f64) -> String {
        let spans: usize = self.traces.all.iter().map(|trace| trace.spans.len()).sum();
        let proposal = &self.proposal;
        let mut text = format!(
            "{} with {} in {} s: {} spans per second\n\n",
            counted(self.traces.all.len(), "trace"),
            counted(spans, "span"),
            figure(proposal.seconds),
            figure(proposal.before)
        );
        text += &self.table();
        let least = (proposal.expected - proposal.margin).max(0.0);
        let _ = write!(
            text,
            "\nexpected: {} of {} spans per second, {} to {} with 95 % confidence if traffic is as in these traces\nof these traces: {} spans per second\n",
            figure(proposal.expected),
            figure(budget),
            figure(least),
            figure(proposal.expected + proposal.margin),
            figure(self.replayed())
        );
        for note in self.notes() {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }

    /// A row for each policy: the traces that it is for, and what becomes of them.
    fn table(&self) -> String {
        let mut rows = vec![["policy", "traces", "kept", "lost", "spans/s", ""].map(str::to_owned)];
        for policy in &self.proposal.policies {
            let counts = self.counts(policy);
            rows.push([
                policy.name.to_owned(),
                count(policy.traces.len()),
                count(counts.kept),
                count(counts.lost),
                figure(self.per_second(counts.spans_kept)),
                reason(policy),
            ]);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3, 4].map(width);
        let mut text = String::new();
        for [name, traces, kept, lost, spans, why] in &rows {
            let [a, b, c, d, e] = widths;
            let line =
                format!("{name:a$}  {traces:>b$}  {kept:>c$}  {lost:>d$}  {spans:>e$}  {why}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    fn json(&self) -> Json {
        let proposal = &self.proposal;
        let policies = proposal.policies.iter().map(|policy| {
            let counts = self.counts(policy);
            json!({
                "name": policy.name,
                "traces": policy.traces.len(),
                "kept": counts.kept,
                "lost": counts.lost,
                "spans_per_second": self.per_second(counts.spans_kept),
            })
        });
        json!({
            "traces": self.traces.all.len(),
            "seconds": proposal.seconds,
            "spans_per_second": {
                "before": proposal.before,
                "expected": proposal.expected,
                "margin": proposal.margin,
                "replayed": self.replayed(),
                "errors": proposal.errors,
            },
            "policies": policies.collect::<Vec<_>>(),
            "notes": self.notes(),
            "yaml": self.yaml,
        })
    }
}

/// The traces that a policy is for, in words.
fn reason(policy: &Proposed) -> String {
    match &policy.kind {
        Kind::All => "all traces fit".to_owned(),
        Kind::Errors(percentage) if *percentage < 100.0 => {
            format!("{percentage} % of the traces with an error")
        }
        Kind::Errors(_) => "a span with an error".to_owned(),
        Kind::Slow(threshold) => format!("longer than {threshold} ms, as the slowest 1 %"),
        Kind::Services(names) => format!("a service in at most 1 % of the traces: {}", names.len()),
        Kind::Operations(names) => {
            format!(
                "a root operation in at most 1 % of the traces: {}",
                names.len()
            )
        }
        Kind::Rest(percentage) => format!("{percentage} % of the others"),
    }
}
