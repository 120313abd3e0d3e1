//! Suites from JUnit XML of other tools: nested, without a root, within unknown elements, or with
//! cases outside of suites. A result without a case gets one, so that merging keeps every failure.

use std::time::Duration;

use quick_junit::{
    FlakyOrRerun, NonSuccessKind, Property, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use super::MergeError;
use super::xml::Element;
use crate::report::junit::case::without_forbidden;

/// The suites below a root. Nested suites get the names of both.
pub(super) fn suites(root: &Element) -> Result<Vec<TestSuite>, MergeError> {
    let mut found = Vec::new();
    match root.name.as_str() {
        "testsuites" => {
            let first = found.len();
            let alone = suite(root, root.attribute("name").unwrap_or("tests"));
            if !alone.test_cases.is_empty() {
                found.push(alone);
            }
            for child in within(root, "testsuite") {
                collect(child, None, &mut found);
            }
            add_unlisted(root, &mut found, first);
        }
        "testsuite" => collect(root, None, &mut found),
        _ => {
            return Err(MergeError::Foreign(
                "XML, but not JUnit: its root is neither <testsuites> nor <testsuite>",
            ));
        }
    }
    Ok(found)
}

fn collect(element: &Element, outer: Option<&str>, found: &mut Vec<TestSuite>) {
    let own = element.attribute("name").unwrap_or("tests");
    let name = match outer {
        Some(outer) => format!("{outer} › {own}"),
        None => own.to_owned(),
    };
    let first = found.len();
    let inner = within(element, "testsuite");
    let of_its_own = suite(element, &name);
    if !of_its_own.test_cases.is_empty() || inner.is_empty() {
        found.push(of_its_own);
    }
    for child in inner {
        collect(child, Some(&name), found);
    }
    add_unlisted(element, found, first);
}

/// Children of this name, and those within elements that JUnit does not know.
fn within<'a>(element: &'a Element, name: &str) -> Vec<&'a Element> {
    const KNOWN: [&str; 9] = [
        "testsuite",
        "testcase",
        "failure",
        "error",
        "skipped",
        "properties",
        "property",
        "system-out",
        "system-err",
    ];
    let mut found = Vec::new();
    for child in &element.children {
        if child.name == name {
            found.push(child);
        } else if !KNOWN.contains(&child.name.as_str()) && rerun(child).is_none() {
            found.extend(within(child, name));
        }
    }
    found
}

/// Adds an error if the element counts more failures or errors than its suites, those from `first`
/// on, have.
fn add_unlisted(element: &Element, suites: &mut Vec<TestSuite>, first: usize) {
    let counted = |name: &str| -> usize {
        let count = element.attribute(name);
        count.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    };
    let cases = suites[first..].iter().flat_map(|suite| &suite.test_cases);
    let listed = cases
        .filter(|case| matches!(case.status, TestCaseStatus::NonSuccess { .. }))
        .count();
    // Some tools count an error as a failure too.
    let counts = [counted("failures"), counted("errors")];
    if counts.iter().all(|&count| count <= listed) {
        return;
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(format!(
        "the file counts {} failures and {} errors here, and lists {listed}",
        counts[0], counts[1]
    ));
    let name = without_forbidden(element.attribute("name").unwrap_or("tests"));
    if suites.len() == first {
        suites.push(TestSuite::new(name.as_str()));
    }
    let case = TestCase::new("unlisted failures", status);
    suites[first].add_test_case(case);
}

fn suite(element: &Element, name: &str) -> TestSuite {
    let mut suite = TestSuite::new(without_forbidden(name));
    suite.timestamp = element
        .attribute("timestamp")
        .and_then(|text| text.parse().ok());
    suite.properties = properties(element);
    suite.system_out = output(element, "system-out");
    suite.system_err = output(element, "system-err");
    if !within(element, "failure").is_empty() || !within(element, "error").is_empty() {
        suite.add_test_case(TestCase::new(without_forbidden(name), status(element)));
    }
    for child in within(element, "testcase") {
        add_case(child, &mut suite);
    }
    let times = suite.test_cases.iter().filter_map(|case| case.time);
    let of_cases = times.fold(Duration::ZERO, Duration::saturating_add);
    suite.set_time(seconds(element).unwrap_or(of_cases));
    suite
}

/// Adds a case, and the cases within it.
fn add_case(element: &Element, suite: &mut TestSuite) {
    suite.add_test_case(case(element));
    for inner in within(element, "testcase") {
        add_case(inner, suite);
    }
}

fn case(element: &Element) -> TestCase {
    let name = element.attribute("name").unwrap_or("unnamed");
    let mut case = TestCase::new(without_forbidden(name), status(element));
    case.time = seconds(element);
    case.properties = properties(element);
    case.system_out = output(element, "system-out");
    case.system_err = output(element, "system-err");
    for (name, value) in &element.attributes {
        match name.as_str() {
            "name" | "time" => {}
            "classname" => drop(case.set_classname(without_forbidden(value))),
            "timestamp" => case.timestamp = value.parse().ok(),
            "assertions" => case.assertions = value.parse().ok(),
            _ => {
                let value = without_forbidden(value);
                case.extra
                    .insert(name.as_str().into(), value.as_str().into());
            }
        }
    }
    case
}

fn status(element: &Element) -> TestCaseStatus {
    let of = |name: &str| within(element, name).first().copied();
    let (mut status, told) = match (of("failure"), of("error"), of("skipped")) {
        (Some(told), _, _) => (
            TestCaseStatus::non_success(NonSuccessKind::Failure),
            Some(told),
        ),
        (_, Some(told), _) => (
            TestCaseStatus::non_success(NonSuccessKind::Error),
            Some(told),
        ),
        (_, _, Some(told)) => (TestCaseStatus::skipped(), Some(told)),
        _ => (TestCaseStatus::success(), None),
    };
    if let Some(told) = told {
        tell(&mut status, told);
    }
    let reruns: Vec<TestRerun> = element.children.iter().filter_map(rerun).collect();
    let is_flaky = |child: &Element| child.name.starts_with("flaky");
    if told.is_some() && element.children.iter().any(is_flaky) && of("skipped").is_none() {
        status.set_rerun_kind(FlakyOrRerun::Flaky);
    }
    if of("skipped").is_none() {
        status.add_reruns(reruns);
    }
    status
}

fn tell(status: &mut TestCaseStatus, told: &Element) {
    if let Some(message) = told.attribute("message") {
        status.set_message(without_forbidden(message));
    }
    if let Some(of_type) = told.attribute("type") {
        status.set_type(without_forbidden(of_type));
    }
    if !told.text.trim().is_empty() {
        status.set_description(without_forbidden(told.text.trim_end()));
    }
}

fn rerun(element: &Element) -> Option<TestRerun> {
    let mut rerun = TestRerun::new(match element.name.as_str() {
        "flakyFailure" | "rerunFailure" => NonSuccessKind::Failure,
        "flakyError" | "rerunError" => NonSuccessKind::Error,
        _ => return None,
    });
    rerun.time = seconds(element);
    rerun.message = element
        .attribute("message")
        .map(|text| without_forbidden(text).into());
    rerun.ty = element
        .attribute("type")
        .map(|text| without_forbidden(text).into());
    rerun.stack_trace = output(element, "stackTrace");
    rerun.system_out = output(element, "system-out");
    rerun.system_err = output(element, "system-err");
    let text = element.text.trim();
    rerun.description = (!text.is_empty()).then(|| without_forbidden(text).into());
    Some(rerun)
}

fn properties(element: &Element) -> Vec<Property> {
    let properties = element
        .child("properties")
        .into_iter()
        .flat_map(|all| &all.children);
    properties
        .filter_map(|property| {
            let value = property.attribute("value").unwrap_or(&property.text);
            Some(Property::new(
                without_forbidden(property.attribute("name")?),
                without_forbidden(value),
            ))
        })
        .collect()
}

fn output(element: &Element, name: &str) -> Option<quick_junit::XmlString> {
    let text = &element.child(name)?.text;
    Some(without_forbidden(text).into())
}

/// Accepts commas between thousands, as some tools write them. `None` if it is not a number.
fn seconds(element: &Element) -> Option<Duration> {
    let number: f64 = element
        .attribute("time")?
        .replace(',', "")
        .trim()
        .parse()
        .ok()?;
    Duration::try_from_secs_f64(number).ok()
}
