//! Each spec of a folder as a test of its own, with the protocol of libtest and nextest.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use super::project::{Mistake, Project};
use super::verdict::{self, Told};
use crate::spec::Spec;
use crate::workspace::Ports;

/// So many tests run side by side unless somebody says otherwise: mostly they wait.
const JOBS: usize = 64;

/// The whole test process; what [`spec_tests!`](crate::spec_tests) expands to. `folder` is the
/// package's, and paths start from there.
#[must_use]
pub fn main(folder: &str, paths: &[&str]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    let ports = if arguments.list {
        Ports::Unknown
    } else {
        Ports::Allocated
    };
    let project = match Project::read(folder, ports) {
        Ok(project) => Arc::new(project),
        Err(mistake) => return libtest_mimic::run(&arguments, vec![failing(mistake)]).exit_code(),
    };
    let trials = trials(&project, paths, &arguments);
    let settings = &project.settings;
    let jobs = settings.test_threads.or(settings.jobs).unwrap_or(JOBS);
    arguments
        .test_threads
        .get_or_insert(jobs.min(trials.len()).max(1));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Nobody else holds it any more: each test is gone with what it held.
    if let Some(project) = Arc::into_inner(project) {
        project.stop();
    }
    conclusion.exit_code()
}

fn trials(project: &Arc<Project>, paths: &[&str], arguments: &Arguments) -> Vec<Trial> {
    let mut trials = Vec::new();
    for path in paths {
        match project.files(path) {
            Ok(files) => {
                let wanted = only_file(arguments).filter(|only| {
                    let is_it = |file: &std::path::PathBuf| project.name(file) == *only;
                    files.iter().any(is_it)
                });
                let files = files
                    .iter()
                    .filter(|file| wanted.is_none_or(|only| project.name(file) == only));
                trials.extend(files.flat_map(|file| of_file(project, file)));
            }
            Err(mistake) => trials.push(failing(mistake)),
        }
    }
    trials
}

/// The file of the only test that is wanted, so that no other has to be read.
fn only_file(arguments: &Arguments) -> Option<&str> {
    let name = arguments.filter.as_ref().filter(|_| arguments.exact)?;
    let end = [".yaml::", ".yml::"]
        .iter()
        .filter_map(|end| Some(name.find(end)? + end.len() - "::".len()))
        .min()?;
    Some(&name[..end])
}

fn of_file(project: &Arc<Project>, file: &Path) -> Vec<Trial> {
    match project.specs(file) {
        Ok(specs) => specs
            .into_iter()
            .map(|spec| of_spec(project, &project.name(file), spec))
            .collect(),
        Err(mistake) => vec![failing(mistake)],
    }
}

fn of_spec(project: &Arc<Project>, file: &str, spec: Spec) -> Trial {
    let project = Arc::clone(project);
    let is_skipped = spec.skip.is_some();
    // A list of tests has one on each line.
    let words: Vec<&str> = spec.name.split_whitespace().collect();
    let name = format!("{file}::{}", words.join(" "));
    Trial::ignorable_test(name, move || run(&project, spec)).with_ignored_flag(is_skipped)
}

fn run(project: &Project, mut spec: Spec) -> Result<Completion, Failed> {
    // Whoever asks for ignored tests wants to see what becomes of them.
    spec.skip = None;
    let specs = [spec];
    let told = match project.live() {
        Ok(live) => verdict::of(&live.run(&specs)),
        Err(troubles) => Told::NotPassed(verdict::unstarted(&specs, troubles)),
    };
    match told {
        Told::Passed => Ok(Completion::Completed),
        Told::Skipped(reason) => Ok(Completion::ignored_with(reason)),
        Told::NotPassed(text) => Err(text.trim_end().into()),
    }
}

/// A test that fails with what is wrong, so that nobody takes its absence for success.
fn failing(mistake: Mistake) -> Trial {
    let Mistake { of, text } = mistake;
    Trial::test(format!("{of}::mistakes"), move || {
        Err(text.trim_end().into())
    })
}
