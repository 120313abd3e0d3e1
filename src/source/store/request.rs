//! Facts about a request: the services that sent it, and what is missing from it.

#[cfg(feature = "run")]
use crate::source::otlp::Pieces;
use crate::source::otlp::{self, Malformed, SpanAt, Walk};
use crate::source::stats::{DroppedAttribute, RejectedSpan};

/// `service.name` of each resource of a request.
pub(super) fn services(walk: &Walk<'_>) -> Result<Vec<String>, Malformed> {
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
pub(super) fn rejections(walk: &Walk<'_>, services: &[String]) -> Vec<RejectedSpan> {
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
pub(super) fn drops(walk: &Walk<'_>, services: &[String]) -> Vec<DroppedAttribute> {
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

/// The service of a span; empty if its resource cannot be decoded.
pub(super) fn service(walk: &Walk<'_>, span: &SpanAt<'_>) -> String {
    let resource = &walk.resources[walk.scopes[span.scope].resource];
    otlp::service_of(&resource.joined()).unwrap_or_default()
}
