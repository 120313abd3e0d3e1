//! Budgets on counts.

use super::*;

/// A service that makes this many queries for each request, in this version.
async fn shop(queries: usize, version: &'static str) -> System {
    System::start(move |_| {
        std::future::ready(Answer {
            spans: [vec![("work", 5)], vec![("SELECT", 1); queries]].concat(),
            version,
            ..ok()
        })
    })
    .await
}

const QUERIES: &str = "request: GET HOST/
repeat: { times: 20 }
expect: { status: 200 }
budgets:
  - find: SELECT
    measure: count
    regression: { p50: 20% }
";

/// Runs a spec with the baselines of this folder, which it writes.
async fn recorded(system: &System, text: &str, folder: &std::path::Path) -> SpecReport {
    let specs = system.specs(text);
    let options = Options {
        budgets: Budgeting {
            folder: Some(folder.to_owned()),
            update: Update::Always,
            ..options().budgets
        },
        ..options()
    };
    let (_nobody_stops, stop) = watch::channel(None);
    let running = run(&specs, &system.receiver, &options, stop, |_| {});
    let mut report = tokio::time::timeout(DEADLINE, running).await.unwrap();
    report.specs.remove(0)
}

#[tokio::test]
async fn queries_that_rose_from_4_to_12_fail_at_their_line_in_a_single_run() {
    let folder = tempfile::tempdir().unwrap();
    // The address is part of the workload, so both versions need one system.
    let queries = Arc::new(AtomicUsize::new(4));
    let now = Arc::clone(&queries);
    let system = System::start(move |_| {
        let queries = now.load(Ordering::SeqCst);
        std::future::ready(Answer {
            spans: vec![("SELECT", 1); queries],
            version: if queries == 4 { "2.3.0" } else { "2.4.0" },
            ..ok()
        })
    })
    .await;
    let first = recorded(&system, QUERIES, folder.path()).await;
    assert_eq!(first.verdict, Verdict::Passed, "{first:?}");
    queries.store(12, Ordering::SeqCst);
    let second = recorded(&system, QUERIES, folder.path()).await;
    assert_eq!(second.verdict, Verdict::Failed);
    let failed = tested(&second).failures().next().unwrap();
    assert_eq!((failed.at.line(), failed.at.text()), (7, "20%"));
    assert_eq!(
        [failed.expected.as_str(), failed.found.as_str()],
        [
            "at most 1.2x of the 4 of v2.3.0 (n=20)",
            "12 in v2.4.0 (n=20), at least 3.00x"
        ]
    );
    assert_eq!(
        verdict_of(&second),
        "p50 of count of SELECT: REGRESSED: at least 3.00x higher (3.00x seen, limit 1.2x)"
    );
    assert_eq!(failed.witnesses[0].mark, "1 of 12");
    // The machine does not change a count, so that no further run confirms it.
    assert_eq!((system.calls(), load(&second).earlier.len()), (40, 0));
    let file = read(&folder.path().join("load.yaml.json"))
        .unwrap()
        .unwrap();
    let case = file.cases.into_values().next().unwrap();
    let runs = &case.budgets["count of SELECT"].runs;
    assert_eq!(
        runs.last().unwrap().samples().raw(),
        Some([12.0; 20].as_slice())
    );
}

#[tokio::test]
async fn a_count_that_finds_no_span_in_any_trace_fails_unless_none_is_expected() {
    let system = shop(0, "2.3.0").await;
    let run = async |limit: &str| {
        let text = QUERIES.replace("regression: { p50: 20% }", limit);
        system.run(&text).await.specs.remove(0)
    };
    let nothing = run("p50: <= 4\n    regression: none").await;
    assert_eq!(nothing.verdict, Verdict::Failed);
    let failed = tested(&nothing).failures().next().unwrap();
    assert_eq!(
        [failed.expected.as_str(), failed.found.as_str()],
        ["spans to count", "no span that matches in 20 traces"]
    );
    assert_eq!(failed.hints, ["write `p99: <= 0` if none is expected"]);
    let expected = run("p50: <= 0\n    regression: none").await;
    assert_eq!(expected.verdict, Verdict::Passed, "{expected:?}");
    assert_eq!(
        verdict_of(&expected),
        "p50 of count of SELECT: OK: at most 0 (0 seen), limit 0"
    );
}

#[tokio::test]
async fn requests_whose_traces_miss_parents_have_no_measurement_and_are_errored() {
    for (always, measured) in [(false, 3), (true, 0)] {
        let system = System::start(move |call| {
            let misses = always || call.number % 2 == 0;
            let spans = [vec![("SELECT", 1)], vec![(ORPHAN, 1); usize::from(misses)]];
            std::future::ready(Answer {
                spans: spans.concat(),
                ..ok()
            })
        })
        .await;
        let limits = [
            "measure: count\n    p50: <= 1",
            "p50: < 1h",
            "measure: { sum: rows }\n    p50: <= 1",
        ];
        for limit in limits {
            for failures in [0, 5] {
                let text = format!(
                    "request: GET HOST/\nwait: {{ timeout: 200ms }}\nrepeat: {{ times: 6, failures: {failures} }}
budgets:\n  - find: SELECT\n    {limit}\n    regression: none\n"
                );
                let spec = system.run(&text).await.specs.remove(0);
                assert_ne!(spec.verdict, Verdict::Failed, "{limit}");
                let is_permitted = failures >= 6 - measured;
                assert!(is_permitted || spec.verdict == Verdict::Errored, "{limit}");
                assert!(load(&spec).errored >= 6 - measured, "{limit}");
            }
        }
    }
}

#[tokio::test]
async fn a_permitted_share_that_is_not_proven_fails_in_strict_mode_and_names_the_number_of_requests()
 {
    let system = System::start(instant(|_| ok())).await;
    let run = async |times: u32, is_strict| {
        let text = format!(
            "request: GET HOST/\nrepeat: {{ times: {times}, failures: 5% }}\nexpect: {{ status: 200 }}\n"
        );
        let options = Options {
            budgets: Budgeting {
                is_strict,
                ..options().budgets
            },
            ..options()
        };
        let (_nobody_stops, stop) = watch::channel(None);
        let specs = system.specs(&text);
        run(&specs, &system.receiver, &options, stop, |_| {})
            .await
            .specs
            .remove(0)
    };
    assert_eq!(run(58, false).await.verdict, Verdict::Passed);
    assert_eq!(run(59, true).await.verdict, Verdict::Passed);
    let failed = run(58, true).await;
    assert_eq!(failed.verdict, Verdict::Failed);
    let failure = tested(&failed).failures().next().unwrap();
    assert_eq!(
        [
            failure.expected.as_str(),
            failure.found.as_str(),
            failure.hints[0].as_str()
        ],
        [
            "proof of at most 5%",
            "at most 5.04 %",
            "59 requests without a failure prove it"
        ]
    );
}

#[tokio::test]
async fn spans_without_the_attribute_leave_requests_without_a_measurement() {
    let system = shop(2, "2.3.0").await;
    let text = QUERIES.replace(
        "measure: count",
        "measure: { sum: db.response.returned_rows }",
    );
    let report = system.run(&text).await;
    assert_eq!(report.specs[0].verdict, Verdict::Errored);
    let load = load(&report.specs[0]);
    assert_eq!((load.errored, load.measured[0].samples.unknown()), (20, 20));
    assert_eq!(
        load.failing[0].what,
        "`db.response.returned_rows` of `SELECT` of shop is missing"
    );
}

#[tokio::test]
async fn a_baseline_of_another_quantity_is_not_compared_and_a_note_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let system = shop(4, "2.3.0").await;
    let durations = QUERIES.replace("    measure: count\n", "");
    recorded(&system, &durations, folder.path()).await;
    let counted = recorded(&system, QUERIES, folder.path()).await;
    assert_eq!(counted.verdict, Verdict::Passed);
    let notices = &load(&counted).notices;
    let note = "the baseline of SELECT has a duration and is not compared with count of SELECT, the number of spans";
    assert!(notices.iter().any(|one| one == note), "{notices:#?}");
}

#[tokio::test]
async fn a_permitted_share_of_failures_is_reported_with_its_bound() {
    let system = System::start(instant(|call| match call.number {
        0..3 => status(500),
        _ => ok(),
    }))
    .await;
    let text =
        "request: GET HOST/\nrepeat: { times: 200, failures: 5% }\nexpect: { status: 200 }\n";
    let report = system.run(text).await;
    assert_eq!(report.specs[0].verdict, Verdict::Passed);
    let share = load(&report.specs[0]).failure_share.unwrap();
    assert!((share.at_most - 0.0384).abs() < 1e-4, "{}", share.at_most);
}
