//! Finds the spans in a protobuf request without decoding them.
//!
//! The walk reads lengths, the ids of each span and of its links, and steps over everything else,
//! which is many times faster than decoding. What prost accepts, the walk accepts, and finds the
//! same spans with the same ids; it cannot see what is wrong inside a field that it steps over.

use std::borrow::Cow;

use super::Malformed;
use super::ids::{Ids, WrongId};
use crate::trace::{SpanId, TraceId};

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
    /// The number of spans that were left out because an id is invalid.
    pub(crate) invalid: usize,
    /// These spans: all whose trace id is valid, and the first few of the others.
    pub(crate) rejected: Vec<RejectedAt<'a>>,
    /// The number of rejected spans whose trace id is invalid.
    without_trace: usize,
}

/// Rejected spans whose trace id is unreadable are described up to this number; such a span can
/// be two bytes long, and a request 64 MiB.
const MOST_WITHOUT_TRACE: usize = 100;

/// A span that was left out because an id is invalid.
#[derive(Debug)]
pub(crate) struct RejectedAt<'a> {
    /// Its trace, if that id is valid.
    pub(crate) trace_id: Option<TraceId>,
    /// Its name, as sent.
    pub(crate) name: &'a [u8],
    /// Index of its `ScopeSpans`.
    pub(crate) scope: usize,
    pub(crate) reason: WrongId,
}

/// One `ScopeSpans`.
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

/// A message field; protobuf allows to send it in pieces, which are merged by joining their bytes.
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
        let at = self.resources.len();
        self.resources.push(Pieces::default());
        let mut wire = Wire(message);
        while let Some((tag, field)) = wire.next()? {
            match tag {
                1 => self.resources[at].push(field.message()?),
                2 => self.scope_spans(at, field.message()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn scope_spans(&mut self, resource: usize, message: &'a [u8]) -> Result<(), Malformed> {
        let at = self.scopes.len();
        let scope = Pieces::default();
        self.scopes.push(ScopeAt { resource, scope });
        let mut wire = Wire(message);
        while let Some((tag, field)) = wire.next()? {
            match tag {
                1 => self.scopes[at].scope.push(field.message()?),
                2 => self.span(at, field.message()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn span(&mut self, scope: usize, bytes: &'a [u8]) -> Result<(), Malformed> {
        let (mut trace_id, mut span_id, mut parent): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
        let mut name: &[u8] = &[];
        let known_links = self.links.len();
        let mut wire = Wire(bytes);
        while let Some((tag, field)) = wire.next()? {
            match tag {
                1 => trace_id = field.message()?,
                2 => span_id = field.message()?,
                4 => parent = field.message()?,
                5 => name = field.message()?,
                13 => self.links.extend(link(field.message()?)?),
                _ => {}
            }
        }
        let Ids { trace, span, .. } = match Ids::read(trace_id, span_id, parent) {
            Ok(ids) => ids,
            Err(reason) => {
                self.links.truncate(known_links);
                let trace_id = TraceId::from_slice(trace_id);
                self.reject(RejectedAt {
                    trace_id,
                    name,
                    scope,
                    reason,
                });
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

    fn reject(&mut self, span: RejectedAt<'a>) {
        self.invalid += 1;
        if span.trace_id.is_none() {
            self.without_trace += 1;
        }
        if span.trace_id.is_some() || self.without_trace <= MOST_WITHOUT_TRACE {
            self.rejected.push(span);
        }
    }
}

/// The trace a link refers to; the one that has it is not known before its span's end.
fn link(message: &[u8]) -> Result<Option<LinkAt>, Malformed> {
    let (mut trace_id, mut span_id): (&[u8], &[u8]) = (&[], &[]);
    let mut wire = Wire(message);
    while let Some((tag, field)) = wire.next()? {
        match tag {
            1 => trace_id = field.message()?,
            2 => span_id = field.message()?,
            _ => {}
        }
    }
    let valid = TraceId::from_slice(trace_id).filter(|_| SpanId::from_slice(span_id).is_some());
    Ok(valid.map(|to| LinkAt { from: to, to }))
}

/// Protobuf's groups may nest without end; prost stops here, too.
const MAX_GROUPS: u32 = 100;

/// Bytes yet to be read, field by field.
pub(super) struct Wire<'a>(pub(super) &'a [u8]);

/// What stands after a field's key.
pub(super) enum Field<'a> {
    /// Length-delimited: a message, text or bytes.
    Bytes(&'a [u8]),
    /// Anything else.
    Scalar,
}

impl<'a> Field<'a> {
    /// The bytes of a field that has to be length-delimited.
    pub(super) fn message(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Scalar => Err(Malformed::wire("a field of the wrong wire type")),
        }
    }
}

impl<'a> Wire<'a> {
    /// The tag and value of the next field, or nothing at the end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (tag, wire_type) = self.key()?;
        let field = self.value(tag, wire_type, MAX_GROUPS)?;
        Ok(Some((tag, field)))
    }

    #[inline]
    fn key(&mut self) -> Result<(u32, u8), Malformed> {
        let key = u32::try_from(self.varint()?).map_err(|_| Malformed::wire("an invalid key"))?;
        let tag = key >> 3;
        if tag == 0 {
            return Err(Malformed::wire("a field with the number zero"));
        }
        Ok((tag, (key & 7) as u8))
    }

    #[inline]
    fn value(&mut self, tag: u32, wire_type: u8, groups: u32) -> Result<Field<'a>, Malformed> {
        match wire_type {
            0 => self.varint().map(|_| Field::Scalar),
            1 => self.take(8).map(|_| Field::Scalar),
            2 => {
                let length = self.varint()?;
                self.take(length).map(Field::Bytes)
            }
            3 => self.group(tag, groups).map(|()| Field::Scalar),
            5 => self.take(4).map(|_| Field::Scalar),
            4 => Err(Malformed::wire("the end of a group that did not begin")),
            _ => Err(Malformed::wire("an unknown wire type")),
        }
    }

    #[cold]
    fn group(&mut self, tag: u32, groups: u32) -> Result<(), Malformed> {
        const END: u8 = 4;
        let inner = groups
            .checked_sub(1)
            .ok_or(Malformed::wire("groups nested too deep"))?;
        loop {
            match self.key()? {
                (end, END) if end == tag => return Ok(()),
                (other, wire_type) => self.value(other, wire_type, inner)?,
            };
        }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        match self.0 {
            [byte @ ..0x80, rest @ ..] => {
                self.0 = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (at, &byte) in self.0.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                if at == 9 && byte > 1 {
                    break;
                }
                self.0 = &self.0[at + 1..];
                return Ok(value);
            }
        }
        Err(Malformed::wire("an invalid varint"))
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let taken = usize::try_from(length)
            .ok()
            .and_then(|length| self.0.split_at_checked(length));
        let (taken, rest) = taken.ok_or(Malformed::wire("a field that is longer than the rest"))?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests;
