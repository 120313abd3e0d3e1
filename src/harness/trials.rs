//! Each spec of a folder as a test of its own, with the protocol of libtest and nextest.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use super::filter::{self, Candidate};
use super::project::{Mistake, Project};
use super::results::Results;
use super::verdict::{self, SpecResult};
use crate::result::Report;
use crate::spec::Spec;
use crate::workspace::Ports;

/// Default number of tests that run concurrently. Most of the time, a test waits.
const JOBS: usize = 64;

/// The exit code of libtest for failed tests and for arguments that it refuses.
const FAILED: u8 = 101;

/// The whole test process; what [`spec_tests!`](crate::spec_tests) expands to. `folder` is the
/// package's, and paths start from there.
#[must_use]
pub fn main(folder: &str, paths: &[&str]) -> ExitCode {
    let arguments = Arguments::from_args();
    if arguments.test_threads == Some(0) {
        let text = "error: no test can run on 0 threads\n  help: give `--test-threads` at least 1";
        // Without stderr, the exit code is all that is left.
        let _ = writeln!(std::io::stderr(), "{text}");
        return ExitCode::from(FAILED);
    }
    let ports = if arguments.list {
        Ports::Unknown
    } else {
        Ports::Allocated
    };
    match Project::read(folder, ports) {
        Ok(project) => run_all(Arc::new(project), paths, &arguments),
        Err(Mistake { of, text }) => {
            let errors = Candidate::errors_of_all(&of, text);
            let (arguments, trials) = filter::select(&arguments, vec![errors]);
            libtest_mimic::run(&arguments, trials).exit_code()
        }
    }
}

fn run_all(project: Arc<Project>, paths: &[&str], arguments: &Arguments) -> ExitCode {
    let candidates = candidates(&project, paths, arguments);
    let skipped = filter::skipped(arguments, &candidates);
    if let Err(error) = Results::new(&project.settings).write_skipped(&skipped) {
        // Stdout may be a list.
        let _ = writeln!(std::io::stderr(), "error: {error}");
        return ExitCode::from(FAILED);
    }
    project.start_only(filter::services(arguments, &candidates));
    let (mut arguments, trials) = filter::select(arguments, candidates);
    let settings = &project.settings;
    let jobs = settings.test_threads.or(settings.jobs).unwrap_or(JOBS);
    arguments
        .test_threads
        .get_or_insert(jobs.min(trials.len()).max(1));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // This is the last reference: every test has ended.
    let overturned = Arc::into_inner(project).map_or_else(Vec::new, Project::stop);
    match report_overturned(&overturned) {
        true => ExitCode::from(FAILED),
        false => conclusion.exit_code(),
    }
}

/// Prints the tests that passed and do not any more; false if there are none.
fn report_overturned(reports: &[Report]) -> bool {
    let texts = reports.iter().map(verdict::of);
    let texts: Vec<String> = texts
        .filter_map(|told| match told {
            SpecResult::NotPassed(text) => Some(text),
            SpecResult::Passed | SpecResult::Skipped(_) => None,
        })
        .collect();
    if texts.is_empty() {
        return false;
    }
    // Without stderr, the exit code is all that is left.
    let _ = writeln!(
        std::io::stderr(),
        "\nspans that arrived after the tests contradict {} that passed:\n\n{}",
        match texts.len() {
            1 => "1 test".to_owned(),
            number => format!("{number} tests"),
        },
        texts.concat().trim_end()
    );
    true
}

/// The tests of all files, and those that report errors.
fn candidates(project: &Arc<Project>, paths: &[&str], arguments: &Arguments) -> Vec<Candidate> {
    let (files, errors) = files(project, paths);
    let exact = arguments.filter.as_deref().filter(|_| arguments.exact);
    let named = exact.and_then(|exact| {
        let mut files = files.iter();
        files.find(|file| filter::is_file_of(exact, &project.name(file)))
    });
    // No other file has the only test that is wanted.
    let wanted = named.map_or(files.as_slice(), std::slice::from_ref);
    let mut candidates: Vec<Candidate> = wanted
        .iter()
        .flat_map(|file| of_file(project, file))
        .collect();
    if named.is_none() {
        candidates.extend(
            errors
                .into_iter()
                .map(|Mistake { of, text }| Candidate::errors_of_all(&of, text)),
        );
    }
    if !candidates.iter().any(Candidate::is_spec) {
        let unselected = project.nothing_tagged(&files);
        candidates
            .extend(unselected.map(|Mistake { of, text }| Candidate::errors_of_all(&of, text)));
    }
    candidates
}

/// The files of all paths, each once, and the paths that name no file.
fn files(project: &Project, paths: &[&str]) -> (Vec<PathBuf>, Vec<Mistake>) {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        match project.files(path) {
            Ok(found) => files.extend(found),
            Err(mistake) => errors.push(mistake),
        }
    }
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
    (files, errors)
}

fn of_file(project: &Arc<Project>, file: &Path) -> Vec<Candidate> {
    match project.specs(file) {
        Ok(specs) => specs
            .into_iter()
            .filter(|spec| project.settings.selects(spec))
            .map(|spec| Candidate::spec(of_spec(project, &project.name(file), spec.clone()), &spec))
            .collect(),
        Err(Mistake { of, text }) => {
            vec![Candidate::errors_of_file(of, project.names(file), text)]
        }
    }
}

fn of_spec(project: &Arc<Project>, file: &str, spec: Spec) -> Trial {
    let project = Arc::clone(project);
    let is_skipped = spec.skip.is_some();
    let name = filter::test_name(file, &project.hidden().text(&spec.name));
    Trial::ignorable_test(name, move || run(&project, spec)).with_ignored_flag(is_skipped)
}

fn run(project: &Project, mut spec: Spec) -> Result<Completion, Failed> {
    // A user who asks for ignored tests wants to see their results.
    spec.skip = None;
    let specs = [spec];
    let told = match project.live() {
        Ok(live) => verdict::of(&live.run_open(&specs)),
        Err(troubles) => {
            SpecResult::NotPassed(project.hidden().text(&verdict::unstarted(&specs, troubles)))
        }
    };
    match told {
        SpecResult::Passed => Ok(Completion::Completed),
        SpecResult::Skipped(reason) => Ok(Completion::ignored_with(reason)),
        SpecResult::NotPassed(text) => Err(text.trim_end().into()),
    }
}
