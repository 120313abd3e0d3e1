//! The clock of a backend, by the `Date` of its answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap};

/// The difference between the clock of a backend and that of this machine.
#[derive(Clone, Debug, Default)]
pub(super) struct BackendClock(Arc<Mutex<Option<i64>>>);

impl BackendClock {
    /// Notes the difference by the headers of an answer that has just arrived.
    pub(super) fn note(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(http_date) else {
            return;
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(seconds_after(date, SystemTime::now()));
    }

    /// Seconds by which the clock of the backend is ahead, to the second; negative if it is behind.
    pub(super) fn seconds_ahead(&self) -> Option<i64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A date of an HTTP header: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(text: &str) -> Option<SystemTime> {
    let date = rfc2822::parse(text).ok()?;
    Some(date.timestamp().into())
}

fn seconds_after(date: SystemTime, now: SystemTime) -> i64 {
    let whole =
        |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match date.duration_since(now) {
        Ok(ahead) => whole(ahead),
        Err(behind) => -whole(behind.duration()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_difference_is_that_of_the_date_header() {
        let date = SystemTime::now() + Duration::from_secs(3_601);
        let timestamp = jiff::Timestamp::try_from(date).unwrap();
        let text = rfc2822::DateTimePrinter::new();
        let text = text.timestamp_to_rfc9110_string(&timestamp).unwrap();
        let clock = BackendClock::default();
        assert_eq!(clock.seconds_ahead(), None);
        clock.note(&HeaderMap::from_iter([(DATE, text.parse().unwrap())]));
        let ahead = clock.seconds_ahead().unwrap();
        assert!((3_590..=3_601).contains(&ahead), "{ahead}");
        clock.note(&HeaderMap::from_iter([(
            DATE,
            "yesterday".parse().unwrap(),
        )]));
        assert!(clock.seconds_ahead().is_some());
    }
}
