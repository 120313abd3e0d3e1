use quick_junit::{NonSuccessKind, TestCaseStatus};

use super::super::sample;
use super::*;
use crate::run::Verdict;
use crate::spec::{Place, Source};

fn xml(report: &Report, granularity: Granularity) -> String {
    rendered(report, granularity, &Repository::new("/repo", "/repo/shop")).unwrap()
}

fn parsed(report: &Report, granularity: Granularity) -> quick_junit::Report {
    quick_junit::Report::deserialize_from_str(&xml(report, granularity)).unwrap()
}

fn cases(report: &quick_junit::Report) -> impl Iterator<Item = &TestCase> {
    report
        .test_suites
        .iter()
        .flat_map(|suite| &suite.test_cases)
}

#[test]
fn look() {
    println!("{}", xml(&sample::report(), Granularity::Spec));
    println!("{}", xml(&sample::report(), Granularity::Check));
}
