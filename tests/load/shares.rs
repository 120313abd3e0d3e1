//! The share of traces that a Collector's sampler would keep.

use super::*;

/// Keeps half of the traces by their ids, and each one with an error.
const COLLECTOR: &str = "
processors:
  tail_sampling:
    policies:
      - { name: half, type: probabilistic, probabilistic: { sampling_percentage: 50 } }
  probabilistic_sampler:
    sampling_percentage: 50
";

/// Runs a spec with a share over this number of requests, beside the configuration.
async fn checked(system: &System, sampling: &str, times: u32, is_strict: bool) -> SpecReport {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("collector.yaml"), COLLECTOR).unwrap();
    let text = format!(
        "request: GET {}/
repeat: {{ times: {times}, concurrency: 4 }}
expect:
  status: 200
  sampling: {{ config: collector.yaml, {sampling} }}
",
        system.address
    );
    let source = Source::new("share.yaml", text);
    let specs = Spec::read_all(&source, folder.path(), &Context::default());
    let options = Options {
        budgets: Budgeting {
            is_strict,
            ..options().budgets
        },
        ..options()
    };
    let (_nobody_stops, stop) = watch::channel(None);
    let specs = specs.unwrap();
    let running = run(&specs, &system.receiver, &options, stop, |_| {});
    let mut report = tokio::time::timeout(DEADLINE, running).await.unwrap();
    report.specs.remove(0)
}

async fn service() -> System {
    System::start(|_| std::future::ready(ok())).await
}

#[tokio::test]
async fn a_share_within_the_range_passes_and_the_report_has_its_bounds() {
    let system = service().await;
    for processor in ["tail_sampling", "probabilistic_sampler"] {
        let sampling = format!("processor: {processor}, share: 25%..75%");
        let report = checked(&system, &sampling, 200, true).await;
        assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
        let share = load(&report).kept_share.as_ref().unwrap();
        assert_eq!((share.traces, share.unknown), (200, 0));
        let [lower, upper] = share.bounds();
        assert!(0.25 <= lower && upper <= 0.75, "{share}");
    }
}

#[tokio::test]
async fn a_share_above_or_below_the_range_fails_at_its_line() {
    let system = service().await;
    for (range, verdict) in [("<= 10%", "OVER LIMIT"), ("90%..100%", "UNDER LIMIT")] {
        let sampling = format!("processor: tail_sampling, share: {range}");
        let report = checked(&system, &sampling, 100, false).await;
        assert_eq!(report.verdict, Verdict::Failed);
        let failed = tested(&report).failures().next().unwrap();
        assert_eq!((failed.at.line(), failed.at.text()), (5, range));
        assert_eq!(failed.expected, range);
        assert!(failed.found.starts_with(verdict), "{}", failed.found);
    }
}

#[tokio::test]
async fn a_share_that_is_not_proven_fails_only_if_proof_is_asked_for() {
    let system = service().await;
    // Whatever is kept of five traces, the bounds are neither within this range nor outside of it.
    let sampling = "processor: tail_sampling, share: 20%..80%";
    let report = checked(&system, sampling, 5, false).await;
    assert_eq!(report.verdict, Verdict::Passed);
    let strict = checked(&system, sampling, 5, true).await;
    assert_eq!(strict.verdict, Verdict::Failed);
    let failed = tested(&strict).failures().next().unwrap();
    assert_eq!(failed.expected, "proof of 20%..80%");
    assert!(failed.found.starts_with("NOT PROVEN"), "{}", failed.found);
}

#[tokio::test]
async fn a_decision_that_is_not_known_makes_the_request_errored() {
    let system = service().await;
    let folder = tempfile::tempdir().unwrap();
    let limited = "processors: { tail_sampling: { policies: [{ name: rate, type: rate_limiting, rate_limiting: { spans_per_second: 1 } }] } }";
    std::fs::write(folder.path().join("collector.yaml"), limited).unwrap();
    let text = format!(
        "request: GET {}/\nrepeat: {{ times: 5 }}\nexpect: {{ sampling: {{ config: collector.yaml, share: 25%..75% }} }}\n",
        system.address
    );
    let source = Source::new("share.yaml", text);
    let specs = Spec::read_all(&source, folder.path(), &Context::default()).unwrap();
    let (_nobody_stops, stop) = watch::channel(None);
    let options = options();
    let running = run(&specs, &system.receiver, &options, stop, |_| {});
    let report = tokio::time::timeout(DEADLINE, running).await.unwrap();
    assert_eq!(report.specs[0].verdict, Verdict::Errored);
    let errored = &load(&report.specs[0]).failing[0];
    assert!(
        errored.what.contains("depends on the rate"),
        "{}",
        errored.what
    );
}
