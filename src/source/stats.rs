//! Counts of everything that a receiver got, for the diagnosis of a missing trace.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::otlp::{Signal, WrongId};
use crate::trace::{Hole, Sender, TraceId};

/// Number of refusals, rejected spans and dropped attributes that are kept with their reason.
const KEPT_REFUSALS: usize = 20;

/// Number of services that are counted; further ones are counted as [`OTHERS`].
pub(in crate::source) const KEPT_SERVICES: usize = 500;

/// The name under which further services are counted.
pub(in crate::source) const OTHERS: &str = "(other services)";

/// Counts of everything that was received.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReceiverStats {
    /// Accepted export requests of all signals.
    pub requests: u64,
    /// Spans with valid ids. A span that is sent again counts again.
    pub spans: u64,
    /// Log records.
    pub log_records: u64,
    /// Data points of metrics.
    pub metric_points: u64,
    /// By service, spans of traces that are or were followed, and of traces linked with them.
    pub related: BTreeMap<String, u64>,
    /// By service, spans of all other traces.
    pub unrelated: BTreeMap<String, u64>,
    /// Spans that were rejected because an id is invalid.
    pub rejected: u64,
    /// The last of these spans, oldest first.
    pub rejections: VecDeque<RejectedSpan>,
    /// Attributes that were dropped because they cannot be decoded. Their spans were accepted.
    pub dropped_attributes: u64,
    /// The last of these attributes, oldest first.
    pub drops: VecDeque<DroppedAttribute>,
    /// Refused requests.
    pub refused: u64,
    /// The first refusal and the last ones, oldest first.
    pub refusals: VecDeque<Refusal>,
    /// The arrival of the last accepted request.
    pub last_arrival: Option<Instant>,
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Its arrival.
    pub at: Instant,
    /// The process that sent it; unknown for spans of this process.
    pub sender: Sender,
    /// The method and path, such as `POST /v1/traces`.
    pub endpoint: String,
    /// The reason for the refusal.
    pub reason: String,
    /// The remedy, in the imperative.
    pub remedy: String,
    /// The kind of request.
    pub carried: Carried,
}

/// The content of a refused request, which is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Carried {
    /// An export of traces.
    Spans,
    /// An export of logs.
    LogRecords,
    /// An export of metrics.
    Metrics,
    /// Perhaps an export of any signal.
    Anything,
    /// Another path, or a probe.
    Nothing,
}

impl From<Signal> for Carried {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Traces => Self::Spans,
            Signal::Logs => Self::LogRecords,
            Signal::Metrics => Self::Metrics,
        }
    }
}

impl Carried {
    /// Returns `true` if records of this signal may be lost.
    pub(crate) fn may_be(self, signal: Signal) -> bool {
        self == Self::Anything || self == signal.into()
    }
}

impl Refusal {
    /// The hole that the refusal leaves in what was followed at that time.
    #[must_use]
    pub fn hole(&self) -> Option<Hole> {
        (self.carried != Carried::Nothing).then(|| Hole {
            reason: format!("{} was refused: {}", self.endpoint, self.reason),
            sender: self.sender.clone(),
            remedy: self.remedy.clone(),
        })
    }
}

impl Refusal {
    /// One line with the remedy.
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

/// A span that was rejected because an id is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RejectedSpan {
    /// Its trace; `None` if that id is invalid.
    pub trace_id: Option<TraceId>,
    /// Its service.
    pub service: String,
    /// Its name.
    pub name: String,
    /// The invalid id.
    pub reason: WrongId,
}

impl fmt::Display for RejectedSpan {
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
    /// The part with this attribute, such as ``span `charge` `` or `the resource`.
    pub owner: String,
    /// Its key; empty if it is not readable.
    pub key: String,
    /// The reason why it cannot be decoded.
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

/// The result of an accepted request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ingested {
    /// Number of accepted spans.
    pub spans: usize,
    /// Number of spans that were rejected because an id is invalid.
    pub rejected: usize,
    /// The rejected spans: all with a valid trace id, and the first few of the others.
    pub rejections: Vec<RejectedSpan>,
    /// Number of attributes that were dropped because they cannot be decoded.
    pub dropped_attributes: usize,
    /// The first of these attributes.
    pub drops: Vec<DroppedAttribute>,
}

impl ReceiverStats {
    /// Returns `true` if no request was received, not even a refused one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests == 0 && self.refused == 0
    }

    pub(in crate::source) fn refuse(&mut self, refusal: Refusal) {
        self.refused += 1;
        if self.refusals.len() == KEPT_REFUSALS {
            // The first one is kept: later ones are often its consequence.
            self.refusals.remove(1);
        }
        self.refusals.push_back(refusal);
    }

    /// Counts the rejected spans and dropped attributes of an accepted request.
    pub(in crate::source) fn count_losses(&mut self, ingested: &Ingested) {
        self.rejected += ingested.rejected as u64;
        keep_last(&mut self.rejections, &ingested.rejections);
        self.dropped_attributes += ingested.dropped_attributes as u64;
        keep_last(&mut self.drops, &ingested.drops);
    }

    /// Counts an accepted request for logs or metrics.
    pub(in crate::source) fn count(&mut self, logs: u64, points: u64, arrived: Instant) {
        self.requests += 1;
        self.log_records += logs;
        self.metric_points += points;
        self.last_arrival = Some(arrived);
    }

    pub(in crate::source) fn count_related(&mut self, service: &str, spans: u64) {
        add(&mut self.related, service, spans);
    }

    pub(in crate::source) fn count_unrelated(&mut self, service: &str, spans: u64) {
        add(&mut self.unrelated, service, spans);
    }

    /// Counts unrelated spans as related: their trace is followed now.
    pub(in crate::source) fn adopt(&mut self, service: &str, spans: u64) {
        let known = [service, OTHERS]
            .into_iter()
            .find(|&name| self.unrelated.contains_key(name));
        if let Some(known) = known
            && let Some(count) = self.unrelated.get_mut(known)
        {
            *count = count.saturating_sub(spans);
            if *count == 0 {
                self.unrelated.remove(known);
            }
        }
        self.count_related(service, spans);
    }
}

fn keep_last<T: Clone>(kept: &mut VecDeque<T>, new: &[T]) {
    let last = &new[new.len().saturating_sub(KEPT_REFUSALS)..];
    kept.extend(last.iter().cloned());
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
