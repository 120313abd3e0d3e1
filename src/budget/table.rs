//! Quantiles of two versions side by side, one row per subject.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::judged::{Compared, JudgedClaim};
use super::numbers::version;
use super::quantile::Quantile;
use super::verdict::ClaimVerdict;
use crate::number::{Rounding, Unit, count};

/// The quantiles of two versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The column of the baseline.
    pub baseline: Column,
    /// The column of this run.
    pub candidate: Column,
    /// One row per subject.
    pub rows: Vec<TableRow>,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// `service.version` of the spans.
    pub version: Option<String>,
    /// The number of samples.
    pub count: u64,
}

/// The quantiles of one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow {
    /// The subject of the budget.
    pub subject: String,
    /// The unit of its values.
    pub unit: Unit,
    /// The quantiles of the baseline.
    pub before: Vec<(Quantile, f64)>,
    /// The quantiles of this run.
    pub now: Vec<(Quantile, f64)>,
    /// The verdicts that fail the spec.
    pub remarks: Vec<String>,
}

impl TableRow {
    /// Builds a row from all claims about a subject. Each quantile appears once, and verdicts for which
    /// `fails` returns `true` become remarks.
    #[must_use]
    pub fn new(
        subject: &str,
        unit: Unit,
        judged: &[JudgedClaim],
        fails: impl Fn(ClaimVerdict) -> bool,
    ) -> Self {
        let mut row = Self {
            subject: subject.to_owned(),
            unit,
            before: Vec::new(),
            now: Vec::new(),
            remarks: Vec::new(),
        };
        for one in judged {
            if let Compared::Baseline { before, .. } = &one.compared {
                add(&mut row.before, one.quantile, before.map(|it| it.value));
            }
            add(&mut row.now, one.quantile, one.candidate.map(|it| it.value));
            let remark = one.remark();
            // Without samples, all quantiles have the same remark.
            if fails(one.verdict) && !row.remarks.contains(&remark) {
                row.remarks.push(remark);
            }
        }
        row
    }
}

impl TableRow {
    /// The cells: subject, quantiles of the baseline, quantiles of this run.
    #[must_use]
    pub fn cells(&self) -> [String; 3] {
        [
            self.subject.clone(),
            quantiles(&self.before, self.unit),
            quantiles(&self.now, self.unit),
        ]
    }
}

impl Table {
    /// The column heads: `v2.3.0 (baseline, n=500)`, `v2.4.0 (n=500)`; without versions
    /// `baseline (n=500)`, `now (n=500)`.
    #[must_use]
    pub fn heads(&self) -> [String; 2] {
        [self.baseline.head("baseline"), self.candidate.head("")]
    }
}

fn add(to: &mut Vec<(Quantile, f64)>, quantile: Quantile, value: Option<f64>) {
    let is_new = to.iter().all(|(other, _)| *other != quantile);
    if let Some(value) = value
        && is_new
    {
        to.push((quantile, value));
        to.sort_by_key(|(quantile, _)| *quantile);
    }
}

impl Column {
    /// The version: `v2.3.0`.
    pub(crate) fn name(&self) -> Option<String> {
        self.version.as_deref().map(version)
    }

    /// `v2.3.0 (baseline, n=500)`; without a version `baseline (n=500)`.
    fn head(&self, what: &str) -> String {
        if self.count == 0 && self.version.is_none() {
            return format!("nothing {what}").trim_end().to_owned();
        }
        let samples = count(self.count);
        match (self.name(), what) {
            (Some(name), "") => format!("{name} (n={samples})"),
            (Some(name), what) => format!("{name} ({what}, n={samples})"),
            (None, "") => format!("now (n={samples})"),
            (None, what) if self.count == 0 => format!("nothing {what}"),
            (None, what) => format!("{what} (n={samples})"),
        }
    }
}

/// `p50=120 ms p99=1.8 s`
fn quantiles(of: &[(Quantile, f64)], unit: Unit) -> String {
    let each: Vec<String> = of
        .iter()
        .map(|(quantile, of)| format!("{quantile}={}", unit.rounded(*of, Rounding::Nearest)))
        .collect();
    if each.is_empty() {
        return "-".to_owned();
    }
    each.join(" ")
}

/// Pads a text with spaces to a width.
fn padded(text: &str, width: usize) -> String {
    let spaces = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(spaces))
}

fn widest<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
    texts.map(UnicodeWidthStr::width).max().unwrap_or_default()
}

/// A table with other names of its columns.
#[derive(Clone, Copy, Debug)]
pub struct Headed<'a> {
    table: &'a Table,
    heads: [&'a str; 2],
}

impl Table {
    /// Groups rows into one table per pair of versions, because services of one system may have
    /// different versions.
    pub fn all(rows: impl IntoIterator<Item = (Column, Column, TableRow)>) -> Vec<Self> {
        let mut tables: Vec<Self> = Vec::new();
        for (baseline, candidate, row) in rows {
            let is_same =
                |table: &&mut Self| table.baseline == baseline && table.candidate == candidate;
            match tables.iter_mut().find(is_same) {
                Some(table) => table.rows.push(row),
                None => tables.push(Self {
                    baseline,
                    candidate,
                    rows: vec![row],
                }),
            }
        }
        tables
    }

    /// Uses these names of the columns: `["A", "B"]` for two running versions.
    #[must_use]
    pub fn headed<'a>(&'a self, heads: [&'a str; 2]) -> Headed<'a> {
        Headed { table: self, heads }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headed(["baseline", ""]).fmt(f)
    }
}

impl fmt::Display for Headed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table;
        let [head, now] = [
            table.baseline.head(self.heads[0]),
            table.candidate.head(self.heads[1]),
        ];
        let lines: Vec<[String; 3]> = table.rows.iter().map(TableRow::cells).collect();
        let part = |at: usize| widest(lines.iter().map(|line| line[at].as_str()));
        // A head starts two columns left of its cells.
        let names = part(0);
        let (indent, first) = (names.saturating_sub(1), names + 3);
        let second = (indent + head.width()).max(first + part(1)) + 5;
        let head = padded(&format!("{}{head}", " ".repeat(indent)), second);
        write!(f, "{head}{now}")?;
        for (row, [name, before, now]) in table.rows.iter().zip(&lines) {
            let line = padded(&format!("{}{before}", padded(name, first)), second);
            write!(f, "\n{line}")?;
            match row.remarks.is_empty() {
                true => f.write_str(now)?,
                false => write!(f, "{}   ← {}", padded(now, part(2)), row.remarks.join("; "))?,
            }
        }
        Ok(())
    }
}
