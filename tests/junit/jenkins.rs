//! Jenkins: splits the class name at its last dot, and shows the message above the text.

use std::collections::HashMap;

use super::xml::Element;

pub(crate) struct Case {
    pub(crate) package: String,
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) details: Option<String>,
    pub(crate) stack_trace: Option<String>,
    pub(crate) skipped: Option<String>,
    pub(crate) duration: f32,
    pub(crate) properties: HashMap<String, String>,
}

impl Case {
    /// `skipped` takes precedence.
    pub(crate) fn state(&self) -> &'static str {
        match (&self.skipped, &self.stack_trace) {
            (Some(_), _) => "skipped",
            (None, Some(_)) => "failed",
            (None, None) => "passed",
        }
    }
}

pub(crate) fn cases(root: &Element) -> Vec<Case> {
    root.all("testsuite")
        .flat_map(|suite| suite.all("testcase"))
        .map(read)
        .collect()
}

fn read(case: &Element) -> Case {
    let whole = case.attribute("classname").unwrap_or_default();
    let (package, class) = whole.rsplit_once('.').unwrap_or(("(root)", whole));
    // Errors take precedence over failures.
    let wrong = case.child("error").or_else(|| case.child("failure"));
    let skipped = case.child("skipped").map(|skipped| {
        let message = skipped.attribute("message");
        message.unwrap_or(&skipped.text).to_owned()
    });
    let time = case.attribute("time").unwrap_or_default();
    let properties = case.all("properties").flat_map(|of| of.all("property"));
    let text = |of: &Element, name: &str| of.attribute(name).unwrap_or_default().to_owned();
    Case {
        package: package.to_owned(),
        class: class.to_owned(),
        name: text(case, "name"),
        details: wrong
            .and_then(|wrong| wrong.attribute("message"))
            .map(str::to_owned),
        stack_trace: wrong.map(|wrong| wrong.text.clone()),
        skipped,
        // Thousands may be separated by commas.
        duration: time.replace(',', "").parse().unwrap_or(0.0),
        properties: properties
            .map(|one| (text(one, "name"), text(one, "value")))
            .collect(),
    }
}
