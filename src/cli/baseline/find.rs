//! Finds the baselines and shapes that the arguments name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::budget::baseline::{path_of, pending_path};
use crate::project::Project;
use crate::workspace::{
    FileKind, LoadError, Ports, Search, Workspace, find_specs, has_budgets, has_keys,
    mentions_shape, shown, spec_files,
};

use super::super::budget_arguments::StoredArguments;
use super::super::exit::{Exit, fail};
use super::super::load::{environment, fail_load};
use super::shapes;

/// The place of a baseline, or of a shape of traces.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BaselineFile {
    /// The file, which may not exist.
    pub(super) path: PathBuf,
    /// `true` if the arguments name this file or its spec.
    pub(super) is_named: bool,
}

impl BaselineFile {
    /// Returns `true` if there is a proposal.
    pub(super) fn is_pending(&self) -> bool {
        pending_path(&self.path).exists()
    }
}

/// The baselines of all specs, or of those that were named, and pending proposals of specs that no
/// longer exist; sorted. An error has been printed.
pub(super) fn find(arguments: &StoredArguments) -> Result<Vec<BaselineFile>, Exit> {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let search = Search {
        config: arguments.config.clone(),
        ports: Ports::Absent,
        ..Search::from(here, environment())
    };
    let workspace = Workspace::without_specs(&search).map_err(|error| fail_load(&error))?;
    let mut finder = Finder {
        project: workspace.project,
        folder: arguments.baseline.clone(),
        found: BTreeMap::new(),
    };
    if arguments.files.is_empty() {
        finder.find_all(&search)?;
    } else {
        finder.find_named(&arguments.files, &search)?;
    }
    let found = finder.found.into_iter();
    Ok(found
        .map(|(path, is_named)| BaselineFile { path, is_named })
        .collect())
}

struct Finder {
    project: Project,
    /// The value of `--baseline`.
    folder: Option<PathBuf>,
    /// Each baseline, with [`BaselineFile::is_named`].
    found: BTreeMap<PathBuf, bool>,
}

impl Finder {
    fn find_all(&mut self, search: &Search) -> Result<(), Exit> {
        let specs = match spec_files(search, &self.project) {
            Ok(specs) => specs,
            // A common folder of baselines is found without specs.
            Err(_) if self.folder.is_some() => Vec::new(),
            Err(error) => return Err(fail_load(&error)),
        };
        self.add_specs(&specs);
        if let Some(folder) = self.folder.clone() {
            if !folder.is_dir() {
                let text = format!("error: there is no folder {}", shown(&folder));
                return Err(fail(Exit::Usage, &text));
            }
            self.add_pending(&folder, "**/*.json.new");
            return Ok(());
        }
        let configured = self.project.specs.iter();
        let configured = configured.map(|folder| self.project.dir.join(folder));
        let parents = specs.iter().filter_map(|spec| spec.parent());
        let folders: BTreeSet<PathBuf> = configured.chain(parents.map(Path::to_path_buf)).collect();
        for folder in folders {
            self.add_pending(&folder, "**/baselines/*.json.new");
            self.add_pending_shapes(&folder);
        }
        Ok(())
    }

    fn find_named(&mut self, files: &[String], search: &Search) -> Result<(), Exit> {
        for given in files {
            let path = Path::new(given);
            refuse_other_kind(path).map_err(|why| fail(Exit::Usage, &format!("error: {why}")))?;
            if let Some(file) = baseline_file(given).or_else(|| shapes::shape_file(given)) {
                self.add(&file, true);
                continue;
            }
            let shapes = shapes::of_spec(path, search)?;
            shapes.iter().for_each(|shape| self.add(shape, false));
            if !shapes.is_empty() && !has_budgets(path) {
                continue;
            }
            let of_spec = self.path_of(path);
            if path.is_file() || of_spec.exists() || pending_path(&of_spec).exists() {
                self.add(&of_spec, true);
                continue;
            }
            let specs = find_specs(std::slice::from_ref(given), Path::new(""));
            let specs = specs.map_err(|error| fail_load(&LoadError::from(error)))?;
            self.add_specs(&specs);
            if self.folder.is_none() {
                self.add_pending(path, "**/baselines/*.json.new");
            }
            self.add_pending_shapes(path);
        }
        Ok(())
    }

    fn path_of(&self, spec: &Path) -> PathBuf {
        path_of(spec, self.folder.as_deref(), &self.project.dir)
    }

    fn add_specs(&mut self, specs: &[PathBuf]) {
        for spec in specs {
            let path = self.path_of(spec);
            self.add(&path, false);
        }
    }

    /// Adds the baselines of all proposals in a folder.
    fn add_pending(&mut self, folder: &Path, pattern: &str) {
        let start = glob::Pattern::escape(&folder.to_string_lossy());
        let pending = glob::glob(&format!("{start}/{pattern}"));
        for path in pending.into_iter().flatten().filter_map(Result::ok) {
            self.add(&path.with_extension(""), false);
        }
    }

    /// Adds the shapes of all proposals in a folder. Other files can have the same ending.
    fn add_pending_shapes(&mut self, folder: &Path) {
        let start = glob::Pattern::escape(&folder.to_string_lossy());
        let pending = glob::glob(&format!("{start}/**/*.txt.new"));
        for path in pending.into_iter().flatten().filter_map(Result::ok) {
            if crate::shape_file::text(&path).is_ok() {
                self.add(&path.with_extension(""), false);
            }
        }
    }

    /// Adds a baseline under the path that messages use.
    fn add(&mut self, path: &Path, is_named: bool) {
        let known = self.found.entry(PathBuf::from(shown(path))).or_default();
        *known |= is_named;
    }
}

/// The baseline for the name of a baseline or of a proposal.
fn baseline_file(name: &str) -> Option<PathBuf> {
    let name = name.strip_suffix(".new").unwrap_or(name);
    name.ends_with(".json").then(|| PathBuf::from(name))
}

/// Refuses a file that is neither a spec nor a baseline, and a spec without budgets.
fn refuse_other_kind(path: &Path) -> Result<(), String> {
    const NEEDED: &str = "a spec, a baseline or a shape";
    if !path.is_file() {
        return Ok(());
    }
    let file = shown(path);
    match FileKind::of(path) {
        // The error of a later version or a damaged file says more.
        Some(FileKind::Baseline) => Ok(()),
        Some(FileKind::Spec) if has_budgets(path) || mentions_shape(path) => Ok(()),
        Some(FileKind::Spec) => Err(format!(
            "the spec {file} has no baseline, because it has no budgets: add `repeat` and `budgets`, or `shape` to `expect`"
        )),
        Some(kind) => Err(format!(
            "{file} is {}, not {NEEDED}: {}",
            kind.name(),
            kind.command(path)
        )),
        None if baseline_file(&file).is_some() || has_keys(path) => Ok(()),
        None if shapes::shape_file(&file).is_some() => Ok(()),
        None => Err(format!(
            "{file} is neither a spec nor a baseline nor a shape"
        )),
    }
}
