//! mikepenz/action-junit-report: one annotation per case, at its `file` and `line`.

use super::xml::Element;

pub(crate) struct Annotation {
    pub(crate) path: String,
    pub(crate) line: u32,
    pub(crate) level: &'static str,
    pub(crate) message: String,
    pub(crate) details: String,
}

pub(crate) fn annotations(root: &Element) -> Vec<Annotation> {
    root.all("testsuite")
        .flat_map(|suite| suite.all("testcase").map(move |case| read(suite, case)))
        .collect()
}

fn read(suite: &Element, case: &Element) -> Annotation {
    // The first failure, else the first error.
    let failure = case.child("failure");
    let wrong = failure.or_else(|| case.child("error"));
    let is_skipped = case.child("skipped").is_some();
    let details = wrong.map_or("", |wrong| wrong.text.trim());
    let message = wrong
        .and_then(|wrong| wrong.attribute("message"))
        .filter(|message| !message.is_empty())
        .map_or_else(|| two_lines(details), str::to_owned);
    let place = |name: &str| {
        let of_failure = failure.and_then(|failure| failure.attribute(name));
        let of_case = case.attribute(name).or(of_failure);
        of_case
            .or_else(|| suite.attribute(name))
            .unwrap_or_default()
    };
    Annotation {
        path: place("file").trim_start_matches("./").to_owned(),
        line: place("line").parse().unwrap_or(1),
        level: if wrong.is_some() && !is_skipped {
            "failure"
        } else {
            "notice"
        },
        message: message.trim().to_owned(),
        details: details.to_owned(),
    }
}

fn two_lines(text: &str) -> String {
    text.lines().take(2).collect::<Vec<_>>().join("\n")
}
