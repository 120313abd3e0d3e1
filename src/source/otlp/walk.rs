//! Finds the spans in a protobuf request without decoding them.
//!
//! The walk reads lengths, types, and the ids of each span and of its links, which is many times
//! faster than decoding. It accepts every request that prost decodes, and finds the same spans with
//! the same ids. Everything that it accepts can be decoded. `records` is the walk over the other
//! signals.

mod records;

use std::borrow::Cow;
use std::fmt;

use super::attribute::{self, Undecodable};
use super::error::Malformed;
use super::ids::{SpanIds, WrongId};
use super::limit::{MOST_REJECTED, Parts};
use super::wire::{Wire, WireField};
use crate::trace::{SpanId, TraceId};

pub(crate) use records::{LogAt, LogWalk, MetricWalk, without_observed_time};

/// The spans of one request, borrowed from its bytes.
#[derive(Debug, Default)]
pub(crate) struct Walk<'a> {
    /// The `Resource` message of each `ResourceSpans`.
    pub(crate) resources: Vec<Pieces<'a>>,
    /// Each `ScopeSpans`.
    pub(crate) scopes: Vec<ScopeAt<'a>>,
    /// All spans with valid ids, in order.
    pub(crate) spans: Vec<SpanAt<'a>>,
    /// All links from a span with valid ids, in order.
    pub(crate) links: Vec<LinkAt>,
    /// Number of spans that were rejected because an id is invalid.
    pub(crate) invalid: usize,
    /// The rejected spans: all with a valid trace id, and the first few of the others.
    pub(crate) rejected: Vec<RejectedAt<'a>>,
    /// Number of rejected spans whose trace id is invalid.
    without_trace: usize,
    /// Number of attributes that cannot be decoded.
    pub(crate) dropped_attributes: usize,
    /// The first of these attributes.
    pub(crate) undecodable: Vec<UndecodableAt<'a>>,
    parts: Parts,
}

/// Number of rejected spans without a valid trace id, and of attributes that cannot be decoded, that
/// are described. Each can have two bytes, and a request 64 MiB.
const MOST_DESCRIBED: usize = 100;

/// An attribute that cannot be decoded.
#[derive(Debug)]
pub(crate) struct UndecodableAt<'a> {
    pub(crate) owner: Owner<'a>,
    /// Index of its resource.
    pub(crate) resource: usize,
    pub(crate) key: &'a [u8],
    pub(crate) reason: Cow<'a, str>,
}

/// The owner of an attribute, with the name of its span.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Owner<'a> {
    Resource,
    Scope,
    Span(&'a [u8]),
    Event(&'a [u8]),
    Link(&'a [u8]),
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, span) = match self {
            Self::Resource => return f.write_str("the resource"),
            Self::Scope => return f.write_str("a scope"),
            Self::Span(name) => ("", name),
            Self::Event(name) => ("an event of ", name),
            Self::Link(name) => ("a link of ", name),
        };
        write!(f, "{part}span `{}`", String::from_utf8_lossy(span))
    }
}

impl<'a> Owner<'a> {
    /// The owner with the name of the span.
    fn named(self, name: &'a [u8]) -> Self {
        match self {
            Self::Span(_) => Self::Span(name),
            Self::Event(_) => Self::Event(name),
            Self::Link(_) => Self::Link(name),
            other => other,
        }
    }
}

/// A span that was rejected because an id is invalid.
#[derive(Debug)]
pub(crate) struct RejectedAt<'a> {
    /// Its trace; `None` if that id is invalid.
    pub(crate) trace_id: Option<TraceId>,
    /// The traces that its links refer to.
    pub(crate) links: Vec<TraceId>,
    /// Its name, as sent.
    pub(crate) name: &'a [u8],
    /// Index of its `ScopeSpans`.
    pub(crate) scope: usize,
    pub(crate) reason: WrongId,
}

/// One `ScopeSpans`, `ScopeLogs` or `ScopeMetrics`.
#[derive(Debug)]
pub(crate) struct ScopeAt<'a> {
    /// Index of its resource.
    pub(crate) resource: usize,
    /// Its `InstrumentationScope` message.
    pub(crate) scope: Pieces<'a>,
}

/// One `Span`.
#[derive(Debug)]
pub(crate) struct SpanAt<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// Index of its `ScopeSpans`.
    pub(crate) scope: usize,
    /// The `Span` message.
    pub(crate) bytes: &'a [u8],
}

/// One link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkAt {
    /// The trace that has the link.
    pub(crate) from: TraceId,
    /// The trace that it refers to.
    pub(crate) to: TraceId,
}

/// A message field. Protobuf permits to send it in pieces, which are merged by joining their bytes.
#[derive(Debug, Default)]
pub(crate) struct Pieces<'a> {
    first: &'a [u8],
    more: Vec<&'a [u8]>,
}

impl<'a> Pieces<'a> {
    /// The bytes of the whole message.
    pub(crate) fn joined(&self) -> Cow<'a, [u8]> {
        if self.more.is_empty() {
            Cow::Borrowed(self.first)
        } else {
            Cow::Owned([&[self.first], self.more.as_slice()].concat().concat())
        }
    }

    fn push(&mut self, piece: &'a [u8]) {
        if self.first.is_empty() {
            self.first = piece;
        } else {
            self.more.push(piece);
        }
    }
}

/// Returns `true` for the `Span` message of a SERVER span.
#[cfg(feature = "run")]
pub(crate) fn is_server(span: &[u8]) -> bool {
    const KIND: u32 = 6;
    const SERVER: u64 = 2;
    let mut wire = Wire(span);
    let mut is_server = false;
    while let Ok(Some((tag, field))) = wire.next() {
        if tag == KIND {
            is_server = matches!(field, WireField::Varint(SERVER));
        }
    }
    is_server
}

impl<'a> Walk<'a> {
    /// Walks an `ExportTraceServiceRequest`.
    pub(crate) fn of(request: &'a [u8]) -> Result<Self, Malformed> {
        let mut walk = Self::default();
        let mut wire = Wire(request);
        while let Some((tag, field)) = wire.next()? {
            if tag == 1 {
                walk.resource_spans(field.message()?)?;
            }
        }
        Ok(walk)
    }

    fn resource_spans(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        self.parts.add_owner()?;
        let at = self.resources.len();
        self.resources.push(Pieces::default());
        let mut wire = Wire(message);
        while let Some((tag, field)) = wire.next()? {
            match tag {
                1 => self.resource(at, field.message()?)?,
                2 | 1000 => self.scope_spans(at, field.message()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn resource(&mut self, at: usize, message: &'a [u8]) -> Result<(), Malformed> {
        self.parts.add_owner()?;
        check_resource(message, |kv| self.attribute(Owner::Resource, at, kv))?;
        self.resources[at].push(message);
        Ok(())
    }

    fn scope(&mut self, at: usize, message: &'a [u8]) -> Result<(), Malformed> {
        self.parts.add_owner()?;
        let resource = self.scopes[at].resource;
        check_scope(message, |kv| self.attribute(Owner::Scope, resource, kv))?;
        self.scopes[at].scope.push(message);
        Ok(())
    }

    fn scope_spans(&mut self, resource: usize, message: &'a [u8]) -> Result<(), Malformed> {
        self.parts.add_owner()?;
        let at = self.scopes.len();
        let scope = Pieces::default();
        self.scopes.push(ScopeAt { resource, scope });
        let mut wire = Wire(message);
        while let Some((tag, field)) = wire.next()? {
            match tag {
                1 => self.scope(at, field.message()?)?,
                2 => self.span(at, field.message()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn span(&mut self, scope: usize, bytes: &'a [u8]) -> Result<(), Malformed> {
        self.parts.add()?;
        let (mut trace_id, mut span_id, mut parent): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
        let mut name: &[u8] = &[];
        let (known_links, known_drops) = (self.links.len(), self.undecodable.len());
        let resource = self.scopes[scope].resource;
        let mut wire = Wire(bytes);
        while let Some((tag, field)) = wire.next()? {
            match tag {
                1 => trace_id = field.message()?,
                2 => span_id = field.message()?,
                4 => parent = field.message()?,
                5 => name = field.message()?,
                3 => drop(field.message()?),
                6 | 10 | 12 | 14 => field.varint()?,
                7 | 8 => field.fixed64()?,
                9 => self.attribute(Owner::Span(name), resource, field.message()?)?,
                11 => self.event(resource, field.message()?)?,
                13 => self.link(resource, field.message()?)?,
                15 => status(field.message()?)?,
                16 => field.fixed32()?,
                _ => {}
            }
        }
        for undecodable in &mut self.undecodable[known_drops..] {
            undecodable.owner = undecodable.owner.named(name);
        }
        let SpanIds { trace, span, .. } = match SpanIds::read(trace_id, span_id, parent) {
            Ok(ids) => ids,
            Err(reason) => {
                let links = self.links.drain(known_links..);
                let links = links.map(|link| link.to).collect();
                self.reject(RejectedAt {
                    trace_id: TraceId::from_slice(trace_id),
                    links,
                    name,
                    scope,
                    reason,
                })?;
                return Ok(());
            }
        };
        for link in &mut self.links[known_links..] {
            link.from = trace;
        }
        self.spans.push(SpanAt {
            trace_id: trace,
            span_id: span,
            scope,
            bytes,
        });
        Ok(())
    }

    fn event(&mut self, resource: usize, message: &'a [u8]) -> Result<(), Malformed> {
        self.parts.add()?;
        let mut wire = Wire(message);
        while let Some((tag, field)) = wire.next()? {
            match tag {
                1 => field.fixed64()?,
                2 => drop(field.message()?),
                3 => self.attribute(Owner::Event(&[]), resource, field.message()?)?,
                4 => field.varint()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The `from` of the link is set at the end of its span.
    fn link(&mut self, resource: usize, message: &'a [u8]) -> Result<(), Malformed> {
        self.parts.add()?;
        let (mut trace_id, mut span_id): (&[u8], &[u8]) = (&[], &[]);
        let mut wire = Wire(message);
        while let Some((tag, field)) = wire.next()? {
            match tag {
                1 => trace_id = field.message()?,
                2 => span_id = field.message()?,
                3 => drop(field.message()?),
                4 => self.attribute(Owner::Link(&[]), resource, field.message()?)?,
                5 => field.varint()?,
                _ => {}
            }
        }
        let to = TraceId::from_slice(trace_id).filter(|_| SpanId::from_slice(span_id).is_some());
        self.links.extend(to.map(|to| LinkAt { from: to, to }));
        Ok(())
    }

    fn attribute(
        &mut self,
        owner: Owner<'a>,
        resource: usize,
        key_value: &'a [u8],
    ) -> Result<(), Malformed> {
        if let Err(Undecodable { key, reason }) = attribute::check(key_value, &mut self.parts)? {
            self.dropped_attributes += 1;
            if self.undecodable.len() < MOST_DESCRIBED {
                self.undecodable.push(UndecodableAt {
                    owner,
                    resource,
                    key,
                    reason,
                });
            }
        }
        Ok(())
    }

    fn reject(&mut self, span: RejectedAt<'a>) -> Result<(), Malformed> {
        self.invalid += 1;
        if span.trace_id.is_none() {
            self.without_trace += 1;
        }
        if span.trace_id.is_some() || self.without_trace <= MOST_DESCRIBED {
            self.rejected.push(span);
        }
        match self.rejected.len() > MOST_REJECTED {
            true => Err(Malformed::TooMany(
                MOST_REJECTED,
                "spans with an invalid id",
            )),
            false => Ok(()),
        }
    }
}

/// Checks a `Resource` message, and passes its attributes on.
fn check_resource<'a>(
    message: &'a [u8],
    mut attribute: impl FnMut(&'a [u8]) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut wire = Wire(message);
    while let Some((tag, field)) = wire.next()? {
        match tag {
            1 => attribute(field.message()?)?,
            2 => field.varint()?,
            _ => {}
        }
    }
    Ok(())
}

/// Checks an `InstrumentationScope` message, and passes its attributes on.
fn check_scope<'a>(
    message: &'a [u8],
    mut attribute: impl FnMut(&'a [u8]) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut wire = Wire(message);
    while let Some((tag, field)) = wire.next()? {
        match tag {
            1 | 2 => drop(field.message()?),
            3 => attribute(field.message()?)?,
            4 => field.varint()?,
            _ => {}
        }
    }
    Ok(())
}

fn status(message: &[u8]) -> Result<(), Malformed> {
    let mut wire = Wire(message);
    while let Some((tag, field)) = wire.next()? {
        match tag {
            2 => drop(field.message()?),
            3 => field.varint()?,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
