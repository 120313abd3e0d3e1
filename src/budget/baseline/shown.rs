//! Which quantiles a baseline is shown with.

use super::super::quantile::{Alpha, Quantile};
use super::super::samples::Samples;

/// Those that the file keeps of each run.
const KEPT: [Quantile; 3] = [Quantile::P50, Quantile::P95, Quantile::P99];

/// p50, p95 and p99 in microseconds, as far as these samples have bounds for them: the p99 of ten is
/// the longest, and says nothing of the service. Where they have none at all, all three.
pub(crate) fn quantiles(samples: &Samples) -> Vec<(Quantile, f64)> {
    let is_bounded = |one: &Quantile| {
        let estimate = samples.estimate(*one, Alpha::FIVE_PERCENT);
        estimate.is_some_and(|one| one.lower.is_some() && one.upper.is_some())
    };
    let is_any = KEPT.iter().any(is_bounded);
    let shown = KEPT.into_iter().filter(|one| !is_any || is_bounded(one));
    shown
        .filter_map(|one| Some((one, samples.quantile(one)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_without_a_bound_are_left_out_unless_there_is_no_other() {
        let shown = |count: u64| -> Vec<String> {
            let all = quantiles(&(1..=count).collect());
            all.iter().map(|(one, _)| one.to_string()).collect()
        };
        assert_eq!(shown(0), [""; 0]);
        assert_eq!(shown(4), ["p50", "p95", "p99"]);
        assert_eq!(shown(10), ["p50"]);
        assert_eq!(shown(59), ["p50", "p95"]);
        assert_eq!(shown(298), ["p50", "p95"]);
        assert_eq!(shown(299), ["p50", "p95", "p99"]);
        let some_unknown = quantiles(&(1..=380).collect::<Samples>().with_unknown(20));
        assert_eq!(some_unknown.len(), 1, "{some_unknown:?}");
    }
}
