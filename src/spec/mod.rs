//! What the author of a spec wrote.

mod source;
mod trigger;

pub use source::{Location, Place, Source};
pub use trigger::{Body, Command, Part, PartContent, Request, Tls, Trigger};
