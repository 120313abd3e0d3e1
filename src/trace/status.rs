//! The status of a span.

use std::fmt;

/// How a span ended, in the words of the service.
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
    /// Nothing was said, which is how success usually looks.
    #[default]
    Unset,
    /// The service says that it went well.
    Ok,
    /// The service says that it went wrong.
    Error,
}

impl StatusCode {
    /// All codes, in OTLP's order.
    pub const ALL: [Self; 3] = [Self::Unset, Self::Ok, Self::Error];

    /// The word that specs and messages use.
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
