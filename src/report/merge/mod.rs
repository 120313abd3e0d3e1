//! Merging of results: our JSON reports, and JUnit files of any tool.
//!
//! Both become suites of cases; our reports also become one JSON report. The command finds the files
//! and uses the exit code.

mod document;
mod error;
mod ours;
mod tests_of_specs;
mod theirs;
mod xml;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCaseStatus, TestSuite};

use super::file;
use super::junit::UniqueNames;
use super::repository::Repository;
use crate::secret::{Format, Secrets};
use document::Documents;
pub use error::MergeError;

/// The merged results.
#[derive(Debug, Default)]
pub struct Merged {
    parts: Vec<FileContent>,
    documents: Documents,
    foreign_cases: usize,
}

/// The content of a file.
#[derive(Debug)]
enum FileContent {
    /// The next document in `documents`.
    Ours,
    Theirs(Vec<TestSuite>),
}

impl Merged {
    /// Without results.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the content of a file: a JSON report of ours, or JUnit XML.
    ///
    /// # Errors
    /// If it is neither, or malformed; then nothing is added.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), MergeError> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        match bytes.trim_ascii_start() {
            [] => Err(MergeError::Foreign("the file is empty")),
            [b'{', ..] => self.add_ours(bytes),
            [b'<', ..] => self.add_theirs(bytes),
            _ => Err(MergeError::Foreign(
                "neither a JSON report of spanspec nor JUnit XML",
            )),
        }
    }

    fn add_ours(&mut self, bytes: &[u8]) -> Result<(), MergeError> {
        let document = document::read(bytes)?;
        // Reports malformed documents now.
        ours::suites(&document, &Repository::around_here())?;
        self.documents.push(document);
        self.parts.push(FileContent::Ours);
        Ok(())
    }

    fn add_theirs(&mut self, bytes: &[u8]) -> Result<(), MergeError> {
        let suites = theirs::suites(&xml::read(bytes)?)?;
        self.foreign_cases += suites.iter().map(|suite| suite.tests).sum::<usize>();
        self.parts.push(FileContent::Theirs(suites));
        Ok(())
    }

    /// The suites of all files, with each spec of tests once.
    fn suites(&self) -> Vec<TestSuite> {
        let repository = Repository::around_here();
        let documents = self.documents.joined();
        let mut documents = documents.all_of().iter();
        let parts = self.parts.iter();
        parts
            .flat_map(|part| match part {
                FileContent::Ours => documents
                    .next()
                    .and_then(|document| ours::suites(document, &repository).ok())
                    .unwrap_or_default(),
                FileContent::Theirs(suites) => suites.clone(),
            })
            .collect()
    }

    /// Number of cases.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.suites().iter().map(|suite| suite.tests).sum()
    }

    /// Number of cases from JUnit files, which a JSON report cannot contain.
    #[must_use]
    pub fn foreign_cases(&self) -> usize {
        self.foreign_cases
    }

    /// 1 if a case failed, else 3 if one is errored, else 4 if there is none, else 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let suites = self.suites();
        let any = |wanted: NonSuccessKind| {
            let mut cases = suites.iter().flat_map(|suite| &suite.test_cases);
            cases.any(|case| matches!(case.status, TestCaseStatus::NonSuccess { kind, .. } if kind == wanted))
        };
        if any(NonSuccessKind::Failure) {
            1
        } else if any(NonSuccessKind::Error) || self.documents.any_interrupted() {
            3
        } else if self.cases() == 0 {
            4
        } else {
            0
        }
    }

    /// Writes one JUnit file. Suites with the same name are joined, and names of cases are unique.
    ///
    /// # Errors
    /// If it cannot be written; the text contains the path.
    pub fn write_junit(&self, path: &Path, secrets: &Secrets) -> io::Result<()> {
        let mut junit = quick_junit::Report::new("spanspec");
        let mut names = UniqueNames::default();
        for suite in by_name(&self.suites()) {
            junit.add_test_suite(unique(suite, &mut names));
        }
        let all = junit.test_suites.iter();
        junit.timestamp = all.clone().filter_map(|suite| suite.timestamp).min();
        let times = all.filter_map(|suite| suite.time);
        junit.time = Some(times.fold(Duration::ZERO, Duration::saturating_add));
        let text = junit.to_string().map_err(io::Error::other)?;
        file::write(path, &text, Format::Markup, secrets)
    }

    /// Writes one JSON report of ours.
    ///
    /// # Errors
    /// If it cannot be written; the text contains the path.
    pub fn write_json(&self, path: &Path, secrets: &Secrets) -> io::Result<()> {
        file::write(
            path,
            &self.documents.joined().render(),
            Format::Json,
            secrets,
        )
    }
}

/// Suites of the same name joined, in the order of their first appearance.
fn by_name(suites: &[TestSuite]) -> Vec<TestSuite> {
    let mut joined: Vec<JoinedSuite<'_>> = Vec::new();
    let mut known = HashMap::new();
    for suite in suites {
        let at = *known.entry(suite.name.as_str()).or_insert(joined.len());
        match joined.get_mut(at) {
            Some(first) => first.add(suite),
            None => joined.push(JoinedSuite::new(suite)),
        }
    }
    joined.into_iter().map(JoinedSuite::whole).collect()
}

/// The suites of one name.
struct JoinedSuite<'s> {
    whole: TestSuite,
    properties: HashSet<(&'s str, &'s str)>,
    outputs: [Vec<&'s str>; 2],
}

impl<'s> JoinedSuite<'s> {
    fn new(first: &'s TestSuite) -> Self {
        Self {
            whole: first.clone(),
            properties: first.properties.iter().map(pair).collect(),
            outputs: outputs(first).map(|text| text.into_iter().collect()),
        }
    }

    fn add(&mut self, suite: &'s TestSuite) {
        let whole = &mut self.whole;
        whole.add_test_cases(suite.test_cases.iter().cloned());
        whole.time = [whole.time, suite.time]
            .into_iter()
            .flatten()
            .reduce(Duration::saturating_add);
        whole.timestamp = [whole.timestamp, suite.timestamp]
            .into_iter()
            .flatten()
            .min();
        let properties = suite.properties.iter();
        let new = properties.filter(|one| self.properties.insert(pair(one)));
        whole.properties.extend(new.cloned());
        for (all, more) in self.outputs.iter_mut().zip(outputs(suite)) {
            all.extend(more);
        }
    }

    fn whole(mut self) -> TestSuite {
        let text = |all: Vec<&str>| (!all.is_empty()).then(|| all.join("\n").into());
        let [out, err] = self.outputs.map(text);
        self.whole.system_out = out;
        self.whole.system_err = err;
        self.whole
    }
}

fn pair(property: &Property) -> (&str, &str) {
    (property.name.as_str(), property.value.as_str())
}

/// The output of a suite, by stream.
fn outputs(suite: &TestSuite) -> [Option<&str>; 2] {
    [&suite.system_out, &suite.system_err].map(|text| text.as_ref().map(|text| text.as_str()))
}

fn unique(mut suite: TestSuite, names: &mut UniqueNames) -> TestSuite {
    let suite_name = suite.name.as_str().to_owned();
    for case in &mut suite.test_cases {
        let class = case
            .classname
            .as_ref()
            .map(|class| class.as_str().to_owned());
        names.add(case, &class.unwrap_or_else(|| suite_name.clone()));
    }
    suite
}

#[cfg(test)]
mod tests;
