//! The details of a status: `google.rpc.Status` and the messages that it usually contains.

use std::sync::OnceLock;

use prost::Message as _;
use prost_reflect::DynamicMessage;
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::message::json;
use super::schema::Schema;
use crate::trace::Value;

/// A detail of a status.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Detail {
    /// The message, with `@type`.
    Decoded(Value),
    /// A message of a type without a descriptor, or one that does not fit its type.
    Unknown {
        /// The full name of the type.
        name: String,
        /// The bytes.
        value: Vec<u8>,
    },
}

/// The message `google.rpc.Status` in `grpc-status-details-bin`, with its details only.
#[derive(Clone, PartialEq, prost::Message)]
struct RichStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<AnyMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AnyMessage {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// Decodes details with the descriptors of a schema, or those of `google.rpc`.
///
/// # Errors
/// The reason why the bytes are not a status.
pub(crate) fn details(bytes: &[u8], schema: &Schema) -> Result<Vec<Detail>, String> {
    let status = RichStatus::decode(bytes).map_err(|error| error.to_string())?;
    let details = status.details.into_iter();
    Ok(details.map(|any| detail(any, schema)).collect())
}

fn detail(any: AnyMessage, schema: &Schema) -> Detail {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let descriptor = schema.message(name).or_else(|| usual().message(name));
    let decoded = descriptor.and_then(|of| {
        let message = DynamicMessage::decode(of, any.value.as_slice()).ok()?;
        json(&message).ok()
    });
    match decoded {
        Some(value) => Detail::Decoded(typed(&any.type_url, value)),
        None => Detail::Unknown {
            name: name.to_owned(),
            value: any.value,
        },
    }
}

/// Adds `@type`, as the JSON of `google.protobuf.Any` has it.
fn typed(url: &str, value: Value) -> Value {
    let kind = ("@type".to_owned(), Value::from(url));
    Value::Map(match value {
        Value::Map(fields) => std::iter::once(kind).chain(fields).collect(),
        other => vec![kind, ("value".to_owned(), other)],
    })
}

/// The messages of `google.rpc` that services send as details.
fn usual() -> &'static Schema {
    static USUAL: OnceLock<Schema> = OnceLock::new();
    USUAL.get_or_init(|| {
        let mut resolver = ChainFileResolver::new();
        resolver.add(GoogleFileResolver::new());
        resolver.add(Ours);
        let mut compiler = Compiler::with_file_resolver(resolver);
        compiler
            .open_file(Ours::NAME)
            .expect("our own file is valid");
        Schema::new(compiler.descriptor_pool())
    })
}

struct Ours;

impl Ours {
    const NAME: &str = "google/rpc/error_details.proto";
}

impl FileResolver for Ours {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match name {
            Self::NAME => File::from_source(name, include_str!("details.proto")),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}
