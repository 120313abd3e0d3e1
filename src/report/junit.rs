//! JUnit XML, as GitLab, Jenkins, CircleCI and GitHub's actions read it.
//!
//! One suite per file, one case per spec. A case has one `<failure>` with the text of the terminal,
//! because readers show only the first. Jenkins' schema does not contain `file`, `line` (relative to
//! the repository) and the properties of a case, but many readers support them.

pub(super) mod case;
pub(super) mod load;
mod names;
pub(super) mod paths;
pub(crate) mod rule_cases;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use quick_junit::TestSuite;

pub(super) use names::UniqueNames;

use super::repository::Repository;
use super::{Reporter, file};
use crate::result::{Report, SpecReport};
use crate::secret::Format;

/// The content of a `<testcase>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Granularity {
    /// A spec, or one case of a matrix.
    #[default]
    Spec,
    /// Each check of a spec.
    Check,
}

/// Writes JUnit XML to a file, atomically.
#[derive(Clone, Debug)]
pub struct Junit {
    path: PathBuf,
    granularity: Granularity,
}

impl Junit {
    /// Writes to this file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>, granularity: Granularity) -> Self {
        Self {
            path: path.into(),
            granularity,
        }
    }
}

impl Reporter for Junit {
    fn finish(&mut self, report: &Report) -> io::Result<()> {
        let text = rendered(report, self.granularity, &Repository::around_here())?;
        file::write(&self.path, &text, Format::Markup, &report.secrets)
    }
}

/// The report as XML.
#[cfg(feature = "_fuzzing")]
pub(super) fn render(report: &Report, granularity: Granularity) -> String {
    rendered(report, granularity, &Repository::new("/", "/")).expect("the report can be written")
}

fn rendered(
    report: &Report,
    granularity: Granularity,
    repository: &Repository,
) -> io::Result<String> {
    let mut junit = quick_junit::Report::new("spanspec");
    // Parsing avoids a dependency on the timestamp type of quick-junit.
    junit.timestamp = report.started.to_string().parse().ok();
    junit.set_time(report.duration);
    if !report.trouble.is_empty() {
        let mut suite = TestSuite::new("spanspec");
        suite.add_test_case(case::of_run(report));
        junit.add_test_suite(suite);
    }
    let mut names = UniqueNames::default();
    for specs in by_file(&report.specs) {
        let suite = suite(&specs, report, granularity, repository, &mut names);
        junit.add_test_suite(suite);
    }
    junit.to_string().map_err(io::Error::other)
}

/// The specs of each file, in the order of the report.
fn by_file(specs: &[SpecReport]) -> Vec<Vec<&SpecReport>> {
    let mut files: Vec<Vec<&SpecReport>> = Vec::new();
    let mut known = HashMap::new();
    for spec in specs {
        let at = *known.entry(spec.at.source.name()).or_insert(files.len());
        match files.get_mut(at) {
            Some(of) => of.push(spec),
            None => files.push(vec![spec]),
        }
    }
    files
}

fn suite(
    specs: &[&SpecReport],
    report: &Report,
    granularity: Granularity,
    repository: &Repository,
    names: &mut UniqueNames,
) -> TestSuite {
    let file = repository.relative(specs[0].at.source.name());
    let class = paths::class_name(&file);
    let mut suite = TestSuite::new(&file);
    suite.set_time(specs.iter().map(|spec| spec.duration).sum());
    let starts = specs.iter().flat_map(|spec| &spec.attempts);
    if let Some(start) = starts.map(|attempt| attempt.started).min() {
        suite.timestamp = start.to_string().parse().ok();
    }
    for spec in specs {
        let cases = match granularity {
            Granularity::Spec => vec![case::of_spec(spec, report, repository)],
            Granularity::Check => case::of_checks(spec, report, repository),
        };
        for mut case in cases {
            names.add(&mut case, &class);
            case.set_classname(&class);
            case.extra.insert("file".into(), file.as_str().into());
            suite.add_test_case(case);
        }
    }
    suite
}

#[cfg(test)]
mod tests;
