//! The Kafka protocol, as far as a producer of single records needs it.
//!
//! <https://kafka.apache.org/protocol>. The versions of the requests are those before the compact
//! encoding, which brokers from 0.11 to 4.x accept.

use std::io;

/// A request: its key, its version and its content.
pub(super) struct Request {
    pub(super) key: i16,
    pub(super) version: i16,
    pub(super) content: Encoder,
}

/// The number of a kind of request.
pub(super) mod api {
    pub(crate) const PRODUCE: i16 = 0;
    pub(crate) const METADATA: i16 = 3;
    pub(crate) const SASL_HANDSHAKE: i16 = 17;
    pub(crate) const API_VERSIONS: i16 = 18;
    pub(crate) const DESCRIBE_CONFIGS: i16 = 32;
    pub(crate) const SASL_AUTHENTICATE: i16 = 36;
}

impl Request {
    /// The frame to send: its size, the header of version 1, and the content.
    pub(super) fn frame(&self, correlation: i32) -> Vec<u8> {
        let mut header = Encoder::default();
        header.i16(self.key).i16(self.version).i32(correlation);
        header.text("spanspec");
        let size = header.0.len() + self.content.0.len();
        let mut frame = Encoder::default();
        frame.i32(i32::try_from(size).unwrap_or(i32::MAX));
        frame.0.extend(header.0);
        frame.0.extend(&self.content.0);
        frame.0
    }
}

/// Writes values in the order of calls.
#[derive(Default)]
pub(super) struct Encoder(pub(super) Vec<u8>);

impl Encoder {
    pub(super) fn i8(&mut self, value: i8) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn i16(&mut self, value: i16) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn i32(&mut self, value: i32) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn i64(&mut self, value: i64) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
        self.0.extend(text.bytes().take(i16::MAX as usize));
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        self.0.extend(bytes);
        self
    }

    /// A number in zigzag encoding with 7 bits in each byte.
    fn varint(&mut self, value: i64) -> &mut Self {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while rest >= 0x80 {
            self.0.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
        self
    }

    /// Bytes with their number as varint; -1 for none.
    fn sized(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            None => self.varint(-1),
            Some(bytes) => {
                self.varint(bytes.len() as i64);
                self.0.extend(bytes);
                self
            }
        }
    }
}

/// Reads values; the end of the bytes is an error.
pub(super) struct Decoder<'a>(pub(super) &'a [u8]);

impl<'a> Decoder<'a> {
    fn take(&mut self, number: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(number).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| cut())
    }

    pub(super) fn bool(&mut self) -> io::Result<bool> {
        Ok(self.array::<1>()? != [0])
    }

    pub(super) fn i16(&mut self) -> io::Result<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> io::Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> io::Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// A text; empty for none.
    pub(super) fn text(&mut self) -> io::Result<String> {
        let size = self.i16()?;
        let bytes = self.take(usize::try_from(size).unwrap_or(0))?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn bytes(&mut self) -> io::Result<&'a [u8]> {
        let size = self.i32()?;
        self.take(usize::try_from(size).unwrap_or(0))
    }

    /// The number of entries that follow.
    fn len(&mut self) -> io::Result<usize> {
        Ok(usize::try_from(self.i32()?).unwrap_or(0))
    }

    /// An array of entries.
    pub(super) fn all<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> io::Result<T>,
    ) -> io::Result<Vec<T>> {
        let mut all = Vec::new();
        for _ in 0..self.len()? {
            all.push(read(self)?);
        }
        Ok(all)
    }
}

fn cut() -> io::Error {
    io::Error::from(io::ErrorKind::UnexpectedEof)
}

/// A record to produce.
pub(super) struct Record<'a> {
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: &'a [(String, String)],
    /// Milliseconds since the Unix epoch.
    pub(super) time: i64,
}

impl Record<'_> {
    /// A batch in message format 2 with this record alone.
    pub(super) fn batch(&self) -> Vec<u8> {
        let mut record = Encoder::default();
        // Attributes, and the differences of time and offset to those of the batch.
        record.i8(0).varint(0).varint(0);
        record.sized(self.key).sized(self.value);
        record.varint(self.headers.len() as i64);
        for (name, value) in self.headers {
            record.sized(Some(name.as_bytes()));
            record.sized(Some(value.as_bytes()));
        }
        let mut checked = Encoder::default();
        // Attributes, last offset, first and last time, no producer id, epoch and sequence.
        checked.i16(0).i32(0).i64(self.time).i64(self.time);
        checked.i64(-1).i16(-1).i32(-1);
        checked.i32(1).sized(Some(&record.0));
        let mut batch = Encoder::default();
        // What follows the size: leader epoch, format and checksum.
        let size = checked.0.len() + 4 + 1 + 4;
        batch.i64(0).i32(i32::try_from(size).unwrap_or(i32::MAX));
        batch.i32(-1).i8(2);
        batch.i32(crc32c(&checked.0).cast_signed());
        batch.0.extend(checked.0);
        batch.0
    }
}

/// CRC-32C (Castagnoli), reflected.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = !0;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
            crc = (crc >> 1) ^ carry;
        }
    }
    !crc
}

/// The partition of a key, as Java's client computes it.
pub(super) fn partition(key: &[u8], partitions: usize) -> usize {
    (murmur2(key) & 0x7fff_ffff) as usize % partitions.max(1)
}

/// MurmurHash2 with the seed of Kafka.
fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ bytes.len() as u32;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let mut word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        word ^= word >> 24;
        hash = hash.wrapping_mul(M) ^ word.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (at, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * at);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_tests_of_kafka() {
        let known = [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("abc", 479_470_107),
        ];
        for (key, hash) in known {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn numbers_are_encoded_with_seven_bits_in_each_byte() {
        let encoded = |value| {
            let mut encoder = Encoder::default();
            encoder.varint(value);
            encoder.0
        };
        assert_eq!(encoded(0), [0]);
        assert_eq!(encoded(-1), [1]);
        assert_eq!(encoded(63), [126]);
        assert_eq!(encoded(64), [0x80, 1]);
        assert_eq!(encoded(300), [0xd8, 4]);
    }
}
