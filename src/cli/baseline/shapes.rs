//! Shapes of traces: reviews, accepts, rejects and shows them as baselines.

use std::path::{Path, PathBuf};

use crate::budget::baseline::pending_path;
use crate::report::{Look, shape_changes};
use crate::result::Trouble;
use crate::shape_file::{self, ShapeFileError};
use crate::workspace::{Ports, Search, Workspace, mentions_shape, shown};

use super::super::exit::Exit;
use super::super::load::fail_load;
use super::super::session::fail_with;

/// Returns `true` for a shape file.
pub(super) fn is_shape(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "txt")
}

/// The shape file for the name of a shape file or of a proposal.
pub(super) fn shape_file(name: &str) -> Option<PathBuf> {
    let name = name.strip_suffix(".new").unwrap_or(name);
    name.ends_with(".txt").then(|| PathBuf::from(name))
}

/// The shape files of a spec. An error has been printed.
pub(super) fn of_spec(spec: &Path, search: &Search) -> Result<Vec<PathBuf>, Exit> {
    if !spec.is_file() || !mentions_shape(spec) {
        return Ok(Vec::new());
    }
    let search = Search {
        specs: vec![spec.to_string_lossy().into_owned()],
        ports: Ports::Unknown,
        ..search.clone()
    };
    let workspace = Workspace::load(&search).map_err(|error| fail_load(&error))?;
    let mut files = Vec::new();
    for spec in &workspace.specs {
        let scope = spec.scope();
        let expects = spec
            .steps
            .iter()
            .filter_map(|step| step.expect(&scope).ok());
        for expect in expects {
            files.extend(expect.shape_files().map(|(path, _)| path.clone()));
        }
    }
    Ok(files)
}

/// The lines of the proposal that differ from the accepted shape.
pub(super) fn review(path: &Path) -> Result<String, ShapeFileError> {
    let proposal = shape_file::proposal(path)?;
    let current = shape_file::text(path)?;
    let text = shape_changes(current.as_deref(), &proposal, &Look::of_stdout());
    let accept = shell_words::quote(&shown(path)).into_owned();
    Ok(format!(
        "{}\n{text}  accept it with `spanspec baseline accept {accept}`, or delete it with `spanspec baseline reject {accept}`\n\n",
        shown(&pending_path(path))
    ))
}

pub(super) fn accept(path: &Path) -> Result<String, ShapeFileError> {
    shape_file::accept(path)?;
    Ok(format!("accepted  {}\n", shown(path)))
}

pub(super) fn reject(path: &Path) -> Result<String, ShapeFileError> {
    shape_file::reject(path)?;
    Ok(format!("rejected  {}\n", shown(&pending_path(path))))
}

/// The accepted shape; `None` if there is neither a shape nor a proposal.
pub(super) fn show(path: &Path) -> Result<Option<String>, ShapeFileError> {
    let is_pending = pending_path(path).exists();
    let accepted = shape_file::text(path)?;
    if accepted.is_none() && !is_pending {
        return Ok(None);
    }
    let mut text = format!("{}\n", shown(path));
    match accepted {
        Some(accepted) => accepted
            .lines()
            .for_each(|line| text.push_str(&format!("  {line}\n"))),
        None => text.push_str("  nothing accepted yet\n"),
    }
    if is_pending {
        text.push_str(&format!(
            "  a new one is pending in {}: `spanspec baseline review` shows the changes\n",
            shown(&pending_path(path))
        ));
    }
    Ok(Some(text))
}

/// Prints the error.
pub(super) fn fail_shape(error: &ShapeFileError) -> Exit {
    let exit = fail_with(&[Trouble::from_error(error)]);
    match error {
        // A name on the command line has no proposal.
        ShapeFileError::NothingPending { .. } => Exit::Usage,
        _ => exit,
    }
}
