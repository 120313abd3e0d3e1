//! Spec files as tests of libtest, which share what they need and know of each other nothing else.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::project::{Mistake, Project};
use super::results::Results;
use super::verdict::{self, SpecResult};
use crate::spec::Spec;
use crate::workspace::{Ports, find_specs};

/// The projects of this process, by the folder of their package. libtest says nothing when the
/// last test is through, so their services end with the process.
static PROJECTS: Mutex<Option<HashMap<String, Arc<Project>>>> = Mutex::new(None);

/// Runs every spec of a file of a package; what [`spec_test!`](crate::spec_test) expands to. `all`
/// are the files of all tests of the macro: a tag that selects no spec of them is an error.
///
/// # Panics
/// If a spec does not pass, or cannot be read. The text is that of the command.
#[track_caller]
pub fn run_file(folder: &str, given: &str, all: &[&str]) {
    match run(folder, given, all) {
        Ok(SpecResult::Passed) => {}
        Ok(SpecResult::Skipped(reason)) => print(&format!("{given}: skipped: {reason}")),
        Ok(SpecResult::NotPassed(text)) => panic!("\n{text}"),
        Err(Mistake { text, .. }) => panic!("\n{text}"),
    }
}

/// Prints although libtest captures the output of tests that pass: it knows no skipped tests.
fn print(line: &str) {
    // A closed stderr must not fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn run(folder: &str, given: &str, all: &[&str]) -> Result<SpecResult, Mistake> {
    let project = project(folder)?;
    let mut specs = Vec::new();
    for file in project.files(given)? {
        specs.extend(project.specs(&file)?);
    }
    specs.retain(|spec| project.settings.selects(spec));
    if specs.is_empty() {
        return untagged(&project, all);
    }
    let (skipped, to_run): (Vec<&Spec>, Vec<&Spec>) =
        specs.iter().partition(|spec| spec.skip.is_some());
    if to_run.is_empty() {
        let written = Results::new(&project.settings).write_skipped(&specs);
        written.map_err(|error| Mistake {
            of: given.to_owned(),
            text: format!("error: {error}\n"),
        })?;
        let reasons = skipped.iter().filter_map(|spec| spec.skip.clone());
        let reasons = reasons.collect::<Vec<_>>().join("; ");
        return Ok(SpecResult::Skipped(project.hidden().text(&reasons)));
    }
    for spec in skipped {
        let reason = spec.skip.as_deref().unwrap_or_default();
        let line = format!("{given}: `{}` skipped: {reason}", spec.name);
        print(&project.hidden().text(&line));
    }
    Ok(match project.live() {
        Ok(live) => verdict::of(&live.run(&specs)),
        Err(troubles) => {
            SpecResult::NotPassed(project.hidden().text(&verdict::unstarted(&specs, troubles)))
        }
    })
}

/// The result of a file of which the tags of the environment select no spec.
fn untagged(project: &Project, all: &[&str]) -> Result<SpecResult, Mistake> {
    let of_project = &project.workspace.project;
    let of_project = find_specs(&of_project.specs, &of_project.dir).unwrap_or_default();
    let mut files: Vec<PathBuf> = Vec::new();
    for given in all {
        files.extend(project.files(given).unwrap_or_default());
    }
    files.extend(of_project);
    match project.nothing_tagged(&files) {
        Some(mistake) => Err(mistake),
        None => Ok(SpecResult::Skipped(format!(
            "SPANSPEC_TAG={} selects no spec of this file",
            project.settings.tags.join(",")
        ))),
    }
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
