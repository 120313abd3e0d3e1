//! Which files matter to a run, and which of them really changed.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use crate::project::{FILE_NAME, Project};
use crate::workspace::Search;

/// Folders that tools write to while they work.
const BUILT: [&str; 5] = ["target", "node_modules", ".git", ".venv", "__pycache__"];

/// The role of a changed file in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Project,
    Variables,
    Spec,
    /// Named by a spec.
    Named,
    /// Named by `--also`.
    Source,
}

/// Files and folders that a run depends on; all paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interest {
    project: PathBuf,
    variables: Vec<PathBuf>,
    /// Files of specs, and folders of such.
    specs: Vec<PathBuf>,
    /// Files that specs name.
    named: Vec<PathBuf>,
    also: Vec<PathBuf>,
}

/// A folder to watch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) is_deep: bool,
}

/// Hashes of the watched files at the last look.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<PathBuf, u64>);

impl Interest {
    /// Of a run with these arguments; without a project, as its file cannot be read, what is
    /// usual.
    pub(super) fn new(
        search: &Search,
        project: Option<&Project>,
        also: &[PathBuf],
        named: &BTreeSet<PathBuf>,
    ) -> Self {
        let file = project_file(search, project);
        let dir = file.parent().unwrap_or(Path::new(".")).to_path_buf();
        let usual = vec!["specs".to_owned()];
        let specs = match (search.specs.as_slice(), project) {
            ([], Some(project)) => roots(&project.specs, &dir),
            ([], None) => roots(&usual, &dir),
            (given, _) => roots(given, &search.dir),
        };
        let absolute = |path: &PathBuf| real(&search.dir.join(path));
        Self {
            project: file,
            variables: search.var_files.iter().map(absolute).collect(),
            specs,
            named: named.iter().map(absolute).collect(),
            also: also.iter().map(absolute).collect(),
        }
    }

    /// The role of a file, if it has one.
    pub(super) fn role(&self, path: &Path) -> Option<Role> {
        if path == self.project {
            return Some(Role::Project);
        }
        if self.variables.iter().any(|file| file == path) {
            return Some(Role::Variables);
        }
        let extension = path.extension().unwrap_or_default();
        let is_yaml = extension == "yaml" || extension == "yml";
        let is_project = path.file_name().is_some_and(|name| name == FILE_NAME);
        if is_yaml && !is_project && self.specs.iter().any(|root| path.starts_with(root)) {
            return Some(Role::Spec);
        }
        if self.named.iter().any(|file| file == path) {
            return Some(Role::Named);
        }
        let source = self
            .also
            .iter()
            .find_map(|root| path.strip_prefix(root).ok())?;
        let is_built =
            |part: std::path::Component<'_>| BUILT.iter().any(|name| part.as_os_str() == *name);
        (!source.components().any(is_built)).then_some(Role::Source)
    }

    /// The folders that have to be watched. Files are watched by their folder: editors put a new
    /// file in the place of the old one.
    pub(super) fn folders(&self) -> BTreeSet<Folder> {
        let single = std::iter::once(&self.project).chain(&self.variables);
        let single = single.chain(&self.named);
        let single = single.map(|file| folder_of(file));
        let roots = self.specs.iter().chain(&self.also).map(|root| {
            if root.is_dir() {
                Folder {
                    path: root.clone(),
                    is_deep: true,
                }
            } else {
                folder_of(root)
            }
        });
        let mut all: BTreeSet<Folder> = single
            .chain(roots)
            .filter(|one| one.path.is_dir())
            .collect();
        // One that is watched with all below it need not be watched by itself as well.
        let deep: BTreeSet<PathBuf> = all
            .iter()
            .filter(|one| one.is_deep)
            .map(|one| one.path.clone())
            .collect();
        all.retain(|one| one.is_deep || !deep.contains(&one.path));
        all
    }
}

impl Interest {
    /// The files that matter and that a folder which came may have brought along.
    pub(super) fn brought_by(&self, folder: &Path) -> Vec<PathBuf> {
        let roots = self.specs.iter().chain(&self.also);
        let below = roots.filter_map(|root| {
            if root.starts_with(folder) {
                Some(root.clone())
            } else {
                folder.starts_with(root).then(|| folder.to_path_buf())
            }
        });
        let deep = below.map(|path| Folder {
            path,
            is_deep: true,
        });
        deep.flat_map(|folder| self.files(&folder)).collect()
    }

    /// The files of a folder that matter.
    pub(super) fn files(&self, folder: &Folder) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&folder.path)
            .into_iter()
            .flatten()
            .flatten();
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.path();
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let is_built = BUILT.iter().any(|name| entry.file_name() == *name);
            if path.is_file() {
                found.extend(self.role(&path).map(|_| path));
            } else if folder.is_deep && !is_link && !is_built {
                found.extend(self.files(&Folder {
                    path,
                    is_deep: true,
                }));
            }
        }
        found
    }
}

fn folder_of(file: &Path) -> Folder {
    Folder {
        path: file.parent().unwrap_or(Path::new("/")).to_path_buf(),
        is_deep: false,
    }
}

fn project_file(search: &Search, project: Option<&Project>) -> PathBuf {
    let above = || {
        let mut files = search.dir.ancestors().map(|dir| dir.join(FILE_NAME));
        files.find(|file| file.is_file())
    };
    let file = match (&search.config, project) {
        (Some(config), _) => search.dir.join(config),
        (None, Some(project)) => project.dir.join(FILE_NAME),
        (None, None) => above().unwrap_or_else(|| search.dir.join(FILE_NAME)),
    };
    real(&file)
}

/// The places of specs: a file, a folder, or the folder before the first wildcard of a glob.
fn roots(given: &[String], from: &Path) -> Vec<PathBuf> {
    let root = |one: &String| {
        let fixed: PathBuf = Path::new(one)
            .components()
            .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
            .collect();
        real(&from.join(fixed))
    };
    given.iter().map(root).collect()
}

/// A path as the system reports it for changed files, also if it does not exist yet.
pub(super) fn real(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (
        path.parent().and_then(|dir| dir.canonicalize().ok()),
        path.file_name(),
    ) {
        (Some(dir), Some(name)) => dir.join(name),
        _ => path.to_path_buf(),
    }
}

impl Known {
    /// Looks at every file that matters.
    pub(super) fn scan(&mut self, interest: &Interest) {
        for folder in interest.folders() {
            for file in interest.files(&folder) {
                self.has_changed(&file);
            }
        }
    }

    /// Returns `true` if a file is new or has changed since the last call. Systems also report files
    /// that were only opened.
    pub(super) fn has_changed(&mut self, path: &Path) -> bool {
        match print_of(path) {
            Some(print) => self.0.insert(path.to_path_buf(), print) != Some(print),
            None => self.0.remove(path).is_some(),
        }
    }
}

/// A hash of the contents; `None` if it is no file.
fn print_of(path: &Path) -> Option<u64> {
    let contents = std::fs::read(path).ok()?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&contents);
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest(dir: &Path, specs: &[&str], also: &[&str]) -> Interest {
        let search = Search {
            specs: specs.iter().map(|one| (*one).to_owned()).collect(),
            ..Search::from(dir.to_path_buf(), BTreeMap::new())
        };
        let also: Vec<PathBuf> = also.iter().map(PathBuf::from).collect();
        let named = BTreeSet::from([PathBuf::from("specs/body.json")]);
        Interest::new(&search, None, &also, &named)
    }

    #[test]
    fn a_file_matters_by_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().canonicalize().unwrap();
        let of = interest(&dir, &[], &["src"]);
        assert_eq!(of.role(&dir.join("spanspec.yaml")), Some(Role::Project));
        assert_eq!(of.role(&dir.join("specs/a/b.yml")), Some(Role::Spec));
        assert_eq!(of.role(&dir.join("src/main.rs")), Some(Role::Source));
        assert_eq!(of.role(&dir.join("specs/body.json")), Some(Role::Named));
        for other in ["specs/other.json", "src/target/a.o", "README.md"] {
            assert_eq!(of.role(&dir.join(other)), None, "{other}");
        }
        let glob = interest(&dir, &["tests/*/spec.yaml"], &[]);
        assert_eq!(glob.role(&dir.join("tests/x/spec.yaml")), Some(Role::Spec));
    }

    #[test]
    fn a_file_that_was_only_opened_has_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let mut known = Known::default();
        std::fs::write(&file, "a").unwrap();
        assert!(known.has_changed(&file));
        assert!(!known.has_changed(&file));
        std::fs::write(&file, "b").unwrap();
        assert!(known.has_changed(&file));
        std::fs::remove_file(&file).unwrap();
        assert!(known.has_changed(&file));
        assert!(!known.has_changed(&file));
    }
}
