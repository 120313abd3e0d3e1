//! Paths relative to the repository, for CI systems.

use std::path::{Component, Path, PathBuf};

/// The root of the repository, and the working folder.
pub(super) struct Repository {
    root: PathBuf,
    working_folder: PathBuf,
}

impl Repository {
    /// The repository around the working folder. Without one, as in a container to which only the
    /// files were copied, the workspace of the job on GitHub, or the working folder itself.
    pub(super) fn around_here() -> Self {
        let working_folder = std::env::current_dir().unwrap_or_default();
        let workspace = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
        Self::around(working_folder, workspace)
    }

    fn around(working_folder: PathBuf, workspace: Option<PathBuf>) -> Self {
        let mut folders = working_folder.ancestors();
        let root = folders
            .find(|folder| folder.join(".git").exists())
            .map(Path::to_path_buf)
            .or(workspace.filter(|workspace| working_folder.starts_with(workspace)));
        Self::new(
            root.unwrap_or_else(|| working_folder.clone()),
            working_folder,
        )
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
    fn without_git_paths_are_relative_to_the_workspace_of_the_job() {
        let workspace = Some("/no-git/repo".into());
        let repository = Repository::around("/no-git/repo/shop".into(), workspace.clone());
        assert_eq!(repository.relative("specs/a.yaml"), "shop/specs/a.yaml");
        let elsewhere = Repository::around("/no-git/shop".into(), workspace);
        assert_eq!(elsewhere.relative("specs/a.yaml"), "specs/a.yaml");
    }

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
