//! Replays traces through a `tail_sampling` processor, with a clock that their spans set.
//!
//! A span arrives at its end, since exporters send ended spans. The processor decides once a second, beginning with
//! the first span; the phase of a real one is not known, nor the delays of exporters.

use std::collections::{HashMap, VecDeque};

use super::judge::{Input, Judge, Verdict, lost_size, trace_size};
use super::policy::{Strategy, TailSampling};
use super::version::{CollectorVersion, Since};
use crate::trace::{Field, Losses, Nanos, Span, TraceId};

mod cache;
mod shard;
mod timeline;

#[cfg(test)]
mod tests;

use shard::Shard;

const SECOND: Nanos = 1_000_000_000;

/// When spans arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Each at its end.
    #[default]
    AtEnd,
    /// All spans of a trace with its first one.
    Together,
}

/// The spans of a trace, in the order of a file.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) id: TraceId,
    pub(crate) spans: Vec<Span>,
    pub(crate) losses: Losses,
}

/// The decision of a processor about a trace.
#[derive(Clone, Debug)]
pub(crate) struct Replayed {
    /// The first decision; `None` if there is none.
    pub(crate) verdict: Option<Verdict>,
    /// The spans that it is about: indexes of those of the trace, in the order of arrival.
    pub(crate) judged: Vec<usize>,
    pub(crate) ending: Ending,
    /// Spans that arrive after the decision.
    pub(crate) late: Late,
    /// The decision, or the part of the trace that it is about, depends on the order of arrival.
    pub(crate) is_cut: bool,
}

/// The way to the first decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// At its time.
    Decided,
    /// Not kept: the spans were removed before, because `num_traces` others waited.
    Evicted,
    /// Not kept: more bytes than `maximum_trace_size_bytes`.
    TooLarge(i64),
    /// Not known: `maximum_trace_size_bytes` limits the size, and the source of the trace loses this field.
    UnknownSize(Field),
}

/// The number of late spans, by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Late {
    pub(crate) kept: usize,
    pub(crate) not_kept: usize,
    /// Judged without the others, since the decision is forgotten.
    pub(crate) judged_alone: usize,
}

impl Late {
    pub(crate) fn total(self) -> usize {
        self.kept + self.not_kept
    }
}

impl Replayed {
    fn new() -> Self {
        Self {
            verdict: None,
            judged: Vec::new(),
            ending: Ending::Decided,
            late: Late::default(),
            is_cut: false,
        }
    }

    /// Whether the trace is kept. `None` if that is not known.
    pub(crate) fn kept(&self) -> Option<bool> {
        match (&self.verdict, self.ending) {
            (_, Ending::UnknownSize(_)) => None,
            (Some(verdict), Ending::Decided) => verdict.kept(),
            _ => Some(false),
        }
    }
}

/// Decides about traces, in the order in which they are given.
pub(crate) fn replay(
    config: &TailSampling,
    version: CollectorVersion,
    traces: &[Recorded],
    arrival: Arrival,
) -> Vec<Replayed> {
    let shards = match version.has(Since::Shards) {
        true => config.num_shards.max(1),
        false => 1,
    };
    let config = &TailSampling {
        num_shards: shards,
        ..config.clone()
    };
    let mut results: Vec<Replayed> = traces.iter().map(|_| Replayed::new()).collect();
    for shard in 0..shards {
        let is_own = |(_, trace): &(usize, &Recorded)| shard_of(trace.id, shards) == shard;
        let own: Vec<(usize, &Recorded)> = traces.iter().enumerate().filter(is_own).collect();
        if own.is_empty() {
            continue;
        }
        match arrival {
            Arrival::Together => together(config, version, &own, &mut results),
            Arrival::AtEnd => Shard::new(config, version, &own).run(&mut results),
        }
    }
    for (result, trace) in results.iter_mut().zip(traces) {
        let lost = lost_size(&trace.losses).filter(|_| limits_size(config, version));
        if let Some(field) = lost {
            result.ending = Ending::UnknownSize(field);
        }
    }
    results
}

/// Each trace with all of its spans.
fn together(
    config: &TailSampling,
    version: CollectorVersion,
    traces: &[(usize, &Recorded)],
    results: &mut [Replayed],
) {
    let mut judge = Judge::new(config, version);
    for &(at, trace) in traces {
        let spans: Vec<&Span> = trace.spans.iter().collect();
        if spans.is_empty() {
            continue;
        }
        let first = spans.iter().map(|span| arrival_of(span)).min().unwrap_or(0);
        let result = &mut results[at];
        result.judged = (0..spans.len()).collect();
        let size = trace_size(&spans);
        if is_too_large(config, version, size) {
            result.ending = Ending::TooLarge(size);
            continue;
        }
        result.verdict = Some(decide(&mut judge, config, trace, &spans, first));
    }
}

fn is_too_large(config: &TailSampling, version: CollectorVersion, size: i64) -> bool {
    let limit = i64::try_from(config.maximum_trace_size_bytes).unwrap_or(i64::MAX);
    limits_size(config, version) && size > limit
}

fn limits_size(config: &TailSampling, version: CollectorVersion) -> bool {
    version.has(Since::Not) && config.maximum_trace_size_bytes > 0
}

/// The decision about spans that are all there.
fn decide(
    judge: &mut Judge,
    config: &TailSampling,
    trace: &Recorded,
    spans: &[&Span],
    now: Nanos,
) -> Verdict {
    match config.strategy {
        Strategy::TraceComplete => judge.judge(Input::new(spans, &trace.losses), now),
        Strategy::SpanIngest => {
            let mut judge = |batches: &[&[&Span]]| judge.judge_batches(batches, &trace.losses, now);
            let alone: Vec<&[&Span]> = spans.chunks(1).collect();
            let (whole, alone) = (judge(&[spans]), judge(&alone));
            judge(&batches(spans))
                .or_possible(&whole)
                .or_possible(&alone)
        }
    }
}

/// Spans with one resource that follow each other: they arrived as one batch.
fn batches<'s, 't>(spans: &'s [&'t Span]) -> Vec<&'s [&'t Span]> {
    let same = |a: &&Span, b: &&Span| std::sync::Arc::ptr_eq(&a.resource, &b.resource);
    spans.chunk_by(same).collect()
}

/// A span arrives at its end. One that was exported before its end has none.
fn arrival_of(span: &Span) -> Nanos {
    match span.end {
        0 => span.start,
        end => end.max(span.start),
    }
}

/// The shard that a trace belongs to.
fn shard_of(id: TraceId, shards: u32) -> u32 {
    let (first, second) = id.as_bytes().split_at(8);
    let half = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or([0; 8]));
    // The finalizer of splitmix64.
    let mut hash = half(first) ^ half(second);
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    u32::try_from(hash % u64::from(shards)).unwrap_or(0)
}
