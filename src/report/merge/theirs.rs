//! Suites from JUnit XML as tools write it: nested, without a root, or with cases outside of any
//! suite. Nothing of it is left out but what JUnit readers do not show.

use std::time::Duration;

use quick_junit::{
    FlakyOrRerun, NonSuccessKind, Property, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use super::MergeError;
use super::xml::Element;
use crate::report::junit::case::without_forbidden;

/// The suites below a root, those within others with the names of both.
pub(super) fn suites(root: &Element) -> Result<Vec<TestSuite>, MergeError> {
    let mut found = Vec::new();
    match root.name.as_str() {
        "testsuites" => {
            if root.child("testcase").is_some() {
                found.push(suite(root, root.attribute("name").unwrap_or("tests")));
            }
            for child in root
                .children
                .iter()
                .filter(|child| child.name == "testsuite")
            {
                collect(child, None, &mut found);
            }
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
    let inner = || {
        element
            .children
            .iter()
            .filter(|child| child.name == "testsuite")
    };
    if element.child("testcase").is_some() || inner().next().is_none() {
        found.push(suite(element, &name));
    }
    for child in inner() {
        collect(child, Some(&name), found);
    }
}

fn suite(element: &Element, name: &str) -> TestSuite {
    let mut suite = TestSuite::new(without_forbidden(name));
    suite.timestamp = element
        .attribute("timestamp")
        .and_then(|text| text.parse().ok());
    suite.properties = properties(element);
    suite.system_out = output(element, "system-out");
    suite.system_err = output(element, "system-err");
    for child in element
        .children
        .iter()
        .filter(|child| child.name == "testcase")
    {
        suite.add_test_case(case(child));
    }
    let of_cases = suite.test_cases.iter().filter_map(|case| case.time).sum();
    suite.set_time(seconds(element).unwrap_or(of_cases));
    suite
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
    let of = |name: &str| element.child(name);
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

/// Some tools write thousands with a comma; what is no number is left out.
fn seconds(element: &Element) -> Option<Duration> {
    let number: f64 = element
        .attribute("time")?
        .replace(',', "")
        .trim()
        .parse()
        .ok()?;
    Duration::try_from_secs_f64(number).ok()
}
