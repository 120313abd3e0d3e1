//! Reads ids, numbers, texts and enums of OTLP/JSON.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::super::shape::EnumNames;
use super::key::short;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The bytes of an escaped string, with U+FFFD in place of each unpaired surrogate, which has three bytes, too.
/// serde_json returns surrogates as three bytes from `ED A0 80` to `ED BF BF`, which are invalid in UTF-8.
pub(super) fn without_surrogates(text: &[u8]) -> Cow<'_, [u8]> {
    if str::from_utf8(text).is_ok() {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_vec();
    for at in 0..text.len().saturating_sub(2) {
        if let [0xed, 0xa0..=0xbf, _] = text[at..at + 3] {
            text[at..at + 3].copy_from_slice("\u{fffd}".as_bytes());
        }
    }
    Cow::Owned(text)
}

/// An id of `N` bytes, `None` if it is empty, or the text that is none.
pub(super) struct Id<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for Id<N> {
    type Value = Result<Option<[u8; N]>, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    #[inline]
    fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<Self::Value, E> {
        if text.is_empty() {
            return Ok(Ok(None));
        }
        if let Some(id) = hex(text) {
            return Ok(Ok(Some(id)));
        }
        let text = without_surrogates(text);
        let text = String::from_utf8_lossy(&text);
        // Hex that was cut off may have a length of base64.
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bytes = base64(&text).filter(|_| !is_hex);
        let id = bytes.and_then(|bytes| bytes.try_into().ok());
        Ok(id.map(Some).ok_or_else(|| text.into_owned()))
    }
}

/// The bytes of this number of pairs of digits.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (DIGITS[usize::from(high)], DIGITS[usize::from(low)]);
        if (high | low) > 0xf {
            return None;
        }
        *byte = high << 4 | low;
    }
    Some(bytes)
}

/// The value of each hexadecimal digit, and 255 for other bytes.
const DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        let lower = b"0123456789abcdef"[value as usize];
        digits[lower as usize] = value;
        digits[lower.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    digits
};

fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}

/// A number, or a string that contains one.
#[derive(Default)]
pub(super) struct JsonNumber<T>(pub(super) T);

impl<'de, T: Numeric> Deserialize<'de> for JsonNumber<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(NumberVisitor(PhantomData)).map(Self)
    }
}

struct NumberVisitor<T>(PhantomData<T>);

/// A type that OTLP/JSON writes as a number or as text.
pub(super) trait Numeric: FromStr + Default {
    const NAME: &'static str;
    fn from_i64(int: i64) -> Option<Self>;
    fn from_u64(int: u64) -> Option<Self>;
    fn from_f64(double: f64) -> Option<Self>;
}

macro_rules! numeric_integer {
    ($type:ty, $name:literal) => {
        impl Numeric for $type {
            const NAME: &'static str = $name;
            fn from_i64(int: i64) -> Option<Self> {
                Self::try_from(int).ok()
            }
            fn from_u64(int: u64) -> Option<Self> {
                Self::try_from(int).ok()
            }
            /// In JSON, `1e3` and `1000.0` are the same number as `1000`.
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                clippy::float_cmp,
                reason = "a number that the cast changes is refused below; each type causes only some of these warnings"
            )]
            fn from_f64(double: f64) -> Option<Self> {
                let int = double as Self;
                (int as f64 == double && int != Self::MAX).then_some(int)
            }
        }
    };
}

numeric_integer!(u64, "an unsigned 64-bit integer");
numeric_integer!(i64, "a signed 64-bit integer");
numeric_integer!(u32, "an unsigned 32-bit integer");
numeric_integer!(i32, "a 32-bit integer");

impl Numeric for f64 {
    const NAME: &'static str = "a number";
    #[expect(clippy::cast_precision_loss, reason = "a double was asked for")]
    fn from_i64(int: i64) -> Option<Self> {
        Some(int as Self)
    }
    #[expect(clippy::cast_precision_loss, reason = "a double was asked for")]
    fn from_u64(int: u64) -> Option<Self> {
        Some(int as Self)
    }
    fn from_f64(double: f64) -> Option<Self> {
        Some(double)
    }
}

impl<'de, T: Numeric> Visitor<'de> for NumberVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::NAME)
    }
    fn visit_i64<E: Error>(self, int: i64) -> Result<T, E> {
        T::from_i64(int).ok_or_else(|| out_of_range::<T, E>(int))
    }
    fn visit_u64<E: Error>(self, int: u64) -> Result<T, E> {
        T::from_u64(int).ok_or_else(|| out_of_range::<T, E>(int))
    }
    fn visit_f64<E: Error>(self, double: f64) -> Result<T, E> {
        T::from_f64(double).ok_or_else(|| out_of_range::<T, E>(double))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        // Rust parses `NaN`, `Infinity` and `-Infinity`, the names of protobuf, as doubles.
        text.parse()
            .ok()
            .or_else(|| text.parse().ok().and_then(T::from_f64))
            .ok_or_else(|| out_of_range::<T, E>(short(text)))
    }
    /// With the feature `arbitrary_precision`, serde_json represents numbers as maps.
    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
        let number = serde_json::Number::deserialize(MapAccessDeserializer::new(map))?;
        self.visit_str(&number.to_string())
    }
}

fn out_of_range<T: Numeric, E: Error>(found: impl fmt::Display) -> E {
    E::custom(format_args!("`{found}` is not {}", T::NAME))
}

/// The number of an enum: a number, or a name with or without its prefix. An unknown name is an error, since it
/// may mean `ERROR`.
pub(super) struct EnumNumber(pub(super) &'static EnumNames);

impl<'de> Visitor<'de> for EnumNumber {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .0
            .names
            .iter()
            .map(|name| self.0.prefix.to_owned() + name)
            .collect();
        write!(f, "a number or one of {}", names.join(", "))
    }
    fn visit_i64<E: Error>(self, int: i64) -> Result<i32, E> {
        NumberVisitor(PhantomData).visit_i64(int)
    }
    fn visit_u64<E: Error>(self, int: u64) -> Result<i32, E> {
        NumberVisitor(PhantomData).visit_u64(int)
    }
    fn visit_f64<E: Error>(self, double: f64) -> Result<i32, E> {
        NumberVisitor(PhantomData).visit_f64(double)
    }
    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<i32, M::Error> {
        NumberVisitor(PhantomData).visit_map(map)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<i32, E> {
        let bare = text.strip_prefix(self.0.prefix).unwrap_or(text);
        let named = self.0.names.iter().position(|&name| name == bare);
        named
            .and_then(|at| i32::try_from(at).ok())
            .or_else(|| text.parse().ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Str(&short(text)), &self))
    }
}

/// Bytes as base64.
pub(super) struct Base64(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_bytes(Base64Visitor)
    }
}

struct Base64Visitor;

impl<'de> Visitor<'de> for Base64Visitor {
    type Value = Base64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<Base64, E> {
        let text = String::from_utf8_lossy(text);
        base64(&text)
            .map(Base64)
            .ok_or_else(|| E::custom(format_args!("`{}` is not base64", short(&text))))
    }
}
