//! Differences between the decisions of versions of the processor.
//!
//! Read from the source of each release from 0.140.1 to 0.165.1. A newer version is taken to decide as the last one.

use crate::sampling::version::{CollectorVersion, Since};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Features {
    pub(super) latency: LatencyBound,
    pub(super) inverted: Inverted,
    pub(super) rate: RateLimit,
    pub(super) omitted_share: OmittedShare,
    pub(super) unmatched_drop: UnmatchedDrop,
    /// Determines the language of conditions.
    pub(super) version: CollectorVersion,
}

/// The lower bound of `latency` without an upper threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LatencyBound {
    /// `duration >= threshold_ms`.
    Included,
    /// `duration > threshold_ms`.
    Excluded,
}

/// The votes of a policy with `invert_match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inverted {
    /// Votes of their own, of which one is a veto.
    Veto,
    /// Those of other policies.
    Plain,
}

/// The algorithm of `rate_limiting`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RateLimit {
    /// A counter for each second of the clock.
    PerSecond,
    TokenBucket,
}

/// The rate of a policy that `rate_allocation` omits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OmittedShare {
    Nothing,
    /// The total, divided by the number of policies.
    Equal,
}

/// The vote of a `drop` policy that does not drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnmatchedDrop {
    /// Against the trace: it cancels an inverted match.
    NotSampled,
    Ignored,
}

impl Features {
    pub(super) fn of(version: CollectorVersion) -> Self {
        let since = |behaviour| version.has(behaviour);
        Self {
            latency: match since(Since::LatencyAbove) {
                true => LatencyBound::Excluded,
                false => LatencyBound::Included,
            },
            inverted: match since(Since::PlainInvertedVotes) {
                true => Inverted::Plain,
                false => Inverted::Veto,
            },
            rate: match since(Since::TokenBucket) {
                true => RateLimit::TokenBucket,
                false => RateLimit::PerSecond,
            },
            omitted_share: match since(Since::Shards) {
                true => OmittedShare::Equal,
                false => OmittedShare::Nothing,
            },
            unmatched_drop: match since(Since::SilentDrop) {
                true => UnmatchedDrop::Ignored,
                false => UnmatchedDrop::NotSampled,
            },
            version,
        }
    }
}
