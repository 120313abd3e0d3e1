//! CircleCI: adds up the times of each `file` to distribute files over containers.

use std::collections::BTreeMap;

use super::xml::Element;

pub(crate) fn timings(root: &Element) -> BTreeMap<String, f64> {
    let mut files = BTreeMap::new();
    for case in root
        .all("testsuite")
        .flat_map(|suite| suite.all("testcase"))
    {
        let file = case
            .attribute("file")
            .expect("a case without a file is not split");
        let time: f64 = case.attribute("time").unwrap().parse().unwrap();
        *files.entry(file.to_owned()).or_default() += time;
    }
    files
}
