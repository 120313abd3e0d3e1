//! Decisions of a `probabilistic_sampler` about single spans, and their figures.

mod json;
mod text;

#[cfg(test)]
mod tests;

pub(super) use json::render as render_json;
pub(super) use text::render as render_text;

use std::path::Path;

use super::super::super::trace_files::{Incomplete, Traces};
use super::summary::{Share, seconds};
use crate::sampling::{CollectorVersion, ProbabilisticSampler, SpanDecision};
use crate::trace::Field;

/// A sampler, the traces, and the decisions about their spans.
pub(super) struct SpanReplay<'r> {
    file: &'r Path,
    sampler: &'r ProbabilisticSampler,
    version: CollectorVersion,
    traces: &'r Traces,
    /// Of the spans of each trace; an error is a field that its source loses.
    decisions: Vec<Vec<Result<SpanDecision, Field>>>,
}

/// The decisions about all spans of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Kept,
    /// Some spans are kept, and others are not.
    InPart,
    NotKept,
    Unknown,
}

/// All figures.
pub(super) struct SpanSummary {
    traces: u64,
    kept: u64,
    in_part: u64,
    not_kept: u64,
    pub(super) unknown: u64,
    spans: u64,
    spans_kept: u64,
    spans_unknown: u64,
    /// From the first start to the last end of all spans.
    seconds: f64,
}

impl<'r> SpanReplay<'r> {
    pub(super) fn new(
        file: &'r Path,
        sampler: &'r ProbabilisticSampler,
        version: CollectorVersion,
        traces: &'r Traces,
    ) -> Self {
        let decisions = traces.all.iter().map(|trace| {
            let spans = trace.spans.iter();
            spans
                .map(|span| sampler.decide_with(span, &trace.losses))
                .collect()
        });
        Self {
            file,
            sampler,
            version,
            traces,
            decisions: decisions.collect(),
        }
    }

    /// The number of spans of a trace that are kept, that are not, and that are not decided about.
    fn counts(&self, at: usize) -> [usize; 3] {
        let mut counts = [0; 3];
        for decision in &self.decisions[at] {
            let place = match decision {
                Ok(decision) if decision.is_kept => 0,
                Ok(_) => 1,
                Err(_) => 2,
            };
            counts[place] += 1;
        }
        counts
    }

    fn outcome(&self, at: usize) -> Outcome {
        let [kept, not_kept, unknown] = self.counts(at);
        let is_whole = unknown == 0 && self.incomplete(at).is_none();
        match (kept, not_kept) {
            (1.., 1..) => Outcome::InPart,
            (_, 0) if is_whole => Outcome::Kept,
            (0, _) if is_whole => Outcome::NotKept,
            _ => Outcome::Unknown,
        }
    }

    /// The reason that a span of a trace is missing.
    fn incomplete(&self, at: usize) -> Option<&Incomplete> {
        self.traces.incomplete.get(&self.traces.all[at].id)
    }
}

impl SpanSummary {
    pub(super) fn of(replay: &SpanReplay<'_>) -> Self {
        let mut summary = Self {
            traces: 0,
            kept: 0,
            in_part: 0,
            not_kept: 0,
            unknown: 0,
            spans: 0,
            spans_kept: 0,
            spans_unknown: 0,
            seconds: seconds(replay.traces),
        };
        for at in 0..replay.decisions.len() {
            let [kept, not_kept, unknown] = replay.counts(at).map(|count| count as u64);
            summary.traces += 1;
            summary.spans += kept + not_kept + unknown;
            summary.spans_kept += kept;
            summary.spans_unknown += unknown;
            *match replay.outcome(at) {
                Outcome::Kept => &mut summary.kept,
                Outcome::InPart => &mut summary.in_part,
                Outcome::NotKept => &mut summary.not_kept,
                Outcome::Unknown => &mut summary.unknown,
            } += 1;
        }
        summary
    }

    /// The share of traces that are kept whole, of those that are decided. Spans of one trace have one randomness, so
    /// that a share of spans has no such bounds.
    fn share(&self) -> Share {
        Share::of(self.kept, self.traces - self.unknown)
    }
}

/// The reason of a decision, in words.
fn said(decision: &Result<SpanDecision, Field>) -> String {
    match decision {
        Ok(decision) => decision.reason.to_string(),
        Err(field) => format!("the source of the trace loses {field}"),
    }
}
