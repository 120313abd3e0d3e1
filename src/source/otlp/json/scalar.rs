//! Reads ids, numbers, texts and enums of OTLP/JSON.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::super::ids;
use super::source_text;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A string; `null` is empty.
#[derive(Default)]
pub(in super::super) struct JsonText(pub(in super::super) Bytes);

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        // As bytes, because a string of JSON may contain half of a surrogate pair.
        json.deserialize_byte_buf(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = JsonText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_borrowed_bytes<E: Error>(self, text: &'de [u8]) -> Result<JsonText, E> {
        // Without escapes, so it is a part of a text.
        Ok(JsonText(source_text::part(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<JsonText, E> {
        Ok(JsonText(Bytes::copy_from_slice(text.as_bytes())))
    }
    fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<JsonText, E> {
        self.visit_byte_buf(text.to_vec())
    }
    fn visit_byte_buf<E: Error>(self, mut text: Vec<u8>) -> Result<JsonText, E> {
        if str::from_utf8(&text).is_err() {
            replace_surrogates(&mut text);
        }
        Ok(JsonText(text.into()))
    }
}

/// The key of an object, with U+FFFD in place of unpaired surrogates.
pub(super) struct JsonKey<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for JsonKey<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_bytes(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = JsonKey<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_borrowed_bytes<E: Error>(self, key: &'de [u8]) -> Result<JsonKey<'de>, E> {
        Ok(JsonKey(lossy(key)))
    }
    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<JsonKey<'de>, E> {
        Ok(JsonKey(Cow::Borrowed(key)))
    }
    fn visit_str<E: Error>(self, key: &str) -> Result<JsonKey<'de>, E> {
        Ok(JsonKey(Cow::Owned(key.to_owned())))
    }
    fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<JsonKey<'de>, E> {
        let JsonText(key) = TextVisitor.visit_byte_buf(key.to_vec())?;
        Ok(JsonKey(Cow::Owned(
            String::from_utf8_lossy(&key).into_owned(),
        )))
    }
}

/// Replaces each unpaired surrogate by U+FFFD, which has three bytes, too. serde_json returns
/// surrogates as three bytes from `ED A0 80` to `ED BF BF`, which are invalid in UTF-8.
fn replace_surrogates(text: &mut [u8]) {
    for at in 0..text.len().saturating_sub(2) {
        if let [0xed, 0xa0..=0xbf, _] = text[at..at + 3] {
            text[at..at + 3].copy_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// The bytes of a trace id, or the [substitute](ids::mark) for a text that is not one.
#[derive(Default)]
pub(in super::super) struct TraceIdBytes(pub(in super::super) Bytes);

impl<'de> Deserialize<'de> for TraceIdBytes {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        id::<16, D>(json).map(Self)
    }
}

/// As [`TraceIdBytes`], of a span.
#[derive(Default)]
pub(in super::super) struct SpanIdBytes(pub(in super::super) Bytes);

impl<'de> Deserialize<'de> for SpanIdBytes {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        id::<8, D>(json).map(Self)
    }
}

fn id<'de, const N: usize, D: Deserializer<'de>>(json: D) -> Result<Bytes, D::Error> {
    let text = JsonText::deserialize(json)?.0;
    let text = lossy(&text);
    if text.is_empty() {
        return Ok(Bytes::new());
    }
    // Hex that was cut off may have a length of base64.
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bytes: Option<[u8; N]> = match is_hex {
        true => hex(&text),
        false => base64(&text).and_then(|bytes| bytes.try_into().ok()),
    };
    Ok(bytes.map_or_else(
        || ids::mark::<N>(&text),
        |bytes| Bytes::copy_from_slice(&bytes),
    ))
}

/// The bytes of this number of pairs of digits.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
    }
    Some(bytes)
}

/// The text, with U+FFFD in place of what is no UTF-8. Faster than the standard library for valid text.
fn lossy(text: &[u8]) -> Cow<'_, str> {
    str::from_utf8(text).map_or_else(|_| String::from_utf8_lossy(text), Cow::Borrowed)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}

/// A number, or a string that contains one.
#[derive(Default)]
pub(in super::super) struct JsonNumber<T>(pub(in super::super) T);

impl<'de, T: Numeric> Deserialize<'de> for JsonNumber<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(NumberVisitor(PhantomData)).map(Self)
    }
}

struct NumberVisitor<T>(PhantomData<T>);

/// A type that OTLP/JSON writes as a number or as text.
pub(in super::super) trait Numeric: FromStr + Default {
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

/// The number of a span kind.
#[derive(Default)]
pub(in super::super) struct JsonSpanKind(pub(in super::super) i32);

impl<'de> Deserialize<'de> for JsonSpanKind {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let kinds = Enum {
            prefix: "SPAN_KIND_",
            names: &[
                "UNSPECIFIED",
                "INTERNAL",
                "SERVER",
                "CLIENT",
                "PRODUCER",
                "CONSUMER",
            ],
        };
        json.deserialize_any(kinds).map(Self)
    }
}

/// The number of a status code.
#[derive(Default)]
pub(in super::super) struct JsonStatusCode(pub(in super::super) i32);

impl<'de> Deserialize<'de> for JsonStatusCode {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let codes = Enum {
            prefix: "STATUS_CODE_",
            names: &["UNSET", "OK", "ERROR"],
        };
        json.deserialize_any(codes).map(Self)
    }
}

/// A severity number.
#[derive(Default)]
pub(in super::super) struct JsonSeverity(pub(in super::super) i32);

impl<'de> Deserialize<'de> for JsonSeverity {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let numbers = Enum {
            prefix: "SEVERITY_NUMBER_",
            names: &[
                "UNSPECIFIED",
                "TRACE",
                "TRACE2",
                "TRACE3",
                "TRACE4",
                "DEBUG",
                "DEBUG2",
                "DEBUG3",
                "DEBUG4",
                "INFO",
                "INFO2",
                "INFO3",
                "INFO4",
                "WARN",
                "WARN2",
                "WARN3",
                "WARN4",
                "ERROR",
                "ERROR2",
                "ERROR3",
                "ERROR4",
                "FATAL",
                "FATAL2",
                "FATAL3",
                "FATAL4",
            ],
        };
        json.deserialize_any(numbers).map(Self)
    }
}

/// The number of an aggregation temporality.
#[derive(Default)]
pub(in super::super) struct JsonTemporality(pub(in super::super) i32);

impl<'de> Deserialize<'de> for JsonTemporality {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let temporalities = Enum {
            prefix: "AGGREGATION_TEMPORALITY_",
            names: &["UNSPECIFIED", "DELTA", "CUMULATIVE"],
        };
        json.deserialize_any(temporalities).map(Self)
    }
}

/// A number, or a name with or without its prefix. An unknown name is an error, since it may mean
/// `ERROR`.
struct Enum {
    prefix: &'static str,
    names: &'static [&'static str],
}

impl<'de> Visitor<'de> for Enum {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .names
            .iter()
            .map(|name| self.prefix.to_owned() + name)
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
        let bare = text.strip_prefix(self.prefix).unwrap_or(text);
        let named = self.names.iter().position(|&name| name == bare);
        named
            .and_then(|at| i32::try_from(at).ok())
            .or_else(|| text.parse().ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Str(&short(text)), &self))
    }
}

/// Bytes as base64.
pub(in super::super) struct Base64(pub(in super::super) Bytes);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let text = JsonText::deserialize(json)?.0;
        let text = String::from_utf8_lossy(&text);
        base64(&text)
            .map(|bytes| Self(bytes.into()))
            .ok_or_else(|| D::Error::custom(format_args!("`{}` is not base64", short(&text))))
    }
}

/// The beginning of a text, for messages.
pub(super) fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
