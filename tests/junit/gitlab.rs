//! GitLab: shows the body of a failure, not its message.

use std::collections::HashSet;

use super::xml::Element;

pub(crate) struct Case {
    pub(crate) suite: String,
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) file: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) output: String,
    pub(crate) attachment: Option<String>,
}

/// Values of `type` that its XML reader uses to convert the body.
const CASTS: [&str; 12] = [
    "symbol",
    "date",
    "datetime",
    "duration",
    "integer",
    "float",
    "decimal",
    "boolean",
    "string",
    "yaml",
    "base64Binary",
    "file",
];

/// One `testsuites` as the root, with nested suites.
pub(crate) fn cases(root: &Element) -> Vec<Case> {
    let mut found = Vec::new();
    let mut open: Vec<&Element> = root.all("testsuite").collect();
    open.reverse();
    while let Some(suite) = open.pop() {
        let name = suite.attribute("name").unwrap_or_default();
        found.extend(suite.all("testcase").map(|case| read(case, name)));
        open.extend(suite.all("testsuite"));
    }
    found
}

fn read(case: &Element, suite: &str) -> Case {
    let kinds = [
        ("failure", "failed"),
        ("error", "error"),
        ("skipped", "skipped"),
    ];
    let first = kinds
        .into_iter()
        .find_map(|(element, status)| Some((case.child(element)?, status)));
    let (output, status) = match first {
        Some((element, status)) => (body(element), status),
        None => (String::new(), "success"),
    };
    // Only for failures, and only from the output of the case.
    let written = case.child("system-out").filter(|_| status == "failed");
    let own = |name: &str| case.attribute(name).unwrap_or_default().to_owned();
    Case {
        suite: suite.to_owned(),
        class: own("classname"),
        name: own("name"),
        file: case.attribute("file").map(str::to_owned),
        status,
        output,
        attachment: written.and_then(|written| attachment(&written.text)),
    }
}

fn body(element: &Element) -> String {
    let of_type = element.attribute("type").unwrap_or_default();
    assert!(
        !CASTS.contains(&of_type),
        "the text would become a {of_type}"
    );
    element.text.clone()
}

fn attachment(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("[[ATTACHMENT|")?;
    Some(rest.split_once("]]")?.0.to_owned())
}

/// A case with the suite, class and name of an earlier one replaces it.
pub(crate) fn kept(cases: &[Case]) -> usize {
    let keys: HashSet<_> = cases
        .iter()
        .map(|case| (&case.suite, &case.class, &case.name))
        .collect();
    keys.len()
}
