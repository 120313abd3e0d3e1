//! What is claimed of the verdicts about budgets, simulated with fixed seeds. The whole table:
//! `cargo bench --bench verdicts`.

#[path = "../benches/simulation/mod.rs"]
mod simulation;

use simulation::{Random, Setting, ab_regressions, naive_alarms, regressions};
use spanspec::budget::Quantile;

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
fn pairs_find_half_as_slow_again_and_nothing_where_nothing_is() {
    let setting = |slower| Setting {
        drift: 0.1,
        ..of_p50(200, slower)
    };
    assert_eq!(ab_regressions(setting(1.0), 60, &mut Random::new(5)), 0);
    assert_eq!(ab_regressions(setting(1.5), 60, &mut Random::new(6)), 60);
}
