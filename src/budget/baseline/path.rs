//! Paths of baseline files.

use std::path::{Component, Path, PathBuf};

/// The baseline file of a spec: `baselines/<spec file>.json` beside it.
#[must_use]
pub fn path_beside(spec: &Path) -> PathBuf {
    let mut name = spec.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    spec.with_file_name("baselines").join(name)
}

/// The baseline file of a spec: beside the spec, or in a common folder under the path that the spec
/// has in the project folder `root`.
#[must_use]
pub fn path_of(spec: &Path, folder: Option<&Path>, root: &Path) -> PathBuf {
    let Some(folder) = folder else {
        return path_beside(spec);
    };
    let mut path = folder.join(relative_to(root, spec)).into_os_string();
    path.push(".json");
    PathBuf::from(path)
}

/// The path relative to `root`. A path outside of `root` loses its root component only.
fn relative_to(root: &Path, path: &Path) -> PathBuf {
    path_within(root, path).unwrap_or_else(|| {
        let path = real_path(path).unwrap_or_else(|| path.to_owned());
        let names = path.components();
        names
            .filter(|part| matches!(part, Component::Normal(_)))
            .collect()
    })
}

/// The absolute path, with links to folders resolved. A link in a project may point anywhere, so the
/// last component is not resolved.
#[must_use]
pub fn real_path(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    let folder = absolute.parent()?.canonicalize().ok()?;
    Some(folder.join(absolute.file_name()?))
}

/// The path relative to `root`, in any working directory. `None` outside of `root`.
#[must_use]
pub fn path_within(root: &Path, path: &Path) -> Option<PathBuf> {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let within = |root: Option<PathBuf>, path: Option<PathBuf>| {
        let path = path?.strip_prefix(root?).ok()?.to_owned();
        let is_below = path.components().all(|part| part != Component::ParentDir);
        is_below.then_some(path)
    };
    within(absolute(root), absolute(path))
        .or_else(|| within(root.canonicalize().ok(), real_path(path)))
}

/// The file of a proposed baseline: the baseline's path with the suffix `.new`.
#[must_use]
pub fn pending_path(baseline: &Path) -> PathBuf {
    let mut name = baseline.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_is_beside_its_spec_or_in_a_common_folder() {
        let spec = Path::new("specs/place-order.yaml");
        let beside = Path::new("specs/baselines/place-order.yaml.json");
        assert_eq!(path_beside(spec), beside);
        let common = path_of(spec, Some(Path::new("kept")), Path::new("."));
        assert_eq!(common, Path::new("kept/specs/place-order.yaml.json"));
    }
}
