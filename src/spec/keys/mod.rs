//! The keys of every map in a spec or project file.
//!
//! The reader accepts exactly these keys, the JSON Schema describes them, and the tests of `docs/`
//! require a mention of each. `spec::read` interprets the values.

mod conformance;
mod expect;
mod grpc;
mod load;
mod log;
mod metric;
mod observe;
#[cfg(feature = "run")]
mod project;
mod publish;
mod send;
mod span;
mod spec;
mod trigger;

pub(crate) use conformance::*;
pub(crate) use expect::*;
pub(crate) use grpc::{GRPC, PROTO};
pub(crate) use load::*;
pub(crate) use log::*;
pub(crate) use metric::*;
pub(crate) use observe::*;
#[cfg(feature = "run")]
pub(crate) use project::*;
pub(crate) use publish::*;
pub(crate) use send::*;
pub(crate) use span::*;
pub(crate) use spec::*;
pub(crate) use trigger::*;

/// A key with its description for editors.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// Name of the definition of its value in the JSON Schema; see `schema::shapes`.
    #[cfg_attr(not(feature = "_pure"), expect(dead_code, reason = "for the schema"))]
    pub(crate) shape: &'static str,
    #[cfg_attr(not(feature = "_pure"), expect(dead_code, reason = "for the schema"))]
    pub(crate) description: &'static str,
}

/// The keys of one map.
#[derive(Clone, Copy)]
pub(crate) struct Keys(pub(crate) &'static [&'static [Key]]);

impl Keys {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'static Key> {
        self.0.iter().copied().flatten()
    }

    pub(crate) fn names(self) -> Vec<&'static str> {
        self.iter().map(|key| key.name).collect()
    }

    pub(crate) fn contains(self, name: &str) -> bool {
        self.iter().any(|key| key.name == name)
    }
}

pub(crate) const fn key(name: &'static str, shape: &'static str, description: &'static str) -> Key {
    Key {
        name,
        shape,
        description,
    }
}
