//! Responses of gRPC calls.

use std::fmt;
use std::time::Duration;

use super::Value;

/// The response to a gRPC call, with all its messages.
#[derive(Clone, Debug, PartialEq)]
pub struct GrpcResponse {
    /// The status.
    pub code: GrpcCode,
    /// The message of the status.
    pub status_message: String,
    /// The origin of the status.
    pub ending: GrpcEnding,
    /// Metadata before the first message, in the order received. Names are lowercase; values of
    /// names with `-bin` are base64.
    pub metadata: Vec<(String, String)>,
    /// Metadata after the last message, likewise, without the status.
    pub trailers: Vec<(String, String)>,
    /// The messages, as JSON with default values.
    pub messages: Vec<Value>,
    /// The method returns a stream.
    pub is_stream: bool,
    /// The details of the status, each with `@type`.
    pub details: Vec<Value>,
    /// Types of details that could not be decoded. Their `value` in `details` is base64.
    pub unknown_details: Vec<String>,
    /// Number of bytes of the messages.
    pub bytes: usize,
    /// From just before the first byte was sent until the status was received.
    pub time: Duration,
}

/// The origin of a status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GrpcEnding {
    /// The server sent it.
    #[default]
    Server,
    /// The deadline of the call expired on this side, before the server sent a status.
    Deadline,
}

impl Default for GrpcResponse {
    fn default() -> Self {
        Self {
            code: GrpcCode::OK,
            status_message: String::new(),
            ending: GrpcEnding::Server,
            metadata: Vec::new(),
            trailers: Vec::new(),
            messages: Vec::new(),
            is_stream: false,
            details: Vec::new(),
            unknown_details: Vec::new(),
            bytes: 0,
            time: Duration::ZERO,
        }
    }
}

impl GrpcResponse {
    /// The value that `json` reads: the message, or the list of messages of a stream.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        match self.is_stream {
            true => Some(Value::Array(self.messages.clone())),
            false => self.messages.first().cloned(),
        }
    }

    /// The status with its message: `NOT_FOUND: no such order`.
    #[must_use]
    pub fn status(&self) -> String {
        match self.status_message.as_str() {
            "" => self.code.to_string(),
            message => format!("{}: {message}", self.code),
        }
    }
}

/// A status code of gRPC; one that the protocol does not define has no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrpcCode(pub u32);

impl GrpcCode {
    /// Success.
    pub const OK: Self = Self(0);
    /// The request is wrong.
    pub const INVALID_ARGUMENT: Self = Self(3);
    /// The deadline expired.
    pub const DEADLINE_EXCEEDED: Self = Self(4);
    /// The caller may not do this.
    pub const PERMISSION_DENIED: Self = Self(7);
    /// A limit is reached.
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    /// The server has no such method.
    pub const UNIMPLEMENTED: Self = Self(12);
    /// The server cannot answer now.
    pub const UNAVAILABLE: Self = Self(14);
    /// The caller has no valid credentials.
    pub const UNAUTHENTICATED: Self = Self(16);

    /// The names of the codes from 0.
    pub const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];

    /// The code with this name in upper case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let at = Self::NAMES.iter().position(|other| *other == name)?;
        u32::try_from(at).ok().map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let at = usize::try_from(self.0).ok()?;
        Self::NAMES.get(at).copied()
    }
}

impl fmt::Display for GrpcCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "status {}", self.0),
        }
    }
}
