//! Figures of a replay: votes, decisions, and spans per second.

use super::super::super::trace_files::Traces;
use super::decisions::Replay;
use crate::budget::share_bounds;
use crate::sampling::Vote;
use crate::sampling::judge::in_order;
use crate::trace::Span;

/// Each bound is wrong with a probability of 2.5 %: together, they hold with 95 % confidence.
const ALPHA: f64 = 0.025;

/// All figures.
pub(super) struct Summary {
    /// In the order in which policies are asked.
    pub(super) policies: Vec<PolicySummary>,
    pub(super) traces: u64,
    pub(super) kept: u64,
    /// Traces about which nothing is decided.
    pub(super) unknown: u64,
    pub(super) depend_on_rate: u64,
    pub(super) depend_on_arrival: u64,
    pub(super) spans: u64,
    pub(super) spans_kept: u64,
    /// From the first start to the last end of all spans.
    pub(super) seconds: f64,
}

/// The votes and decisions of a policy.
pub(super) struct PolicySummary {
    pub(super) name: String,
    /// Votes for a trace, to keep or to drop it.
    pub(super) matches: u64,
    pub(super) unknown: u64,
    /// Traces that it decides about: that it keeps, or drops.
    pub(super) decides: u64,
}

impl Summary {
    pub(super) fn of(replay: &Replay<'_>) -> Self {
        let mut summary = Self {
            policies: policies(replay),
            traces: replay.results.len() as u64,
            kept: 0,
            unknown: 0,
            depend_on_rate: 0,
            depend_on_arrival: 0,
            spans: 0,
            spans_kept: 0,
            seconds: seconds(replay.traces),
        };
        for at in 0..replay.results.len() {
            summary.add(replay, at);
        }
        summary
    }

    fn add(&mut self, replay: &Replay<'_>, at: usize) {
        let result = &replay.results[at];
        let spans = replay.traces.all[at].spans.len();
        self.spans += spans as u64;
        self.depend_on_rate += u64::from(replay.depends_on_rate(at));
        self.depend_on_arrival += u64::from(replay.depends_on_arrival(at));
        match replay.kept(at) {
            None => self.unknown += 1,
            Some(false) => self.spans_kept += result.late.kept as u64,
            Some(true) => {
                self.kept += 1;
                self.spans_kept += (result.judged.len() + result.late.kept) as u64;
            }
        }
    }

    /// The share of traces that are kept, of those that are decided.
    pub(super) fn share(&self) -> Share {
        Share::of(self.kept, self.traces - self.unknown)
    }

    pub(super) fn share_of(&self, policy: &PolicySummary) -> Share {
        Share::of(policy.decides, self.traces - self.unknown)
    }

    /// A number of spans in each second; `None` if the spans have no times.
    pub(super) fn per_second(&self, spans: u64) -> Option<f64> {
        per_second(spans, self.seconds)
    }
}

/// A number of spans in each second; `None` if the spans have no times.
pub(super) fn per_second(spans: u64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| spans as f64 / seconds)
}

/// A share, with the bounds that it has with 95 % confidence in a larger number of traces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) share: f64,
    pub(super) bounds: [f64; 2],
}

impl Share {
    pub(super) fn of(count: u64, trials: u64) -> Self {
        match trials {
            0 => Self {
                share: 0.0,
                bounds: [0.0, 1.0],
            },
            trials => Self {
                share: count as f64 / trials as f64,
                bounds: share_bounds(count, trials, ALPHA),
            },
        }
    }
}

fn policies(replay: &Replay<'_>) -> Vec<PolicySummary> {
    let policies = in_order(replay.config).into_iter();
    let mut policies: Vec<PolicySummary> = policies
        .map(|policy| PolicySummary {
            name: policy.name.clone(),
            matches: 0,
            unknown: 0,
            decides: 0,
        })
        .collect();
    for (at, result) in replay.results.iter().enumerate() {
        let Some(verdict) = &result.verdict else {
            continue;
        };
        for (policy, cast) in policies.iter_mut().zip(verdict.casts()) {
            let Some(cast) = cast else { continue };
            match cast.vote() {
                None => policy.unknown += 1,
                Some(Vote::Sampled | Vote::InvertSampled | Vote::Dropped) => policy.matches += 1,
                Some(_) => {}
            }
        }
        let decides = verdict.decision().and_then(|decision| decision.policy());
        if let Some(policy) = decides.filter(|_| replay.kept(at).is_some()) {
            policies[policy].decides += 1;
        }
    }
    policies
}

/// From the first start to the last end of all spans, in seconds.
pub(super) fn seconds(traces: &Traces) -> f64 {
    let spans = || traces.all.iter().flat_map(|trace| &trace.spans);
    let has_time = |span: &&Span| span.start > 0;
    let first = spans().filter(has_time).map(|span| span.start).min();
    let last = spans()
        .filter(has_time)
        .map(|span| span.end.max(span.start))
        .max();
    match (first, last) {
        (Some(first), Some(last)) => last.saturating_sub(first) as f64 / 1e9,
        _ => 0.0,
    }
}
