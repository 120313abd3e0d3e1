//! The growth of a series since the trigger.

use std::collections::BTreeMap;
use std::time::Instant;

use super::amount::{Amount, Range};
use super::evidence::MetricEvidence;
use crate::trace::{Naming, Point, PointValue, ProcessRecord, SeriesRecord, Temporality};

/// The growth of a series, and the reason if it is not known exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Growth {
    pub(super) range: Range,
    pub(super) doubt: Option<Doubt>,
    /// The last value before the trigger and the last one after it, of a cumulative series.
    pub(super) between: Option<(Amount, Amount)>,
}

/// The reason why a growth is not known exactly. Of several, the first one is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// Gauges do not grow.
    Gauge,
    /// The process does not state the meaning of its values.
    NoTemporality,
    /// The histogram has no sum.
    NoSum,
    /// A value is no number, or infinite.
    NoNumber,
    /// The process was restarted.
    Reset,
    /// The points since the request have no value.
    NoValue,
    /// The series has no point that was collected after the end of the request.
    NotExported,
    /// The first point of the series may count earlier requests.
    NoBaseline,
    /// The series grew before the request, when no spec sent one.
    GrowsAlone,
}

/// The part of the value of a point that grows.
pub(super) type Part = fn(PointValue) -> Option<Amount>;

/// The number of measurements, or the value.
pub(super) fn main_part(value: PointValue) -> Option<Amount> {
    Some(Amount::of(value))
}

/// The sum of the measurements.
pub(super) fn sum_part(value: PointValue) -> Option<Amount> {
    match value {
        PointValue::Measurements { sum, .. } => sum.map(Amount::Double),
        PointValue::Int(_) | PointValue::Double(_) => None,
    }
}

impl Growth {
    fn exactly(amount: Amount) -> Self {
        Self {
            range: Range::exactly(amount),
            doubt: None,
            between: None,
        }
    }

    fn unknown(doubt: Doubt) -> Self {
        Self {
            range: Range::ANY,
            doubt: Some(doubt),
            between: None,
        }
    }

    /// Only a part of it may be of the request.
    fn in_part(self) -> Self {
        if self.range == Range::NONE {
            return self;
        }
        Self {
            range: Range {
                low: self.range.low.map(|_| Amount::ZERO),
                high: self.range.high,
            },
            doubt: self.doubt.or(Some(Doubt::GrowsAlone)),
            between: None,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            range: self.range.plus(other.range),
            doubt: self.doubt.into_iter().chain(other.doubt).min(),
            between: self.between.or(other.between),
        }
    }
}

/// The growth of this part of a series.
pub(super) fn growth(record: &SeriesRecord, part: Part, evidence: &MetricEvidence) -> Growth {
    let Some(process) = evidence.records.processes.get(&record.process) else {
        return Growth::unknown(Doubt::NotExported);
    };
    let series = SeriesInWindow {
        record,
        part,
        evidence,
        process,
    };
    if !evidence.has_value(record) {
        return Growth::unknown(Doubt::NoValue);
    }
    match record.series.temporality {
        Temporality::Cumulative if series.grows_alone() => series.cumulative().in_part(),
        Temporality::Cumulative => series.cumulative(),
        Temporality::Delta => series.delta(),
        Temporality::Unspecified => Growth::unknown(match record.series.kind {
            crate::trace::MetricKind::Gauge => Doubt::Gauge,
            _ => Doubt::NoTemporality,
        }),
    }
}

struct SeriesInWindow<'e> {
    record: &'e SeriesRecord,
    part: Part,
    evidence: &'e MetricEvidence,
    process: &'e ProcessRecord,
}

impl SeriesInWindow<'_> {
    fn is_monotonic(&self) -> bool {
        self.record.series.kind.is_monotonic()
    }

    /// Returns `true` if the point was collected before the trigger, and no other spec has sent a
    /// request since.
    fn is_baseline(&self, point: &Point) -> bool {
        point.arrived < self.evidence.fired
            && self.process.corrected(point.time) >= self.evidence.alone_since
    }

    fn is_after(&self, point: &Point) -> bool {
        point.arrived >= self.evidence.fired
    }

    /// Points of one start are the values of one counter, which begins at 0.
    fn cumulative(&self) -> Growth {
        let mut counters: BTreeMap<u64, Vec<Point>> = BTreeMap::new();
        for point in &self.record.points {
            counters.entry(point.start).or_default().push(*point);
        }
        let last_with_points = counters
            .iter()
            .rfind(|(_, points)| points.iter().any(|point| self.is_after(point)))
            .map(|(start, _)| *start);
        let growths = counters.into_iter().map(|(start, mut points)| {
            points.sort_by_key(|point| (point.time, point.arrived));
            let was_replaced = last_with_points.is_some_and(|last| last > start);
            self.of_counter(start, &points, was_replaced)
        });
        growths.fold(Growth::exactly(Amount::ZERO), Growth::plus)
    }

    /// The growth of the counter with these points, in order of time.
    fn of_counter(&self, start: u64, points: &[Point], was_replaced: bool) -> Growth {
        let baseline = points.iter().rev().find(|point| self.is_baseline(point));
        let Some(last) = points.iter().rev().find(|point| self.is_after(point)) else {
            return match baseline {
                // Its last values are not known.
                Some(_) if was_replaced => self.at_least(Some(Amount::ZERO), Doubt::Reset),
                Some(_) => self.at_least(Some(Amount::ZERO), self.absence()),
                // It ended before.
                None => Growth::exactly(Amount::ZERO),
            };
        };
        let Some(last_value) = (self.part)(last.value) else {
            return Growth::unknown(Doubt::NoSum);
        };
        if !last_value.is_finite() {
            return Growth::unknown(Doubt::NoNumber);
        }
        let of_window = points
            .iter()
            .filter(|point| baseline.is_none_or(|baseline| point.time >= baseline.time));
        if self.decreases(of_window) {
            // It counts from 0 since the reset.
            let least = baseline.map_or(Amount::ZERO, |_| last_value);
            return self.at_least(Some(least), Doubt::Reset);
        }
        let begins_after = start != 0 && self.process.corrected(start) >= self.evidence.alone_since;
        let first_value = match baseline {
            Some(baseline) => (self.part)(baseline.value),
            None if begins_after && self.is_silent_before() => {
                // Another counter may have ended.
                return self.at_least(Some(last_value), Doubt::NoBaseline);
            }
            None if begins_after || self.was_missing(start) => Some(Amount::ZERO),
            None => None,
        };
        let growth = match first_value {
            Some(first) if !first.is_finite() => return Growth::unknown(Doubt::NoNumber),
            Some(first) => Growth {
                between: Some((first, last_value)),
                ..Growth::exactly(last_value.minus(first))
            },
            None if self.is_monotonic() => Growth {
                range: Range {
                    low: Some(Amount::ZERO),
                    high: Some(last_value),
                },
                doubt: Some(Doubt::NoBaseline),
                between: None,
            },
            None => Growth::unknown(Doubt::NoBaseline),
        };
        match self.is_final(last) {
            true => growth,
            false => self.at_least(growth.range.low, self.absence()),
        }
    }

    fn absence(&self) -> Doubt {
        self.evidence.absence(self.record, self.process)
    }

    /// The growth is this or more.
    fn at_least(&self, low: Option<Amount>, doubt: Doubt) -> Growth {
        Growth {
            range: Range {
                low: low.filter(|_| self.is_monotonic()),
                high: None,
            },
            doubt: Some(doubt),
            between: None,
        }
    }

    /// Returns `true` if a series that is scraped grew between the readings before the trigger, or there are
    /// fewer than two.
    fn grows_alone(&self) -> bool {
        if self.record.series.naming == Naming::OpenTelemetry {
            return false;
        }
        let is_before =
            |arrived: Instant| (self.evidence.began..self.evidence.fired).contains(&arrived);
        let exports = self.process.exports.iter().map(|(arrived, _)| *arrived);
        let mut readings = exports.filter(|arrived| is_before(*arrived));
        let (Some(first), Some(_)) = (readings.next(), readings.next()) else {
            return true;
        };
        let points = self.record.points.iter();
        let before: Vec<&Point> = points.filter(|point| is_before(point.arrived)).collect();
        let value = |point: &&Point| Amount::of(point.value);
        let earlier = before.iter().find(|point| point.arrived == first);
        let earlier = earlier.map_or(Amount::ZERO, value);
        before
            .last()
            .is_some_and(|last| earlier.is_less(value(last)))
    }

    /// Returns `true` if a counter decreases, which is a reset that the start does not show.
    fn decreases<'p>(&self, points: impl Iterator<Item = &'p Point>) -> bool {
        let values = points.map(|point| Amount::of(point.value));
        self.is_monotonic() && !values.is_sorted_by(|a, b| !b.is_less(*a))
    }

    /// Returns `true` if the process exported before the trigger, and never this counter. Then the counter
    /// did not exist.
    fn was_missing(&self, start: u64) -> bool {
        let mut points = self.record.points.iter();
        let is_known = points.any(|point| point.start != start || !self.is_after(point));
        !is_known && self.exported_before()
    }

    /// Returns `true` if the process exported between the last request of others and the trigger.
    fn exported_before(&self) -> bool {
        let mut exports = self.process.exports.iter();
        exports.any(|(arrived, time)| {
            *arrived < self.evidence.fired
                && self.process.corrected(*time) >= self.evidence.alone_since
        })
    }

    /// Returns `true` if the process is known from before, and did not export in that time.
    fn is_silent_before(&self) -> bool {
        let mut exports = self.process.exports.iter();
        exports.any(|(arrived, _)| *arrived < self.evidence.fired) && !self.exported_before()
    }

    fn is_final(&self, point: &Point) -> bool {
        self.process.corrected(point.time) >= self.evidence.settled
    }

    /// The sum of the points after the trigger.
    fn delta(&self) -> Growth {
        let mut counted: Vec<&Point> = Vec::new();
        for point in self
            .record
            .points
            .iter()
            .filter(|point| self.is_after(point))
        {
            let is_repeated = |other: &&Point| {
                (other.start, other.time, other.value) == (point.start, point.time, point.value)
            };
            if !counted.iter().any(is_repeated) {
                counted.push(point);
            }
        }
        let mut growth = Growth::exactly(Amount::ZERO);
        for point in counted {
            let Some(value) = (self.part)(point.value) else {
                return Growth::unknown(Doubt::NoSum);
            };
            if !value.is_finite() {
                return Growth::unknown(Doubt::NoNumber);
            }
            growth = growth.plus(self.of_interval(point, value));
        }
        let without_value = self.record.without_value;
        if without_value.is_some_and(|(arrived, _)| arrived >= self.evidence.fired) {
            return self.at_least(growth.range.low, Doubt::NoValue);
        }
        match self.evidence.is_process_final(self.process) {
            true => growth,
            false => self.at_least(growth.range.low, self.absence()),
        }
    }

    fn of_interval(&self, point: &Point, value: Amount) -> Growth {
        let alone_since = self.evidence.alone_since;
        if self.process.corrected(point.time) < alone_since {
            return Growth::exactly(Amount::ZERO);
        }
        if point.start != 0 && self.process.corrected(point.start) >= alone_since {
            return Growth::exactly(value);
        }
        match self.is_monotonic() {
            true => Growth {
                range: Range {
                    low: Some(Amount::ZERO),
                    high: Some(value),
                },
                doubt: Some(Doubt::NoBaseline),
                between: None,
            },
            false => Growth::unknown(Doubt::NoBaseline),
        }
    }
}
