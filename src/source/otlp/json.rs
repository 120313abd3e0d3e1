//! What OTLP/JSON allows beyond the obvious: ids in hex of either case, enums by number or name,
//! 64-bit integers as text, `"NaN"`, and `null` wherever a default would do.
//!
//! Tempo's answers write ids in base64; their lengths differ from hex, so both are read.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::message::{AnyValue, Kind};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Any value, with `null` as its default.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    json: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(json)?.unwrap_or_default())
}

pub(super) fn text<'de, D: Deserializer<'de>>(json: D) -> Result<Bytes, D::Error> {
    nullable::<D, String>(json).map(Bytes::from)
}

pub(super) fn trace_id<'de, D: Deserializer<'de>>(json: D) -> Result<Bytes, D::Error> {
    id::<16, D>(json)
}

pub(super) fn span_id<'de, D: Deserializer<'de>>(json: D) -> Result<Bytes, D::Error> {
    id::<8, D>(json)
}

/// Hex of any length, or base64 of the right one. Whether an id of the wrong length is an error
/// is decided where protobuf's ids are judged, too.
fn id<'de, const N: usize, D: Deserializer<'de>>(json: D) -> Result<Bytes, D::Error> {
    let text: String = nullable(json)?;
    hex(&text)
        .or_else(|| base64(&text).filter(|bytes| bytes.len() == N))
        .map(Bytes::from)
        .ok_or_else(|| {
            D::Error::custom(format_args!(
                "`{}` is no id of {} hex digits",
                short(&text),
                2 * N
            ))
        })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|&[high, low]| u8::try_from(digit(high)? << 4 | digit(low)?).ok())
        .collect()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}

pub(super) fn unsigned<'de, D: Deserializer<'de>>(json: D) -> Result<u64, D::Error> {
    json.deserialize_any(Number(PhantomData))
}

/// One of the counts of what an SDK dropped.
pub(super) fn count<'de, D: Deserializer<'de>>(json: D) -> Result<u32, D::Error> {
    json.deserialize_any(Number(PhantomData))
}

fn signed<'de, D: Deserializer<'de>>(json: D) -> Result<i64, D::Error> {
    json.deserialize_any(Number(PhantomData))
}

fn double<'de, D: Deserializer<'de>>(json: D) -> Result<f64, D::Error> {
    json.deserialize_any(Number(PhantomData))
}

/// A number, or text that holds one; `null` is zero.
struct Number<T>(PhantomData<T>);

/// A type that OTLP/JSON writes as a number or as text.
trait Numeric: FromStr + Default {
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
            /// JSON does not tell `1e3` or `1000.0` from `1000`.
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                clippy::float_cmp,
                reason = "what a cast loses is seen when it is undone, and refused; not each type loses all of it"
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

impl<T: Numeric> Visitor<'_> for Number<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::NAME)
    }
    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
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
        // Rust reads `NaN`, `Infinity` and `-Infinity` as doubles, as protobuf names them.
        text.parse()
            .ok()
            .or_else(|| text.parse().ok().and_then(T::from_f64))
            .ok_or_else(|| out_of_range::<T, E>(short(text)))
    }
}

fn out_of_range<T: Numeric, E: Error>(found: impl fmt::Display) -> E {
    E::custom(format_args!("`{found}` is not {}", T::NAME))
}

pub(super) fn span_kind<'de, D: Deserializer<'de>>(json: D) -> Result<i32, D::Error> {
    const NAMES: [&str; 6] = [
        "SPAN_KIND_UNSPECIFIED",
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
    ];
    json.deserialize_any(Enum(&NAMES))
}

pub(super) fn status_code<'de, D: Deserializer<'de>>(json: D) -> Result<i32, D::Error> {
    const NAMES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];
    json.deserialize_any(Enum(&NAMES))
}

/// One of these names, or its number. A name that is not known is the default, as an unknown
/// number is: the format may grow.
struct Enum(&'static [&'static str]);

impl Visitor<'_> for Enum {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number or one of {}", self.0.join(", "))
    }
    fn visit_unit<E: Error>(self) -> Result<i32, E> {
        Ok(0)
    }
    fn visit_i64<E: Error>(self, int: i64) -> Result<i32, E> {
        Number(PhantomData).visit_i64(int)
    }
    fn visit_u64<E: Error>(self, int: u64) -> Result<i32, E> {
        Number(PhantomData).visit_u64(int)
    }
    fn visit_f64<E: Error>(self, double: f64) -> Result<i32, E> {
        Number(PhantomData).visit_f64(double)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<i32, E> {
        let named = self.0.iter().position(|&name| name == text);
        Ok(named
            .and_then(|at| i32::try_from(at).ok())
            .or_else(|| text.parse().ok())
            .unwrap_or(0))
    }
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(AnyValueVisitor)
    }
}

struct AnyValueVisitor;

impl<'de> Visitor<'de> for AnyValueVisitor {
    type Value = AnyValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an OTLP value such as {\"stringValue\": \"text\"}")
    }
    fn visit_unit<E: Error>(self) -> Result<AnyValue, E> {
        Ok(AnyValue::default())
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<AnyValue, M::Error> {
        let mut kind = None;
        while let Some(key) = map.next_key::<String>()? {
            kind = any_value_kind(&key, &mut map)?.or(kind);
        }
        Ok(AnyValue { kind })
    }
}

fn any_value_kind<'de, M: MapAccess<'de>>(
    key: &str,
    map: &mut M,
) -> Result<Option<Kind>, M::Error> {
    Ok(match key {
        "stringValue" => map
            .next_value::<Option<String>>()?
            .map(|text| Kind::String(text.into())),
        "boolValue" => map.next_value::<Option<bool>>()?.map(Kind::Bool),
        "intValue" => map
            .next_value::<Option<Signed>>()?
            .map(|int| Kind::Int(int.0)),
        "doubleValue" => map
            .next_value::<Option<Double>>()?
            .map(|double| Kind::Double(double.0)),
        "arrayValue" => map.next_value::<Option<_>>()?.map(Kind::Array),
        "kvlistValue" => map.next_value::<Option<_>>()?.map(Kind::Map),
        "bytesValue" => map
            .next_value::<Option<Base64>>()?
            .map(|bytes| Kind::Bytes(bytes.0)),
        _ => map.next_value::<IgnoredAny>().map(|_| None)?,
    })
}

#[derive(serde::Deserialize)]
struct Signed(#[serde(deserialize_with = "signed")] i64);

#[derive(serde::Deserialize)]
struct Double(#[serde(deserialize_with = "double")] f64);

struct Base64(Bytes);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let text = String::deserialize(json)?;
        base64(&text)
            .map(|bytes| Self(bytes.into()))
            .ok_or_else(|| D::Error::custom(format_args!("`{}` is no base64", short(&text))))
    }
}

/// Enough of a text to recognize it in a message.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
