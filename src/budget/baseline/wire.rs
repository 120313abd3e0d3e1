//! The text of a baseline: the format, and its way into types and back.
//!
//! The types here are the format; those of `baseline` may change without it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::layout::lay_out;
use super::{
    Baseline, BaselineError, Budget, Calibrated, Case, Fingerprint, MOST_UNKNOWN, Run,
    SCHEMA_VERSION,
};
use crate::budget::quantile::Quantile;
use crate::budget::samples::{MOST_RAW, Samples};
use crate::budget::sketch::Sketch;

/// Says that a file is ours.
const FORMAT: &str = "spanspec baseline";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cases: BTreeMap<String, CaseText>,
    format: String,
    schema_version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseText {
    budgets: BTreeMap<String, BudgetText>,
    fingerprint: Fingerprint,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetText {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    calibration: Option<CalibrationText>,
    runs: Vec<RunText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CalibrationText {
    runs: u64,
    s_run: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunText {
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
    sketch: Option<SketchText>,
    start: String,
    #[serde(skip_serializing_if = "is_zero", default)]
    unknown: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SketchText {
    accuracy: f64,
    buckets: Vec<(u16, u64)>,
    zeros: u64,
}

/// The text of a baseline; the same for the same baseline.
#[must_use]
pub fn render(baseline: &Baseline) -> String {
    let file = File {
        cases: (baseline.cases.iter())
            .map(|(name, case)| (name.clone(), case.into()))
            .collect(),
        format: FORMAT.to_owned(),
        schema_version: SCHEMA_VERSION,
    };
    lay_out(&serde_json::to_value(file).expect("the keys are texts and the numbers are finite"))
}

/// Reads the text of a baseline; `path` is for messages.
///
/// # Errors
/// It is damaged, of a later version, or none of ours.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Baseline, BaselineError> {
    let damaged = |what: String| BaselineError::Damaged {
        path: path.to_owned(),
        what,
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
        _ => return Err(damaged("`schema_version` is none".to_owned())),
    }
    drop(value);
    // Once more, for the line and column of what is wrong.
    let file: File = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    let cases: Result<BTreeMap<String, Case>, String> = (file.cases.into_iter())
        .map(|(name, case)| match case.understood() {
            Ok(case) => Ok((name, case)),
            Err(what) => Err(format!("in `{name}`, {what}")),
        })
        .collect();
    Ok(Baseline {
        cases: cases.map_err(damaged)?,
    })
}

impl From<&Case> for CaseText {
    fn from(case: &Case) -> Self {
        Self {
            budgets: (case.budgets.iter())
                .map(|(name, budget)| (name.clone(), budget.into()))
                .collect(),
            fingerprint: case.fingerprint.clone(),
        }
    }
}

impl From<&Budget> for BudgetText {
    fn from(budget: &Budget) -> Self {
        Self {
            calibration: budget.calibration.map(|known| CalibrationText {
                runs: known.runs,
                s_run: known.spread,
            }),
            runs: budget.runs.iter().map(RunText::from).collect(),
        }
    }
}

impl From<&Run> for RunText {
    fn from(run: &Run) -> Self {
        let samples = run.samples();
        let [p50_us, p95_us, p99_us] = quantiles(samples);
        Self {
            max_us: samples.max().unwrap_or_default(),
            min_us: samples.min().unwrap_or_default(),
            n: samples.len(),
            p50_us,
            p95_us,
            p99_us,
            samples_us: samples.raw().map(<[u64]>::to_vec),
            service_version: run.service_version().map(str::to_owned),
            sketch: samples.sketch().map(|sketch| SketchText {
                accuracy: Sketch::ACCURACY,
                buckets: sketch.buckets().collect(),
                zeros: sketch.zeros(),
            }),
            start: run.start().to_string(),
            unknown: samples.unknown(),
        }
    }
}

/// In whole microseconds.
fn quantiles(samples: &Samples) -> [u64; 3] {
    [Quantile::P50, Quantile::P95, Quantile::P99]
        .map(|quantile| samples.quantile(quantile).unwrap_or_default().round() as u64)
}

impl CaseText {
    fn understood(self) -> Result<Case, String> {
        let budgets: Result<BTreeMap<String, Budget>, String> = (self.budgets.into_iter())
            .map(|(name, budget)| match budget.understood() {
                Ok(budget) => Ok((name, budget)),
                Err(what) => Err(format!("budget `{name}`: {what}")),
            })
            .collect();
        Ok(Case {
            fingerprint: self.fingerprint,
            budgets: budgets?,
        })
    }
}

impl BudgetText {
    fn understood(self) -> Result<Budget, String> {
        let calibration = self.calibration.map(|known| {
            let is_sound = known.s_run >= 0.0 && known.s_run.is_finite();
            is_sound.then_some(Calibrated {
                runs: known.runs,
                spread: known.s_run,
            })
        });
        let calibration = match calibration {
            Some(None) => return Err("`s_run` is less than 0".to_owned()),
            known => known.flatten(),
        };
        let mut budget = Budget {
            calibration,
            runs: Vec::new(),
        };
        for (number, run) in (1..).zip(self.runs) {
            budget.add(
                run.understood()
                    .map_err(|what| format!("run {number}: {what}"))?,
            );
        }
        Ok(budget)
    }
}

impl RunText {
    fn understood(self) -> Result<Run, String> {
        let start =
            (self.start.parse()).map_err(|_| format!("`start` is no time: {}", self.start))?;
        let ends = (self.min_us, self.max_us);
        let samples = match (self.samples_us, self.sketch) {
            (Some(all), None) if all.len() <= MOST_RAW => all.into_iter().collect(),
            (Some(_), None) => return Err(format!("more than {MOST_RAW} samples")),
            (None, Some(sketch)) => sketch.understood(ends)?,
            _ => return Err("either `samples_us` or `sketch` is needed".to_owned()),
        };
        // As after a merge of two branches, by hand or not.
        let found = (samples.len(), samples.min(), samples.max());
        let is_as_written = found == (self.n, Some(ends.0), Some(ends.1));
        let written = [self.p50_us, self.p95_us, self.p99_us];
        let fit = samples.raw().is_none() || quantiles(&samples) == written;
        if !is_as_written || !fit {
            return Err(
                "`n`, `min_us`, `max_us` or a quantile is not that of the samples".to_owned(),
            );
        }
        if self.unknown > MOST_UNKNOWN {
            return Err(format!("more than {MOST_UNKNOWN} `unknown`"));
        }
        let samples = samples.with_unknown(self.unknown);
        Run::new(start, self.service_version, samples).ok_or_else(|| "no samples".to_owned())
    }
}

impl SketchText {
    fn understood(self, ends: (u64, u64)) -> Result<Samples, String> {
        if self.accuracy != Sketch::ACCURACY {
            return Err(format!("a sketch with an accuracy of {}", self.accuracy));
        }
        let count = self.buckets.len();
        let buckets: BTreeMap<u16, u64> = self.buckets.into_iter().collect();
        let is_in_range = buckets.keys().all(|index| *index <= Sketch::LAST_BUCKET);
        if buckets.len() != count || !is_in_range {
            return Err("a sketch has a bucket twice, or one that does not exist".to_owned());
        }
        Sketch::restore(ends, self.zeros, buckets)
            .map(Samples::from)
            .ok_or_else(|| "the parts of a sketch do not fit together".to_owned())
    }
}
