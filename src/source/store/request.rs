//! A request that was read, with facts about it: the services that sent it, and what is missing from it. All of this
//! is found before the store is locked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::entry::digest;
use super::grouped::{ByTrace, RequestIndex};
use super::losses::Loss;
use super::recent::{self, RecentRequest, RecordView};
#[cfg(feature = "run")]
use crate::source::otlp::Pieces;
#[cfg(feature = "run")]
use crate::source::otlp::SpanAt;
use crate::source::otlp::{self, LogAt, LogWalk, Malformed, Walk};
use crate::source::stats::{DroppedAttribute, Ingested, KEPT_SERVICES, OTHERS, RejectedSpan};
use crate::trace::{Sender, TraceId};

/// The way in which log records arrive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LogArrival {
    /// An export.
    Export,
    /// A line that a service printed.
    #[cfg(feature = "run")]
    Printed,
}

/// A request of spans.
pub(super) struct SpanRequest<'a> {
    pub(super) walk: Walk<'a>,
    /// The service of each resource.
    pub(super) services: Vec<String>,
    pub(super) counts: ServiceCounts,
    pub(super) index: Arc<RequestIndex>,
    /// The copy that the store may remember; `None` if there is no room for it.
    pub(super) recent: Option<Arc<RecentRequest>>,
    pub(super) arrived: Instant,
}

/// A request of log records.
pub(super) struct LogRequest<'a> {
    pub(super) walk: LogWalk<'a>,
    pub(super) index: Arc<RequestIndex>,
    /// The records with a trace id whose span id has a wrong length.
    pub(super) wrong: ByTrace,
    /// The trace id of a record has a wrong length.
    pub(super) has_wrong_trace: bool,
    /// The copy that the store may remember; `None` if there is no room for it.
    pub(super) recent: Option<Arc<RecentRequest>>,
    pub(super) arrived: Instant,
}

/// A span that was rejected, as a loss of traces.
pub(super) struct RejectedLoss {
    /// Its trace; `None` if that id is invalid.
    pub(super) trace: Option<TraceId>,
    /// The traces that its links refer to.
    pub(super) links: Vec<TraceId>,
    pub(super) loss: Loss,
}

impl<'a> SpanRequest<'a> {
    /// Reads a request for a store that remembers this number of bytes.
    pub(super) fn of(
        request: &'a [u8],
        arrived: Instant,
        capacity: usize,
    ) -> Result<Self, Malformed> {
        let walk = Walk::of(request)?;
        let services = services(&walk)?;
        let index = Arc::new(RequestIndex::of_spans(&walk));
        let recent = (request.len() + index.size() <= capacity)
            .then(|| RecentRequest::of_spans(request, &walk, Arc::clone(&index), arrived))
            .filter(|recent| recent::fits(recent, capacity));
        Ok(Self {
            counts: ServiceCounts::of(&walk, &services),
            recent: recent.map(Arc::new),
            services,
            index,
            walk,
            arrived,
        })
    }

    /// A span of the request.
    #[cfg(feature = "run")]
    pub(super) fn view(&self, span: &SpanAt<'a>) -> RecordView<'a> {
        let scope = &self.walk.scopes[span.scope];
        RecordView {
            trace: Some(span.trace_id),
            span: Some(span.span_id),
            bytes: span.bytes,
            resource: self.walk.resources[scope.resource].joined(),
            scope: scope.scope.joined(),
        }
    }

    pub(super) fn ingested(&self) -> Ingested {
        Ingested {
            spans: self.walk.spans.len(),
            rejected: self.walk.invalid,
            rejections: rejections(&self.walk, &self.services),
            dropped_attributes: self.walk.dropped_attributes,
            drops: drops(&self.walk, &self.services),
        }
    }

    pub(super) fn rejected(&self, sender: &Sender) -> Vec<RejectedLoss> {
        let rejected = self.walk.rejected.iter().map(|span| {
            let service = &self.services[self.walk.scopes[span.scope].resource];
            let sender = Sender {
                service: Some(service.clone()),
                ..sender.clone()
            };
            let hole = Arc::new(span.reason.hole(span.name, sender));
            RejectedLoss {
                trace: span.trace_id,
                links: span.links.clone(),
                loss: Loss {
                    at: self.arrived,
                    hole,
                },
            }
        });
        rejected.collect()
    }
}

impl<'a> LogRequest<'a> {
    /// Reads a request for a store that remembers this number of bytes.
    pub(super) fn of(
        request: &'a [u8],
        arrived: Instant,
        capacity: usize,
    ) -> Result<Self, Malformed> {
        let walk = LogWalk::of_logs(request)?;
        let index = Arc::new(RequestIndex::of_logs(&walk));
        let recent = (request.len() + index.size() <= capacity)
            .then(|| RecentRequest::of_logs(request, &walk, Arc::clone(&index), arrived))
            .filter(|recent| recent::fits(recent, capacity));
        let wrong = walk.records.iter().filter(|record| record.has_wrong_id);
        let wrong: Vec<Option<TraceId>> = wrong.map(|record| record.trace_id).collect();
        Ok(Self {
            wrong: ByTrace::of(wrong.len(), |at| wrong[at]),
            has_wrong_trace: wrong.contains(&None),
            recent: recent.map(Arc::new),
            index,
            walk,
            arrived,
        })
    }
}

impl<'a> LogRequest<'a> {
    /// A record of the request.
    pub(super) fn view(&self, record: &LogAt<'a>) -> RecordView<'a> {
        let scope = &self.walk.scopes[record.scope];
        RecordView {
            trace: record.trace_id,
            span: None,
            bytes: record.bytes,
            resource: self.walk.resources[scope.resource].joined(),
            scope: scope.scope.joined(),
        }
    }
}

/// The number of spans of each service.
pub(super) struct ServiceCounts {
    /// Each service, with the number of its spans. Services beyond those that are counted are one.
    pub(super) services: Vec<(String, u64)>,
    /// The index in `services` of each resource.
    pub(super) of_resource: Vec<usize>,
}

impl ServiceCounts {
    fn of(walk: &Walk<'_>, services: &[String]) -> Self {
        let mut known: HashMap<&str, usize> = HashMap::new();
        let of_resource = services.iter().map(|service| {
            let is_counted = known.len() < KEPT_SERVICES;
            let name = match is_counted || known.contains_key(service.as_str()) {
                true => service.as_str(),
                false => OTHERS,
            };
            let next = known.len();
            *known.entry(name).or_insert(next)
        });
        let of_resource: Vec<usize> = of_resource.collect();
        let mut counts = vec![(String::new(), 0); known.len()];
        for (name, at) in known {
            counts[at].0 = name.to_owned();
        }
        for span in &walk.spans {
            counts[of_resource[walk.scopes[span.scope].resource]].1 += 1;
        }
        Self {
            services: counts,
            of_resource,
        }
    }
}

/// The digests of the resources of a request, each computed when a span needs it.
#[derive(Default)]
pub(super) struct ResourceDigests(HashMap<usize, u64>);

impl ResourceDigests {
    pub(super) fn of(&mut self, walk: &Walk<'_>, resource: usize) -> u64 {
        let known = self.0.entry(resource);
        *known.or_insert_with(|| digest(&walk.resources[resource].joined()))
    }
}

/// `service.name` of each resource of a request.
fn services(walk: &Walk<'_>) -> Result<Vec<String>, Malformed> {
    let resources = walk.resources.iter();
    resources
        .map(|resource| otlp::service_of(&resource.joined()))
        .collect()
}

/// `service.name` of these resources; empty for one that cannot be decoded.
#[cfg(feature = "run")]
pub(super) fn services_of(resources: &[Pieces<'_>]) -> Vec<String> {
    let names = resources.iter();
    names
        .map(|resource| otlp::service_of(&resource.joined()).unwrap_or_default())
        .collect()
}

/// The rejected spans of a request; `services` has the service of each resource.
fn rejections(walk: &Walk<'_>, services: &[String]) -> Vec<RejectedSpan> {
    let rejected = walk.rejected.iter();
    rejected
        .map(|span| RejectedSpan {
            trace_id: span.trace_id,
            service: services[walk.scopes[span.scope].resource].clone(),
            name: String::from_utf8_lossy(span.name).into_owned(),
            reason: span.reason.clone(),
        })
        .collect()
}

/// The attributes of a request that cannot be decoded.
fn drops(walk: &Walk<'_>, services: &[String]) -> Vec<DroppedAttribute> {
    let undecodable = walk.undecodable.iter();
    undecodable
        .map(|attribute| DroppedAttribute {
            service: services[attribute.resource].clone(),
            owner: attribute.owner.to_string(),
            key: String::from_utf8_lossy(attribute.key).into_owned(),
            reason: attribute.reason.to_string(),
        })
        .collect()
}

/// The service of this resource; empty if it cannot be decoded.
pub(super) fn service_of(resource: &[u8]) -> String {
    otlp::service_of(resource).unwrap_or_default()
}
