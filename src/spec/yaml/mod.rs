//! YAML without its traps: text becomes nodes that keep their place.
//!
//! What a node means is the reader's work; here only the shape is known.

mod node;
mod parse;

pub(crate) use node::{Entry, Key, Kind, Node, Scalar, Style};
pub(crate) use parse::parse;
