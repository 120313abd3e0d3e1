//! Budgets: verdicts about quantiles of many durations, with a known probability of error.
//!
//! Pure code, except for [`baseline`], which reads and writes files. `load` measures the durations,
//! `report` renders the verdicts.
//!
//! The quantile of a sample differs from the quantile of the service, and from that of the next run.
//! Each estimate therefore has a lower and an upper bound ([`Samples::estimate`]), which are order
//! statistics selected by the binomial distribution. They hold for any distribution of latencies
//! (W. J. Conover, *Practical Nonparametric Statistics*, 3rd edition, 1999, section
//! 3.2). A verdict compares bounds ([`judge`]), and allows for the variation between runs
//! ([`calibrate()`]). The verdicts of one run share the probability of a false alarm (S. Holm, *A
//! simple sequentially rejective multiple test procedure*, 1979). Large samples are stored as a
//! [`Sketch`] (C. Masson, J. E. Rim, H. K. Lee, *DDSketch*, VLDB 2019).
//!
//! ```
//! use spanspec::internal::budget::{Against, Alpha, Claim, Quantile, Reference, Samples, ClaimVerdict, judge};
//!
//! let before: Samples = (0..500).map(|at| 100_000 + 80 * at).collect();
//! let after: Samples = (0..500).map(|at| 290_000 + 240 * at).collect();
//! let claim = Claim {
//!     subject: "inventory-check".to_owned(),
//!     quantile: Quantile::P50,
//!     candidate: &after,
//!     late: None,
//!     against: Against::Baseline(Reference::new(&before)),
//! };
//! let judged = &judge(&[claim], Alpha::FIVE_PERCENT)[0];
//! assert_eq!(judged.verdict, ClaimVerdict::Regressed);
//! assert_eq!(
//!     judged.to_string(),
//!     "p50 of inventory-check: REGRESSED: at least 2.84x slower (2.92x seen, limit 1.2x)",
//! );
//! ```

mod ab;
pub mod baseline;
mod binomial;
mod calibrate;
mod cells;
mod claim;
mod contention;
mod failure_text;
mod holm;
mod judged;
mod lint;
mod missing;
mod numbers;
mod quantile;
mod runs;
mod sample_size;
mod samples;
mod sentence;
mod share;
mod sketch;
mod table;
mod verdict;

pub use ab::{
    Ab, AbRefusal, AbSide, AbVerdict, FEWEST_PAIRS, Pair, PairedClaim, PairedRun, is_measurable,
    judge_pairs, pairs_needed,
};
pub use calibrate::{FEWEST_RUNS, noise, spread, spread_of};
pub use claim::{Against, Claim, LateSamples, Reference};
pub use contention::{Contention, comparable};
pub use judged::{Compared, JudgedClaim, OpenReason};
pub use lint::{requests_to_prove, too_few_requests};
pub use missing::MissingSpans;
pub(crate) use numbers::version;
pub use quantile::{Alpha, Quantile, lower_rank, smallest_count, upper_rank};
pub use runs::{RunEvidence, confirmations};
pub use sample_size::{SampleSize, Scatter, samples_for_bounds};
pub use samples::{Estimate, Samples};
pub use share::{SHARE_ERROR, share_bounds, trials_to_prove, trials_to_prove_within};
pub use sketch::Sketch;
pub use table::{Column, Table, TableRow};
pub(crate) use verdict::micros;
pub use verdict::{ClaimVerdict, judge};
