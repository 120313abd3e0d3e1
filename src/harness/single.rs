//! Spec files as tests of libtest, which share what they need and know of each other nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::project::{Mistake, Project};
use super::verdict::{self, Told};
use crate::workspace::Ports;

/// The projects of this process, by the folder of their package. libtest says nothing when the
/// last test is through, so their services end with the process.
static PROJECTS: Mutex<Option<HashMap<String, Arc<Project>>>> = Mutex::new(None);

/// Runs every spec of a file of a package; what [`spec_test!`](crate::spec_test) expands to.
///
/// # Panics
/// With all that is to be said about it, if one of them does not pass.
#[track_caller]
pub fn run_file(folder: &str, given: &str) {
    match run(folder, given) {
        Ok(Told::Passed) => {}
        Ok(Told::Skipped(reason)) => skipped(given, &reason),
        Ok(Told::NotPassed(text)) => panic!("\n{text}"),
        Err(Mistake { text, .. }) => panic!("\n{text}"),
    }
}

/// libtest has no word for it.
#[expect(
    clippy::print_stdout,
    reason = "libtest captures this, and shows it on request"
)]
fn skipped(given: &str, reason: &str) {
    println!("{given} was skipped: {reason}");
}

fn run(folder: &str, given: &str) -> Result<Told, Mistake> {
    let project = project(folder)?;
    let mut specs = Vec::new();
    for file in project.files(given)? {
        specs.extend(project.specs(&file)?);
    }
    if specs.iter().all(|spec| spec.skip.is_some()) {
        let reasons = specs.iter().filter_map(|spec| spec.skip.clone());
        return Ok(Told::Skipped(reasons.collect::<Vec<_>>().join("; ")));
    }
    Ok(match project.live() {
        Ok(live) => verdict::of(&live.run(&specs)),
        Err(troubles) => Told::NotPassed(verdict::unstarted(&specs, troubles)),
    })
}

fn project(folder: &str) -> Result<Arc<Project>, Mistake> {
    let mut projects = PROJECTS.lock().unwrap_or_else(PoisonError::into_inner);
    let projects = projects.get_or_insert_default();
    if let Some(known) = projects.get(folder) {
        return Ok(Arc::clone(known));
    }
    let project = Arc::new(Project::read(folder, Ports::Allocated)?);
    projects.insert(folder.to_owned(), Arc::clone(&project));
    Ok(project)
}
