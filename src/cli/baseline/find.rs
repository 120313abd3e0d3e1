//! Which baselines the user means.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::budget::baseline::{BaselineError, path_of, pending_in, pending_path};
use crate::project::Project;
use crate::workspace::{LoadError, Ports, Search, Workspace, find_specs, shown, spec_files};

use super::super::budget_arguments::StoredArguments;
use super::super::exit::{Exit, fail};
use super::super::load::{environment, fail_load};

/// A place where a baseline is, or would be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The file that was accepted, whether it is there or not.
    pub(super) path: PathBuf,
    /// Whether the user named this very one.
    pub(super) is_named: bool,
}

impl Found {
    /// Whether a new one waits.
    pub(super) fn is_pending(&self) -> bool {
        pending_path(&self.path).exists()
    }
}

/// The baselines of all specs, or of those that were named, sorted; and those that wait though
/// their spec is gone. Where that fails, the user has been told.
pub(super) fn find(arguments: &StoredArguments) -> Result<Vec<Found>, Exit> {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let search = Search {
        config: arguments.config.clone(),
        ports: Ports::Absent,
        ..Search::from(here, environment())
    };
    let workspace = Workspace::without_specs(&search).map_err(|error| fail_load(&error))?;
    let stored = Stored {
        search,
        project: workspace.project,
        folder: arguments.baseline.clone(),
        found: BTreeMap::new(),
    };
    let found = if arguments.files.is_empty() {
        stored.all()
    } else {
        stored.named(&arguments.files)
    };
    found.map(Stored::sorted)
}

/// What is known of where baselines are.
struct Stored {
    search: Search,
    project: Project,
    folder: Option<PathBuf>,
    /// Each with whether it was named.
    found: BTreeMap<PathBuf, bool>,
}

impl Stored {
    fn all(mut self) -> Result<Self, Exit> {
        let specs = match (&self.folder, spec_files(&self.search, &self.project)) {
            (_, Ok(specs)) => specs,
            // Baselines in a folder of their own need no specs.
            (Some(_), Err(_)) => Vec::new(),
            (None, Err(error)) => return Err(fail_load(&error)),
        };
        self.of_specs(&specs, false);
        match self.folder.clone() {
            Some(folder) if folder.is_dir() => self.pending_below(&folder, "**")?,
            Some(folder) => {
                let text = format!("error: there is no folder {}", shown(&folder));
                return Err(fail(Exit::Usage, &text));
            }
            None => {
                let given = self.project.specs.iter();
                let given = given.map(|folder| self.project.dir.join(folder));
                let beside = specs
                    .iter()
                    .filter_map(|spec| spec.parent().map(Path::to_path_buf));
                let folders: BTreeSet<PathBuf> = given.chain(beside).collect();
                for folder in folders {
                    self.pending_below(&folder, "**/baselines")?;
                }
            }
        }
        Ok(self)
    }

    fn named(mut self, files: &[String]) -> Result<Self, Exit> {
        for given in files {
            let path = Path::new(given);
            if let Some(baseline) = baseline_file(path) {
                self.add(&baseline, true);
                continue;
            }
            let of_spec = self.path_of(path);
            let is_left = of_spec.exists() || pending_path(&of_spec).exists();
            if path.is_file() || is_left {
                self.add(&of_spec, true);
                continue;
            }
            let specs = find_specs(std::slice::from_ref(given), Path::new(""));
            let specs = specs.map_err(|error| fail_load(&LoadError::from(error)))?;
            self.of_specs(&specs, false);
            if self.folder.is_none() {
                self.pending_below(path, "**/baselines")?;
            }
        }
        Ok(self)
    }

    fn path_of(&self, spec: &Path) -> PathBuf {
        path_of(spec, self.folder.as_deref(), &self.project.dir)
    }

    fn of_specs(&mut self, specs: &[PathBuf], is_named: bool) {
        for spec in specs {
            let path = self.path_of(spec);
            self.add(&path, is_named);
        }
    }

    /// Adds a baseline under the path that messages give it.
    fn add(&mut self, path: &Path, is_named: bool) {
        let known = self.found.entry(PathBuf::from(shown(path))).or_default();
        *known |= is_named;
    }

    /// Adds those that wait in folders below this one, also where their spec is gone.
    fn pending_below(&mut self, folder: &Path, pattern: &str) -> Result<(), Exit> {
        let start = glob::Pattern::escape(&folder.to_string_lossy());
        let folders = glob::glob(&format!("{start}/{pattern}"));
        let folders = folders.into_iter().flatten().filter_map(Result::ok);
        let folders = folders.chain([folder.to_owned()]);
        let folders: Vec<PathBuf> = folders.filter(|folder| folder.is_dir()).collect();
        for folder in folders {
            let pending = pending_in(&folder).map_err(|error| tell(&error))?;
            pending.iter().for_each(|path| self.add(path, false));
        }
        Ok(())
    }

    fn sorted(self) -> Vec<Found> {
        let found = self.found.into_iter();
        found
            .map(|(path, is_named)| Found { path, is_named })
            .collect()
    }
}

fn tell(error: &BaselineError) -> Exit {
    super::tell(error)
}

/// The baseline that is meant by the name of a baseline, or of a new one.
fn baseline_file(path: &Path) -> Option<PathBuf> {
    let name = path.to_str()?;
    let name = name.strip_suffix(".new").unwrap_or(name);
    name.ends_with(".json").then(|| PathBuf::from(name))
}
