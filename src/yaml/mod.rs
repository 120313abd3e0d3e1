//! YAML without its ambiguities: converts text to nodes with places, and collects errors.
//!
//! `spec` and `project` interpret the nodes. [`foreign`] reads files of other tools.

mod error;
pub(crate) mod foreign;
mod node;
mod parse;
mod source;

pub(crate) use error::{ErrorList, closest, did_you_mean, suggest, synonym};
pub use error::{SpecError, SpecErrors};
pub(crate) use node::{Entry, EntryKey, Kind, Node, Scalar, Style};
pub(crate) use parse::parse;
pub use source::{Location, MAX_FILE_SIZE, Place, Source};
