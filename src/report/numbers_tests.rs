//! Each report shows a count as a plain number, and the proven share of failures.

use snapbox::{assert_data_eq, str};

use super::sample;
use super::secrets_tests::written;
use crate::report::{Detail, Look, text};

#[test]
fn queries_that_rose_from_4_to_12_fail_at_their_line_with_both_versions() {
    let text = text::spec(&sample::load::queries(), &Look::plain(), Detail::Normal);
    let (text, _) = text.split_once("\n  largest of").unwrap();
    assert_data_eq!(
        text,
        str![[r#"
FAIL  ordering under load
      specs/ordering.yaml   200 requests, 50 at a time, 85.6/s, p50 121 ms   812 ms
                 v2.3.0 (baseline, n=500)     v2.4.0 (n=500)
   count of SELECT   p50=4                    p50=12
     ← REGRESSED: at least 3.00x higher at p50 (3.00x seen, limit 1.2x)
   note: 3 of 200 requests failed; the true share is at most 3.84 % (95 % confidence), which proves
         `failures: 5%`
   note: share of traces that `tail_sampling` keeps: NOT PROVEN: 6.21 % to 15.1 % (20 of 200 kept,
         95 % confidence), expected 9%..11%. About 3,900 traces would prove it.

  3 of 200 requests failed (10 allowed)

  p50 of count of SELECT
  --> specs/ordering.yaml:8:24
 8 |     regression: { p50: 20%, p99: 150% }
   |                        ^^^
   expected at most 1.2x of the 4 of v2.3.0 (n=500)
      found 12 in v2.4.0 (n=500), at least 3.00x
            (inventory, span 00f067aa00000002)

"#]]
    );
}

#[test]
fn all_reports_have_the_count_without_a_unit_of_time() {
    let mut report = sample::report();
    report.specs = vec![sample::load::queries(), sample::load::passing()];
    // The helper writes the trace of the second spec.
    report.specs[1].attempts[0].steps[0].trace = Some(std::sync::Arc::new(sample::shop()));
    let all = written(&report);
    let has = |name: &str, expected: &[&str]| {
        let mut of_name = all.iter().filter(|(one, _)| *one == name);
        let (_, text) = of_name.next().unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in expected {
            assert!(text.contains(part), "{name} lacks {part}:\n{text}");
        }
    };
    let failure = "12 in v2.4.0 (n=500), at least 3.00x";
    let share = "3 of 200 requests failed; the true share is at most 3.84 % (95 % confidence), which proves `failures: 5%`";
    let kept = "share of traces that `tail_sampling` keeps: NOT PROVEN: 6.21 % to 15.1 % (20 of 200 kept, 95 % confidence), expected 9%..11%. About 3,900 traces would prove it.";
    has("text", &[failure, share, kept, "p50=4 p50=12"]);
    has("tap", &[failure]);
    has(
        "markdown",
        &["| 4 (v2.3.0) | 12 (v2.4.0) | 3.00x | 1.2x | **REGRESSED** |"],
    );
    has("annotations", &["count of SELECT"]);
    has(
        "json",
        &[
            r#""measure": "count""#,
            r#""unit": "1""#,
            r#""estimate": 12.0"#,
            r#""failure_share_at_most": 0.0384"#,
            r#""verdict": "not_proven""#,
        ],
    );
    has(
        "junit",
        &[
            r#"name="budget.count of SELECT.p50.now" value="12""#,
            r#"name="load.failure_share_at_most" value="0.0384""#,
        ],
    );
    has(
        "html",
        &[
            "Cumulative share of traces by value",
            "Larger values are further to the right.",
            "The trace with the largest value: 12",
        ],
    );
}
