//! Reads protobuf fields: tags, wire types and lengths, without a schema.

use super::error::Malformed;

/// Maximum nesting of groups, as in prost.
const MAX_GROUPS: u32 = 100;

/// The bytes that are not read yet.
pub(super) struct Wire<'a>(pub(super) &'a [u8]);

/// The value of a field.
pub(super) enum WireField<'a> {
    /// Length-delimited: a message, text or bytes.
    Bytes(&'a [u8]),
    Varint(u64),
    /// Eight bytes.
    Fixed64(&'a [u8]),
    Fixed32,
    Group,
}

impl<'a> WireField<'a> {
    /// The bytes of a length-delimited field. An error for another type.
    pub(super) fn message(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(WRONG_TYPE),
        }
    }

    /// An error unless the field is a varint.
    pub(super) fn varint(self) -> Result<(), Malformed> {
        match self {
            Self::Varint(_) => Ok(()),
            _ => Err(WRONG_TYPE),
        }
    }

    /// An error unless the field has four bytes.
    pub(super) fn fixed32(self) -> Result<(), Malformed> {
        match self {
            Self::Fixed32 => Ok(()),
            _ => Err(WRONG_TYPE),
        }
    }

    /// An error unless the field has eight bytes.
    pub(super) fn fixed64(self) -> Result<(), Malformed> {
        match self {
            Self::Fixed64(_) => Ok(()),
            _ => Err(WRONG_TYPE),
        }
    }
}

const WRONG_TYPE: Malformed = Malformed::Wire("a field of the wrong wire type");

impl<'a> Wire<'a> {
    /// The tag and value of the next field. `None` at the end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u32, WireField<'a>)>, Malformed> {
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
    fn value(&mut self, tag: u32, wire_type: u8, groups: u32) -> Result<WireField<'a>, Malformed> {
        match wire_type {
            0 => self.varint().map(WireField::Varint),
            1 => self.take(8).map(WireField::Fixed64),
            2 => {
                let length = self.varint()?;
                self.take(length).map(WireField::Bytes)
            }
            3 => self.group(tag, groups).map(|()| WireField::Group),
            5 => self.take(4).map(|_| WireField::Fixed32),
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
