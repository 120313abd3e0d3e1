//! The faults that no check notices, as text, JSON and HTML.

mod html;
mod json;
mod text;

pub(crate) use html::html;
pub(crate) use json::json;
pub(crate) use text::text;
