//! The error rates of verdicts in the documentation, simulated with fixed seeds. `cargo bench --bench
//! verdicts` prints the complete table.

#[path = "../benches/simulation/mod.rs"]
mod simulation;

use simulation::{
    Neighbour, Pairing, Random, Setting, ab_regressions, failures_beside, naive_alarms, regressions,
};
use spanspec::internal::budget::Quantile;

fn of_p50(samples: usize, slower: f64) -> Setting {
    Setting {
        quantile: Quantile::P50,
        tolerance: 0.2,
        samples,
        slower,
        drift: 0.0,
        is_calibrated: false,
    }
}

#[test]
fn p50_raises_a_false_alarm_in_one_of_a_hundred_runs_at_most() {
    for (samples, trials) in [
        (20, 1_000),
        (50, 600),
        (100, 400),
        (200, 300),
        (500, 200),
        (1_000, 100),
    ] {
        let alarms = regressions(of_p50(samples, 1.0), trials, &mut Random::new(1));
        assert!(
            100 * alarms <= trials,
            "{alarms} of {trials} with {samples} samples"
        );
    }
}

#[test]
fn a_slowdown_by_2_9_is_found_with_fifty_samples() {
    for (samples, trials) in [(50, 600), (100, 400), (200, 200), (500, 100), (1_000, 100)] {
        let found = regressions(of_p50(samples, 2.9), trials, &mut Random::new(2));
        assert!(
            100 * found >= 99 * trials,
            "{found} of {trials} with {samples} samples"
        );
    }
}

#[test]
fn a_calibrated_baseline_bears_a_machine_that_drifts() {
    let setting = Setting {
        drift: 0.1,
        is_calibrated: true,
        ..of_p50(200, 1.0)
    };
    let alarms = regressions(setting, 300, &mut Random::new(3));
    assert!(alarms <= 3, "{alarms} of 300");
}

#[test]
fn without_bounds_p99_would_raise_false_alarms_all_the_time() {
    let setting = Setting {
        quantile: Quantile::P99,
        ..of_p50(100, 1.0)
    };
    let alarms = naive_alarms(setting, 300, &mut Random::new(4));
    assert!(alarms > 60, "{alarms} of 300");
    let ours = regressions(setting, 300, &mut Random::new(4));
    assert_eq!(ours, 0);
}

#[test]
fn a_machine_that_drifts_by_5_percent_raises_no_false_alarm() {
    let setting = Setting {
        drift: 0.05,
        ..of_p50(200, 1.0)
    };
    let alarms = regressions(setting, 300, &mut Random::new(7));
    assert_eq!(alarms, 0);
}

#[test]
fn half_as_slow_again_is_found_with_five_hundred_samples() {
    let found = regressions(of_p50(500, 1.5), 300, &mut Random::new(8));
    assert!(found >= 297, "{found} of 300");
}

#[test]
fn a_p99_that_is_2_9_times_as_long_is_found_by_a_thousand_samples_in_most_runs() {
    let setting = Setting {
        quantile: Quantile::P99,
        ..of_p50(1_000, 2.9)
    };
    let found = regressions(setting, 300, &mut Random::new(9));
    assert!(found >= 240, "{found} of 300");
}

fn in_pairs(tolerance: f64, slower: f64, pairing: Pairing, seed: u64) -> usize {
    let setting = Setting {
        tolerance,
        drift: 0.1,
        ..of_p50(200, slower)
    };
    ab_regressions(setting, pairing, 200, &mut Random::new(seed))
}

#[test]
fn pairs_find_half_as_slow_again_and_nothing_where_nothing_is() {
    for pairing in [Pairing::Close, Pairing::Apart] {
        let alarms = in_pairs(0.2, 1.0, pairing, 5);
        assert!(alarms <= 2, "{alarms} of 200");
    }
    let found = in_pairs(0.2, 1.5, Pairing::Close, 6);
    assert!(found >= 198, "{found} of 200");
}

#[test]
fn pairs_find_a_fifth_more_with_half_that_tolerance_where_both_runs_meet_the_same_machine() {
    let close = in_pairs(0.1, 1.2, Pairing::Close, 10);
    assert!(close >= 190, "{close} of 200");
    let apart = in_pairs(0.1, 1.2, Pairing::Apart, 10);
    assert!(apart < 140, "{apart} of 200");
}

/// Failed comparisons with a baseline of five runs, beside a process that is busy half of the time.
fn beside(neighbour: Neighbour, slower: f64, trials: usize, seed: u64) -> usize {
    let setting = Setting {
        is_calibrated: true,
        ..of_p50(500, slower)
    };
    failures_beside(setting, neighbour, 2, trials, &mut Random::new(seed))
}

#[test]
fn a_busy_process_raises_a_false_alarm_in_one_of_a_hundred_runs_at_most() {
    for neighbour in [Neighbour::Measured, Neighbour::Hidden] {
        let alarms = beside(neighbour, 1.0, 200, 11);
        assert!(alarms <= 2, "{alarms} of 200");
    }
}

#[test]
fn beside_a_busy_process_that_is_measured_half_as_slow_again_is_found() {
    let found = beside(Neighbour::Measured, 1.5, 100, 12);
    assert!(found >= 95, "{found} of 100");
}

#[test]
fn beside_a_busy_process_a_slowdown_by_2_9_is_always_found() {
    for neighbour in [Neighbour::Measured, Neighbour::Hidden] {
        assert_eq!(beside(neighbour, 2.9, 100, 13), 100);
    }
}
