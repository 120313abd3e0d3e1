//! Export delays that late spans have shown.
//!
//! A span that arrives after the flush bound shows that the bound was too small. For the rest of
//! the run, the bound is at least the delay of that span and a margin.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[cfg(feature = "run")]
use crate::number::{duration, yaml};

/// Added to the delay of a service, since an export takes time.
pub(crate) const MARGIN: Duration = Duration::from_millis(250);

/// Suggested bounds are multiples of this.
#[cfg(feature = "run")]
const STEP: Duration = Duration::from_millis(100);

/// The largest delays of spans that arrived after the flush bound, by service. All traces of a run
/// share them.
#[derive(Debug, Default)]
pub(crate) struct ExportDelays(Mutex<BTreeMap<String, ExportDelay>>);

/// The largest delay of a service.
#[derive(Clone, Copy, Debug)]
struct ExportDelay {
    /// Time from the response and the tail to the arrival.
    by: Duration,
    /// The flush bound that it disproved.
    #[cfg_attr(
        not(feature = "run"),
        expect(dead_code, reason = "only the note of a run contains it")
    )]
    bound: Duration,
}

impl ExportDelays {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Records that a span of `service` arrived this long after the response and the tail, later
    /// than the flush bound.
    pub(super) fn record(&self, service: &str, by: Duration, bound: Duration) {
        let mut all = self.lock();
        match all.get_mut(service) {
            Some(known) if known.by >= by => {}
            Some(known) => known.by = by,
            None => {
                all.insert(service.to_owned(), ExportDelay { by, bound });
            }
        }
    }

    /// The smallest flush bound for all recorded spans; zero if there are none.
    pub(super) fn bound(&self) -> Duration {
        let largest = self.lock().values().map(|late| late.by).max();
        largest.map_or(Duration::ZERO, |by| by + MARGIN)
    }

    /// A note about the recorded spans, with a sufficient flush bound, or `delay` of a backend.
    #[cfg(feature = "run")]
    pub(crate) fn note(&self, is_backend: bool) -> Option<String> {
        let all = self.lock();
        let latest = all.values().max_by_key(|late| late.by)?;
        let services = all
            .iter()
            .map(|(service, late)| format!("{service} {}", duration(late.by)));
        let services = services.collect::<Vec<_>>().join(", ");
        let (bound, enough) = (duration(latest.bound), sufficient(latest.by));
        let (bound, remedy) = match is_backend {
            true => (
                format!("the `delay` of {bound}"),
                format!("`delay: {enough}` of `source`"),
            ),
            false => (
                format!("the flush bound of {bound}"),
                format!("`wait: {{ flush: {enough} }}`"),
            ),
        };
        Some(format!(
            "spans arrived later after the response than {bound}: {services}; the rest of the run waited longer; set {remedy}, or `tail` if work goes on after the response",
        ))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ExportDelay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The flush bound with which a span of this delay would have arrived in time, as specs contain it.
#[cfg(feature = "run")]
pub(crate) fn sufficient(delay: Duration) -> String {
    let steps = (delay + MARGIN).as_nanos().div_ceil(STEP.as_nanos());
    yaml(STEP * u32::try_from(steps).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_latest_span_of_any_service_decides() {
        let delays = ExportDelays::default();
        assert_eq!(delays.bound(), Duration::ZERO);
        delays.record("order", 900 * MS, 350 * MS);
        delays.record("payment", 1_503 * MS, 350 * MS);
        delays.record("payment", 400 * MS, 350 * MS);
        assert_eq!(delays.bound(), 1_753 * MS);
    }

    #[cfg(feature = "run")]
    #[test]
    fn the_sufficient_bound_has_a_margin_and_is_rounded_up() {
        let of = |millis| sufficient(millis * MS);
        assert_eq!(of(0), "300ms");
        assert_eq!(of(700), "1s");
        assert_eq!(of(4_800), "5.1s");
    }

    #[cfg(feature = "run")]
    #[test]
    fn the_note_names_services_lateness_and_the_bound_that_would_suffice() {
        let delays = ExportDelays::default();
        assert_eq!(delays.note(false), None);
        delays.record("order", 900 * MS, 350 * MS);
        delays.record("payment", Duration::from_micros(1_502_100), 350 * MS);
        assert_eq!(
            delays.note(false).unwrap(),
            "spans arrived later after the response than the flush bound of 350 ms: order 900 ms, payment 1.5 s; the rest of the run waited longer; set `wait: { flush: 1.8s }`, or `tail` if work goes on after the response"
        );
        assert_eq!(
            delays.note(true).unwrap(),
            "spans arrived later after the response than the `delay` of 350 ms: order 900 ms, payment 1.5 s; the rest of the run waited longer; set `delay: 1.8s` of `source`, or `tail` if work goes on after the response"
        );
    }
}
