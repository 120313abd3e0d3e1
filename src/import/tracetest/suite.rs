//! Suites of tests as specs with steps.

use std::collections::BTreeSet;

use super::document::{Document, Documents, Suite};
use super::files::Files;
use super::test::Test;
use super::trigger::looks_like_path;
use super::variables::Variables;
use crate::import::{Import, Map, Node, file_stem};
use crate::spec::Source;

/// Maximum nesting of suites.
const MAX_DEPTH: usize = 20;

/// Finds the tests of a suite.
pub(super) struct Steps<'a> {
    pub(super) documents: &'a Documents,
    pub(super) files: &'a Files<'a>,
}

/// The steps of a suite.
pub(super) struct Found {
    /// In order, those of inner suites included.
    pub(super) tests: Vec<Test>,
    /// The identities of inner suites.
    pub(super) suites: BTreeSet<String>,
}

impl Steps<'_> {
    /// Finds the steps of a suite. What is not found is reported.
    pub(super) fn of(&self, suite: &Suite, import: &mut Import) -> Found {
        let mut all = Vec::new();
        self.add(suite, &mut Vec::new(), &mut all, import);
        let mut found = Found {
            tests: Vec::new(),
            suites: BTreeSet::new(),
        };
        for document in all {
            match document {
                Document::Test(test) => found.tests.push(test),
                Document::Suite(suite) => {
                    found.suites.insert(suite.identity());
                }
            }
        }
        found
    }

    /// Adds the tests, and the inner suites before their tests.
    fn add(
        &self,
        suite: &Suite,
        above: &mut Vec<String>,
        all: &mut Vec<Document>,
        import: &mut Import,
    ) {
        let identity = suite.identity();
        if above.contains(&identity) || above.len() > MAX_DEPTH {
            let text = format!(
                "the suite {} contains itself: its steps are left out here",
                suite.name
            );
            import.remarks.lost(&suite.node.at, text);
            return;
        }
        above.push(identity);
        for step in suite.node.get("steps").map(Node::items).unwrap_or_default() {
            let named = step.text().or_else(|| step.text_of("id"));
            let Some(named) = named else {
                import
                    .remarks
                    .lost(&step.at, "a step is not the id or the file of a test");
                continue;
            };
            let found = self.find(step, named, import);
            if found.is_empty() {
                let text = format!("the step {named} is not among the files: import them together");
                import.remarks.lost(&step.at, text);
            }
            for document in found {
                all.push(document.clone());
                if let Document::Suite(inner) = &document {
                    self.add(inner, above, all, import);
                }
            }
        }
        above.pop();
    }

    fn find(&self, step: &Node, named: &str, import: &mut Import) -> Vec<Document> {
        if let Some(document) = self.documents.with_id(named) {
            return vec![document.clone()];
        }
        if !looks_like_path(named) && !named.ends_with(".yaml") && !named.ends_with(".yml") {
            return Vec::new();
        }
        let path = beside(step.at.source.name(), named);
        let known = self.documents.of_file(&path);
        if !known.is_empty() {
            return known;
        }
        match self.files.read(&step.at, named) {
            Ok(text) => Documents::read(&[Source::new(path, text)], import).all,
            Err(_) => Vec::new(),
        }
    }
}

/// A path that is relative to a file, without `.` and `..` where possible.
fn beside(file: &str, path: &str) -> String {
    let folder = match path.starts_with('/') {
        true => "",
        false => file.rsplit_once('/').map_or("", |(folder, _)| folder),
    };
    let is_absolute = file.starts_with('/') || path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    let root = if is_absolute { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// Writes a spec with a step for each test.
pub(super) fn write(suite: &Suite, tests: &[Test], files: &Files<'_>, import: &mut Import) {
    let stem = file_stem(&suite.name);
    let mut variables = Variables::default();
    let mut spec = Map::new();
    super::test::title(&suite.name, &suite.node, &mut spec);
    for test in tests {
        let mut step = Map::new();
        step.put("name", super::test::name(&test.name));
        let stem = format!("{stem}-{}", file_stem(&test.name));
        if test.put_in(&mut step, &mut variables, files, &stem, import) {
            spec.list("steps").push(step.into());
        }
    }
    if spec.get("steps").is_none() {
        import
            .remarks
            .lost(&suite.node.at, "the suite has no step that is imported");
        return;
    }
    if tests.len() > 1 {
        import.remarks.note(
            &suite.node.at,
            "the steps end with the first that fails; Tracetest goes on to the next test",
        );
    }
    import.add_specs(&suite.node.at, &format!("{stem}.yaml"), spec.document());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_relative_to_its_file() {
        assert_eq!(beside("a/b/all.yaml", "../c/./one.yaml"), "a/c/one.yaml");
        assert_eq!(beside("all.yaml", "./one.yaml"), "one.yaml");
        assert_eq!(beside("/a/all.yaml", "../../one.yaml"), "/one.yaml");
        assert_eq!(beside("a/all.yaml", "../../one.yaml"), "../one.yaml");
    }
}
