//! The status of a span.

use std::fmt;

/// The status of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The code; most instrumentation leaves success unset.
    pub code: StatusCode,
    /// A description, by convention only beside [`StatusCode::Error`].
    pub message: String,
}

/// OpenTelemetry's three status codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatusCode {
    /// Not set, the usual case for success.
    #[default]
    Unset,
    /// The service reports success.
    Ok,
    /// The service reports an error.
    Error,
}

impl StatusCode {
    /// All codes, in OTLP's order.
    pub const ALL: [Self; 3] = [Self::Unset, Self::Ok, Self::Error];

    /// The name in specs and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
