//! What became of a check.

use std::fmt;

use super::Failure;
use crate::spec::Location;
use crate::trace::{Field, SpanId};

/// A check and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What it asks, in a few words: ``attribute `payment.method` of `process_payment` ``.
    pub what: String,
    /// Where the spec asks it.
    pub at: Location,
    /// What became of it.
    pub outcome: Outcome,
}

/// Whether a check holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It holds.
    Pass,
    /// We saw it, and it is wrong.
    Fail(Box<Failure>),
    /// We cannot tell.
    Unjudged(Unjudged),
}

/// Why a check could not be judged.
#[derive(Clone, Debug, PartialEq)]
pub enum Unjudged {
    /// No span of the trace came, so nothing of it can be said.
    NoSpans,
    /// It held so far, but these parents never arrived before the deadline, and what hangs below
    /// them may be missing too.
    ParentsMissing(Vec<SpanId>),
    /// It held so far, but the entry of the trace never arrived before the deadline.
    EntryMissing,
    /// It held so far, but the deadline passed before every service had its time to export.
    TimedOut,
    /// It held so far, but a service that was called had no SERVER span before the deadline, and
    /// the flush bound is unknown.
    ServerMissing,
    /// The source of the trace does not tell this field.
    Lost(Field),
    /// The step ended before this was looked at.
    NotReached,
    /// It needs a value that was not captured.
    NotCaptured(String),
    /// It asks for the absence of spans, and this one nearly is such a span.
    NearMiss {
        /// The span.
        span: String,
        /// The conditions that it nearly meets, each with the reason.
        reasons: Vec<String>,
    },
}

impl fmt::Display for Unjudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSpans => f.write_str("no span of this trace arrived"),
            Self::ParentsMissing(parents) => {
                let ids: Vec<String> = parents.iter().take(3).map(SpanId::to_string).collect();
                let more = parents.len().saturating_sub(3);
                write!(
                    f,
                    "holds so far, but the parent {} never arrived",
                    ids.join(", ")
                )?;
                if more > 0 {
                    write!(f, " (and {more} more)")
                } else {
                    Ok(())
                }
            }
            Self::EntryMissing => {
                f.write_str("holds so far, but the entry of the trace never arrived")
            }
            Self::ServerMissing => {
                f.write_str("holds so far, but the SERVER span of a call never arrived")
            }
            Self::TimedOut => {
                f.write_str("holds so far, but `timeout` ended before the flush bound")
            }
            Self::Lost(field) => write!(f, "the source of this trace does not tell {field}"),
            Self::NotReached => f.write_str("the step ended before this was looked at"),
            Self::NotCaptured(name) => write!(f, "needs `{name}`, which was not captured"),
            Self::NearMiss { span, reasons } => {
                write!(f, "{span} is nearly such a span: {}", reasons.join("; "))
            }
        }
    }
}

impl Outcome {
    /// The failure, if it failed.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Fail(failure) => Some(failure),
            Self::Pass | Self::Unjudged(_) => None,
        }
    }
}
