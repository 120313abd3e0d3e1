//! The resource: which process a span comes from.

use super::{Attributes, Value};

/// The attributes that all spans of one process share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// `service.name`, `service.version`, `host.name` and the like.
    pub attributes: Attributes,
}

impl Resource {
    /// `service.name`; where it is missing or no text, `unknown_service`, as SDKs call it.
    #[must_use]
    pub fn service(&self) -> &str {
        self.text("service.name").unwrap_or("unknown_service")
    }

    /// `service.version`, if the service says one.
    #[must_use]
    pub fn service_version(&self) -> Option<&str> {
        self.text("service.version")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).and_then(Value::as_str)
    }
}
