//! Warnings about budgets that need no run.

use super::quantile::{Alpha, Quantile, smallest_count};
use crate::number::{count, counted};
use crate::spec::{QuantileBudget, Repeat, Spec, SpecError};

/// Quantiles that are suggested instead.
const USUAL: [Quantile; 4] = [Quantile::P99, Quantile::P95, Quantile::P90, Quantile::P50];

/// Warns about quantiles for which a spec sends too few requests: no run can prove them. A location
/// that several cases of a matrix share has one warning.
///
/// ```
/// use std::path::Path;
/// use spanspec::internal::budget::too_few_requests;
/// use spanspec::{Context, Source, Spec};
///
/// let text = "
/// request: http://127.0.0.1:8080/orders
/// repeat: { times: 100 }
/// budgets: [{ measure: response_time, p50: < 1s, p99: < 2s, regression: none }]
/// ";
/// let source = Source::new("order.yaml", text);
/// let specs = Spec::read_all(&source, Path::new("."), &Context::default()).unwrap();
/// assert_eq!(
///     too_few_requests(&specs)[0].what,
///     "100 requests cannot prove a p99: its upper bound needs 299"
/// );
/// ```
#[must_use]
pub fn too_few_requests(specs: &[Spec]) -> Vec<SpecError> {
    let mut found: Vec<SpecError> = Vec::new();
    for spec in specs {
        let Some(repeat) = &spec.repeat else {
            continue;
        };
        let asked = spec.budgets.iter().flat_map(|budget| &budget.quantiles);
        for warning in asked.filter_map(|asked| too_few(asked, repeat)) {
            if !found.contains(&warning) {
                found.push(warning);
            }
        }
    }
    found
}

fn too_few(asked: &QuantileBudget, repeat: &Repeat) -> Option<SpecError> {
    let requests = repeat.pace.requests();
    let fewest = |quantile| smallest_count(quantile, Alpha::FIVE_PERCENT);
    let needed = fewest(asked.quantile);
    if requests >= needed {
        return None;
    }
    let limit = asked.limit.as_ref().map(|limit| &limit.at);
    let regression = asked.regression.as_ref().map(|regression| &regression.at);
    let instead = USUAL.iter().find(|one| fewest(**one) <= requests);
    let instead = instead.map_or_else(String::new, |one| format!(", or use {one}"));
    Some(SpecError {
        what: format!(
            "{} cannot prove a {}: its upper bound needs {}",
            counted(requests, "request"),
            asked.quantile,
            count(needed),
        ),
        at: limit.or(regression)?.clone(),
        label: "never proven".to_owned(),
        help: Some(format!("send at least {} requests{instead}", count(needed))),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spec::{Context, Source};

    fn warnings(text: &str) -> Vec<String> {
        let text = format!("request: http://127.0.0.1:1/\n{text}");
        let source = Source::new("a.yaml", text);
        let specs = Spec::read_all(&source, Path::new("."), &Context::default()).unwrap();
        let warnings = too_few_requests(&specs);
        warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn quantiles_that_are_compared_by_default_are_included() {
        let few = "repeat: { times: 58 }\nbudgets: [{ measure: response_time }]\n";
        assert_eq!(
            warnings(few),
            [
                "a.yaml:3:13: 58 requests cannot prove a p95: its upper bound needs 59 (send at \
                 least 59 requests, or use p90)"
            ]
        );
        assert_eq!(warnings(&few.replace("58", "59")), [""; 0]);
    }

    #[test]
    fn the_requests_of_an_open_loop_are_counted() {
        let open = "repeat: { rate: 2/s, for: 2s }\nbudgets: [{ find: a, p50: < 1s }]\n";
        assert_eq!(
            warnings(open),
            [
                "a.yaml:3:27: 4 requests cannot prove a p50: its upper bound needs 5 (send at least 5 requests)"
            ]
        );
    }

    #[test]
    fn cases_of_a_matrix_share_one_warning() {
        let text = "\
matrix: { key: [a, b] }
repeat: { times: 20 }
budgets: [{ find: a, p99: < 1s, regression: { p50: 20% } }]
";
        assert_eq!(warnings(text).len(), 1);
    }
}
