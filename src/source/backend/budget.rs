//! A limit of requests within a time, as some backends have it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;

/// The requests of all specs to one backend.
#[derive(Clone, Debug)]
pub(super) struct RequestBudget {
    most: usize,
    period: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    sent: VecDeque<Instant>,
    /// The number of requests that the backend still permits until then.
    left: Option<(usize, Instant)>,
}

/// The pause between two polls of one trace while the whole budget is left.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);

impl RequestBudget {
    pub(super) fn new(most: usize, period: Duration) -> Self {
        Self {
            most,
            period,
            state: Arc::default(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The time until the next request is permitted.
    pub(super) fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.left(&mut state, now) == 0 {
            let reset = match state.left {
                Some((_, until)) => until,
                None => state.sent.front().map_or(now, |&first| first + self.period),
            };
            return Err(reset.saturating_duration_since(now));
        }
        state.sent.push_back(now);
        if let Some((left, _)) = &mut state.left {
            *left = left.saturating_sub(1);
        }
        Ok(())
    }

    /// Takes note of `X-RateLimit-Remaining` and `X-RateLimit-Reset`, in seconds, which also count the requests of
    /// others.
    pub(super) fn note(&self, headers: &HeaderMap, now: Instant) {
        let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let left = number("x-ratelimit-remaining").zip(number("x-ratelimit-reset"));
        if let Some((left, seconds)) = left {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let until = now + Duration::from_secs(seconds).min(self.period);
            state.left = Some((usize::try_from(left).unwrap_or(usize::MAX), until));
        }
    }

    /// The pause between two polls of one trace. It grows as the budget is used.
    pub(super) fn pause(&self, now: Instant) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let left = u32::try_from(self.left(&mut state, now)).unwrap_or(u32::MAX);
        let most = u32::try_from(self.most).unwrap_or(u32::MAX);
        SHORTEST_PAUSE * most / left.max(1)
    }

    fn left(&self, state: &mut State, now: Instant) -> usize {
        while state
            .sent
            .front()
            .is_some_and(|&first| now.duration_since(first) >= self.period)
        {
            state.sent.pop_front();
        }
        let own = self.most.saturating_sub(state.sent.len());
        match state.left {
            Some((left, until)) if now < until => left.min(own),
            _ => {
                state.left = None;
                own
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_budget_that_is_used_up_is_whole_again_after_its_period() {
        let budget = RequestBudget::new(2, HOUR);
        let now = Instant::now();
        assert_eq!(budget.pause(now), SHORTEST_PAUSE);
        assert_eq!(budget.take(now), Ok(()));
        assert_eq!(budget.pause(now), 2 * SHORTEST_PAUSE);
        assert_eq!(budget.take(now + HOUR / 2), Ok(()));
        assert_eq!(budget.take(now + HOUR / 2), Err(HOUR / 2));
        assert_eq!(budget.take(now + HOUR), Ok(()));
    }

    #[test]
    fn the_backend_also_counts_the_requests_of_others() {
        let budget = RequestBudget::new(300, HOUR);
        let now = Instant::now();
        let headers = [("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "60")];
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        budget.note(&headers.collect(), now);
        assert_eq!(budget.take(now), Ok(()));
        assert_eq!(budget.take(now), Err(Duration::from_secs(60)));
        assert_eq!(budget.take(now + Duration::from_secs(60)), Ok(()));
    }

    #[test]
    fn a_backend_cannot_extend_the_period() {
        let budget = RequestBudget::new(300, HOUR);
        let now = Instant::now();
        let huge = u64::MAX.to_string();
        let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &huge)];
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        budget.note(&headers.collect(), now);
        assert_eq!(budget.take(now), Err(HOUR));
    }
}
