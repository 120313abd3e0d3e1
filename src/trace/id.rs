//! Trace and span ids: 16 and 8 bytes, written as lowercase hex.

use std::fmt;
use std::str::FromStr;

/// A trace id: 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId([u8; 16]);

/// A span id: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId([u8; 8]);

/// A string that is not an id: wrong length, a character that is not a hex digit, or only zeros.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected} hex digits, not all of them zero")]
pub struct InvalidId {
    text: String,
    expected: usize,
}

macro_rules! id {
    ($name:ident, $bytes:literal) => {
        impl $name {
            /// The id of these bytes; `None` if all are zero, which OpenTelemetry calls invalid.
            #[must_use]
            pub fn from_bytes(bytes: [u8; $bytes]) -> Option<Self> {
                (bytes != [0; $bytes]).then_some(Self(bytes))
            }

            /// Like `from_bytes`; also `None` if the slice has the wrong length.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Self::from_bytes(bytes.try_into().ok()?)
            }

            /// A random id.
            #[must_use]
            pub fn random() -> Self {
                loop {
                    if let Some(id) = Self::from_bytes(rand::random()) {
                        return id;
                    }
                }
            }

            /// The bytes, in network order.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let digits = self.0.map(digits);
                f.write_str(std::str::from_utf8(digits.as_flattened()).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_hex::<$bytes>(text)
                    .and_then(Self::from_bytes)
                    .ok_or_else(|| InvalidId {
                        text: text.chars().take(80).collect(),
                        expected: $bytes * 2,
                    })
            }
        }
    };
}

id!(TraceId, 16);
id!(SpanId, 8);

impl TraceId {
    /// The first eight hex digits, which distinguish the traces of one run in a headline.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

/// The two digits of a byte.
fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)])
}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(bytes)
}

impl SpanId {
    /// The id of spanspec as the caller of a trace that it starts, by which it is known later. It is FNV-1a of
    /// the trace id.
    #[must_use]
    pub(crate) fn of_caller(trace: TraceId) -> Self {
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let named = b"spanspec".iter().chain(trace.as_bytes());
        let hash = named.fold(BASIS, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
        });
        Self::from_bytes(hash.max(1).to_be_bytes()).expect("it is not zero")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints_in_either_case() {
        let id: TraceId = "4BF92F3577B34DA6A3CE929D0E0E4736".parse().unwrap();
        assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn zeros_wrong_lengths_and_other_letters_are_no_id() {
        for text in [
            "0000000000000000",
            "b7ad6b716920333",
            "b7ad6b716920333g",
            "",
            "éééééééé",
        ] {
            assert!(text.parse::<SpanId>().is_err(), "{text}");
        }
    }
}
