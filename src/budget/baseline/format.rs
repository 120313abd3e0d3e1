//! The JSON format of a baseline.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::layout::lay_out;
use super::{Baseline, BaselineError, Budget, Case, Quantity, Run, SCHEMA_VERSION};
use crate::budget::quantile::Quantile;
use crate::budget::samples::{MOST_DISTINCT, MOST_RAW, Samples};
use crate::budget::sketch::Sketch;
use crate::machine::Disturbance;
use crate::number::Unit;

/// The value of `format`, which distinguishes baselines from other JSON files.
pub(crate) const FORMAT: &str = "spanspec baseline";

/// More traces than these are not counted in a run.
const MOST_COUNTED: u64 = 1 << 40;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonFile {
    cases: BTreeMap<String, Case>,
    format: String,
    schema_version: u64,
}

/// Minimum, maximum, `n` and the quantiles are for reviewers; a reader compares them with the
/// samples, because merged branches may contradict themselves. Durations have names with `_us`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRun {
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Vec<(Plain, u64)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<Disturbance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_us: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_us: Option<Plain>,
    n: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_us: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_us: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_us: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<Vec<Plain>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    samples_us: Option<Vec<Plain>>,
    service_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sketch: Option<JsonSketch>,
    start: String,
    #[serde(skip_serializing_if = "is_zero", default)]
    unknown: u64,
}

/// A number that is written without a fraction if it has none.
#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(transparent)]
struct Plain(f64);

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        const MOST_EXACT: f64 = 9_007_199_254_740_992.0;
        match self.0.fract() == 0.0 && self.0 <= MOST_EXACT {
            true => to.serialize_u64(self.0 as u64),
            false => to.serialize_f64(self.0),
        }
    }
}

/// Minimum, maximum, p50, p95 and p99.
type Summary = [Plain; 5];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonSketch {
    accuracy: f64,
    buckets: Vec<(i32, u64)>,
    zeros: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Writes a baseline as text. Equal baselines give equal texts.
#[must_use]
pub fn render(baseline: &Baseline) -> String {
    let file = JsonFile {
        cases: baseline.cases.clone(),
        format: FORMAT.to_owned(),
        schema_version: version(baseline),
    };
    lay_out(&serde_json::to_value(file).expect("keys are strings and numbers are finite"))
}

/// Version 1 has durations only, so that an earlier spanspec reads them.
fn version(baseline: &Baseline) -> u64 {
    let mut budgets = baseline
        .cases
        .values()
        .flat_map(|case| case.budgets.values());
    let is_new = |budget: &Budget| {
        let mut runs = budget.runs.iter();
        budget.measure != Quantity::Time || runs.any(|run| run.samples().counts().is_some())
    };
    match budgets.any(is_new) {
        true => SCHEMA_VERSION,
        false => 1,
    }
}

/// Reads the text of a baseline; `path` is used in errors only.
///
/// # Errors
/// The text is damaged, of a later version, or not a baseline.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Baseline, BaselineError> {
    let damaged = |reason: String| BaselineError::Damaged {
        path: path.to_owned(),
        reason,
    };
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    if value["format"] != FORMAT {
        return Err(BaselineError::Foreign {
            path: path.to_owned(),
        });
    }
    match value["schema_version"].as_u64() {
        Some(1..=SCHEMA_VERSION) => {}
        Some(found) if found > SCHEMA_VERSION => {
            return Err(BaselineError::Newer {
                path: path.to_owned(),
                found,
            });
        }
        _ => return Err(damaged("`schema_version` is not a version".to_owned())),
    }
    drop(value);
    // From the text once more, because a value has no line and column.
    let file: JsonFile =
        serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    let mut budgets = file.cases.values().flat_map(|case| &case.budgets);
    let mixed = budgets.find(|(_, budget)| {
        let mut runs = budget.runs.iter();
        runs.any(|run| run.samples().unit() != budget.measure.unit())
    });
    match mixed {
        None => Ok(Baseline { cases: file.cases }),
        Some((subject, budget)) => Err(damaged(format!(
            "a run of `{subject}` has other values than {}",
            budget.measure
        ))),
    }
}

pub(super) fn sorted_runs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Run>, D::Error> {
    let mut budget = Budget::default();
    for run in Vec::deserialize(from)? {
        budget.add(run);
    }
    Ok(budget.runs)
}

pub(super) fn non_negative<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    match f64::deserialize(from)? {
        number if number >= 0.0 && number.is_finite() => Ok(number),
        _ => Err(D::Error::custom("`s_run` is negative")),
    }
}

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let samples = self.samples();
        let mut run = JsonRun {
            counts: samples.counts().map(|all| {
                let counts = all.iter();
                counts
                    .map(|(value, number)| (Plain(*value), *number))
                    .collect()
            }),
            machine: self.machine().cloned(),
            n: samples.len(),
            service_version: self.service_version().map(str::to_owned),
            sketch: samples.sketch().map(|sketch| JsonSketch {
                accuracy: Sketch::ACCURACY,
                buckets: sketch.buckets().collect(),
                zeros: sketch.zeros(),
            }),
            start: self.start().to_string(),
            unknown: samples.unknown(),
            ..JsonRun::default()
        };
        let all = samples.raw();
        let all = all.map(|all| all.iter().copied().map(Plain).collect());
        let summary = summary(samples).map(Some);
        match samples.unit() {
            Unit::Micros => {
                run.samples_us = all;
                [run.min_us, run.max_us, run.p50_us, run.p95_us, run.p99_us] = summary;
            }
            Unit::Number => {
                run.samples = all;
                [run.min, run.max, run.p50, run.p95, run.p99] = summary;
            }
        }
        run.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let run = JsonRun::deserialize(from)?;
        run.parse().map_err(D::Error::custom)
    }
}

/// Quantiles of durations are rounded to whole microseconds.
fn summary(samples: &Samples) -> Summary {
    let [p50, p95, p99] = [Quantile::P50, Quantile::P95, Quantile::P99]
        .map(|quantile| samples.quantile(quantile).unwrap_or_default())
        .map(|value| match samples.unit() {
            Unit::Micros => value.round(),
            Unit::Number => value,
        });
    let ends = [samples.min(), samples.max()].map(Option::unwrap_or_default);
    [ends[0], ends[1], p50, p95, p99].map(Plain)
}

impl JsonRun {
    fn parse(self) -> Result<Run, String> {
        let start = self.start.parse();
        let start = start.map_err(|_| format!("`start` is not a time: {}", self.start))?;
        let (unit, stated) = self.summary()?;
        let [Plain(min), Plain(max), ..] = stated;
        let (all, other) = match unit {
            Unit::Micros => (self.samples_us, self.samples),
            Unit::Number => (self.samples, self.samples_us),
        };
        let samples = match (all, self.counts, self.sketch, other) {
            (Some(all), None, None, None) if all.len() <= MOST_RAW => {
                Samples::of(unit).with(all.into_iter().map(|Plain(value)| value))
            }
            (Some(_), None, None, None) => return Err(format!("more than {MOST_RAW} samples")),
            (None, Some(counts), None, None) => tally(unit, counts)?,
            (None, None, Some(sketch), None) => sketch.parse(unit, (min, max))?,
            _ => return Err("a run has either its samples, `counts` or `sketch`".to_owned()),
        };
        let seen = summary(&samples);
        let is_consistent = samples.len() == self.n
            && seen[..2] == stated[..2]
            && (samples.sketch().is_some() || seen == stated)
            && min >= 0.0;
        if !is_consistent {
            return Err(
                "`n`, minimum, maximum or a quantile differs from that of the samples".to_owned(),
            );
        }
        let samples = samples.with_unknown(self.unknown);
        Run::new(start, self.service_version, samples)
            .map(|run| run.on(self.machine))
            .ok_or_else(|| "no samples, or too many `unknown`".to_owned())
    }

    /// The unit, and the numbers for reviewers.
    fn summary(&self) -> Result<(Unit, Summary), String> {
        let micros = [
            self.min_us,
            self.max_us,
            self.p50_us,
            self.p95_us,
            self.p99_us,
        ];
        let numbers = [self.min, self.max, self.p50, self.p95, self.p99];
        let known = |of: [Option<Plain>; 5]| -> Option<Summary> {
            let [min, max, p50, p95, p99] = of;
            Some([min?, max?, p50?, p95?, p99?])
        };
        match (known(micros), known(numbers)) {
            (Some(micros), None) if numbers == [None; 5] => Ok((Unit::Micros, micros)),
            (None, Some(numbers)) if micros == [None; 5] => Ok((Unit::Number, numbers)),
            _ => Err("a run has `min_us`, `max_us`, `p50_us`, `p95_us` and `p99_us`, or the same without `_us`".to_owned()),
        }
    }
}

fn tally(unit: Unit, counts: Vec<(Plain, u64)>) -> Result<Samples, String> {
    let is_sorted = counts.is_sorted_by(|(one, _), (other, _)| one.0 < other.0);
    let is_positive = counts.iter().all(|(_, number)| *number > 0);
    if counts.len() > MOST_DISTINCT || !is_sorted || !is_positive {
        return Err("the values of `counts` are not sorted, or too many".to_owned());
    }
    let mut samples = Samples::of(unit);
    for (Plain(value), number) in counts {
        if number > MOST_COUNTED {
            return Err("`counts` has an impossible number".to_owned());
        }
        samples.add_many(value, number);
    }
    Ok(samples)
}

impl JsonSketch {
    fn parse(self, unit: Unit, ends: (f64, f64)) -> Result<Samples, String> {
        if self.accuracy != Sketch::ACCURACY {
            return Err(format!("a sketch with an accuracy of {}", self.accuracy));
        }
        let count = self.buckets.len();
        let buckets: BTreeMap<i32, u64> = self.buckets.into_iter().collect();
        let is_in_range = buckets.keys().all(|index| Sketch::BUCKETS.contains(index));
        if buckets.len() != count || !is_in_range {
            return Err("a sketch has a duplicate or invalid bucket".to_owned());
        }
        Sketch::restore(ends, self.zeros, buckets)
            .map(|sketch| Samples::of_sketch(unit, sketch))
            .ok_or_else(|| "the parts of a sketch contradict each other".to_owned())
    }
}
