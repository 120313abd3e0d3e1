//! Frames, methods and tables of AMQP 0.9.1.

use std::io;

/// Kinds of frames.
pub(super) const METHOD: u8 = 1;
pub(super) const HEADER: u8 = 2;
pub(super) const BODY: u8 = 3;

/// The last byte of a frame.
pub(super) const END: u8 = 0xce;

/// Bytes of a frame besides its payload.
pub(super) const OVERHEAD: usize = 8;

/// The class of messages.
const BASIC: u16 = 60;

/// A class and a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Method(u16, u16);

impl Method {
    pub(super) const START: Self = Self(10, 10);
    pub(super) const START_OK: Self = Self(10, 11);
    pub(super) const TUNE: Self = Self(10, 30);
    pub(super) const TUNE_OK: Self = Self(10, 31);
    pub(super) const OPEN: Self = Self(10, 40);
    pub(super) const OPEN_OK: Self = Self(10, 41);
    pub(super) const CLOSE: Self = Self(10, 50);
    pub(super) const CHANNEL_OPEN: Self = Self(20, 10);
    pub(super) const CHANNEL_OPEN_OK: Self = Self(20, 11);
    pub(super) const CHANNEL_CLOSE: Self = Self(20, 40);
    pub(super) const PUBLISH: Self = Self(BASIC, 40);
    pub(super) const RETURN: Self = Self(BASIC, 50);
    pub(super) const ACK: Self = Self(BASIC, 80);
    pub(super) const NACK: Self = Self(BASIC, 120);
    pub(super) const CONFIRM_SELECT: Self = Self(85, 10);
    pub(super) const CONFIRM_SELECT_OK: Self = Self(85, 11);
}

/// A frame that was received.
pub(super) enum Frame {
    /// A method with its fields.
    Method(Method, Vec<u8>),
    /// The header or body of a returned message, or a heartbeat.
    Other,
}

impl Frame {
    pub(super) fn read(kind: u8, mut payload: Vec<u8>) -> io::Result<Self> {
        if kind != METHOD {
            return Ok(Self::Other);
        }
        let mut start = Payload(&payload);
        let method = Method(start.u16()?, start.u16()?);
        payload.drain(..4);
        Ok(Self::Method(method, payload))
    }
}

/// A frame to send.
pub(super) fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut frame = vec![kind];
    frame.extend(channel.to_be_bytes());
    frame.extend(size.to_be_bytes());
    frame.extend(payload);
    frame.push(END);
    frame
}

/// The header of a persistent message.
pub(super) fn content_header(
    size: usize,
    content_type: Option<&str>,
    headers: &[(String, String)],
) -> Vec<u8> {
    const CONTENT_TYPE: u16 = 1 << 15;
    const HEADERS: u16 = 1 << 13;
    const DELIVERY_MODE: u16 = 1 << 12;
    const PERSISTENT: u8 = 2;
    let mut fields = Fields(Vec::new());
    fields.u16(BASIC).u16(0);
    fields.0.extend((size as u64).to_be_bytes());
    let kind = content_type.map_or(0, |_| CONTENT_TYPE);
    fields.u16(kind | HEADERS | DELIVERY_MODE);
    if let Some(content_type) = content_type {
        fields.short(content_type);
    }
    fields.table(|table| {
        for (name, value) in headers {
            table.text(name, value);
        }
    });
    fields.u8(PERSISTENT);
    fields.0
}

/// The fields of a method, or the entries of a table, in the order of calls.
pub(super) struct Fields(pub(super) Vec<u8>);

impl Fields {
    pub(super) fn of(method: Method) -> Self {
        let mut fields = Self(Vec::new());
        fields.u16(method.0).u16(method.1);
        fields
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// A text of up to 255 bytes.
    pub(super) fn short(&mut self, text: &str) -> &mut Self {
        let size = text.len().min(255);
        self.0.push(size as u8);
        self.0.extend(&text.as_bytes()[..size]);
        self
    }

    pub(super) fn long(&mut self, bytes: &[u8]) -> &mut Self {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.0.extend(bytes);
        self
    }

    pub(super) fn table(&mut self, write: impl FnOnce(&mut Self)) -> &mut Self {
        let mut entries = Self(Vec::new());
        write(&mut entries);
        self.long(&entries.0)
    }

    /// An entry of a table with a text.
    pub(super) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.short(name).u8(b'S').long(value.as_bytes())
    }

    /// An entry with a table of names that are true.
    pub(super) fn flags(&mut self, name: &str, flags: &[&str]) -> &mut Self {
        self.short(name).u8(b'F').table(|table| {
            for flag in flags {
                table.short(flag).u8(b't').u8(1);
            }
        })
    }
}

/// Reads fields.
pub(super) struct Payload<'a>(pub(super) &'a [u8]);

impl<'a> Payload<'a> {
    fn take(&mut self, number: usize) -> io::Result<&'a [u8]> {
        let cut = || io::Error::from(io::ErrorKind::InvalidData);
        let (taken, rest) = self.0.split_at_checked(number).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn u16(&mut self) -> io::Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u32(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn short(&mut self) -> io::Result<String> {
        let size = usize::from(self.take(1)?[0]);
        Ok(String::from_utf8_lossy(self.take(size)?).into_owned())
    }
}
