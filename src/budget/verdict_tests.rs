use super::*;
use crate::budget::LateSamples;
use crate::budget::baseline::{Fact, FactDifference};
use crate::number::Unit;
use std::time::Duration;

const ALPHA: Alpha = Alpha::FIVE_PERCENT;

/// Durations that are evenly spread between 90 % and 110 % of the median.
fn run(count: u64, median: u64) -> Samples {
    (0..count)
        .map(|at| median * 9 / 10 + median * at / count / 5)
        .collect()
}

fn against<'a>(before: &'a Samples, now: &'a Samples) -> Claim<'a> {
    Claim {
        subject: "ship".to_owned(),
        quantile: Quantile::P50,
        candidate: now,
        late: None,
        against: Against::Baseline(Reference::new(before)),
    }
}

fn within(limit: u64, now: &Samples) -> Claim<'_> {
    Claim {
        subject: "ship".to_owned(),
        quantile: Quantile::P50,
        candidate: now,
        late: None,
        against: Against::Limit(Duration::from_micros(limit).into()),
    }
}

fn verdict_of(claim: Claim<'_>) -> ClaimVerdict {
    judge(&[claim], ALPHA)[0].verdict
}

#[test]
fn a_quantile_is_compared_with_the_baseline_by_its_bounds() {
    let before = run(200, 100_000);
    let verdict = |median| verdict_of(against(&before, &run(200, median)));
    assert_eq!(verdict(100_000), ClaimVerdict::Ok);
    assert_eq!(verdict(119_000), ClaimVerdict::NotProven);
    assert_eq!(verdict(122_000), ClaimVerdict::NotProven);
    assert_eq!(verdict(130_000), ClaimVerdict::Regressed);
    assert_eq!(verdict(50_000), ClaimVerdict::Ok);
}

/// This number in each of 100 traces.
fn counts(number: u32) -> Samples {
    Samples::of(Unit::Number).with([f64::from(number); 100])
}

fn below(value: f64, is_exclusive: bool, now: &Samples) -> Claim<'_> {
    let limit = UpperLimit {
        value,
        is_exclusive,
    };
    Claim {
        against: Against::Limit(limit),
        ..within(0, now)
    }
}

#[test]
fn a_count_is_exact_so_that_it_meets_or_exceeds_its_limit() {
    let verdict = |value, is_exclusive| verdict_of(below(value, is_exclusive, &counts(4)));
    assert_eq!(verdict(4.0, false), ClaimVerdict::Ok);
    assert_eq!(verdict(4.0, true), ClaimVerdict::OverLimit);
    assert_eq!(verdict(5.0, true), ClaimVerdict::Ok);
    assert_eq!(verdict(3.0, false), ClaimVerdict::OverLimit);
    let text = |value, is_exclusive| {
        judge(&[below(value, is_exclusive, &counts(4))], ALPHA)[0].to_string()
    };
    assert_eq!(
        text(4.0, true),
        "p50 of ship: OVER LIMIT: at least 4 (4 seen), limit < 4"
    );
    assert_eq!(
        text(4.0, false),
        "p50 of ship: OK: at most 4 (4 seen), limit 4"
    );
}

#[test]
fn many_counts_are_as_exact_as_few() {
    let many = Samples::of(Unit::Number).with([4.0; 5_000]);
    assert_eq!(verdict_of(below(4.0, false, &many)), ClaimVerdict::Ok);
    assert_eq!(verdict_of(below(4.0, true, &many)), ClaimVerdict::OverLimit);
}

#[test]
fn a_count_may_grow_by_the_permitted_ratio_and_not_by_more() {
    let verdict = |before, now| verdict_of(against(&counts(before), &counts(now)));
    assert_eq!(verdict(4, 4), ClaimVerdict::Ok);
    assert_eq!(verdict(5, 6), ClaimVerdict::Ok);
    assert_eq!(verdict(4, 5), ClaimVerdict::Regressed);
    assert_eq!(verdict(12, 4), ClaimVerdict::Ok);
    let text = judge(&[against(&counts(4), &counts(12))], ALPHA)[0].to_string();
    assert_eq!(
        text,
        "p50 of ship: REGRESSED: at least 3.00x higher (3.00x seen, limit 1.2x)"
    );
}

#[test]
fn from_0_no_increase_is_permitted() {
    let verdict = |before, now| verdict_of(against(&counts(before), &counts(now)));
    assert_eq!(verdict(0, 0), ClaimVerdict::Ok);
    assert_eq!(verdict(0, 1), ClaimVerdict::Regressed);
    let judged = &judge(&[against(&counts(0), &counts(1))], ALPHA)[0];
    assert_eq!(
        judged.to_string(),
        "p50 of ship: REGRESSED: 1 instead of 0, limit 1.2x"
    );
    assert_eq!(
        [judged.expected(None), judged.found(None)],
        [
            "at most 1.2x of the 0 of the baseline (n=100)",
            "1 (n=100), more than 0"
        ]
    );
}

#[test]
fn a_count_that_is_4_or_12_is_open_at_the_median() {
    let mixed =
        Samples::of(Unit::Number).with((0..100).map(|at| if at % 2 == 0 { 4.0 } else { 12.0 }));
    let judged = &judge(&[below(5.0, false, &mixed)], ALPHA)[0];
    assert_eq!(
        judged.to_string(),
        "p50 of ship: NOT PROVEN: 4 (95 % bounds 4 to 12), limit 5. About 2,500 samples would decide."
    );
}

#[test]
fn durations_near_the_resolution_are_not_slower() {
    let all = |micros: u64| [micros; 100].into_iter().collect::<Samples>();
    let verdict = |before, now| verdict_of(against(&all(before), &all(now)));
    assert_eq!(verdict(0, 0), ClaimVerdict::Ok);
    assert_eq!(verdict(0, 1), ClaimVerdict::Ok);
    // The stored 1 may have been 1.9, and the stored 2 may be 2.0.
    assert_eq!(verdict(1, 2), ClaimVerdict::NotProven);
    assert_eq!(verdict(1, 3), ClaimVerdict::Regressed);
}

#[test]
fn a_quantile_is_compared_with_a_limit_by_its_bounds() {
    let now = run(200, 100_000);
    let verdict = |limit| verdict_of(within(limit, &now));
    assert_eq!(verdict(105_000), ClaimVerdict::Ok);
    assert_eq!(verdict(100_000), ClaimVerdict::NotProven);
    assert_eq!(verdict(95_000), ClaimVerdict::OverLimit);
}

#[test]
fn a_bound_equal_to_the_limit_or_to_tau_passes() {
    let five: Samples = [100, 100, 100, 100, 100].into_iter().collect();
    assert_eq!(verdict_of(within(100, &five)), ClaimVerdict::Ok);
    let before: Samples = [100; 5].into_iter().collect();
    let mut claim = against(&before, &five);
    if let Against::Baseline(reference) = &mut claim.against {
        reference.tolerance = 0.0;
    }
    assert_eq!(verdict_of(claim), ClaimVerdict::Ok);
}

#[test]
fn few_samples_suffice_for_a_large_regression() {
    let (before, now) = (run(500, 100_000), run(120, 900_000));
    let mut claim = against(&before, &now);
    claim.quantile = Quantile::P99;
    assert_eq!(verdict_of(claim.clone()), ClaimVerdict::Regressed);
    let like_before = run(120, 100_000);
    claim.candidate = &like_before;
    assert_eq!(verdict_of(claim), ClaimVerdict::TooFew);
    let four = run(4, 100_000);
    assert_eq!(verdict_of(within(1_000_000, &four)), ClaimVerdict::TooFew);
}

#[test]
fn a_budget_without_samples_fails() {
    let (before, none) = (run(200, 100_000), Samples::default());
    assert_eq!(
        verdict_of(against(&before, &none)),
        ClaimVerdict::NothingFound
    );
    assert_eq!(verdict_of(within(1, &none)), ClaimVerdict::NothingFound);
    assert!(ClaimVerdict::NothingFound.fails());
}

#[test]
fn without_a_baseline_nothing_is_proven() {
    let (none, now) = (Samples::default(), run(200, 100_000));
    assert_eq!(verdict_of(against(&none, &now)), ClaimVerdict::TooFew);
}

#[test]
fn a_baseline_of_another_environment_proves_nothing() {
    let (before, now) = (run(200, 100_000), run(200, 300_000));
    let mut claim = against(&before, &now);
    if let Against::Baseline(reference) = &mut claim.against {
        reference.differs = vec![FactDifference {
            fact: Fact::Cores,
            baseline: "4".to_owned(),
            here: "2".to_owned(),
        }];
    }
    assert_eq!(verdict_of(claim), ClaimVerdict::NotProven);
}

#[test]
fn above_the_limit_and_within_the_variation_between_runs_nothing_is_proven() {
    let before = run(200, 100_000);
    let decided = |median| {
        let now = run(200, median);
        let mut claim = against(&before, &now);
        let Against::Baseline(reference) = &mut claim.against else {
            unreachable!("it is compared with a baseline");
        };
        reference.spread = 0.1;
        judge(&[claim], ALPHA).remove(0)
    };
    let Compared::Baseline { tau, raised, .. } = decided(130_000).compared else {
        unreachable!("it was compared with a baseline");
    };
    assert!((raised - 1.3903).abs() < 1e-4 && tau == 1.2, "{raised}");
    let found = |median| (decided(median).verdict, decided(median).doubt);
    assert_eq!(found(110_000), (ClaimVerdict::Ok, None));
    assert_eq!(
        found(130_000),
        (ClaimVerdict::NotProven, Some(OpenReason::Variation))
    );
    assert_eq!(found(150_000), (ClaimVerdict::Regressed, None));
    assert_eq!(
        decided(130_000).to_string(),
        "p50 of ship: NOT PROVEN: 1.30x slower (95 % bounds 1.26x to 1.34x), limit 1.20x. The variation between runs of one version only permits proof of a slowdown above 1.39x: use `spanspec ab`, or calibrate on a quiet machine."
    );
}

#[test]
fn a_busy_machine_excuses_no_more_than_it_explains_and_proves_no_ok() {
    let before = run(200, 100_000);
    let found = |median, [then, here]: [f64; 2]| {
        let now = run(200, median);
        let mut claim = against(&before, &now);
        let contention = Contention {
            before: then,
            now: here,
            cores: 2,
        };
        if let Against::Baseline(reference) = &mut claim.against {
            reference.contention = Some(contention);
        }
        let judged = judge(&[claim], ALPHA).remove(0);
        let blamed =
            matches!(judged.doubt, Some(OpenReason::Contention { by, .. }) if by == contention);
        (judged.verdict, blamed)
    };
    // Half of a core of two explains 1.33x, so the limit is 1.6x.
    assert_eq!(found(150_000, [0.0, 0.5]), (ClaimVerdict::NotProven, true));
    assert_eq!(found(170_000, [0.0, 0.5]), (ClaimVerdict::Regressed, false));
    assert_eq!(found(100_000, [0.0, 0.5]), (ClaimVerdict::Ok, false));
    // The baseline was as busy, or busier.
    assert_eq!(found(150_000, [0.5, 0.5]), (ClaimVerdict::Regressed, false));
    assert_eq!(found(150_000, [0.5, 0.0]), (ClaimVerdict::Regressed, false));
    assert_eq!(found(100_000, [0.5, 0.0]), (ClaimVerdict::NotProven, true));
    assert_eq!(found(80_000, [0.5, 0.0]), (ClaimVerdict::Ok, false));
}

#[test]
fn a_sketch_raises_tau_by_its_error() {
    let (before, now) = (run(200, 100_000), run(2_001, 100_000));
    let judged = &judge(&[against(&before, &now)], ALPHA)[0];
    let Compared::Baseline { tau, .. } = judged.compared else {
        unreachable!("it was compared with a baseline");
    };
    assert!((tau - 1.2 * 1.005 / 0.995).abs() < 1e-12, "{tau}");
}

#[test]
fn several_claims_share_the_probability_of_an_error() {
    let (before, now) = (run(200, 100_000), run(200, 119_000));
    let claims = vec![against(&before, &now); 4];
    let judged = judge(&claims, ALPHA);
    assert!(judged.iter().all(|one| one.alpha == ALPHA.shared_by(4)));
    // Bounds of p50 need 7 samples at a fourth of 5 %, and 5 samples at 5 %.
    let (five, five_before) = (run(5, 300_000), run(5, 100_000));
    let alone = against(&five_before, &five);
    assert_eq!(verdict_of(alone.clone()), ClaimVerdict::Regressed);
    let others = vec![against(&before, &now); 3];
    let together: Vec<_> = others.into_iter().chain([alone]).collect();
    assert_eq!(judge(&together, ALPHA)[3].verdict, ClaimVerdict::TooFew);
}

#[test]
fn a_decided_claim_leaves_its_share_to_the_others() {
    let (before, far) = (run(200, 100_000), run(200, 300_000));
    let (five_before, five) = (run(5, 100_000), run(5, 300_000));
    let clear = against(&before, &far);
    let few = against(&five_before, &five);
    // Three alarms at a fourth each leave 5 % to the last claim.
    let claims = [clear.clone(), few, clear.clone(), clear];
    let judged = judge(&claims, ALPHA);
    assert!(
        judged
            .iter()
            .all(|one| one.verdict == ClaimVerdict::Regressed)
    );
    assert_eq!(judged[0].alpha, ALPHA.shared_by(4));
    assert_eq!(judged[1].alpha, ALPHA);
}

#[test]
fn claims_that_cannot_be_decided_take_no_share() {
    let (before, now, none) = (run(200, 100_000), run(200, 100_000), Samples::default());
    let judged = judge(&[against(&before, &none), against(&before, &now)], ALPHA);
    assert_eq!(judged[0].verdict, ClaimVerdict::NothingFound);
    assert_eq!(
        (judged[1].verdict, judged[1].alpha),
        (ClaimVerdict::Ok, ALPHA)
    );
}

#[test]
fn only_proven_claims_pass_with_strict() {
    assert!(!ClaimVerdict::Ok.fails_strictly());
    for verdict in [ClaimVerdict::NotProven, ClaimVerdict::TooFew] {
        assert!(!verdict.fails() && verdict.fails_strictly());
    }
    assert!(ClaimVerdict::Regressed.fails() && ClaimVerdict::OverLimit.fails());
    assert!(judge(&[], ALPHA).is_empty());
}

/// More samples than an upper bound of p99 needs.
fn with_unknown(unknown: u64) -> Samples {
    run(1_500 - unknown, 18_000).with_unknown(unknown)
}

fn p99_within(limit: u64, now: &Samples) -> JudgedClaim {
    let claim = Claim {
        quantile: Quantile::P99,
        ..within(limit, now)
    };
    judge(&[claim], ALPHA).remove(0)
}

#[test]
fn unknown_durations_may_be_the_longest() {
    let verdict = |unknown| {
        let judged = p99_within(500_000, &with_unknown(unknown));
        (judged.verdict, judged.doubt)
    };
    assert_eq!(verdict(0), (ClaimVerdict::Ok, None));
    assert_eq!(verdict(3), (ClaimVerdict::Ok, None));
    let open = (ClaimVerdict::NotProven, Some(OpenReason::NotMeasured));
    assert_eq!(verdict(56), open);
    assert_eq!(verdict(1_300), open);
}

#[test]
fn unknown_durations_may_be_the_shortest_and_the_limit_is_still_exceeded() {
    let verdict = |unknown| p99_within(10_000, &with_unknown(unknown)).verdict;
    assert_eq!(verdict(0), ClaimVerdict::OverLimit);
    assert_eq!(verdict(1_200), ClaimVerdict::OverLimit);
    assert_eq!(verdict(1_490), ClaimVerdict::NotProven);
}

#[test]
fn unknown_durations_are_no_reason_if_the_samples_leave_a_claim_open() {
    let judged = p99_within(19_750, &with_unknown(1));
    assert_eq!(
        (judged.verdict, judged.doubt),
        (ClaimVerdict::NotProven, None)
    );
    let few = run(100, 18_000).with_unknown(3);
    let judged = p99_within(500_000, &few);
    assert_eq!((judged.verdict, judged.doubt), (ClaimVerdict::TooFew, None));
}

#[test]
fn unknown_durations_of_the_baseline_leave_a_regression_open() {
    let (before, now) = (with_unknown(0), run(1_500, 60_000));
    let verdict = |before: &Samples, now: &Samples| {
        let mut claim = against(before, now);
        claim.quantile = Quantile::P99;
        let judged = judge(&[claim], ALPHA).remove(0);
        (judged.verdict, judged.doubt)
    };
    assert_eq!(verdict(&before, &now).0, ClaimVerdict::Regressed);
    let open = (ClaimVerdict::NotProven, Some(OpenReason::NotMeasured));
    assert_eq!(verdict(&with_unknown(56), &now), open);
    assert_eq!(
        verdict(&before, &now.clone().with_unknown(56)).0,
        ClaimVerdict::Regressed
    );
    assert_eq!(verdict(&before, &before.clone().with_unknown(56)), open);
}

#[test]
fn lateness_alone_is_no_alarm() {
    let (before, seen, own) = (run(200, 100_000), run(200, 300_000), run(200, 105_000));
    let by = Duration::from_millis(280);
    let late = |claim: Claim<'_>, without| {
        let late = Some(LateSamples { by, without });
        let judged = judge(&[Claim { late, ..claim }], ALPHA).remove(0);
        (judged.verdict, judged.doubt)
    };
    let open = (ClaimVerdict::NotProven, Some(OpenReason::SentLate(by)));
    assert_eq!(late(against(&before, &seen), &own), open);
    assert_eq!(late(within(200_000, &seen), &own), open);
    // It is too slow without the lateness, too.
    let slow = run(200, 290_000);
    assert_eq!(
        late(against(&before, &seen), &slow).0,
        ClaimVerdict::Regressed
    );
    assert_eq!(
        late(within(200_000, &seen), &slow).0,
        ClaimVerdict::OverLimit
    );
    // It is fast enough with the lateness, too.
    assert_eq!(late(within(400_000, &seen), &own), (ClaimVerdict::Ok, None));
    // It is open with and without the lateness.
    assert_eq!(late(within(300_000, &seen), &own).1, None);
}

#[test]
fn an_alarm_states_bounds_without_lateness() {
    let (seen, own) = (run(200, 300_000), run(200, 250_000));
    let late = LateSamples {
        by: Duration::from_millis(50),
        without: &own,
    };
    let claim = Claim {
        late: Some(late),
        ..within(200_000, &seen)
    };
    let found = judge(&[claim], ALPHA)[0].candidate.unwrap();
    let alone = own.estimate(Quantile::P50, ALPHA).unwrap();
    assert_eq!((found.value, found.lower), (299_700.0, alone.lower));
}
