//! The JSON format of a baseline.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::layout::lay_out;
use super::{Baseline, BaselineError, Budget, Case, Run, SCHEMA_VERSION};
use crate::budget::quantile::Quantile;
use crate::budget::samples::{MOST_RAW, Samples};
use crate::budget::sketch::Sketch;
use crate::machine::Disturbance;

/// The value of `format`, which distinguishes baselines from other JSON files.
pub(crate) const FORMAT: &str = "spanspec baseline";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonFile {
    cases: BTreeMap<String, Case>,
    format: String,
    schema_version: u64,
}

/// `max_us`, `min_us`, `n` and the quantiles are for reviewers; a reader compares them with the
/// samples, because merged branches may contradict themselves.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRun {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    machine: Option<Disturbance>,
    max_us: u64,
    min_us: u64,
    n: u64,
    p50_us: u64,
    p95_us: u64,
    p99_us: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    samples_us: Option<Vec<u64>>,
    service_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sketch: Option<JsonSketch>,
    start: String,
    #[serde(skip_serializing_if = "is_zero", default)]
    unknown: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonSketch {
    accuracy: f64,
    buckets: Vec<(u16, u64)>,
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
        schema_version: SCHEMA_VERSION,
    };
    lay_out(&serde_json::to_value(file).expect("keys are strings and numbers are finite"))
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
        Some(SCHEMA_VERSION) => {}
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
    Ok(Baseline { cases: file.cases })
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
        let [p50_us, p95_us, p99_us] = quantiles(samples);
        let run = JsonRun {
            machine: self.machine().cloned(),
            max_us: samples.max().unwrap_or_default(),
            min_us: samples.min().unwrap_or_default(),
            n: samples.len(),
            p50_us,
            p95_us,
            p99_us,
            samples_us: samples.raw().map(<[u64]>::to_vec),
            service_version: self.service_version().map(str::to_owned),
            sketch: samples.sketch().map(|sketch| JsonSketch {
                accuracy: Sketch::ACCURACY,
                buckets: sketch.buckets().collect(),
                zeros: sketch.zeros(),
            }),
            start: self.start().to_string(),
            unknown: samples.unknown(),
        };
        run.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let run = JsonRun::deserialize(from)?;
        run.parse().map_err(D::Error::custom)
    }
}

/// In whole microseconds.
fn quantiles(samples: &Samples) -> [u64; 3] {
    [Quantile::P50, Quantile::P95, Quantile::P99]
        .map(|quantile| samples.quantile(quantile).unwrap_or_default().round() as u64)
}

impl JsonRun {
    fn parse(self) -> Result<Run, String> {
        let start = self.start.parse();
        let start = start.map_err(|_| format!("`start` is not a time: {}", self.start))?;
        let ends = (self.min_us, self.max_us);
        let samples = match (self.samples_us, self.sketch) {
            (Some(all), None) if all.len() <= MOST_RAW => all.into_iter().collect(),
            (Some(_), None) => return Err(format!("more than {MOST_RAW} samples")),
            (None, Some(sketch)) => sketch.parse(ends)?,
            _ => return Err("a run has either `samples_us` or `sketch`".to_owned()),
        };
        let is_consistent = (samples.len(), samples.min(), samples.max())
            == (self.n, Some(ends.0), Some(ends.1))
            && (samples.raw().is_none()
                || quantiles(&samples) == [self.p50_us, self.p95_us, self.p99_us]);
        if !is_consistent {
            return Err(
                "`n`, `min_us`, `max_us` or a quantile differs from that of the samples".to_owned(),
            );
        }
        let samples = samples.with_unknown(self.unknown);
        Run::new(start, self.service_version, samples)
            .map(|run| run.on(self.machine))
            .ok_or_else(|| "no samples, or too many `unknown`".to_owned())
    }
}

impl JsonSketch {
    fn parse(self, ends: (u64, u64)) -> Result<Samples, String> {
        if self.accuracy != Sketch::ACCURACY {
            return Err(format!("a sketch with an accuracy of {}", self.accuracy));
        }
        let count = self.buckets.len();
        let buckets: BTreeMap<u16, u64> = self.buckets.into_iter().collect();
        let is_in_range = buckets.keys().all(|index| *index <= Sketch::LAST_BUCKET);
        if buckets.len() != count || !is_in_range {
            return Err("a sketch has a duplicate or invalid bucket".to_owned());
        }
        Sketch::restore(ends, self.zeros, buckets)
            .map(Samples::from)
            .ok_or_else(|| "the parts of a sketch contradict each other".to_owned())
    }
}
