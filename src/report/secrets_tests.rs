//! No report contains a secret, in any place or encoding.

use proptest::prelude::*;

use super::planted::{ENCODINGS, PLACES, leaks};
use super::repository::Repository;
use super::{Look, sample};
use crate::result::Report;
use crate::secret::{Format, Secrets};
use crate::source::otlp::write_json_with;

/// Each report as it is written.
pub(super) fn written(report: &Report) -> Vec<(&'static str, String)> {
    let write = |format, text: String| report.secrets.written(format, &text);
    let look = Look::plain();
    let specs = report.specs.iter();
    let text: String = specs
        .map(|spec| super::text::spec(spec, &look, super::Detail::Verbose))
        .collect();
    let summary = super::text::summary(report, &look, super::Detail::Verbose);
    let trace = report.specs[1].attempts[0].steps[0].trace.clone().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, reporter: &mut dyn super::Reporter| {
        reporter.finish(report).unwrap();
        std::fs::read_to_string(folder.path().join(name)).unwrap()
    };
    let path = |name: &str| folder.path().join(name);
    let mut all = vec![
        ("text", write(Format::Text, text + &summary)),
        (
            "trace",
            write(Format::Json, write_json_with(&trace, "a", &1)),
        ),
        ("tap", write(Format::Text, super::tap::render(report))),
        (
            "json",
            file("a.json", &mut super::Json::file(path("a.json"))),
        ),
        (
            "html",
            file("a.html", &mut super::Html::file(path("a.html"))),
        ),
        (
            "markdown",
            file("a.md", &mut super::Markdown::file(path("a.md"))),
        ),
        (
            "annotations",
            super::github::annotations(report, &Repository::around_here()),
        ),
    ];
    for granularity in [super::Granularity::Spec, super::Granularity::Check] {
        let mut junit = super::Junit::file(path("a.xml"), granularity);
        all.push(("junit", file("a.xml", &mut junit)));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_report_shows_a_secret_wherever_and_however_it_is_written(
        secret in r#"[A-Za-z0-9][A-Za-z0-9 "&<>'\\/+%=?#:;,._~äß注🔑-]{5,30}[A-Za-z0-9]"#,
        has_line_end in any::<bool>(),
        encoding in 0..ENCODINGS.len(),
        place in 0..PLACES.len(),
    ) {
        let mut report = sample::report();
        let value = format!("a {} z", ENCODINGS[encoding](&secret));
        PLACES[place](&mut report, value);
        let end = if has_line_end { "\n" } else { "" };
        let report = Secrets::new([format!("{secret}{end}")]).report(report);
        for (name, text) in written(&report) {
            prop_assert!(!leaks(&text, &secret), "{secret} is in {name}: {text}");
            match name {
                "json" | "trace" => {
                    let read: Result<serde_json::Value, _> = serde_json::from_str(&text);
                    prop_assert!(read.is_ok(), "{text}");
                }
                "junit" => {
                    let read = quick_junit::Report::deserialize_from_str(&text);
                    prop_assert!(read.is_ok(), "{text}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn every_place_and_every_encoding_would_leak_without_masking() {
    let secret = "Hunt&r 2";
    for (at, encoding) in ENCODINGS.iter().enumerate() {
        assert!(leaks(&encoding(secret), secret), "encoding {at}");
    }
    for (at, place) in PLACES.iter().enumerate() {
        let mut report = sample::report();
        place(&mut report, "hunter2".to_owned());
        let all = written(&report);
        assert!(
            all.iter().any(|(_, text)| leaks(text, "hunter2")),
            "place {at}"
        );
    }
}
