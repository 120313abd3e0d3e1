//! The protobuf that is written.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use serde::de::Error;

use super::super::attribute::{self, MOST_LEVELS};
use super::super::shape::{Shape, ShapeKind, common};
use super::object::Object;

/// Maximum size of the protobuf that one request becomes. Only invalid attributes make it larger than the JSON.
const MOST_WRITTEN: usize = 80 << 20;

/// The consequence of an invalid attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum InvalidAttributes {
    /// The request cannot be read.
    FailRequest,
    /// The attribute is dropped. Each one is read twice.
    Dropped,
}

/// The consequence of fields that OTLP does not have, and of invalid ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum UnknownFields {
    Ignored,
    /// The JSON cannot be read: nothing of it may be lost.
    Refused,
}

/// The rules of a conversion.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct How {
    pub(in super::super) attributes: InvalidAttributes,
    pub(in super::super) unknown_fields: UnknownFields,
    /// Maximum number of bytes that are written.
    pub(in super::super) most: usize,
}

impl How {
    /// As a request that is received.
    pub(in super::super) fn of_request() -> Self {
        Self {
            most: MOST_WRITTEN,
            ..Self::of_file()
        }
    }

    /// As a file, whose size is limited by the caller.
    pub(in super::super) fn of_file() -> Self {
        Self {
            attributes: InvalidAttributes::Dropped,
            unknown_fields: UnknownFields::Ignored,
            most: usize::MAX,
        }
    }
}

/// The fields of a message.
#[derive(Debug)]
pub(in super::super) struct Output {
    pub(in super::super) bytes: Vec<u8>,
    pub(super) how: How,
    /// Number of values around the next one.
    level: u32,
}

impl Output {
    /// An empty message, for JSON of this number of bytes.
    pub(in super::super) fn new(how: How, json: usize) -> Self {
        Self {
            // Batches of usual spans become 0.53 of their size.
            bytes: Vec::with_capacity(json / 8 * 5),
            how,
            level: 0,
        }
    }

    /// Writes the key of a field.
    #[inline]
    pub(super) fn key(&mut self, tag: u32, wire_type: WireType) {
        match u8::try_from(tag << 3 | wire_type as u32) {
            Ok(key @ ..0x80) => self.bytes.push(key),
            _ => encode_key(tag, wire_type, &mut self.bytes),
        }
    }

    /// Writes a text or bytes.
    #[inline]
    pub(in super::super) fn text(&mut self, tag: u32, text: &[u8]) {
        self.key(tag, WireType::LengthDelimited);
        match u8::try_from(text.len()) {
            Ok(length @ ..0x80) => self.bytes.push(length),
            _ => encode_varint(text.len() as u64, &mut self.bytes),
        }
        self.bytes.extend_from_slice(text);
    }

    /// Writes a field with what `write` writes as its value.
    #[inline]
    pub(super) fn delimited<E: Error>(
        &mut self,
        tag: u32,
        write: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.key(tag, WireType::LengthDelimited);
        let start = self.bytes.len();
        self.bytes.push(0);
        write(self)?;
        let length = self.bytes.len() - start - 1;
        match u8::try_from(length) {
            Ok(length @ ..0x80) => self.bytes[start] = length,
            _ => self.set_length(start, length),
        }
        self.check_size()
    }

    /// Writes the length of the value after `start`, where one byte is free.
    fn set_length(&mut self, start: usize, length: usize) {
        let end = self.bytes.len();
        let size = encoded_len_varint(length as u64);
        self.bytes.resize(end + size - 1, 0);
        self.bytes.copy_within(start + 1..end, start + size);
        encode_varint(length as u64, &mut &mut self.bytes[start..start + size]);
    }

    pub(super) fn check_size<E: Error>(&self) -> Result<(), E> {
        match self.bytes.len() > self.how.most {
            true => Err(E::custom(format_args!(
                "more than {} MiB as protobuf",
                self.how.most >> 20
            ))),
            false => Ok(()),
        }
    }

    /// Calls `write` within a message of this shape.
    #[inline]
    pub(super) fn within<E: Error>(
        &mut self,
        shape: &Shape,
        write: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if shape.kind == ShapeKind::Message {
            return write(self);
        }
        if self.level > MOST_LEVELS {
            let message = format_args!("nested more than {MOST_LEVELS} levels deep");
            return Err(E::custom(message));
        }
        self.level += 1;
        write(self)?;
        self.level -= 1;
        Ok(())
    }

    /// Writes an attribute, or what marks it as invalid.
    pub(super) fn attribute<E: Error>(&mut self, tag: u32, json: &str) -> Result<(), E> {
        let (start, level) = (self.bytes.len(), self.level);
        let read = self.delimited(tag, |output| {
            let mut json = serde_json::Deserializer::from_str(json);
            Object::of(&common::KEY_VALUE, output).read(&mut json)
        });
        if let Err(error) = read {
            self.bytes.truncate(start);
            self.level = level;
            let message = error.to_string();
            // The position is relative to the attribute.
            let reason = message
                .rsplit_once(" at line ")
                .map_or(&*message, |(reason, _)| reason);
            self.text(tag, &attribute::mark(key_of(json), reason));
        }
        self.check_size()
    }
}

/// A `KeyValue` message with only the key of an attribute; without it if it cannot be read.
fn key_of(json: &str) -> Vec<u8> {
    let mut output = Output::new(How::of_file(), 0);
    let mut json = serde_json::Deserializer::from_str(json);
    match Object::of(&common::KEY, &mut output).read(&mut json) {
        Ok(()) => output.bytes,
        Err(_) => Vec::new(),
    }
}
