//! Expectations for everything that arrives in the window of `observe`.

use std::fmt;

use super::{Allowance, Expect, Location, Selector};
use crate::trace::{ServiceEdge, Signal};

/// An expectation for everything that arrives in a window.
#[derive(Clone, Debug)]
pub enum TrafficAsk {
    /// The records of a service and signal.
    Signal {
        /// `service.name`.
        service: String,
        /// The signal.
        signal: Signal,
        /// Whether there are any.
        presence: SignalPresence,
    },
    /// A record of any signal of this service.
    Service(String),
    /// A span of one service refers to a span of another.
    Edge(ServiceEdge),
    /// Expectations for each trace that begins in the window.
    EachTrace(Box<EachTrace>),
}

/// The expected presence of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalPresence {
    /// At least one record.
    Present,
    /// No record in the whole window.
    Absent,
}

/// Expectations for each trace that begins in a window.
#[derive(Clone, Debug)]
pub struct EachTrace {
    /// The traces: those with such a span. All without it.
    pub find: Option<Selector>,
    /// The expectations for each.
    pub expect: Expect,
    /// Maximum number or share of the traces that do not meet them.
    pub failures: Allowance,
    /// Place of `failures`, or of the key.
    pub failures_at: Location,
}

impl TrafficAsk {
    /// Returns `true` if the expectation can hold only at the end of the window.
    pub(crate) fn needs_whole_window(&self) -> bool {
        match self {
            Self::Signal { presence, .. } => *presence == SignalPresence::Absent,
            Self::EachTrace(_) => true,
            Self::Service(_) | Self::Edge(_) => false,
        }
    }

    /// The services that it names.
    pub(crate) fn services(&self) -> Vec<&str> {
        match self {
            Self::Signal { service, .. } | Self::Service(service) => vec![service],
            Self::Edge(edge) => vec![&edge.from, &edge.to],
            Self::EachTrace(_) => Vec::new(),
        }
    }
}

/// The expectation in words, for a check that was not judged.
impl fmt::Display for TrafficAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal {
                service,
                signal,
                presence: SignalPresence::Present,
            } => write!(f, "{} of {service}", signal.name()),
            Self::Signal {
                service, signal, ..
            } => write!(f, "no {} of {service}", signal.name()),
            Self::Service(service) => write!(f, "telemetry of {service}"),
            Self::Edge(edge) => write!(f, "edge {edge}"),
            Self::EachTrace(each) => match &each.find {
                Some(find) => write!(f, "each trace with {find}"),
                None => f.write_str("each trace"),
            },
        }
    }
}
