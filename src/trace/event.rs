//! A span event.

use super::{Attributes, Nanos};

/// An event at one moment of a span, such as `exception`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Nanoseconds since the Unix epoch, by the clock of the service.
    pub time: Nanos,
    /// Its attributes.
    pub attributes: Attributes,
}
