//! The instrumentation scope.

use super::Attributes;

/// The library or module that created a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Its name, such as `@opentelemetry/instrumentation-express`; may be empty.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
    /// Its attributes.
    pub attributes: Attributes,
}
