//! Paths relative to the repository, for CI systems.

use std::path::{Component, Path, PathBuf};

/// The root of the repository, and the working folder.
pub(super) struct Repository {
    root: PathBuf,
    working_folder: PathBuf,
}

impl Repository {
    /// The repository around the working folder, or the working folder itself.
    pub(super) fn around_here() -> Self {
        let working_folder = std::env::current_dir().unwrap_or_default();
        let root = working_folder
            .ancestors()
            .find(|folder| folder.join(".git").exists())
            .unwrap_or(&working_folder)
            .to_owned();
        Self::new(root, working_folder)
    }

    pub(super) fn new(root: impl Into<PathBuf>, working_folder: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            working_folder: working_folder.into(),
        }
    }

    /// The path from the root of the repository, with slashes; unchanged if it is outside.
    pub(super) fn relative(&self, path: &str) -> String {
        let whole = without_dots(&self.working_folder.join(path));
        let Ok(inside) = whole.strip_prefix(&self.root) else {
            return path.to_owned();
        };
        let parts: Vec<_> = inside
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect();
        parts.join("/")
    }
}

fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            _ => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn paths_are_relative_to_the_repository() {
        let repository = Repository::new("/repo", "/repo/shop");
        assert_eq!(repository.relative("specs/a.yaml"), "shop/specs/a.yaml");
        assert_eq!(repository.relative("./../b.yaml"), "b.yaml");
        assert_eq!(repository.relative("/repo/c.yaml"), "c.yaml");
        assert_eq!(
            repository.relative("/elsewhere/d.yaml"),
            "/elsewhere/d.yaml"
        );
    }
}
