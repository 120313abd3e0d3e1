//! `spanspec init`: a project file, a first spec and a CI workflow, none of which it overwrites.
//!
//! `detect` finds the services, with the help of `pom` and `compose`, `protos` those of gRPC, and `text`
//! writes the files.

mod collector;
mod compose;
mod detect;
mod pom;
#[cfg(feature = "grpc")]
mod protos;
mod text;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::project::FILE_NAME;
use crate::workspace::shown;

use super::authoring_arguments::{Ci, InitArguments};
use super::exit::{Exit, fail};
use super::output;
use detect::Found;

/// The specs that `init` writes.
const FIRST_SPEC: &str = "specs/first.yaml";
const GRPC_SPEC: &str = "specs/grpc.yaml";

/// The outcome of writing a file.
enum Done {
    Created,
    /// It was there.
    Kept,
    /// A first spec, next to other specs.
    Unneeded,
}

/// Writes the files that do not exist, and prints them and the next steps.
pub(super) fn init(arguments: &InitArguments) -> Exit {
    let dir = &arguments.dir;
    if let Err(error) = std::fs::create_dir_all(dir) {
        let message = format!("error: {} cannot be a folder: {error}", dir.display());
        return fail(Exit::Usage, &message);
    }
    let found = detect::services(dir);
    let mut told = String::new();
    let mut is_new = false;
    for (path, text) in files(arguments, &found) {
        match place(&path, &text) {
            Ok(Done::Created) => {
                is_new |= path.ends_with(FILE_NAME);
                told.push_str(&format!("created  {}\n", shown(&path)));
            }
            Ok(Done::Kept) => {
                told.push_str(&format!(
                    "kept     {}   it was there already\n",
                    shown(&path)
                ));
            }
            Ok(Done::Unneeded) => {
                told.push_str(&format!(
                    "omitted  {}   there are specs already\n",
                    shown(&path)
                ));
            }
            Err(error) => {
                print(&told);
                let message = format!("error: cannot write {}: {error}", shown(&path));
                return fail(Exit::Errored, &message);
            }
        }
    }
    told.push_str(&text::next_steps(dir, is_new.then_some(&found)));
    print(&told);
    Exit::Passed
}

/// The files of a new project, with their paths.
fn files(arguments: &InitArguments, found: &Found) -> Vec<(PathBuf, String)> {
    let dir = &arguments.dir;
    let configuration = collector::configuration(dir);
    let (project, spec) = match configuration.filter(|_| found.services.is_empty()) {
        Some(file) => (collector::project(file), collector::spec()),
        None => (text::project(found), text::spec()),
    };
    let mut files = vec![(dir.join(FILE_NAME), project), (dir.join(FIRST_SPEC), spec)];
    #[cfg(feature = "grpc")]
    files.extend(protos::spec(dir).map(|text| (dir.join(GRPC_SPEC), text)));
    // A CI system looks for its files at the root of the repository only.
    let (root, below) = repository(dir);
    match arguments.ci {
        Ci::Github => {
            let path = root.join(".github/workflows/spanspec.yaml");
            files.push((path, text::github(&below)));
        }
        Ci::Gitlab => files.push((root.join(".gitlab-ci.yml"), text::gitlab(&below))),
        Ci::None => {}
    }
    files
}

/// The root of the repository that a folder is in, and the folder's path below it. Without a
/// repository, the folder itself.
fn repository(dir: &Path) -> (PathBuf, String) {
    let none = (dir.to_path_buf(), String::new());
    let Ok(full) = dir.canonicalize() else {
        return none;
    };
    let Some(root) = full.ancestors().find(|one| one.join(".git").exists()) else {
        return none;
    };
    match full.strip_prefix(root) {
        Ok(below) if !below.as_os_str().is_empty() => {
            let below = below.to_string_lossy().replace('\\', "/");
            (root.to_path_buf(), below)
        }
        _ => none,
    }
}

/// Writes a file unless it is there, or, of specs, any other one.
fn place(path: &Path, text: &str) -> io::Result<Done> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let is_spec = folder.file_name().is_some_and(|name| name == "specs");
    if is_spec && has_specs(folder) {
        return Ok(Done::Unneeded);
    }
    std::fs::create_dir_all(folder)?;
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes())?;
            Ok(Done::Created)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Done::Kept),
        Err(error) => Err(error),
    }
}

fn has_specs(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| !path.ends_with(FIRST_SPEC) && !path.ends_with(GRPC_SPEC))
        .any(|path| {
            let extension = path.extension();
            extension.is_some_and(|extension| extension == "yaml" || extension == "yml")
        })
}

fn print(text: &str) {
    // An error of writing is ignored: the files are written already.
    let _ = output::stdout().write_all(text.as_bytes());
}
