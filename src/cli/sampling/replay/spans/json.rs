//! The decisions as JSON. `docs/span-sampling.schema.json` describes it.

use serde::Serialize;

use super::super::super::super::trace_files::Incomplete;
use super::super::summary::per_second;
use super::{Outcome, SpanReplay, SpanSummary, said};
use crate::workspace::shown;

#[derive(Serialize)]
struct Document {
    config: String,
    processor: String,
    collector_version: String,
    total: Total,
    traces: Vec<OfTrace>,
}

#[derive(Serialize)]
struct Total {
    traces: u64,
    kept: u64,
    in_part: u64,
    not_kept: u64,
    unknown: u64,
    share: f64,
    share_bounds: [f64; 2],
    spans: u64,
    spans_kept: u64,
    spans_unknown: u64,
    spans_per_second: Option<f64>,
    spans_per_second_kept: Option<f64>,
}

#[derive(Serialize)]
struct OfTrace {
    trace_id: String,
    decision: &'static str,
    /// The reason that a span is missing.
    missing: Option<String>,
    spans: Vec<OfSpan>,
}

#[derive(Serialize)]
struct OfSpan {
    span_id: String,
    name: String,
    kept: Option<bool>,
    reason: String,
}

pub(in super::super) fn render(replay: &SpanReplay<'_>, summary: &SpanSummary) -> String {
    let document = Document {
        config: shown(replay.file),
        processor: replay.sampler.id.clone(),
        collector_version: replay.version.to_string(),
        total: total(summary),
        traces: (0..replay.decisions.len())
            .map(|at| of_trace(replay, at))
            .collect(),
    };
    let json = serde_json::to_string_pretty(&document).unwrap_or_default();
    format!("{json}\n")
}

fn total(summary: &SpanSummary) -> Total {
    let share = summary.share();
    // Unknown decisions have no rate.
    let is_known = summary.spans_unknown == 0;
    let kept = per_second(summary.spans_kept, summary.seconds);
    Total {
        traces: summary.traces,
        kept: summary.kept,
        in_part: summary.in_part,
        not_kept: summary.not_kept,
        unknown: summary.unknown,
        share: share.share,
        share_bounds: share.bounds,
        spans: summary.spans,
        spans_kept: summary.spans_kept,
        spans_unknown: summary.spans_unknown,
        spans_per_second: per_second(summary.spans, summary.seconds),
        spans_per_second_kept: kept.filter(|_| is_known),
    }
}

fn of_trace(replay: &SpanReplay<'_>, at: usize) -> OfTrace {
    let trace = &replay.traces.all[at];
    let spans = trace.spans.iter().zip(&replay.decisions[at]);
    OfTrace {
        trace_id: trace.id.to_string(),
        decision: match replay.outcome(at) {
            Outcome::Kept => "kept",
            Outcome::InPart => "in_part",
            Outcome::NotKept => "not_kept",
            Outcome::Unknown => "unknown",
        },
        missing: replay.incomplete(at).map(|Incomplete(why)| why.clone()),
        spans: spans
            .map(|(span, decision)| OfSpan {
                span_id: span.span_id.to_string(),
                name: span.name.clone(),
                kept: decision.as_ref().ok().map(|decision| decision.is_kept),
                reason: said(decision),
            })
            .collect(),
    }
}
