//! What the receiver saw, in numbers: the facts for a message when a trace does not come.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::source::otlp::WrongId;
use crate::trace::{Hole, Sender, TraceId};

/// The number of refusals, rejected spans and dropped attributes that are kept with their reason.
const KEPT_REFUSALS: usize = 20;

/// How many services are told apart; what comes from further ones is counted as [`OTHERS`].
const KEPT_SERVICES: usize = 500;

/// The name under which services are counted once there are too many of them.
const OTHERS: &str = "(other services)";

/// Everything that was received so far, counted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Census {
    /// Export requests that were accepted, of all three signals.
    pub requests: u64,
    /// Spans with valid ids, those that came repeatedly counted repeatedly.
    pub spans: u64,
    /// Log records.
    pub log_records: u64,
    /// Data points of metrics.
    pub metric_points: u64,
    /// By service, spans of traces that are or were followed, and of traces linked to them.
    pub watched: BTreeMap<String, u64>,
    /// By service, spans of traces that nobody follows.
    pub strangers: BTreeMap<String, u64>,
    /// Spans that were rejected because an id is invalid.
    pub rejected: u64,
    /// The last of these spans, oldest first.
    pub rejections: VecDeque<Rejection>,
    /// Attributes that were dropped because they cannot be decoded; their spans were taken in.
    pub dropped_attributes: u64,
    /// The last of these attributes, oldest first.
    pub drops: VecDeque<DroppedAttribute>,
    /// Requests that were refused.
    pub refused: u64,
    /// The first refusal and the last ones, oldest first.
    pub refusals: VecDeque<Refusal>,
    /// When the last accepted request came.
    pub last_arrival: Option<Instant>,
}

/// A request that the receiver did not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// When it came.
    pub at: Instant,
    /// The process that sent it; unknown for spans that came without a socket.
    pub sender: Sender,
    /// The method and path, such as `POST /v1/traces`.
    pub endpoint: String,
    /// The reason for the refusal.
    pub reason: String,
    /// What to change, in the imperative.
    pub remedy: String,
    /// The kind of request.
    pub carried: Carried,
}

/// The content of a refused request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// An export of traces: its spans are lost.
    Spans,
    /// Another signal, another path, or a probe.
    NoSpans,
}

impl Refusal {
    /// The hole in each trace that was followed at that time, if spans were lost.
    #[must_use]
    pub fn hole(&self) -> Option<Hole> {
        (self.carried == Carried::Spans).then(|| Hole {
            reason: format!("{} was refused: {}", self.endpoint, self.reason),
            sender: self.sender.clone(),
            remedy: self.remedy.clone(),
        })
    }
}

impl Refusal {
    /// In one line, with the remedy.
    #[must_use]
    pub fn in_full(&self) -> String {
        format!("{self}; {}", self.remedy)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.endpoint)?;
        if !self.sender.is_unknown() {
            write!(f, " from {}", self.sender)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// A span that the receiver did not accept because an id is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// Its trace, if that id is valid.
    pub trace_id: Option<TraceId>,
    /// Its service.
    pub service: String,
    /// Its name.
    pub name: String,
    /// The invalid id.
    pub reason: WrongId,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, service) = (&self.name, &self.service);
        write!(f, "span `{name}` of {service}: {}", self.reason)
    }
}

/// An attribute that was dropped because it cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct DroppedAttribute {
    /// The service that sent it.
    pub service: String,
    /// What it describes, such as ``span `charge` `` or `the resource`.
    pub owner: String,
    /// Its key, as far as it is readable.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for DroppedAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            owner,
            key,
            reason,
        } = self;
        write!(f, "attribute `{key}` of {owner} of {service}: {reason}")
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ingested {
    /// Spans that were taken in.
    pub spans: usize,
    /// The number of spans that were rejected because an id is invalid.
    pub rejected: usize,
    /// These spans: all whose trace id is valid, and the first few of the others.
    pub rejections: Vec<Rejection>,
    /// The number of attributes that were dropped because they cannot be decoded.
    pub dropped_attributes: usize,
    /// The first of these attributes.
    pub drops: Vec<DroppedAttribute>,
}

impl Census {
    /// Whether nothing at all has come, neither data nor an attempt.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests == 0 && self.refused == 0
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refused += 1;
        if self.refusals.len() == KEPT_REFUSALS {
            // The first one stays: what follows is often a consequence.
            self.refusals.remove(1);
        }
        self.refusals.push_back(refusal);
    }

    /// Counts what is missing of a request that was accepted.
    pub(super) fn count_losses(&mut self, ingested: &Ingested) {
        self.rejected += ingested.rejected as u64;
        keep_last(&mut self.rejections, &ingested.rejections);
        self.dropped_attributes += ingested.dropped_attributes as u64;
        keep_last(&mut self.drops, &ingested.drops);
    }

    pub(super) fn count_watched(&mut self, service: &str, spans: u64) {
        add(&mut self.watched, service, spans);
    }

    pub(super) fn count_strangers(&mut self, service: &str, spans: u64) {
        add(&mut self.strangers, service, spans);
    }

    /// Spans that were strangers turned out to belong to a trace that is followed.
    pub(super) fn adopt(&mut self, service: &str, spans: u64) {
        let known = [service, OTHERS]
            .into_iter()
            .find(|&name| self.strangers.contains_key(name));
        if let Some(known) = known
            && let Some(count) = self.strangers.get_mut(known)
        {
            *count = count.saturating_sub(spans);
            if *count == 0 {
                self.strangers.remove(known);
            }
        }
        self.count_watched(service, spans);
    }
}

fn keep_last<T: Clone>(kept: &mut VecDeque<T>, new: &[T]) {
    kept.extend(new.iter().cloned());
    let excess = kept.len().saturating_sub(KEPT_REFUSALS);
    kept.drain(..excess);
}

fn add(counts: &mut BTreeMap<String, u64>, service: &str, spans: u64) {
    if spans == 0 {
        return;
    }
    if let Some(count) = counts.get_mut(service) {
        *count += spans;
        return;
    }
    let name = if counts.len() < KEPT_SERVICES {
        service
    } else {
        OTHERS
    };
    *counts.entry(name.to_owned()).or_default() += spans;
}
