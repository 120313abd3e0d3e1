use super::*;
use crate::budget::baseline::Fact;
use crate::budget::{Column, Table, TableRow};

fn estimate(count: u64, bounds: [Option<f64>; 2], value: f64) -> Estimate {
    Estimate {
        count,
        unknown: 0,
        value: value * 1_000.0,
        lower: bounds[0].map(|millis| millis * 1_000.0),
        upper: bounds[1].map(|millis| millis * 1_000.0),
    }
}

fn known(count: u64, [lower, value, upper]: [f64; 3]) -> Estimate {
    estimate(count, [Some(lower), Some(upper)], value)
}

fn compared(verdict: ClaimVerdict, subject: &str, before: Estimate, now: Estimate) -> JudgedClaim {
    JudgedClaim {
        subject: subject.to_owned(),
        quantile: Quantile::P50,
        unit: Unit::Micros,
        verdict,
        alpha: Alpha::FIVE_PERCENT,
        candidate: Some(now),
        compared: Compared::Baseline {
            before: Some(before),
            tau: 1.2,
            raised: 1.2,
            differs: Vec::new(),
        },
        doubt: None,
        missing: 0,
        earlier: Vec::new(),
    }
}

fn limited(verdict: ClaimVerdict, now: Estimate) -> JudgedClaim {
    JudgedClaim {
        compared: Compared::Limit(Duration::from_millis(500).into()),
        quantile: Quantile::P99,
        ..compared(verdict, "ship", now, now)
    }
}

#[test]
fn a_regression_is_a_remark_in_the_row_of_both_versions() {
    let p50 = compared(
        ClaimVerdict::Regressed,
        "inventory-check",
        known(500, [115.0, 120.0, 126.0]),
        known(500, [336.0, 350.0, 366.0]),
    );
    let p99 = JudgedClaim {
        quantile: Quantile::P99,
        ..compared(
            ClaimVerdict::NotProven,
            "inventory-check",
            known(500, [500.0, 800.0, 2_300.0]),
            known(500, [1_500.0, 2_400.0, 7_000.0]),
        )
    };
    let column = |version: &str| Column {
        version: Some(version.to_owned()),
        count: 500,
    };
    let table = Table {
        baseline: column("2.3.0"),
        candidate: column("v2.4.0"),
        rows: vec![TableRow::new(
            "inventory-check",
            Unit::Micros,
            &[p50, p99],
            ClaimVerdict::fails,
        )],
    };
    assert_eq!(
        table.to_string(),
        "              v2.3.0 (baseline, n=500)      v2.4.0 (n=500)
inventory-check   p50=120 ms p99=800 ms     p50=350 ms p99=2.4 s   ← REGRESSED: at least 2.66x slower at p50 (2.92x seen, limit 1.2x)"
    );
}

#[test]
fn too_few_samples_prove_nothing() {
    let now = estimate(120, [Some(300.0), None], 412.0);
    let before = estimate(120, [Some(300.0), None], 388.0);
    let judged = JudgedClaim {
        quantile: Quantile::P99,
        ..compared(ClaimVerdict::TooFew, "process_payment", before, now)
    };
    assert_eq!(
        judged.to_string(),
        "p99 of process_payment: TOO FEW: 120 samples; an upper bound needs 299 on each side, so 412 ms against 388 ms proves no change"
    );
    let before = estimate(1, [None, None], 388.0);
    let judged = compared(ClaimVerdict::TooFew, "ship", before, now);
    assert_eq!(
        judged.to_string(),
        "p50 of ship: TOO FEW: 1 sample in the baseline; an upper bound needs 5, so 412 ms against 388 ms proves no change"
    );
}

#[test]
fn an_open_claim_states_the_samples_that_would_decide() {
    let before = known(77, [93.0, 100.0, 108.5]);
    let now = known(77, [105.245, 114.0, 123.69]);
    let judged = compared(ClaimVerdict::NotProven, "ship", before, now);
    assert_eq!(
        judged.to_string(),
        "p50 of ship: NOT PROVEN: 1.14x slower (95 % bounds 0.97x to 1.33x), limit 1.20x. About 700 samples per side, or `spanspec ab`, would decide."
    );
}

#[test]
fn the_side_that_lacks_samples_is_named() {
    let few = known(100, [93.0, 100.0, 109.0]);
    let many = known(3_000, [112.9, 114.0, 115.1]);
    let said = |before, now| {
        let judged = compared(ClaimVerdict::NotProven, "ship", before, now).to_string();
        judged.split_once(". ").unwrap().1.to_owned()
    };
    assert_eq!(
        said(few, many),
        "The baseline has 100 samples; about 600, or `spanspec ab`, would decide."
    );
    let now = known(100, [105.2, 114.0, 123.7]);
    let before = known(3_000, [99.0, 100.0, 101.0]);
    assert_eq!(
        said(before, now),
        "This run has 100 samples; about 720, or `spanspec ab`, would decide."
    );
    assert_eq!(
        said(few, now),
        "About 910 samples per side, or `spanspec ab`, would decide."
    );
}

#[test]
fn a_shared_alpha_is_shown_as_confidence() {
    let both = known(78, [93.0, 100.0, 108.0]);
    let judged = JudgedClaim {
        alpha: Alpha::FIVE_PERCENT.shared_by(3),
        quantile: Quantile::P99,
        ..compared(
            ClaimVerdict::NotProven,
            "ship",
            both,
            known(78, [88.0, 95.0, 113.0]),
        )
    };
    assert_eq!(
        judged.to_string(),
        "p99 of ship: NOT PROVEN: 0.95x of the baseline (98.33 % bounds 0.81x to 1.22x), limit 1.20x. About 87 samples per side would decide."
    );
}

#[test]
fn a_proof_states_the_upper_bound() {
    let before = known(500, [97.0, 100.0, 103.0]);
    let judged = compared(
        ClaimVerdict::Ok,
        "ship",
        before,
        known(500, [98.0, 101.0, 104.0]),
    );
    assert_eq!(
        judged.to_string(),
        "p50 of ship: OK: at most 1.08x slower (1.01x seen, limit 1.2x)"
    );
}

#[test]
fn limits_have_the_unit_that_fits() {
    let said = |verdict, now| limited(verdict, now).to_string();
    assert_eq!(
        said(ClaimVerdict::OverLimit, known(500, [500.25, 600.0, 900.0])),
        "p99 of ship: OVER LIMIT: at least 500.2 ms (600 ms seen), limit 500 ms"
    );
    assert_eq!(
        said(ClaimVerdict::Ok, known(500, [400.0, 420.0, 479.2])),
        "p99 of ship: OK: at most 480 ms (420 ms seen), limit 500 ms"
    );
    assert_eq!(
        said(ClaimVerdict::NotProven, known(500, [400.0, 450.0, 530.0])),
        "p99 of ship: NOT PROVEN: 450 ms (95 % bounds 400 ms to 530 ms), limit 500 ms. About 1,300 samples would decide."
    );
    assert_eq!(
        said(
            ClaimVerdict::TooFew,
            estimate(120, [Some(300.0), None], 412.0)
        ),
        "p99 of ship: TOO FEW: 120 samples; an upper bound needs 299, so 412 ms does not prove the limit 500 ms"
    );
}

#[test]
fn a_claim_without_samples_has_a_reason() {
    let judged = JudgedClaim {
        candidate: None,
        ..limited(ClaimVerdict::NothingFound, known(1, [1.0; 3]))
    };
    assert_eq!(
        judged.to_string(),
        "p99 of ship: NOTHING FOUND: the budget has no samples"
    );
}

#[test]
fn another_environment_is_listed_fact_by_fact() {
    let both = known(500, [97.0, 100.0, 103.0]);
    let mut judged = compared(ClaimVerdict::NotProven, "ship", both, both);
    let Compared::Baseline { differs, .. } = &mut judged.compared else {
        unreachable!("it was compared with a baseline");
    };
    *differs = vec![FactDifference {
        fact: Fact::Cpu,
        baseline: "EPYC 7763".to_owned(),
        here: "Xeon 8370C".to_owned(),
    }];
    assert_eq!(
        judged.to_string(),
        "p50 of ship: NOT PROVEN: ANOTHER ENVIRONMENT than the baseline's: CPU was EPYC 7763, is Xeon 8370C. Record a baseline here, use `spanspec ab`, or compare nevertheless with `--allow-env-mismatch`."
    );
}

#[test]
fn durations_below_a_microsecond_count_as_one() {
    let nothing = known(500, [0.0, 0.0, 0.0]);
    let judged = compared(
        ClaimVerdict::Regressed,
        "ship",
        nothing,
        known(500, [0.004; 3]),
    );
    assert_eq!(
        judged.to_string(),
        "p50 of ship: REGRESSED: at least 4.00x slower (4.00x seen, limit 1.2x)"
    );
}

#[test]
fn an_ok_is_not_proven_if_too_many_traces_lack_the_span() {
    let holds = compared(
        ClaimVerdict::Ok,
        "ship",
        estimate(20, [Some(17.2), Some(18.9)], 18.1),
        estimate(20, [Some(17.2), Some(18.9)], 18.1),
    );
    let mut judged = holds.clone();
    let missing = MissingSpans {
        missing: 10,
        traces: 30,
        allowed: 0,
    };
    judged.doubt_coverage(missing);
    assert_eq!(judged.verdict, ClaimVerdict::NotProven);
    let sentence = judged.to_string();
    assert!(
        sentence.ends_with(
            "10 of 30 traces have no such span (0 allowed): find out why, or raise `failures`."
        ),
        "{sentence}"
    );
    let mut regressed = JudgedClaim {
        verdict: ClaimVerdict::Regressed,
        ..holds
    };
    regressed.doubt_coverage(missing);
    assert_eq!(regressed.verdict, ClaimVerdict::Regressed);
}

#[test]
fn requests_without_measurement_come_with_advice() {
    let now = Estimate {
        unknown: 56,
        ..estimate(1_444, [Some(17.2), None], 18.1)
    };
    let doubtful = |judged: JudgedClaim| JudgedClaim {
        doubt: Some(OpenReason::NotMeasured),
        ..judged
    };
    let judged = doubtful(limited(ClaimVerdict::NotProven, now));
    assert_eq!(
        judged.to_string(),
        "p99 of ship: NOT PROVEN: 18.1 ms (at least 17.2 ms), limit 500 ms. 56 of 1,500 requests have no measurement: find out why they fail, or why their traces are incomplete."
    );
    assert_eq!(judged.needed(), None);
    assert_eq!(
        judged.found(None),
        "18.1 ms (n=1,444, 56 without measurement)"
    );
    let before = known(1_500, [16.0, 18.0, 19.0]);
    let judged = |before, now| {
        let judged = doubtful(compared(ClaimVerdict::NotProven, "ship", before, now));
        judged.to_string()
    };
    assert_eq!(
        judged(before, now),
        "p50 of ship: NOT PROVEN: 1.01x slower (at least 0.90x), limit 1.20x. 56 of 1,500 requests have no measurement: find out why they fail, or why their traces are incomplete."
    );
    assert_eq!(
        judged(now, before),
        "p50 of ship: NOT PROVEN: 0.99x of the baseline (at most 1.11x), limit 1.20x. 56 of 1,500 requests of the baseline have no measurement: record it again."
    );
}

#[test]
fn lateness_of_the_load_generator_is_stated() {
    let judged = JudgedClaim {
        doubt: Some(OpenReason::SentLate(Duration::from_millis(14_000))),
        ..limited(
            ClaimVerdict::NotProven,
            known(12_000, [5.9, 5_695.0, 5_900.0]),
        )
    };
    assert_eq!(
        judged.to_string(),
        "p99 of ship: NOT PROVEN: 5.7 s (95 % bounds 5.9 ms to 5.9 s), limit 500 ms. 14 s of it are delay of the load generator, perhaps the only cause: reduce the load, or use a less busy machine."
    );
}

#[test]
fn an_undisturbed_run_is_proof_if_the_disturbed_ones_agree() {
    let of = |verdict, exceeds: Option<bool>| {
        let estimates = [
            known(500, [115.0, 120.0, 126.0]),
            known(500, [180.0, 190.0, 200.0]),
        ];
        let by = Contention {
            before: 0.0,
            now: 1.0,
            cores: 2,
        };
        JudgedClaim {
            doubt: exceeds.map(|exceeds| OpenReason::Contention { by, exceeds }),
            ..compared(verdict, "ship", estimates[0], estimates[1])
        }
    };
    let regressed = of(ClaimVerdict::Regressed, None);
    let disturbed = of(ClaimVerdict::NotProven, Some(true));
    let within = |of: JudgedClaim| JudgedClaim {
        candidate: Some(known(500, [115.0, 125.0, 131.0])),
        ..of
    };
    let withheld = within(of(ClaimVerdict::NotProven, Some(false)));
    let above = of(ClaimVerdict::NotProven, None);
    let over = |mut last: JudgedClaim, earlier: &[&JudgedClaim]| {
        let own = last.evidence(0);
        let earlier = earlier.iter().map(|one| (*one, one.evidence(0)));
        last.add_earlier_runs(earlier, own);
        (last.verdict, last.is_unconfirmed())
    };
    let found = (ClaimVerdict::Regressed, false);
    assert_eq!(over(disturbed.clone(), &[&regressed, &disturbed]), found);
    assert_eq!(over(regressed.clone(), &[&disturbed]), found);
    let open = (ClaimVerdict::NotProven, false);
    assert_eq!(over(disturbed.clone(), &[&disturbed, &disturbed]), open);
    let denied = (ClaimVerdict::NotProven, true);
    assert_eq!(over(withheld, &[&regressed, &disturbed]), denied);
    assert_eq!(over(above.clone(), &[&regressed, &above]), found);
    assert_eq!(over(above.clone(), &[]), open);
    assert_eq!(over(within(above), &[&regressed]), denied);
    let unknown = JudgedClaim {
        candidate: Some(estimate(3, [None, None], 120.0)),
        ..of(ClaimVerdict::TooFew, None)
    };
    assert_eq!(over(unknown.clone(), &[&regressed]), found);
    assert_eq!(over(regressed.clone(), &[&unknown]), found);
    let varied = JudgedClaim {
        verdict: ClaimVerdict::NotProven,
        doubt: Some(OpenReason::Variation),
        ..unknown
    };
    assert_eq!(over(varied.clone(), &[&regressed]), found);
    let fine = of(ClaimVerdict::Ok, None);
    assert_eq!(over(fine, &[&disturbed]), denied);
}
