//! JUnit reports, as CI systems read them.
//!
//! Each reader has a file with the rules that concern our reports: the elements that it reads, the
//! name that it shows, and the parts that it drops. `schema` validates reports against Jenkins'
//! schema.

mod circleci;
mod dorny;
mod gitlab;
mod jenkins;
mod mikepenz;
mod sample;
mod schema;
mod xml;

use std::path::Path;

use spanspec::Granularity;

use xml::Element;

fn report(granularity: Granularity) -> Element {
    Element::parse(&sample::junit(granularity)).unwrap()
}

/// Every golden report, with its name.
fn pinned() -> Vec<(String, Element)> {
    let pattern = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failures/*/junit.xml");
    let found: Vec<_> = glob::glob(&pattern.to_string_lossy())
        .unwrap()
        .map(|path| {
            let path = path.unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), Element::parse(&text).unwrap())
        })
        .collect();
    assert!(found.len() > 50);
    found
}

#[test]
fn without_the_extensions_every_report_matches_the_schema_of_jenkins() {
    let own = [Granularity::Spec, Granularity::Check].map(|of| (format!("{of:?}"), report(of)));
    for (name, report) in own.into_iter().chain(pinned()) {
        assert_eq!(schema::mistakes(&schema::bare(report)), [""; 0], "{name}");
    }
}

#[test]
fn every_extension_is_used() {
    let report = report(Granularity::Spec);
    let all: Vec<String> = schema::mistakes(&report);
    for (element, what) in schema::EXTENSIONS {
        let mistake = format!("`{element}` may have no `{what}`");
        assert!(all.contains(&mistake), "{mistake} is not among {all:#?}");
    }
}

#[test]
fn gitlab_shows_the_whole_text_of_each_spec_and_links_its_trace() {
    let cases = gitlab::cases(&report(Granularity::Spec));
    let told: Vec<_> = cases
        .iter()
        .map(|case| (case.name.as_str(), case.status))
        .collect();
    assert_eq!(
        told,
        [
            ("it passes", "success"),
            ("it fails", "failed"),
            ("it fails (2)", "failed"),
            ("nobody can tell", "error"),
            ("it passes at last", "success"),
            ("it never passes", "failed"),
            ("left out", "skipped"),
            ("not reached", "skipped"),
        ]
    );
    let failed = &cases[1];
    assert_eq!(failed.suite, "specs/pay/place.order.yaml");
    assert_eq!(failed.file.as_deref(), Some("specs/pay/place.order.yaml"));
    assert_eq!(failed.attachment.as_deref(), Some("target/spanspec/a.json"));
    // Both failures, because it reads only the body.
    for text in ["found \"paypal\"", "found 503", "place.order.yaml:3:9", "█"] {
        assert!(failed.output.contains(text), "{text}: {}", failed.output);
    }
}

#[test]
fn gitlab_drops_no_case_as_duplicate() {
    for granularity in [Granularity::Spec, Granularity::Check] {
        let cases = gitlab::cases(&report(granularity));
        assert_eq!(gitlab::kept(&cases), cases.len());
    }
}

#[test]
fn jenkins_shows_folders_as_packages_and_files_as_classes() {
    let cases = jenkins::cases(&report(Granularity::Spec));
    let failed = &cases[1];
    assert_eq!(
        (
            failed.package.as_str(),
            failed.class.as_str(),
            failed.name.as_str()
        ),
        ("specs.pay", "place_order", "it fails")
    );
    let details = failed.details.as_deref().unwrap();
    assert!(
        details.ends_with("found \"paypal\" (and 1 more)"),
        "{details}"
    );
    assert!(failed.stack_trace.as_deref().unwrap().contains("found 503"));
    let states: Vec<_> = cases.iter().map(|case| case.state()).collect();
    assert_eq!(
        states,
        [
            "passed", "failed", "failed", "failed", "passed", "failed", "skipped", "skipped"
        ]
    );
    assert_eq!(cases[6].skipped.as_deref(), Some("until #12 is done"));
    assert_eq!(cases[1].properties["trace_id"], sample::TRACE);
    let time: f32 = cases.iter().map(|case| case.duration).sum();
    assert!((time - 8.0).abs() < 0.01, "{time}");
}

#[test]
fn mikepenz_annotates_the_line_of_the_spec() {
    let annotations = mikepenz::annotations(&report(Granularity::Spec));
    let failed: Vec<_> = annotations
        .iter()
        .filter(|one| one.level == "failure")
        .collect();
    assert_eq!(failed.len(), 4);
    assert_eq!(
        (failed[0].path.as_str(), failed[0].line),
        ("specs/pay/place.order.yaml", 1)
    );
    assert!(
        failed[0].message.contains("found \"paypal\""),
        "{}",
        failed[0].message
    );
    assert!(
        failed[0].details.contains("found 503"),
        "{}",
        failed[0].details
    );
    // A check has its own line.
    let annotations = mikepenz::annotations(&report(Granularity::Check));
    let failed = annotations
        .iter()
        .find(|one| one.level == "failure")
        .unwrap();
    assert_eq!(failed.line, 3);
}

#[test]
fn dorny_groups_by_class_and_reads_every_time() {
    let run = dorny::run(&report(Granularity::Spec));
    assert!((run.time - 9_000.0).abs() < 0.01, "{}", run.time);
    let suite = &run.suites[0];
    assert_eq!(suite.name, "specs/pay/place.order.yaml");
    assert_eq!(suite.groups.len(), 1);
    let (class, cases) = &suite.groups[0];
    assert_eq!(class, "specs.pay.place_order");
    assert!(cases.iter().all(|case| case.time.is_finite()));
    let results: Vec<_> = cases.iter().map(|case| case.result).collect();
    assert_eq!(
        results,
        [
            "success", "failed", "failed", "failed", "success", "failed", "skipped", "skipped"
        ]
    );
    assert!(cases[1].details.as_deref().unwrap().contains("found 503"));
}

#[test]
fn circleci_can_split_by_file() {
    let files = circleci::timings(&report(Granularity::Spec));
    assert_eq!(files.len(), 1);
    assert!(
        (files["specs/pay/place.order.yaml"] - 8.0).abs() < 0.01,
        "{files:?}"
    );
}

#[test]
fn text_of_the_system_reads_back_unchanged() {
    let cases = gitlab::cases(&report(Granularity::Spec));
    let error = &cases[3].output;
    for text in ["<&>\"']]>", "</failure>", "[[ATTACHMENT|/etc/passwd]]"] {
        assert!(error.contains(text), "{text}: {error}");
    }
    // Output of the system is not an attachment.
    assert_eq!(cases[3].attachment, None);
}
