//! The decisions as text: the figures, and traces with the decisions about their spans.

use std::fmt::Write as _;

use super::super::super::super::trace_files::Incomplete;
use super::super::text::{MOST_TRACES, rates, share};
use super::{Outcome, SpanReplay, SpanSummary, said};
use crate::number::{count, counted};
use crate::sampling::judge::span_name;
use crate::workspace::shown;

pub(in super::super) fn render(
    replay: &SpanReplay<'_>,
    summary: &SpanSummary,
    all: bool,
) -> String {
    let mut text = format!(
        "{}: {}, decided as by Collector {}\n\n",
        shown(replay.file),
        replay.sampler.id,
        replay.version
    );
    text += &total(summary);
    text.push('\n');
    let number = replay.decisions.len();
    let shown = if all { number } else { number.min(MOST_TRACES) };
    for at in 0..shown {
        text += &trace(replay, at);
    }
    if shown < number {
        let _ = writeln!(text, "… {} more (`--all`)", count(number - shown));
    }
    text
}

fn total(summary: &SpanSummary) -> String {
    let unknown = |number: u64| match number {
        0 => String::new(),
        number => format!(", {} unknown", count(number)),
    };
    let decided = summary.traces - summary.unknown;
    let mut text = format!(
        "{} of {} kept{}: {} with 95 % confidence\n",
        count(summary.kept),
        counted(decided, "trace"),
        unknown(summary.unknown),
        share(summary.share())
    );
    if summary.in_part > 0 {
        let _ = writeln!(text, "{} kept in part", counted(summary.in_part, "trace"));
    }
    let _ = writeln!(
        text,
        "{} of {} kept{}",
        count(summary.spans_kept),
        counted(summary.spans, "span"),
        unknown(summary.spans_unknown)
    );
    if summary.spans_unknown == 0 {
        text += &rates(summary.spans, summary.spans_kept, summary.seconds);
    }
    text
}

/// A trace, with its spans if the sampler decides about them in different ways.
fn trace(replay: &SpanReplay<'_>, at: usize) -> String {
    let word = match replay.outcome(at) {
        Outcome::Kept => "kept",
        Outcome::InPart => "in part",
        Outcome::NotKept => "not kept",
        Outcome::Unknown => "unknown",
    };
    let [kept, ..] = replay.counts(at);
    let (trace, decisions) = (&replay.traces.all[at], &replay.decisions[at]);
    let mut text = format!(
        "{word:8}  {}  {} of {}",
        trace.id,
        count(kept),
        counted(decisions.len(), "span")
    );
    if let Some(Incomplete(why)) = replay.incomplete(at) {
        let _ = write!(text, "; a span is missing: {why}");
    }
    let same = decisions
        .first()
        .filter(|first| decisions.iter().all(|other| other == *first));
    if let Some(same) = same {
        let _ = writeln!(text, "  {}", said(same));
        return text;
    }
    text.push('\n');
    for (span, decision) in trace.spans.iter().zip(decisions) {
        let word = match decision {
            Ok(decision) if decision.is_kept => "kept",
            Ok(_) => "not kept",
            Err(_) => "unknown",
        };
        let _ = writeln!(text, "  {word:8}  {}: {}", span_name(span), said(decision));
    }
    text
}
