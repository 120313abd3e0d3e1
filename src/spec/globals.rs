//! Variables from outside a spec: the command line, files, ports and the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Source;
use super::yaml::Node;
use crate::secret::Secrets;
use crate::trace::Value;

/// Values that hold for a whole run, in the order in which they are looked up.
#[derive(Clone, Debug, Default)]
pub struct Globals {
    /// `--var name=value`.
    pub arguments: BTreeMap<String, String>,
    /// `--var-file`.
    pub file: BTreeMap<String, Value>,
    /// `vars` of the project file.
    pub project: Variables,
    /// Ports: `services.shop.http`. While they are not known yet, only their names.
    pub services: BTreeMap<String, Option<Value>>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// Names whose values must not be written.
    pub secrets: BTreeSet<String>,
    /// Their values, as far as they are known, and all others that must not be written.
    pub hidden: Secrets,
}

/// `vars` of a file: nodes, for their values may hold variables themselves.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    pub(crate) entries: Vec<(String, Arc<Node>)>,
    pub(crate) source: Option<Source>,
}

impl Variables {
    /// Whether there is one of this name.
    #[cfg(feature = "run")]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All names.
    #[cfg(feature = "run")]
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<Node>> {
        self.entries
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, node)| node)
    }
}
