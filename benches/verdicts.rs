//! Simulates how often verdicts about budgets are right: `cargo bench --bench verdicts`.
//!
//! Prints the tables of `docs/budgets.md`, and the size of baseline files.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod figures;
mod simulation;

use std::collections::BTreeMap;

use spanspec::internal::budget::baseline::{
    Baseline, Budget, Case, Fingerprint, LoadModel, ReceivedBy, Run, render,
};
use spanspec::internal::budget::{Quantile, Samples};

use figures::rounds;
use simulation::{
    Neighbour, Pairing, Random, Setting, ab_regressions, failures_beside, naive_alarms, regressions,
};

const SAMPLES: [usize; 6] = [20, 50, 100, 200, 500, 1_000];
const SLOWER: [f64; 4] = [1.0, 1.2, 1.5, 2.9];

fn main() {
    let trials = rounds(1_000, 20);
    let mut random = Random::new(20_261_125);
    println!("called a regression, of {trials} comparisons each");
    for (quantile, tolerance) in [
        (Quantile::P50, 0.2),
        (Quantile::P99, 0.2),
        (Quantile::P99, 0.5),
    ] {
        for is_calibrated in [false, true] {
            of_quantile(quantile, tolerance, is_calibrated, trials, &mut random);
        }
    }
    without_bounds(trials, &mut random);
    by_pairs(Pairing::Close, trials, &mut random);
    by_pairs(Pairing::Apart, trials, &mut random);
    beside_neighbour(trials, &mut random);
    sizes(&mut random);
}

fn of_quantile(
    quantile: Quantile,
    tolerance: f64,
    is_calibrated: bool,
    trials: usize,
    random: &mut Random,
) {
    let baseline = match is_calibrated {
        true => "calibrated by 5 runs",
        false => "of one run",
    };
    println!(
        "\n{quantile}, tolerance {:.0} %, baseline {baseline}",
        100.0 * tolerance
    );
    head("drift");
    for drift in [0.0, 0.05, 0.1] {
        for slower in SLOWER {
            let share = |samples| {
                let setting = Setting {
                    quantile,
                    tolerance,
                    samples,
                    slower,
                    drift,
                    is_calibrated,
                };
                regressions(setting, trials, random)
            };
            row(
                &format!("{:.0} %", 100.0 * drift),
                slower,
                trials,
                SAMPLES.map(share),
            );
        }
    }
}

fn without_bounds(trials: usize, random: &mut Random) {
    println!("\np99 of the samples rose by more than 20 % (the rule that is not ours)");
    head("drift");
    let share = |samples| naive_alarms(setting(Quantile::P99, samples, 1.0, 0.0), trials, random);
    row("0 %", 1.0, trials, SAMPLES.map(share));
}

fn by_pairs(pairing: Pairing, trials: usize, random: &mut Random) {
    let drift = match pairing {
        Pairing::Close => "drift of a pair 10 %, and 2 % of each of its runs",
        Pairing::Apart => "drift of each run 10 %",
    };
    println!("\np50 by five interleaved pairs, {drift}");
    head("limit");
    for tolerance in [0.05, 0.1, 0.2] {
        for slower in SLOWER {
            let share = |samples| {
                let setting = Setting {
                    tolerance,
                    ..setting(Quantile::P50, samples, slower, 0.1)
                };
                ab_regressions(setting, pairing, trials / 4, random)
            };
            let name = format!("{:.2}x", 1.0 + tolerance);
            row(&name, slower, trials / 4, SAMPLES.map(share));
        }
    }
}

fn beside_neighbour(trials: usize, random: &mut Random) {
    for (neighbour, known) in [
        (Neighbour::Measured, "measured"),
        (Neighbour::Hidden, "hidden"),
    ] {
        for (is_calibrated, baseline) in [(false, "one run"), (true, "5 runs")] {
            println!(
                "\np50 beside a process that is busy half of the time and {known}, baseline of {baseline}"
            );
            head("runs");
            for confirmations in [0, 2] {
                for slower in SLOWER {
                    let share = |samples| {
                        let setting = Setting {
                            is_calibrated,
                            ..setting(Quantile::P50, samples, slower, 0.0)
                        };
                        failures_beside(setting, neighbour, confirmations, trials, random)
                    };
                    let runs = (confirmations + 1).to_string();
                    row(&runs, slower, trials, SAMPLES.map(share));
                }
            }
        }
    }
}

fn setting(quantile: Quantile, samples: usize, slower: f64, drift: f64) -> Setting {
    Setting {
        quantile,
        tolerance: 0.2,
        samples,
        slower,
        drift,
        is_calibrated: false,
    }
}

fn head(first: &str) {
    let counts: String = SAMPLES
        .map(|count| format!("{:>9}", format!("n={count}")))
        .concat();
    println!("{first:>6}{:>9}{counts}", "slower");
}

fn row(first: &str, slower: f64, trials: usize, alarms: [usize; 6]) {
    let shares: String = alarms
        .map(|count| format!("{:>7.1} %", 100.0 * count as f64 / trials as f64))
        .concat();
    println!("{first:>6}{:>9}{shares}", format!("{slower:.1}x"));
}

/// One run of one budget in a file.
fn sizes(random: &mut Random) {
    println!("\nsize of a baseline file with one run");
    for count in [200, 2_000, 100_000] {
        let file = render(&baseline(random.run(count, 1.0)));
        println!(
            "n={count:<9}{:>9} bytes{:>7} lines",
            file.len(),
            file.lines().count()
        );
    }
}

fn baseline(samples: Samples) -> Baseline {
    let run = Run::new(
        jiff::Timestamp::UNIX_EPOCH,
        Some("2.3.0".to_owned()),
        samples,
    );
    let budget = Budget {
        runs: run.into_iter().collect(),
        ..Budget::default()
    };
    let case = Case {
        fingerprint: Fingerprint {
            cores: 2,
            cpu: "a processor".to_owned(),
            load: LoadModel::Concurrency(4),
            machine: None,
            memory_mib: 8_000,
            os: "Linux".to_owned(),
            probe: 40_000,
            received_by: ReceivedBy::Itself,
            spanspec: "0.1.0".to_owned(),
            spec_hash: "0123456789abcdef".to_owned(),
        },
        budgets: BTreeMap::from([("inventory-check".to_owned(), budget)]),
    };
    Baseline {
        cases: BTreeMap::from([("placing an order".to_owned(), case)]),
    }
}
