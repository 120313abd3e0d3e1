//! Specs from Tracetest's YAML files.

mod check;
mod document;
mod expression;
mod files;
mod find;
mod matcher;
mod operand;
mod output;
mod selector;
mod settings;
mod specs;
mod subject;
mod suite;
mod test;
#[cfg(test)]
mod tests;
mod text;
mod trigger;
mod variables;

pub(crate) use files::Files;

use std::collections::BTreeSet;

use self::document::{Document, Documents, Suite};
use self::suite::{Found, Steps};
use self::test::Test;
use self::variables::Variables;
use super::{Import, Map, file_stem};
use crate::spec::Source;

/// Converts all documents of these files. A test that is a step of a suite is no spec of its own.
pub(crate) fn import(sources: &[Source], files: &Files<'_>, import: &mut Import) {
    let documents = Documents::read(sources, import);
    let steps = Steps {
        documents: &documents,
        files,
    };
    let mut in_suites = BTreeSet::new();
    let mut suites = Vec::new();
    for document in &documents.all {
        if let Document::Suite(suite) = document {
            let found = steps.of(suite, import);
            in_suites.extend(found.tests.iter().map(Test::identity));
            suites.push((suite, found));
        }
    }
    for (suite, found) in &suites {
        // A suite that is a part of another one, unless each contains the other.
        let identity = suite.identity();
        let is_inside = |(other, others): &(&Suite, Found)| {
            others.suites.contains(&identity) && !found.suites.contains(&other.identity())
        };
        if !suites.iter().any(is_inside) {
            suite::write(suite, &found.tests, files, import);
        }
    }
    for document in &documents.all {
        match document {
            Document::Test(test) if !in_suites.contains(&test.identity()) => {
                write_test(test, files, import);
            }
            Document::Test(_) | Document::Suite(_) => {}
        }
    }
    settings::write(&documents.settings, import);
}

fn write_test(test: &Test, files: &Files<'_>, import: &mut Import) {
    let mut spec = Map::new();
    let stem = file_stem(&test.name);
    test::title(&test.name, &test.node, &mut spec);
    if test.put_in(&mut spec, &mut Variables::default(), files, &stem, import) {
        import.add_specs(&test.node.at, &format!("{stem}.yaml"), spec.document());
    }
}
