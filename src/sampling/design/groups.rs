//! Slow traces, and rare services and root operations, by their distributions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{FEWEST, RARE};
use crate::sampling::replay::Recorded;
use crate::trace::{SECOND, Span};

/// A trace that lasts longer than this many medians is slow, if it is among the slowest.
const SLOW_FACTOR: i64 = 2;

/// Maximum number of names in a policy. With more, names probably contain ids.
const MOST_NAMES: usize = 20;

/// The shortest `decision_wait`, in seconds.
const SHORTEST_WAIT: u64 = 10;

/// Time for the export of the last span of a trace, in seconds: the SDKs' batches wait for 5 s by default.
const EXPORT: u64 = 5;

/// From the first start to the last end, in whole milliseconds, as the Collector computes it.
pub(super) fn milliseconds(trace: &Recorded) -> i64 {
    const MILLISECOND: u64 = SECOND / 1_000;
    let first = trace.spans.iter().map(|span| span.start).min().unwrap_or(0);
    let last = trace.spans.iter().map(|span| span.end).max().unwrap_or(0);
    i64::try_from(last.saturating_sub(first) / MILLISECOND).unwrap_or(i64::MAX)
}

/// The duration that one in a hundred traces exceeds, at least one. `None` if it is near the median.
pub(super) fn slow_threshold(traces: &[Recorded]) -> Option<i64> {
    let mut durations: Vec<i64> = traces.iter().map(milliseconds).collect();
    durations.sort_unstable();
    let slow = ((durations.len() as f64 * RARE) as usize).max(1);
    let threshold = *durations.get(durations.len().checked_sub(slow + 1)?)?;
    let median = durations[durations.len() / 2];
    let slowest = *durations.last()?;
    // A threshold halfway between few values would be arbitrary: it is the largest usual duration, rounded up.
    let threshold = round_up(threshold.max(SLOW_FACTOR * median));
    (slowest > threshold).then_some(threshold)
}

/// Two digits, rounded up.
fn round_up(milliseconds: i64) -> i64 {
    let mut unit = 1;
    while milliseconds / unit >= 100 {
        unit *= 10;
    }
    (milliseconds + unit - 1) / unit * unit
}

/// Services in at most one of a hundred traces, rarest first.
pub(super) fn rare_services(traces: &[Recorded]) -> Vec<String> {
    let names = traces.iter().map(|trace| {
        let spans = trace.spans.iter();
        spans.map(|span| span.service().to_owned()).collect()
    });
    let mut rare = rare(names, traces.len());
    rare.truncate(MOST_NAMES);
    rare
}

/// Names of root spans in at most one of a hundred traces.
///
/// # Errors
/// The number of names, if there are too many.
pub(super) fn rare_operations(traces: &[Recorded]) -> Result<Vec<String>, usize> {
    let names = traces
        .iter()
        .map(|trace| roots(trace).map(|span| span.name.clone()).collect());
    let rare = rare(names, traces.len());
    match rare.len() <= MOST_NAMES {
        true => Ok(rare),
        false => Err(rare.len()),
    }
}

/// The spans without a parent.
pub(super) fn roots(trace: &Recorded) -> impl Iterator<Item = &Span> {
    trace.spans.iter().filter(|span| span.parent_id.is_none())
}

fn rare(names: impl Iterator<Item = BTreeSet<String>>, traces: usize) -> Vec<String> {
    debug_assert!(traces >= FEWEST);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names.flatten().filter(|name| !name.is_empty()) {
        *counts.entry(name).or_default() += 1;
    }
    let most = traces as f64 * RARE;
    let mut rare: Vec<(usize, String)> = counts
        .into_iter()
        .filter(|(_, count)| *count as f64 <= most)
        .map(|(name, count)| (count, name))
        .collect();
    rare.sort();
    rare.into_iter().map(|(_, name)| name).collect()
}

/// Long enough for the longest trace and the export of its last span.
pub(super) fn decision_wait(traces: &[Recorded]) -> Duration {
    let longest = traces.iter().map(milliseconds).max().unwrap_or(0);
    let seconds = u64::try_from(longest).unwrap_or(0).div_ceil(1_000) + EXPORT;
    Duration::from_secs(seconds.max(SHORTEST_WAIT))
}
