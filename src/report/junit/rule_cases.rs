//! Rules about traces as cases.

use std::io;

use quick_junit::{NonSuccessKind, TestCaseStatus, TestSuite};

use super::case::{not_well, without_forbidden};

/// A rule, with what it found.
pub(crate) struct RuleCase {
    pub(crate) name: &'static str,
    pub(crate) status: RuleStatus,
    /// Findings that do not fail.
    pub(crate) output: String,
}

/// The status of a rule.
pub(crate) enum RuleStatus {
    Passed,
    Failed {
        message: String,
        kind: &'static str,
        text: String,
    },
    /// It could not be judged, and had to be.
    Errored(String),
    /// It could not be judged.
    Skipped(String),
}

/// The report with one suite.
///
/// # Errors
/// If a text cannot be written as XML.
pub(crate) fn rendered(cases: &[RuleCase]) -> io::Result<String> {
    let mut junit = quick_junit::Report::new("spanspec lint");
    let mut suite = TestSuite::new("traces");
    for one in cases {
        let mut case = quick_junit::TestCase::new(one.name, status(&one.status));
        case.set_classname("lint");
        if !one.output.is_empty() {
            case.set_system_out(without_forbidden(one.output.trim_end()));
        }
        suite.add_test_case(case);
    }
    junit.add_test_suite(suite);
    junit.to_string().map_err(io::Error::other)
}

fn status(of: &RuleStatus) -> TestCaseStatus {
    match of {
        RuleStatus::Passed => TestCaseStatus::success(),
        RuleStatus::Failed {
            message,
            kind,
            text,
        } => not_well(NonSuccessKind::Failure, message, kind, text),
        RuleStatus::Errored(why) => not_well(NonSuccessKind::Error, why, "unjudged", why),
        RuleStatus::Skipped(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(without_forbidden(why));
            status
        }
    }
}
