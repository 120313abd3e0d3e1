//! What the author of a spec wrote.

mod trigger;

pub use trigger::{Body, Command, Part, PartContent, Request, Tls, Trigger};
