//! The identity of a check, by which a decision finds it again.

use crate::spec::{Check, Condition, Expect, LogEntry, SpanEntry};

/// Identity of a check within its step. Judging the same `expect` again gives the same identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckRef {
    /// A check of the response; the index among the checks of the response.
    Response(usize),
    /// A conformance case; its index among the results.
    Case(usize),
    /// A check of everything that arrived in a window; the index among such checks.
    Traffic(usize),
    /// A check of the whole trace; the index among the checks of the whole trace.
    Trace(usize),
    /// A check of the spans that an entry of `spans` selects.
    Span {
        /// The index of the entry.
        entry: usize,
        /// The part of the entry that is checked.
        part: EntryCheck,
    },
    /// A check of the log records that an entry of `logs` selects.
    Log {
        /// The index of the entry.
        entry: usize,
        /// The part of the entry that is checked.
        part: EntryCheck,
    },
    /// A check of the series that an entry of `metrics` selects.
    Metric {
        /// The index of the entry.
        entry: usize,
        /// The part of the entry that is checked.
        part: EntryCheck,
    },
    /// A capture; the index among the captures of the step.
    Capture(usize),
    /// A condition of `until` of a poll; the index among them.
    Until(usize),
    /// The limit on failed requests of a `repeat`.
    Failures,
    /// The decision of a sampler about the trace of one request, of which the share is checked.
    Decision,
    /// The share of the traces of a `repeat` or a search that a sampler keeps.
    KeptShare,
    /// The measurement of a budget in one request; the index of the budget.
    Measurement(usize),
    /// A claim of a budget about all requests of a `repeat`.
    Budget {
        /// The index of the budget.
        budget: usize,
        /// The index among the claims of all budgets of the spec.
        claim: usize,
    },
}

/// Part of an entry of `spans`, `logs` or `metrics` that is a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryCheck {
    /// The whole entry, where nothing of it can be judged.
    Entry,
    /// The number of selected items.
    Count,
    /// A condition on each selected item; the index of the condition.
    Each(usize),
    /// An aggregate over the selected items; its index.
    Aggregate(usize),
}

impl CheckRef {
    /// The checks of an `expect` that are not about selected spans, with their identities.
    pub(crate) fn of_all(checks: &[Check]) -> impl Iterator<Item = (Self, &Check)> {
        let (mut of_response, mut of_trace, mut of_traffic) = (0, 0, 0);
        checks.iter().map(move |check| {
            let (index, identity): (_, fn(usize) -> Self) = match &check.ask {
                Condition::Traffic(_) => (&mut of_traffic, Self::Traffic),
                ask if ask.is_about_trace() => (&mut of_trace, Self::Trace),
                _ => (&mut of_response, Self::Response),
            };
            *index += 1;
            (identity(*index - 1), check)
        })
    }

    /// Returns `true` if a lost span could change the outcome of this check.
    pub(super) fn needs_spans(self, expect: &Expect) -> bool {
        match self {
            Self::Log { entry, .. } => expect.logs.get(entry).is_some_and(LogEntry::needs_spans),
            // It has the losses of its own signals.
            Self::Traffic(_) => false,
            _ => true,
        }
    }

    /// Returns `true` if a lost log record could change the outcome of this check.
    pub(super) fn needs_logs(self, expect: &Expect) -> bool {
        match self {
            Self::Log { .. } => true,
            Self::Span { entry, .. } => {
                let entry = expect.spans.get(entry);
                entry.is_some_and(SpanEntry::has_exceptions)
            }
            Self::Trace(_) => self.condition(expect).is_some_and(Condition::needs_logs),
            _ => false,
        }
    }

    /// The condition of a check of the response or of the whole trace.
    pub(crate) fn condition(self, expect: &Expect) -> Option<&Condition> {
        let mut all = Self::of_all(&expect.checks);
        let (_, check) = all.find(|(identity, _)| *identity == self)?;
        Some(&check.ask)
    }

    /// Returns `true` if both are the same check, or `other` is a part of the entry that `self`
    /// stands for.
    #[cfg(feature = "run")]
    pub(crate) fn includes(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::Span {
                    entry: whole,
                    part: EntryCheck::Entry,
                },
                Self::Span { entry, .. },
            )
            | (
                Self::Log {
                    entry: whole,
                    part: EntryCheck::Entry,
                },
                Self::Log { entry, .. },
            )
            | (
                Self::Metric {
                    entry: whole,
                    part: EntryCheck::Entry,
                },
                Self::Metric { entry, .. },
            ) => whole == entry,
            _ => self == other,
        }
    }

    /// Returns `true` if the check is about all requests of a `repeat` together.
    #[cfg(feature = "run")]
    pub(crate) fn is_of_all_requests(self) -> bool {
        matches!(self, Self::Failures | Self::KeptShare | Self::Budget { .. })
    }
}
