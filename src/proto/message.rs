//! Messages as JSON, by the rules of proto3.

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};

use super::misfit::misfit;
use super::problem::Misfit;
use crate::trace::Value;

/// Encodes JSON as a message.
///
/// # Errors
/// The first part that does not fit, such as an unknown field.
pub(crate) fn encode(of: &MessageDescriptor, value: &Value) -> Result<Bytes, Misfit> {
    match read(of, value.to_json()) {
        Ok(message) => Ok(message.encode_to_vec().into()),
        Err(reason) => Err(misfit(of, value, reason)),
    }
}

/// Decodes a message; fields without a value have their defaults.
///
/// # Errors
/// The reason why the bytes are not such a message.
pub(crate) fn decode(of: &MessageDescriptor, bytes: &[u8]) -> Result<Value, String> {
    let message = DynamicMessage::decode(of.clone(), bytes).map_err(|error| error.to_string())?;
    json(&message)
}

pub(super) fn json(message: &DynamicMessage) -> Result<Value, String> {
    // Names as in the `.proto` file, and numbers as numbers: values keep all digits.
    let options = SerializeOptions::new()
        .skip_default_fields(false)
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false);
    let json = message.serialize_with_options(serde_json::value::Serializer, &options);
    json.map(Value::from).map_err(|error| error.to_string())
}

/// Reads JSON as a message, or returns the reason why that is not possible.
pub(super) fn read(
    of: &MessageDescriptor,
    json: serde_json::Value,
) -> Result<DynamicMessage, String> {
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    DynamicMessage::deserialize_with_options(of.clone(), json, &options)
        .map_err(|error| error.to_string())
}
