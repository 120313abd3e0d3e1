//! The rules of the schema that Jenkins' xUnit plugin validates against, reduced to our reports.

use super::xml::Element;

/// Extensions of our reports: an element, and the attribute or child that the schema does not
/// know. Readers that do not validate use or ignore them.
pub(crate) const EXTENSIONS: [(&str, &str); 9] = [
    ("testsuites", "skipped"),
    ("testsuites", "timestamp"),
    ("testcase", "file"),
    ("testcase", "line"),
    ("testcase", "assertions"),
    ("testcase", "properties"),
    ("flakyFailure", "time"),
    ("rerunFailure", "time"),
    ("rerunError", "time"),
];

struct Rule {
    element: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    text: Text,
}

#[derive(PartialEq)]
enum Text {
    Allowed,
    None,
}

const fn rule(
    element: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    text: Text,
) -> Rule {
    Rule {
        element,
        required,
        optional,
        children,
        text,
    }
}

const RESULT: [&str; 2] = ["type", "message"];
const RERUN: [&str; 3] = ["stackTrace", "system-out", "system-err"];

#[rustfmt::skip]
const RULES: [Rule; 15] = [
    rule("testsuites", &[], &["name", "time", "tests", "failures", "errors"], &["testsuite"], Text::None),
    rule("testsuite", &["name", "tests", "failures", "errors"],
        &["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
        &["testsuite", "properties", "testcase", "system-out", "system-err"], Text::None),
    rule("testcase", &["name"], &["time", "classname", "group"],
        &["skipped", "error", "failure", "rerunFailure", "rerunError", "flakyFailure", "flakyError", "system-out", "system-err"],
        Text::None),
    rule("properties", &[], &[], &["property"], Text::None),
    rule("property", &["name", "value"], &[], &[], Text::None),
    rule("failure", &[], &RESULT, &[], Text::Allowed),
    rule("error", &[], &RESULT, &[], Text::Allowed),
    rule("skipped", &[], &RESULT, &[], Text::Allowed),
    rule("rerunFailure", &["type"], &["message"], &RERUN, Text::Allowed),
    rule("rerunError", &["type"], &["message"], &RERUN, Text::Allowed),
    rule("flakyFailure", &["type"], &["message"], &RERUN, Text::Allowed),
    rule("flakyError", &["type"], &["message"], &RERUN, Text::Allowed),
    rule("stackTrace", &[], &[], &[], Text::Allowed),
    rule("system-out", &[], &[], &[], Text::Allowed),
    rule("system-err", &[], &[], &[], Text::Allowed),
];

/// The report without the extensions.
pub(crate) fn bare(mut element: Element) -> Element {
    let name = element.name.clone();
    let is_extension = |what: &str| EXTENSIONS.contains(&(name.as_str(), what));
    element.attributes.retain(|(key, _)| !is_extension(key));
    element.children.retain(|child| !is_extension(&child.name));
    element.children = element.children.into_iter().map(bare).collect();
    element
}

/// The violations of the schema by the element and its content.
pub(crate) fn mistakes(element: &Element) -> Vec<String> {
    let name = &element.name;
    let Some(rule) = RULES.iter().find(|rule| rule.element == name) else {
        return vec![format!("there is no `{name}`")];
    };
    let mut found = Vec::new();
    for required in rule.required {
        if element.attribute(required).is_none() {
            found.push(format!("`{name}` has no `{required}`"));
        }
    }
    for (key, value) in &element.attributes {
        let key = key.as_str();
        if !rule.required.contains(&key) && !rule.optional.contains(&key) {
            found.push(format!("`{name}` may have no `{key}`"));
        }
        if key == "time" && name.starts_with("testsuite") && !is_time(value) {
            found.push(format!("`{name}` has the time `{value}`"));
        }
    }
    if rule.text == Text::None && !element.text.trim().is_empty() {
        found.push(format!("`{name}` may have no text"));
    }
    for child in &element.children {
        if rule.children.contains(&child.name.as_str()) {
            found.extend(mistakes(child));
        } else {
            found.push(format!("`{name}` may have no `{}`", child.name));
        }
    }
    found.extend(out_of_order(element, rule.children));
    found
}

/// Only the children of an earlier attempt have a fixed order.
fn out_of_order(element: &Element, order: &[&str]) -> Option<String> {
    if order != RERUN {
        return None;
    }
    let places = element
        .children
        .iter()
        .map(|child| order.iter().position(|name| *name == child.name));
    (!places.is_sorted()).then(|| format!("the parts of `{}` are out of order", element.name))
}

/// Seconds, perhaps with commas between thousands.
fn is_time(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |text: &str| text.chars().all(|char| char.is_ascii_digit());
    whole.split(',').all(are_digits) && are_digits(fraction)
}

#[test]
fn violations_of_the_schema_are_found() {
    let report = "<testsuites><testsuite name='a' tests='1' failures='0' errors='0' time='1s'>\
        <testcase file='x'><rerunFailure><system-out/><stackTrace/></rerunFailure><b/></testcase>text</testsuite></testsuites>";
    let mut found = mistakes(&Element::parse(report).unwrap());
    found.sort();
    assert_eq!(
        found,
        [
            "`rerunFailure` has no `type`",
            "`testcase` has no `name`",
            "`testcase` may have no `b`",
            "`testcase` may have no `file`",
            "`testsuite` has the time `1s`",
            "`testsuite` may have no text",
            "the parts of `rerunFailure` are out of order",
        ]
    );
}
