//! Facts about all telemetry that arrived during a window.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Hole, Signal};

/// Facts about all telemetry that arrived during a window, of any trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    /// The length of the window.
    pub observed: Duration,
    /// Maximum length of the window.
    pub longest: Duration,
    /// By `service.name`. Of very many services, the first ones and those that a check names.
    pub services: BTreeMap<String, ServiceTraffic>,
    /// Number of records of further services.
    pub other_records: u64,
    /// Pairs of services of which one has a span that refers to a span of the other, with the number of such
    /// spans of the first.
    pub edges: BTreeMap<ServiceEdge, u64>,
    /// Number of spans of services in edges that had to be forgotten, because there were too many spans.
    pub forgotten_spans: u64,
    /// Exports that were refused, the first of each kind.
    pub refused: Vec<RefusedExport>,
}

/// The telemetry of one service in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceTraffic {
    /// By signal. A signal of which nothing arrived has no entry.
    pub signals: BTreeMap<Signal, SignalTraffic>,
}

/// The records of one service and signal in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalTraffic {
    /// Number of records that were made during the window, or shortly before.
    pub records: u64,
    /// From the start of the window to the arrival of the first of them.
    pub first: Duration,
    /// From the start of the window to the arrival of the last of them.
    pub last: Duration,
    /// Number of records that are older than the window.
    pub old: u64,
    /// From the time of the newest of these to the start of the window.
    pub old_by: Duration,
}

/// Two services of which one refers to the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceEdge {
    /// The service of the parent, or of the span to which a link leads.
    pub from: String,
    /// The service of the child, or of the span with the link.
    pub to: String,
    /// The kind of reference.
    pub by: EdgeKind,
}

/// The kind of reference between two spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// The second is a direct child of the first.
    Child,
    /// The second has a link to the first.
    Link,
}

/// An export that was refused, or of which spans were rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedExport {
    /// The signals that it may have contained.
    pub signals: Vec<Signal>,
    /// The loss.
    pub hole: Hole,
}

impl Traffic {
    /// Returns `true` if nothing arrived, not even an export that was refused.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.services.is_empty() && self.other_records == 0 && self.refused.is_empty()
    }

    /// The records of this service and signal, if any arrived.
    #[must_use]
    pub fn of(&self, service: &str, signal: Signal) -> Option<&SignalTraffic> {
        self.services.get(service)?.signals.get(&signal)
    }

    /// Returns `true` if this service sent a record of the window.
    #[must_use]
    pub fn has_service(&self, service: &str) -> bool {
        let of = self.services.get(service);
        of.is_some_and(|of| of.signals.values().any(SignalTraffic::is_present))
    }

    /// Returns `true` if a span of the second service refers to one of the first.
    #[must_use]
    pub fn has_edge(&self, edge: &ServiceEdge) -> bool {
        self.edges.contains_key(edge)
    }

    /// Refused exports that may have contained records of this service and signal.
    pub fn refused_of<'a>(
        &'a self,
        service: &'a str,
        signal: Signal,
    ) -> impl Iterator<Item = &'a RefusedExport> {
        let may_be = move |export: &&RefusedExport| {
            let sender = export.hole.sender.service.as_deref();
            export.signals.contains(&signal) && sender.is_none_or(|name| name == service)
        };
        self.refused.iter().filter(may_be)
    }

    /// Number of records of this signal that were made during the window.
    #[must_use]
    pub fn records(&self, signal: Signal) -> u64 {
        let of_signal = self.services.values();
        let of_signal = of_signal.filter_map(|service| service.signals.get(&signal));
        of_signal.map(|of| of.records).sum()
    }
}

impl SignalTraffic {
    /// Returns `true` if a record was made during the window.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.records > 0
    }
}

impl EdgeKind {
    /// `child` or `link`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Child => "child",
            Self::Link => "link",
        }
    }
}

/// `frontend -> checkout`, or `link: checkout -> accounting`.
impl std::fmt::Display for ServiceEdge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.by {
            EdgeKind::Child => write!(f, "{} -> {}", self.from, self.to),
            EdgeKind::Link => write!(f, "link: {} -> {}", self.from, self.to),
        }
    }
}
