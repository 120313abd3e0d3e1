//! Versions of the Collector, and the behaviour that differs between them.

use std::fmt;
use std::str::FromStr;

/// A version of the Collector's contrib distribution, such as 0.161.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CollectorVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

/// Behaviour that came with a version.
///
/// Read in the sources of `tailsamplingprocessor` v0.140.1 to v0.161.0, without v0.143.0, and of `pkg/ottl` v0.140.1 to
/// v0.161.0. The versions of functions of OTTL stand with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// `bytes_limiting`, `burst_capacity` and `drop_pending_traces_on_shutdown`.
    BytesLimiting,
    /// `decision_wait_after_root_received`.
    WaitAfterRoot,
    /// `not`, `trace_flags` and `maximum_trace_size_bytes`.
    Not,
    /// `sampling_strategy`.
    Strategy,
    /// `tail_storage`.
    TailStorage,
    /// An inverted match votes like any other policy; before, it is a veto. The default of a feature gate.
    PlainInvertedVotes,
    /// `rate_limiting` has a token bucket and `burst_capacity`; before, it counts in each second.
    TokenBucket,
    /// `latency` keeps traces above the threshold; before, also those equal to it.
    LatencyAbove,
    /// `num_shards`, and an equal share for a policy without `rate_allocation`; before, it has none.
    Shards,
    /// A `drop` policy that does not match has no vote; before, it votes against the trace.
    SilentDrop,
    /// OTTL: literal arguments are converted at the start, and the string `"nil"` is not nil.
    Literals,
    /// OTTL: `TraceID` and `SpanID` of hexadecimal digits.
    IdsOfText,
    /// OTTL: literal parts of `and` and `or` are evaluated at the start, and hide errors of parts before them.
    FoldedConditions,
    /// OTTL: a sign is an operator; before, it is a part of a number.
    Signs,
    /// OTTL: the path `flags`.
    SpanFlags,
    /// OTTL: paths of `otelcol`.
    CollectorPaths,
    /// OTTL: commas are required between the items of a list.
    ListCommas,
    /// OTTL: `Concat` of a list that is not written in the condition.
    ComputedLists,
}

impl CollectorVersion {
    /// The newest version whose behaviour is known.
    pub(crate) const LATEST: Self = Self::of(161);
    /// The oldest version whose behaviour is known.
    pub(crate) const OLDEST: Self = Self::of(140);

    /// The version 0.N.0.
    pub(super) const fn of(minor: u32) -> Self {
        Self {
            major: 0,
            minor,
            patch: 0,
        }
    }

    /// Returns `true` if this version behaves so.
    pub(crate) fn has(self, behaviour: Since) -> bool {
        self >= behaviour.version()
    }
}

impl Since {
    /// The first version with it.
    pub(crate) fn version(self) -> CollectorVersion {
        let minor = match self {
            Self::BytesLimiting | Self::Literals => 141,
            Self::IdsOfText => 142,
            Self::FoldedConditions => 143,
            Self::WaitAfterRoot | Self::PlainInvertedVotes | Self::Signs => 144,
            Self::Not | Self::SpanFlags => 145,
            Self::CollectorPaths => 147,
            Self::Strategy => 149,
            Self::TailStorage => 150,
            Self::TokenBucket => 153,
            Self::LatencyAbove => 157,
            Self::Shards => 159,
            Self::SilentDrop | Self::ListCommas => 160,
            Self::ComputedLists => 161,
        };
        CollectorVersion::of(minor)
    }
}

impl Default for CollectorVersion {
    fn default() -> Self {
        Self::LATEST
    }
}

impl fmt::Display for CollectorVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for CollectorVersion {
    type Err = String;

    /// Reads `0.161.0`, `v0.161.0` or `0.161`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a version of the Collector, such as 0.161.0".to_owned();
        let numbers: Result<Vec<u32>, _> = text
            .strip_prefix('v')
            .unwrap_or(text)
            .split('.')
            .map(str::parse)
            .collect();
        let version = match numbers.map_err(|_| wrong())?[..] {
            [major, minor] => Self {
                major,
                minor,
                patch: 0,
            },
            [major, minor, patch] => Self {
                major,
                minor,
                patch,
            },
            _ => return Err(wrong()),
        };
        match version >= Self::OLDEST {
            true => Ok(version),
            false => Err(format!(
                "versions before {} are not known: name a newer one",
                Self::OLDEST
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_with_or_without_its_patch() {
        for text in ["0.161", "v0.161.0", "0.161.0"] {
            assert_eq!(text.parse(), Ok(CollectorVersion::LATEST));
        }
        for text in ["", "161", "0.x", "0.1.2.3", "0.139.9"] {
            assert!(text.parse::<CollectorVersion>().is_err(), "{text}");
        }
        let old: CollectorVersion = "0.143.0".parse().unwrap();
        assert!(!old.has(Since::PlainInvertedVotes) && old.has(Since::BytesLimiting));
    }
}
