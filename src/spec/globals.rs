//! Variables from outside a spec: the command line, files, ports and the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::lint::Settings as LintSettings;
use super::{DeclaredService, Source};
use crate::secret::Secrets;
use crate::trace::Value;
use crate::yaml::Node;

/// Variables of a whole run, in the order of precedence.
#[derive(Clone, Debug, Default)]
pub struct Globals {
    /// `--var name=value`.
    pub arguments: BTreeMap<String, String>,
    /// `--var-file`.
    pub file: BTreeMap<String, Value>,
    /// `vars` of the project file.
    pub project: Variables,
    /// Ports such as `services.shop.http`; `None` until they are known.
    pub services: BTreeMap<String, Option<Value>>,
    /// The services of the project file; `None` if they are not known.
    pub declared: Option<Vec<DeclaredService>>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Names of secret variables.
    pub secrets: BTreeSet<String>,
    /// The names of the profiles of the project file.
    pub profiles: Vec<String>,
    /// The chosen profile.
    pub profile: Option<String>,
    /// `lint` of the project file.
    pub lint: Arc<LintSettings>,
    /// All known secret values, which no output may contain.
    pub hidden: Secrets,
    /// Collects the files that specs name.
    pub files: NamedFiles,
}

/// Collects the files that specs name, such as bodies of requests and shapes, existing or not. The default collects
/// nothing, so that it does not grow with what clients of the receiver send.
#[derive(Clone, Debug, Default)]
pub struct NamedFiles(Option<Arc<Mutex<BTreeSet<PathBuf>>>>);

impl NamedFiles {
    /// Collects the files.
    #[cfg(feature = "cli")]
    pub(crate) fn collected() -> Self {
        Self(Some(Arc::default()))
    }

    pub(super) fn add(&self, path: &Path) {
        if let Some(files) = &self.0 {
            let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
            files.insert(path.to_owned());
        }
    }

    /// Returns the files, and forgets them.
    #[cfg(feature = "cli")]
    pub(crate) fn take(&self) -> BTreeSet<PathBuf> {
        let files = self.0.as_ref().map(|files| {
            let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *files)
        });
        files.unwrap_or_default()
    }
}

/// `vars` of a file, as nodes, because values can contain variables.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    pub(crate) entries: Vec<(String, Arc<Node>)>,
    pub(crate) source: Option<Source>,
}

impl Variables {
    /// Returns `true` if the name exists.
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
