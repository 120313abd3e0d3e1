//! The resource: the process that exported a span.

use super::{Attributes, Value};

/// The attributes of a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// Attributes such as `service.name`, `service.version` and `host.name`.
    pub attributes: Attributes,
}

impl Resource {
    /// `service.name`, or `unknown_service` if it is missing or not a string.
    #[must_use]
    pub fn service(&self) -> &str {
        self.text("service.name").unwrap_or("unknown_service")
    }

    /// `service.version`, if it is set.
    #[must_use]
    pub fn service_version(&self) -> Option<&str> {
        self.text("service.version")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).and_then(Value::as_str)
    }
}
