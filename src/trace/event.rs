//! A span event.

use super::{Attributes, Nanos};

/// Something that happened at one moment of a span, such as `exception`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// When it happened: nanoseconds since the Unix epoch, by the service's clock.
    pub time: Nanos,
    /// What the service said about it.
    pub attributes: Attributes,
}
