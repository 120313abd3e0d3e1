//! Prints what we compute, as JSON lines, for `.ci/quantiles.py` to compare with SciPy: ranks of
//! bounds, smallest counts, and quantiles of sketches.

#![expect(clippy::print_stdout, reason = "another program reads what it prints")]

use serde_json::json;
use spanspec::internal::budget::{Alpha, Quantile, Sketch, lower_rank, smallest_count, upper_rank};

const QUANTILES: [Quantile; 5] = [
    Quantile::P50,
    Quantile::P90,
    Quantile::P95,
    Quantile::P99,
    Quantile::P999,
];

const SIZES: [u64; 9] = [
    100, 1_000, 2_995, 10_000, 65_537, 100_000, 500_000, 1_000_000, 2_000_000,
];

fn main() {
    for quantile in QUANTILES {
        for claims in [1, 2, 3, 10] {
            let alpha = Alpha::FIVE_PERCENT.shared_by(claims);
            for count in (1..=70).chain(SIZES) {
                let line = json!({
                    "kind": "ranks",
                    "count": count,
                    "quantile": quantile.share(),
                    "alpha": alpha.chance(),
                    "lower": lower_rank(count, quantile, alpha),
                    "upper": upper_rank(count, quantile, alpha),
                });
                println!("{line}");
            }
            let line = json!({
                "kind": "smallest",
                "quantile": quantile.share(),
                "alpha": alpha.chance(),
                "count": smallest_count(quantile, alpha),
            });
            println!("{line}");
        }
    }
    sketch();
}

/// Durations that grow fast, in an order that is none.
fn sketch() {
    let durations: Vec<u64> = (0..5_000_u64)
        .map(|at| 40 + (at * 7_919 % 5_003).pow(2))
        .collect();
    let sketch: Sketch = durations.iter().map(|micros| *micros as f64).collect();
    let found: Vec<_> = QUANTILES
        .iter()
        .map(|quantile| {
            json!([
                quantile.share(),
                sketch.at_rank(quantile.rank(sketch.len()))
            ])
        })
        .collect();
    println!(
        "{}",
        json!({ "kind": "sketch", "durations": durations, "found": found })
    );
}
