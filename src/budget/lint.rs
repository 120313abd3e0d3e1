//! Warnings about budgets that need no run.

use super::quantile::Quantile;
use super::sample_size::{SampleSize, Scatter, samples_for_bounds};
use super::samples::Samples;
use super::share::{SHARE_ERROR, trials_to_prove_within};
use crate::number::{Unit, count, counted};
use crate::spec::{QuantileBudget, Repeat, ShareRange, Spec, SpecError};

/// Quantiles that are suggested instead.
const USUAL: [Quantile; 4] = [Quantile::P99, Quantile::P95, Quantile::P90, Quantile::P50];

/// Warns about quantiles for which a spec sends too few requests: a run has no bounds of them, unless
/// it decides other claims first. A location that several cases of a matrix share has one warning.
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
///     "100 requests cannot prove a p99: its bounds need 368 with 2 claims"
/// );
/// ```
#[must_use]
pub fn too_few_requests(specs: &[Spec]) -> Vec<SpecError> {
    let mut found: Vec<SpecError> = Vec::new();
    for spec in specs {
        let Some(repeat) = &spec.repeat else {
            continue;
        };
        let claims = claims(spec);
        let asked = spec.budgets.iter().flat_map(|budget| &budget.quantiles);
        let of_share = too_few_for_share(spec, repeat);
        let of_budgets = asked.filter_map(|asked| too_few(asked, repeat, claims));
        for warning in of_budgets.chain(of_share) {
            if !found.contains(&warning) {
                found.push(warning);
            }
        }
    }
    found
}

/// The number of requests that prove an unchanged version, for each compared quantile of a spec that
/// sends fewer; `None` if there is none. `measured` has the values of the baseline for a subject.
#[must_use]
pub fn requests_to_prove<'b>(
    spec: &Spec,
    measured: impl Fn(&str) -> Option<Samples> + 'b,
) -> Option<String> {
    let repeat = spec.repeat.as_ref()?;
    let requests = repeat.pace.requests();
    let claims = claims(spec);
    let mut is_typical = false;
    let mut needed = Vec::new();
    for budget in &spec.budgets {
        let baseline = measured(&budget.subject);
        for one in &budget.quantiles {
            let Some(regression) = &one.regression else {
                continue;
            };
            let own = baseline.as_ref();
            let own = own.and_then(|samples| Scatter::of(samples, one.quantile));
            if own.is_none() && budget.measure.unit() == Unit::Number {
                // Many counts do not vary at all, and none is typical.
                continue;
            }
            let scatter = own.unwrap_or_else(|| Scatter::typical(one.quantile));
            let tolerance = regression.tolerance_at(one.quantile);
            let size = SampleSize::to_prove(tolerance, scatter, claims);
            if size.exceeds(requests) {
                is_typical |= own.is_none();
                let size = size.to_string().to_lowercase();
                needed.push(format!("{size} for {} of {}", one.quantile, budget.subject));
            }
        }
    }
    let from = match is_typical {
        true => "typical durations",
        false => "the baseline",
    };
    (!needed.is_empty()).then(|| {
        format!(
            "{} are too few to prove OK if nothing changed: {} {} (estimated from {from})",
            counted(requests, repeat.pace.unit()),
            if repeat.pace.is_search() {
                "find"
            } else {
                "send"
            },
            needed.join(", "),
        )
    })
}

/// The number of claims that share the probability of an error.
fn claims(spec: &Spec) -> usize {
    let quantiles = spec.budgets.iter().flat_map(|budget| &budget.quantiles);
    quantiles
        .map(|one| usize::from(one.limit.is_some()) + usize::from(one.is_compared()))
        .sum()
}

fn too_few(asked: &QuantileBudget, repeat: &Repeat, claims: usize) -> Option<SpecError> {
    let requests = repeat.pace.requests();
    let fewest = |quantile| samples_for_bounds(quantile, claims);
    let needed = fewest(asked.quantile);
    if requests >= needed {
        return None;
    }
    let limit = asked.limit.as_ref().map(|limit| &limit.at);
    let regression = asked.regression.as_ref().map(|regression| &regression.at);
    let instead = USUAL.iter().find(|one| fewest(**one) <= requests);
    let instead = instead.map_or_else(String::new, |one| format!(", or use {one}"));
    let several = match claims {
        0 | 1 => String::new(),
        several => format!(" with {several} claims"),
    };
    Some(SpecError {
        what: format!(
            "{} cannot prove a {}: its bounds need {}{several}",
            counted(requests, repeat.pace.unit()),
            asked.quantile,
            count(needed),
        ),
        at: limit.or(regression)?.clone(),
        label: "not provable".to_owned(),
        help: Some(match repeat.pace.is_search() {
            true => format!("raise `limit` to at least {}{instead}", count(needed)),
            false => format!("send at least {} requests{instead}", count(needed)),
        }),
    })
}

/// Warns about a share of kept traces that the requests of a spec cannot prove, even with the share that is proven
/// soonest.
fn too_few_for_share(spec: &Spec, repeat: &Repeat) -> Option<SpecError> {
    let expected = spec.steps.first()?.share.as_ref()?;
    let ShareRange {
        least,
        most,
        written,
    } = &expected.share.within;
    let soonest = match (*least > 0.0, *most < 1.0) {
        (false, _) => 0.0,
        (_, false) => 1.0,
        (true, true) => f64::midpoint(*least, *most),
    };
    let requests = counted(repeat.pace.requests(), repeat.pace.unit());
    let (needs, help) = match trials_to_prove_within(soonest, [*least, *most], SHARE_ERROR) {
        Some(needed) if needed <= repeat.pace.requests() => return None,
        Some(needed) => {
            let needed = count(needed);
            let more = match repeat.pace.is_search() {
                true => format!("raise `limit` to at least {needed}"),
                false => format!("send at least {needed} requests"),
            };
            (
                format!("about {needed}"),
                format!("{more}, or widen the range"),
            )
        }
        None => (
            "more than a million".to_owned(),
            "widen the range".to_owned(),
        ),
    };
    Some(SpecError {
        what: format!("{requests} cannot prove a share of {written}: that needs {needs}"),
        at: expected.at.clone(),
        label: "not provable".to_owned(),
        help: Some(help),
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
                "a.yaml:3:13: 58 requests cannot prove a p95: its bounds need 72 with 2 claims (send at \
                 least 72 requests, or use p90)"
            ]
        );
        assert_eq!(warnings(&few.replace("58", "72")), [""; 0]);
    }

    #[test]
    fn the_requests_of_an_open_loop_are_counted() {
        let open = "repeat: { rate: 2/s, for: 2s }\nbudgets: [{ find: a, p50: < 1s }]\n";
        assert_eq!(
            warnings(open),
            [
                "a.yaml:3:27: 4 requests cannot prove a p50: its bounds need 6 with 2 claims (send at least 6 requests)"
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

    #[test]
    fn the_requests_that_prove_an_unchanged_version_come_from_the_baseline_if_there_is_one() {
        let text = "request: http://127.0.0.1:1/\nrepeat: { times: 100 }\nbudgets: [{ find: a, regression: { p50: 20% } }]\n";
        let source = Source::new("a.yaml", text);
        let specs = Spec::read_all(&source, Path::new("."), &Context::default()).unwrap();
        let said = |baseline: Option<Samples>| requests_to_prove(&specs[0], |_| baseline.clone());
        assert_eq!(
            said(None).unwrap(),
            "100 requests are too few to prove OK if nothing changed: send about 390 for p50 of a (estimated from typical durations)"
        );
        let own = said(Some((1_000..3_000).collect())).unwrap();
        assert!(
            own.ends_with("for p50 of a (estimated from the baseline)"),
            "{own}"
        );
        assert_eq!(said(Some((1_000..1_100).collect())), None);
    }
}
