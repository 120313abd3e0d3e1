//! dorny/test-reporter, as `java-junit`: needs names of suites, and times that are numbers.

use super::xml::Element;

pub(crate) struct Run {
    pub(crate) time: f64,
    pub(crate) suites: Vec<Suite>,
}

pub(crate) struct Suite {
    pub(crate) name: String,
    /// By class name; `None` for that of the suite.
    pub(crate) groups: Vec<(String, Vec<Case>)>,
}

pub(crate) struct Case {
    pub(crate) result: &'static str,
    pub(crate) time: f64,
    pub(crate) details: Option<String>,
}

/// Fails for missing attributes, as the action does.
pub(crate) fn run(root: &Element) -> Run {
    Run {
        time: milliseconds(root),
        suites: root.all("testsuite").map(suite).collect(),
    }
}

fn suite(suite: &Element) -> Suite {
    let name = suite.attribute("name").unwrap().trim();
    assert!(milliseconds(suite).is_finite());
    let mut groups: Vec<(String, Vec<Case>)> = Vec::new();
    for element in suite.all("testcase") {
        let class = element.attribute("classname").unwrap();
        let class = if class == name { "" } else { class };
        match groups.iter_mut().find(|(known, _)| known == class) {
            Some((_, cases)) => cases.push(case(element)),
            None => groups.push((class.to_owned(), vec![case(element)])),
        }
    }
    Suite {
        name: name.to_owned(),
        groups,
    }
}

fn case(case: &Element) -> Case {
    assert!(!case.attribute("name").unwrap().trim().is_empty());
    let wrong = case.child("failure").or_else(|| case.child("error"));
    Case {
        result: match (wrong, case.child("skipped")) {
            (Some(_), _) => "failed",
            (None, Some(_)) => "skipped",
            (None, None) => "success",
        },
        time: milliseconds(case),
        details: wrong.map(|wrong| wrong.text.clone()),
    }
}

fn milliseconds(of: &Element) -> f64 {
    let time = of.attribute("time").unwrap_or_default();
    time.parse()
        .map_or(f64::NAN, |seconds: f64| seconds * 1_000.0)
}
