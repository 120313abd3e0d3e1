//! Times and durations in nanoseconds, as OTLP has them.

use std::time::Duration;
#[cfg(any(feature = "run", feature = "opentelemetry_0_33"))]
use std::time::SystemTime;

use super::Nanos;

/// A duration in nanoseconds; at most the longest that OTLP can express.
pub(crate) fn nanos_of(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}

/// A time in nanoseconds since 1970; 0 if it is earlier.
#[cfg(any(feature = "run", feature = "opentelemetry_0_33"))]
pub(crate) fn unix_nanos(time: SystemTime) -> Nanos {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    nanos_of(since.unwrap_or_default())
}

/// The unit to which a time may be cut off: logging libraries write seconds, milliseconds or microseconds.
pub(crate) fn unit_of(time: Nanos) -> Nanos {
    let units = [SECOND, 1_000_000, 1_000];
    let unit = units.into_iter().find(|unit| time.is_multiple_of(*unit));
    unit.unwrap_or(1)
}

pub(crate) const SECOND: Nanos = 1_000_000_000;
