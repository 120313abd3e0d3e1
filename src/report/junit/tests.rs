use quick_junit::{NonSuccessKind, TestCaseStatus};
use snapbox::{assert_data_eq, str};

use super::super::sample;
use super::*;
use crate::result::{Phase, Verdict};
use crate::spec::{Place, Source};

fn xml(report: &Report, granularity: Granularity) -> String {
    rendered(report, granularity, &Repository::new("/repo", "/repo/shop")).unwrap()
}

fn parsed(report: &Report, granularity: Granularity) -> quick_junit::Report {
    quick_junit::Report::deserialize_from_str(&xml(report, granularity)).unwrap()
}

fn cases(report: &quick_junit::Report) -> impl Iterator<Item = &quick_junit::TestCase> {
    report
        .test_suites
        .iter()
        .flat_map(|suite| &suite.test_cases)
}

#[test]
fn a_written_report_reads_back_with_the_counts_of_the_run() {
    let junit = parsed(&sample::report(), Granularity::Spec);
    let counts = (junit.tests, junit.failures, junit.errors, junit.skipped);
    assert_eq!(counts, (6, 1, 1, 2));
    let suite = &junit.test_suites[0];
    assert_eq!(suite.name.as_str(), "shop/specs/place-order.yaml");
    let case = &suite.test_cases[1];
    assert_eq!(case.classname.as_deref(), Some("shop.specs.place-order"));
    assert_eq!(case.extra["file"].as_str(), "shop/specs/place-order.yaml");
    assert_eq!(case.extra["line"].as_str(), "1");
    assert_eq!(case.time.unwrap().as_millis(), 812);
    let properties = case
        .properties
        .iter()
        .map(|of| (of.name.as_str(), of.value.as_str()));
    assert_eq!(
        properties.collect::<Vec<_>>(),
        [
            ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
            ("spans", "6"),
            ("services", "gateway, inventory, order, payment"),
        ]
    );
}

#[test]
fn one_failure_element_contains_the_text_of_the_terminal() {
    let junit = parsed(&sample::report(), Granularity::Spec);
    let TestCaseStatus::NonSuccess {
        kind,
        message,
        ty,
        description,
        ..
    } = &junit.test_suites[0].test_cases[1].status
    else {
        panic!("the case failed");
    };
    assert_eq!(
        (*kind, ty.as_deref()),
        (NonSuccessKind::Failure, Some("span"))
    );
    assert!(
        message
            .as_deref()
            .unwrap()
            .contains("expected \"card\", found \"paypal\"")
    );
    let body = description.as_deref().unwrap();
    for part in [
        "^^^^ found \"paypal\"",
        "specs/place-order.yaml:14:13",
        "← payment.method",
        "█",
    ] {
        assert!(body.contains(part), "{part} is missing in:\n{body}");
    }
    assert!(!body.contains('\u{1b}'));
}

#[test]
fn an_unjudged_check_is_an_error_not_a_failure() {
    let junit = parsed(&sample::report(), Granularity::Spec);
    let status = &junit.test_suites[0].test_cases[2].status;
    let is_error = matches!(
        status,
        TestCaseStatus::NonSuccess {
            kind: NonSuccessKind::Error,
            ..
        }
    );
    assert!(is_error, "{status:?}");
}

#[test]
fn an_earlier_attempt_is_a_flaky_failure_or_a_rerun_and_has_a_type() {
    let mut report = sample::report();
    let text = xml(&report, Granularity::Spec);
    assert_eq!(text.matches("<flakyFailure ").count(), 1, "{text}");
    assert!(!text.contains("<rerunFailure "));
    report.specs[3].verdict = Verdict::Failed;
    report.specs[3].attempts.reverse();
    report.specs[3].attempts.push(sample::attempt(
        Verdict::Failed,
        vec![sample::failing_step()],
    ));
    let text = xml(&report, Granularity::Spec);
    assert_eq!(text.matches("<rerunFailure ").count(), 2, "{text}");
    for line in text.lines().filter(|line| line.contains("<rerunFailure ")) {
        assert!(line.contains(" type=\""), "{line}");
    }
}

#[test]
fn a_flaky_spec_that_fails_the_run_is_a_failure() {
    let mut report = sample::report();
    report.fail_flaky = true;
    let junit = parsed(&report, Granularity::Spec);
    assert_eq!((junit.failures, junit.errors), (2, 1));
    let text = xml(&report, Granularity::Spec);
    let message = "passed only on attempt 2 (--fail-flaky); the first attempt: specs/place-order.yaml:12:37: attribute";
    assert!(text.contains(message), "{text}");
    assert!(text.contains("type=\"flaky\""), "{text}");
    let checks = parsed(&report, Granularity::Check);
    let flaky = cases(&checks).filter(|case| case.name.as_str() == "paying twice");
    assert_eq!(flaky.count(), 1);
}

#[test]
fn a_saved_trace_is_attached_to_a_case_that_failed_and_to_no_other() {
    let text = xml(&sample::report(), Granularity::Spec);
    let attachment = "[[ATTACHMENT|shop/target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json]]";
    assert_eq!(text.matches(attachment).count(), 1);
    assert_eq!(text.matches("<system-out>").count(), 1);
}

#[test]
fn a_check_can_be_a_case() {
    let junit = parsed(&sample::report(), Granularity::Check);
    let names: Vec<_> = cases(&junit).map(|case| case.name.as_str()).collect();
    assert!(names.contains(&"placing an order charges the card: status of the response"));
    assert_eq!(junit.failures, 2);
    let seconds: f64 = cases(&junit)
        .filter_map(|case| case.time)
        .map(|time| time.as_secs_f64())
        .sum();
    assert!((seconds - 4.06).abs() < 0.001, "{seconds}");
}

#[test]
fn a_check_that_fails_outside_the_test_is_an_error_where_each_check_is_a_case() {
    for phase in [Phase::Setup, Phase::Teardown] {
        let mut around = sample::failing_step();
        around.phase = phase;
        let attempt = sample::attempt(Verdict::Errored, vec![around]);
        let mut report = sample::report();
        report.specs = vec![sample::spec("a", Verdict::Errored, vec![attempt])];
        let by_check = parsed(&report, Granularity::Check);
        assert_eq!(by_check.failures, 0, "{phase:?}");
        assert!(by_check.errors > 0, "{phase:?}");
        assert_eq!(parsed(&report, Granularity::Spec).errors, 1, "{phase:?}");
    }
}

#[test]
fn names_are_unique_across_files_that_have_the_same_class() {
    let mut report = sample::report();
    let other = Source::new("specs/place-order.yml", sample::SPEC).at(Place::default());
    let mut twin = report.specs[0].clone();
    twin.at = other;
    report.specs.push(twin);
    let junit = parsed(&report, Granularity::Spec);
    assert_eq!(junit.test_suites.len(), 2);
    assert_eq!(
        junit.test_suites[1].test_cases[0].name.as_str(),
        "listing the stock (2)"
    );
}

#[test]
fn characters_that_xml_forbids_do_not_reach_the_file() {
    let mut report = sample::report();
    report.specs[1].name = "a\u{0}b\u{1b}[31mc\u{ffff}<&>\"]]>é".to_owned();
    let junit = parsed(&report, Granularity::Spec);
    let name = junit.test_suites[0].test_cases[1].name.as_str();
    assert!(name.ends_with("c<&>\"]]>é"), "{name}");
    assert!(!name.contains(['\u{0}', '\u{1b}', '\u{ffff}']), "{name:?}");
}

#[test]
fn trouble_before_any_spec_is_an_error_of_the_run() {
    let mut report = sample::report();
    report.specs.clear();
    report.trouble = vec![sample::refused_step().trouble.unwrap()];
    let junit = parsed(&report, Granularity::Spec);
    assert_eq!((junit.tests, junit.errors), (1, 1));
}

#[test]
fn the_file_is_written_below_a_new_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reports/junit.xml");
    Junit::file(&path, Granularity::Spec)
        .finish(&sample::report())
        .unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.starts_with("<?xml"));
}

#[test]
fn each_claim_of_a_budget_is_among_the_properties() {
    let mut report = sample::report();
    let limit = sample::load::BudgetPlan {
        asked: vec![
            (
                crate::budget::Quantile::P50,
                sample::load::AskedLimit::Limit(100),
            ),
            (
                crate::budget::Quantile::P50,
                sample::load::AskedLimit::Baseline(0.2),
            ),
        ],
        ..sample::load::inventory(Some(sample::load::fast()), sample::load::slow(), "2.4.0")
    };
    report.specs = vec![
        sample::load::passing(),
        sample::load::with("slow and too slow", &[limit], |_| ()),
    ];
    let junit = parsed(&report, Granularity::Spec);
    let properties = cases(&junit).map(|case| {
        let lines = case
            .properties
            .iter()
            .map(|of| format!("{}={}\n", of.name.as_str(), of.value.as_str()));
        lines.collect::<String>()
    });
    assert_data_eq!(
        properties.collect::<Vec<_>>().join("\n"),
        str![[r#"
trace_id=4bf92f3577b34da6a3ce929d0e0e4736
spans=6
services=gateway, inventory, order, payment
load.requests=500
load.failed=0
load.errored=0
load.rate_per_second=214.041
budget.inventory-check.samples=500
budget.inventory-check.version=2.3.0
budget.inventory-check.baseline_samples=500
budget.inventory-check.baseline_version=2.3.0
budget.inventory-check.p50.now_ms=120.009
budget.inventory-check.p50.lower_ms=114.707
budget.inventory-check.p50.upper_ms=125.552
budget.inventory-check.p50.baseline_ms=120.009
budget.inventory-check.p50.limit_factor=1.2
budget.inventory-check.p50.verdict=OK
budget.response time.samples=500
budget.response time.p99.now_ms=12.345
budget.response time.p99.lower_ms=12.345
budget.response time.p99.upper_ms=12.345
budget.response time.p99.limit_ms=100
budget.response time.p99.verdict=OK

trace_id=4bf92f3577b34da6a3ce929d0e0e4736
spans=6
services=gateway, inventory, order, payment
load.requests=500
load.failed=0
load.errored=0
load.rate_per_second=214.041
budget.inventory-check.samples=500
budget.inventory-check.version=2.4.0
budget.inventory-check.baseline_samples=500
budget.inventory-check.baseline_version=2.3.0
budget.inventory-check.p50.now_ms=350.047
budget.inventory-check.p50.lower_ms=334.581
budget.inventory-check.p50.upper_ms=366.216
budget.inventory-check.p50.limit_ms=100
budget.inventory-check.p50.verdict=OVER LIMIT, REGRESSED
budget.inventory-check.p50.baseline_ms=120.009
budget.inventory-check.p50.limit_factor=1.2

"#]]
    );
}

#[test]
fn a_check_of_a_budget_has_the_numbers_of_both_versions() {
    let mut report = sample::report();
    report.specs = vec![sample::load::regressed()];
    let junit = parsed(&report, Granularity::Check);
    let failed: Vec<_> = cases(&junit)
        .filter_map(|case| match &case.status {
            TestCaseStatus::NonSuccess {
                message,
                ty,
                description,
                ..
            } => Some((case.name.as_str(), message, ty, description)),
            _ => None,
        })
        .collect();
    let [(name, message, ty, description)] = failed.as_slice() else {
        panic!("one check failed: {failed:?}");
    };
    assert_eq!(*name, "ordering under load: p50 of inventory-check");
    assert_eq!(ty.as_deref(), Some("budget"));
    assert_data_eq!(
        message.as_deref().unwrap(),
        str![
            "p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 350 ms in v2.4.0 (n=500), at least 2.66x"
        ]
    );
    assert!(
        description
            .as_deref()
            .unwrap()
            .contains("v2.3.0 (baseline, n=500)")
    );
}
