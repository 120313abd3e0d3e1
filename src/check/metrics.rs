//! Checks of the series that an entry of `metrics` selects.

mod amount;
mod evidence;
mod exemplars;
mod growth;
mod prometheus;
mod selection;
mod silence;
mod waiting;

use std::collections::{BTreeSet, HashSet};

use amount::{Amount, Range};
pub use evidence::{MetricEnd, MetricEvidence};
use growth::{Doubt, Growth, Part, growth, main_part, sum_part};
pub(crate) use waiting::{AwaitedMetrics, awaited};

use super::judgement::{FailureDetail, Finality, Judgement, Standing};
use super::select::Evaluator;
use super::truth::Truth;
use super::{CheckRef, EntryCheck, Failure, Subject, Unjudged, words};
use crate::spec::{Matcher, MetricAsk, MetricCondition, MetricEntry};
use crate::trace::{MetricKind, Naming, PointValue, Series, SeriesRecord, Temporality, Value};

/// Upper limit of the series that a failure describes.
const MOST_SERIES: usize = 3;

/// Judges an entry: the existence of series, and each condition on them. Without evidence, the source
/// has no metrics.
pub(super) fn judge(
    number: usize,
    entry: &MetricEntry,
    evidence: Option<&MetricEvidence>,
    evaluator: &Evaluator<'_>,
) -> Vec<Judgement> {
    let identity = |part| CheckRef::Metric {
        entry: number,
        part,
    };
    let what = format!("series that match {}", entry.find);
    let unjudged = |why| {
        let (check, at) = (identity(EntryCheck::Entry), entry.at.clone());
        vec![Judgement::new(
            check,
            what.clone(),
            at,
            last(Standing::unjudged(why)),
        )]
    };
    if let Some(name) = entry.awaits.first() {
        return unjudged(Unjudged::NotCaptured(name.clone()));
    }
    let Some(evidence) = evidence else {
        return unjudged(no_metrics());
    };
    let selection = Selection::new(entry, evidence, evaluator);
    let find = selection.subject();
    let what = format!("series that match {find}");
    let existence = selection.existence();
    let has_series = !selection.series.is_empty();
    let mut judged = Vec::new();
    if !entry.only_counts_points() {
        let (check, at) = (identity(EntryCheck::Count), entry.find_at.clone());
        judged.push(Judgement::new(check, what, at, last(existence)));
    }
    if has_series || entry.only_counts_points() {
        judged.extend(entry.asks.iter().enumerate().map(|(index, condition)| {
            let (key, expected) = (condition.ask.key(), condition.ask.expected());
            let what = format!("{key} of {find}: {expected}");
            let standing = last(selection.judge(condition));
            let check = identity(EntryCheck::Each(index));
            Judgement::new(check, what, condition.at.clone(), standing)
        }));
    }
    judged
}

/// Names of the services whose series an entry selects.
#[cfg(feature = "run")]
pub(crate) fn services<'e>(
    entries: &'e [MetricEntry],
    evidence: &'e MetricEvidence,
) -> impl Iterator<Item = &'e str> {
    let records = evidence.records.series.iter().filter(|record| {
        let mut finds = entries.iter().map(|entry| &entry.find);
        evidence.is_exported(record)
            && finds.any(|find| selection::selects(find, &record.series) != Truth::No)
    });
    records.map(|record| record.series.resource.service())
}

/// The wait for metrics is over when they are judged, so no outcome can change.
fn last(standing: Standing) -> Standing {
    Standing {
        finality: Finality::Final,
        ..standing
    }
}

fn no_metrics() -> Unjudged {
    unknown(
        "the source of this trace has no metrics",
        "receive them: run `spanspec run` without `source`",
    )
}

fn unknown(reason: impl Into<String>, remedy: impl Into<String>) -> Unjudged {
    Unjudged::Metrics {
        reason: reason.into(),
        remedy: remedy.into(),
    }
}

/// The series that an entry selects.
struct Selection<'e, 't> {
    entry: &'e MetricEntry,
    evidence: &'e MetricEvidence,
    evaluator: &'e Evaluator<'t>,
    /// Those that are exported, by name and attributes.
    series: Vec<&'e SeriesRecord>,
    /// It is not certain that all of them match, or only these.
    is_doubtful: bool,
    /// Their names in Prometheus, if those differ from the name in the selector.
    exported_as: BTreeSet<&'e str>,
}

impl<'e, 't> Selection<'e, 't> {
    fn new(
        entry: &'e MetricEntry,
        evidence: &'e MetricEvidence,
        evaluator: &'e Evaluator<'t>,
    ) -> Self {
        let (mut series, mut is_doubtful) = (Vec::new(), false);
        for record in &evidence.records.series {
            let truth = selection::selects(&entry.find, &record.series);
            if truth == Truth::No || !evidence.is_exported(record) {
                continue;
            }
            is_doubtful |= !truth.is_known();
            if truth.seems() {
                series.push(&**record);
            }
        }
        let (renamed, exact): (Vec<_>, Vec<_>) = series
            .into_iter()
            .partition(|record| selection::is_renamed(&entry.find, &record.series));
        // A service that also has the name itself means that one.
        let service = |record: &SeriesRecord| record.series.resource.service().to_owned();
        let exact_services: BTreeSet<String> = exact.iter().map(|one| service(one)).collect();
        let renamed = renamed.into_iter();
        let renamed: Vec<_> = renamed
            .filter(|record| !exact_services.contains(&service(record)))
            .collect();
        let exported_as = renamed.iter().map(|record| &*record.series.name).collect();
        let mut series = [exact, renamed].concat();
        series.sort_by_cached_key(|record| selection::described(&record.series));
        Self {
            entry,
            evidence,
            evaluator,
            series,
            is_doubtful,
            exported_as,
        }
    }

    /// The selector in words, with the name in Prometheus if that is another one.
    fn subject(&self) -> String {
        let find = &self.entry.find;
        match self.exported_as.first() {
            Some(name) => format!("{find} (scraped as `{name}`)"),
            None => find.to_string(),
        }
    }

    /// The reason why points or series may be missing.
    fn gap(&self) -> Option<Unjudged> {
        let find = &self.entry.find;
        let service = find.exact_service();
        let holes = self.evidence.records.holes.iter();
        let concerning = holes.filter(|hole| selection::concerns(find, hole));
        if let Some(hole) = concerning.min_by_key(|hole| hole.scraped.as_deref() != service) {
            let reason = format!("metrics may be missing: {}", hole.hole);
            return Some(unknown(reason, hole.hole.remedy.clone()));
        }
        if self.exported_as.len() > 1 {
            let names = self.exported_as.iter().map(|name| format!("`{name}`"));
            let names: Vec<String> = names.collect();
            return Some(unknown(
                format!("several scraped metrics can be meant: {}", names.join(", ")),
                "write the name of one of them, or add `unit` to `find`",
            ));
        }
        if self.is_doubtful {
            return Some(unknown(
                "attributes of a series were dropped, so it may match or not",
                "raise the attribute limits of the SDK, or check a resource attribute that is kept",
            ));
        }
        match self.evidence.end {
            MetricEnd::Complete => self.silent_replica(),
            MetricEnd::PassedOn => None,
            MetricEnd::NotPassedOn => Some(Unjudged::MarkerMissing),
            MetricEnd::NotReached => Some(Unjudged::NotReached),
        }
    }

    /// At least one series is exported.
    fn existence(&self) -> Standing {
        if !self.series.is_empty() {
            if let Some(why) = self.only_without_values() {
                return Standing::unjudged(why);
            }
            return match self.is_doubtful || self.exported_as.len() > 1 {
                true => self
                    .gap()
                    .map_or_else(|| Standing::holds(Finality::Final), Standing::unjudged),
                false => Standing::holds(Finality::Final),
            };
        }
        let silence = || match self.evidence.end {
            MetricEnd::PassedOn => None,
            MetricEnd::Complete | MetricEnd::NotPassedOn | MetricEnd::NotReached => self.silence(),
        };
        if let Some(why) = self.gap().or_else(silence) {
            return Standing::unjudged(why);
        }
        let mut failure = Failure::new(
            Subject::SelectedSeries(self.entry.find.to_string()),
            self.entry.find_at.clone(),
            "at least 1",
            "none",
        );
        if self.evaluator.detail == FailureDetail::Explained {
            failure.nearest = selection::nearest(&self.entry.find, self.evidence);
            failure.hints.extend(self.prometheus_hint());
            failure.hints.extend(self.ended_hint());
            if failure.hints.is_empty() {
                failure.hints.extend(self.exported_hint());
            }
        }
        Standing::fails(failure, Finality::Final)
    }

    fn prometheus_hint(&self) -> Option<String> {
        let wanted = self.entry.find.name()?;
        let mut series = self.evidence.records.series.iter().map(|one| &one.series);
        series.find_map(|series| {
            let name = &series.name;
            if prometheus::is_part(wanted, series) {
                return Some(format!(
                    "a scraped {} has one name without suffix: write `{name}`",
                    series.kind.name()
                ));
            }
            selection::is_prometheus_name(wanted, series)
                .then(|| format!("names are those of OTLP, not of Prometheus: write `{name}`"))
        })
    }

    /// A series that matches is not exported any more.
    fn ended_hint(&self) -> Option<String> {
        let mut series = self.evidence.records.series.iter();
        let ended =
            series.find(|one| selection::selects(&self.entry.find, &one.series) == Truth::Yes)?;
        Some(format!(
            "`{}` was exported before, but not since the request",
            ended.series.name
        ))
    }

    fn judge(&self, condition: &MetricCondition) -> Standing {
        match &condition.ask {
            MetricAsk::Change(matcher) => self.change(condition, matcher),
            MetricAsk::Value(matcher) => self.value(condition, matcher),
            MetricAsk::Count(matcher) => self.total(condition, matcher, main_part),
            MetricAsk::Sum(matcher) => self.total(condition, matcher, sum_part),
            MetricAsk::Points(matcher) => self.points(condition, matcher),
            MetricAsk::Exemplar(pattern) => self.exemplar(condition, pattern.as_ref()),
        }
    }

    /// The growth of all series together.
    fn change(&self, condition: &MetricCondition, matcher: &Matcher) -> Standing {
        if let Some(gauge) = self.of_kind(|kind| kind == MetricKind::Gauge) {
            let hint = "a gauge has no `change`: check its `value`";
            return self.not_applicable(condition, gauge, hint);
        }
        let growths = self.series.iter().map(|record| {
            let growth = growth(record, main_part, self.evidence);
            (*record, growth)
        });
        let growths: Vec<(&SeriesRecord, Growth)> = growths.collect();
        let all = growths.iter().map(|(_, growth)| growth.range);
        let range = all.fold(Range::NONE, Range::plus);
        let doubts = growths
            .iter()
            .filter_map(|(record, growth)| Some((*record, growth.doubt?)));
        let doubt = doubts.min_by_key(|(_, doubt)| *doubt);
        let found = || found_growth(range, &growths);
        self.of_range(condition, matcher, range, doubt, found)
    }

    /// The verdict about an amount that may be known within bounds only.
    fn of_range(
        &self,
        condition: &MetricCondition,
        matcher: &Matcher,
        range: Range,
        doubt: Option<(&SeriesRecord, Doubt)>,
        found: impl FnOnce() -> String,
    ) -> Standing {
        if let Some(why) = self.twofold() {
            return Standing::unjudged(why);
        }
        let gap = self.gap();
        let range = match gap {
            None => range,
            // What may be missing can only add.
            Some(_) if self.only_grows() => Range {
                high: None,
                ..range
            },
            Some(_) => Range::ANY,
        };
        match (range.matches(matcher), doubt) {
            (None, _) if gap.is_some() => Standing::unjudged(gap.unwrap_or(Unjudged::NotReached)),
            (Some(true), _) => Standing::holds(Finality::Final),
            (Some(false), _) => Standing::fails(self.failure(condition, found()), Finality::Final),
            (None, Some((record, doubt))) => Standing::unjudged(self.why(doubt, record)),
            (None, None) => Standing::unjudged(self.silence_of(&self.series)),
        }
    }

    /// The reason if a process exports a series in two ways, so that the sum counts it twice.
    fn twofold(&self) -> Option<Unjudged> {
        let mut seen = HashSet::new();
        let twofold = self.series.iter().find(|record| {
            let Series {
                scope,
                name,
                attributes,
                ..
            } = &record.series;
            let scope = (&scope.name, &scope.version);
            !seen.insert((record.process, scope, name, format!("{attributes:?}")))
        })?;
        let (name, service) = (&twofold.series.name, twofold.series.resource.service());
        Some(unknown(
            format!(
                "`{name}` of `{service}` is exported twice, with different temporalities, types or units"
            ),
            "let the service export it once: remove one of its readers or exporters",
        ))
    }

    /// Returns `true` if no series can decrease, and all of them match.
    fn only_grows(&self) -> bool {
        let is_certain = !self.is_doubtful && self.exported_as.len() < 2;
        is_certain && self.of_kind(|kind| !kind.is_monotonic()).is_none()
    }

    fn failure(&self, condition: &MetricCondition, found: String) -> Failure {
        let subject = Subject::Series {
            part: condition.ask.key().to_owned(),
            name: self.subject(),
        };
        let (at, expected) = (condition.at.clone(), condition.ask.expected());
        Failure::new(subject, at, expected, found)
    }

    fn of_kind(&self, is_wrong: impl Fn(MetricKind) -> bool) -> Option<&'e SeriesRecord> {
        let mut series = self.series.iter();
        series.find(|record| is_wrong(record.series.kind)).copied()
    }

    fn not_applicable(
        &self,
        condition: &MetricCondition,
        record: &SeriesRecord,
        hint: &str,
    ) -> Standing {
        let found = format!("a {}, `{}`", record.series.kind.name(), record.series.name);
        let mut failure = self.failure(condition, found);
        failure.hints.push(hint.to_owned());
        Standing::fails(failure, Finality::Final)
    }

    /// The last value of each series.
    fn value(&self, condition: &MetricCondition, matcher: &Matcher) -> Standing {
        if let Some(other) =
            self.of_kind(|kind| matches!(kind, MetricKind::Histogram | MetricKind::Summary))
        {
            let hint = "it has no `value`: check its `count` or `sum`";
            return self.not_applicable(condition, other, hint);
        }
        if let Some(gap) = self.gap() {
            return Standing::unjudged(gap);
        }
        let mut open = None;
        for record in &self.series {
            let (range, doubt) = self.last(record, main_part);
            match range.matches(matcher) {
                Some(true) => {}
                Some(false) => {
                    let value = range.exact().map(|amount| amount.value().to_string());
                    let value = value.unwrap_or_else(|| "another value".to_owned());
                    let found = match self.series.len() {
                        1 => value,
                        _ => format!("{value} of {}", selection::described(&record.series)),
                    };
                    return Standing::fails(self.failure(condition, found), Finality::Final);
                }
                None => {
                    open.get_or_insert(self.why(doubt.unwrap_or(Doubt::NotExported), record));
                }
            }
        }
        open.map_or_else(|| Standing::holds(Finality::Final), Standing::unjudged)
    }

    /// The number or the sum of the measurements of all histograms.
    fn total(&self, condition: &MetricCondition, matcher: &Matcher, part: Part) -> Standing {
        if let Some(other) =
            self.of_kind(|kind| !matches!(kind, MetricKind::Histogram | MetricKind::Summary))
        {
            let hint = "only histograms have a `count` and a `sum`: check its `value`";
            return self.not_applicable(condition, other, hint);
        }
        let lasts = self
            .series
            .iter()
            .map(|record| (*record, self.last(record, part)));
        let lasts: Vec<_> = lasts.collect();
        let range = lasts
            .iter()
            .map(|(_, (range, _))| *range)
            .fold(Range::NONE, Range::plus);
        let doubts = lasts
            .iter()
            .filter_map(|(record, (_, doubt))| Some((*record, (*doubt)?)));
        let doubt = doubts.min_by_key(|(_, doubt)| *doubt);
        let found = || match range.exact() {
            Some(amount) if self.series.len() == 1 => amount.value().to_string(),
            Some(amount) => format!("{} in {} series", amount.value(), self.series.len()),
            None => "another number".to_owned(),
        };
        self.of_range(condition, matcher, range, doubt, found)
    }

    /// The number of data points of all series.
    fn points(&self, condition: &MetricCondition, matcher: &Matcher) -> Standing {
        if let Some(gap) = self.gap() {
            return Standing::unjudged(gap);
        }
        if let Some(record) = self.series.iter().find(|one| one.without_value.is_some()) {
            return Standing::unjudged(unknown(
                format!(
                    "data points of `{}` arrived without a value, and these are not counted",
                    record.series.name
                ),
                "select series whose points have values, with `attributes`",
            ));
        }
        let number: usize = self.series.iter().map(|record| record.points.len()).sum();
        let range = Range::exactly(Amount::of_count(number as u64));
        if range.matches(matcher) == Some(true) {
            return Standing::holds(Finality::Final);
        }
        let mut failure = self.failure(condition, words::count(number as u64).to_string());
        if number == 0 && self.evaluator.detail == FailureDetail::Explained {
            failure.nearest = selection::nearest(&self.entry.find, self.evidence);
            failure.hints.extend(self.exported_hint());
        }
        Standing::fails(failure, Finality::Final)
    }

    /// The last value of a series. That of a delta series is its growth.
    fn last(&self, record: &SeriesRecord, part: Part) -> (Range, Option<Doubt>) {
        let has_sum = |value: PointValue| part(value).is_some();
        if record.series.temporality == Temporality::Delta {
            let growth = growth(record, part, self.evidence);
            return (growth.range, growth.doubt);
        }
        let last = record
            .points
            .iter()
            .max_by_key(|point| (point.time, point.arrived));
        let process = self.evidence.records.processes.get(&record.process);
        match last.zip(process) {
            Some((last, _)) if !has_sum(last.value) => (Range::ANY, Some(Doubt::NoSum)),
            Some((last, process)) if self.evidence.is_restarted(record, process, last) => {
                (Range::ANY, Some(Doubt::Reset))
            }
            Some((last, process)) if process.corrected(last.time) >= self.evidence.settled => {
                let amount = part(last.value).unwrap_or(Amount::ZERO);
                match amount.is_nan() {
                    true => (Range::ANY, Some(Doubt::NoNumber)),
                    false => (Range::exactly(amount), None),
                }
            }
            Some((_, process)) => (Range::ANY, Some(self.evidence.absence(record, process))),
            None => (Range::ANY, Some(Doubt::NoValue)),
        }
    }

    /// The reason why an amount of this series is not known.
    fn why(&self, doubt: Doubt, record: &SeriesRecord) -> Unjudged {
        let series = &record.series;
        let (name, service) = (&series.name, series.resource.service());
        match doubt {
            Doubt::NotExported => self.not_exported(record),
            Doubt::NoValue => unknown(
                format!("`{name}` of `{service}` was exported without a value since the request"),
                "record it again after the request, or check another metric",
            ),
            Doubt::GrowsAlone => unknown(
                format!(
                    "`{name}` of `{service}` also grew before the request, so it counts something else, such as the requests of `scrape`"
                ),
                "select the series of this request with `attributes`, such as `http.route`; or serve the metrics on a port of their own",
            ),
            Doubt::NoBaseline if series.naming == Naming::Prometheus => unknown(
                format!(
                    "`{name}` of `{service}` was not read before the request, so its value may count earlier ones"
                ),
                "let the service serve its metrics before it is ready",
            ),
            Doubt::NoBaseline => unknown(
                format!(
                    "`{name}` of `{service}` did not arrive before the request, so its value may count earlier ones"
                ),
                "raise `wait: { metrics: … }` to the export interval of the service",
            ),
            Doubt::Reset => unknown(
                format!(
                    "`{name}` of `{service}` was reset during the request: the process restarted"
                ),
                "let the service run during the request, with a `service.instance.id` for each replica; or check a lower bound: `change: 1..`",
            ),
            Doubt::NoTemporality | Doubt::Gauge => unknown(
                format!(
                    "`{name}` of `{service}` was sent without its temporality: its values may be totals or differences"
                ),
                "let the exporter of the service state it: OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative, or a newer SDK",
            ),
            Doubt::NoSum => unknown(
                format!("`{name}` of `{service}` was sent without the sum of its measurements"),
                "check its `count`: a histogram with negative measurements has no sum",
            ),
            Doubt::NoNumber => unknown(
                format!("`{name}` of `{service}` has a value that is infinite or not a number"),
                "correct the instrument, or select another series with `attributes`",
            ),
        }
    }
}

/// The growth in words: `0 (4 before the request, 4 after it)`, `3: 2 of …, 1 of …`.
fn found_growth(range: Range, growths: &[(&SeriesRecord, Growth)]) -> String {
    let amount = |range: Range| match (range.exact(), range.low, range.high) {
        (Some(exact), ..) => exact.value().to_string(),
        (None, Some(low), None) => format!("at least {}", low.value()),
        (None, _, Some(high)) => format!("at most {}", high.value()),
        (None, None, None) => "another number".to_owned(),
    };
    let all = amount(range);
    if let [(_, only)] = growths {
        return match only.between.filter(|_| range.exact().is_some()) {
            Some((before, after)) => {
                let (before, after) = (before.value(), after.value());
                format!("{all} ({before} before the request, {after} after it)")
            }
            None => all,
        };
    }
    let grown = growths
        .iter()
        .filter(|(_, growth)| growth.range != Range::NONE);
    let grown: Vec<String> = grown
        .map(|(record, growth)| {
            let series = selection::described(&record.series);
            format!("{} of {series}", amount(growth.range))
        })
        .collect();
    match grown.len() {
        0 => format!("{all} in {} series", growths.len()),
        number => {
            let more = number.saturating_sub(MOST_SERIES);
            let more = match more {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let grown = &grown[..number.min(MOST_SERIES)];
            format!("{all}: {}{more}", grown.join(", "))
        }
    }
}

/// The language of the SDK that exports a series.
fn sdk_language(record: &SeriesRecord) -> Option<&str> {
    let attributes = &record.series.resource.attributes;
    attributes
        .get("telemetry.sdk.language")
        .and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
