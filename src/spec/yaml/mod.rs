//! YAML without its ambiguities: converts text to nodes with places.
//!
//! `spec::read` interprets the nodes.

mod node;
mod parse;

pub(crate) use node::{Entry, EntryKey, Kind, Node, Scalar, Style};
pub(crate) use parse::parse;
