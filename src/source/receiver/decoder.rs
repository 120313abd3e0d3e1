//! Decodes kept spans; a resource and a scope once for all of their spans.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::kept::RawSpan;
use crate::source::otlp::{self, Malformed};
use crate::trace::{Resource, Scope, Span};

/// What was decoded already and is shared.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    resources: HashMap<Bytes, Arc<Resource>>,
    scopes: HashMap<Bytes, Arc<Scope>>,
}

impl Decoder {
    /// The span; nothing if its ids are invalid.
    pub(super) fn span(&mut self, raw: RawSpan) -> Result<Option<Span>, Malformed> {
        let resource = shared(&mut self.resources, raw.resource, otlp::resource)?;
        let scope = shared(&mut self.scopes, raw.scope, otlp::scope)?;
        otlp::span(raw.bytes, &resource, &scope)
    }
}

fn shared<T>(
    known: &mut HashMap<Bytes, Arc<T>>,
    bytes: Bytes,
    decode: impl Fn(Bytes) -> Result<T, Malformed>,
) -> Result<Arc<T>, Malformed> {
    if let Some(known) = known.get(&bytes) {
        return Ok(Arc::clone(known));
    }
    let decoded = Arc::new(decode(bytes.clone())?);
    known.insert(bytes, Arc::clone(&decoded));
    Ok(decoded)
}
