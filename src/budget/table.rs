//! Both versions side by side, a line for each thing that was measured.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::judged::{Compared, Judged};
use super::quantile::Quantile;
use super::verdict::Verdict;
use super::words::{Round, count, millis, version};

/// The quantiles of two versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What the baseline is of.
    pub baseline: Column,
    /// What was measured now.
    pub candidate: Column,
    /// One for each thing that was measured.
    pub rows: Vec<Row>,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// `service.version`, if the services say one.
    pub version: Option<String>,
    /// How many samples there are.
    pub count: u64,
}

/// What was measured of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was measured.
    pub subject: String,
    /// The quantiles of the baseline in microseconds.
    pub before: Vec<(Quantile, f64)>,
    /// The quantiles now.
    pub now: Vec<(Quantile, f64)>,
    /// What fails the spec.
    pub remarks: Vec<String>,
}

impl Row {
    /// The line of one thing, from all claims about it; a quantile stands in it once. What fails
    /// is remarked.
    #[must_use]
    pub fn new(subject: &str, judged: &[Judged], fails: impl Fn(Verdict) -> bool) -> Self {
        let mut row = Self {
            subject: subject.to_owned(),
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
            // Where nothing was found, all quantiles have the same.
            if fails(one.verdict) && !row.remarks.contains(&remark) {
                row.remarks.push(remark);
            }
        }
        row
    }
}

impl Row {
    /// What stands in its line: the subject, the baseline's quantiles, and those of now.
    #[must_use]
    pub fn cells(&self) -> [String; 3] {
        [
            self.subject.clone(),
            quantiles(&self.before),
            quantiles(&self.now),
        ]
    }
}

impl Table {
    /// What stands above the columns: `v2.3.0 (baseline, n=500)`, `v2.4.0 (n=500)`; without
    /// versions `baseline (n=500)`, `now (n=500)`.
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
    /// `v2.3.0`; None where the services say no version.
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

/// `p50=120ms p99=800ms`
fn quantiles(of: &[(Quantile, f64)]) -> String {
    let each: Vec<String> = of
        .iter()
        .map(|(quantile, micros)| format!("{quantile}={}ms", millis(*micros, Round::Nearest)))
        .collect();
    if each.is_empty() {
        return "-".to_owned();
    }
    each.join(" ")
}

/// The text with blanks behind it, up to a column.
fn padded(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(blanks))
}

fn widest<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
    texts.map(UnicodeWidthStr::width).max().unwrap_or_default()
}

/// A table whose columns are called otherwise than those of a run.
#[derive(Clone, Copy, Debug)]
pub struct Headed<'a> {
    table: &'a Table,
    heads: [&'a str; 2],
}

impl Table {
    /// A table for each two versions, for services of one system may have versions of their own.
    pub fn all(rows: impl IntoIterator<Item = (Column, Column, Row)>) -> Vec<Self> {
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

    /// The same with what stands beside the versions: `["A", "B"]` for two versions that run.
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
        let lines: Vec<[String; 3]> = table.rows.iter().map(Row::cells).collect();
        let part = |at: usize| widest(lines.iter().map(|line| line[at].as_str()));
        // A head begins a little before what stands under it.
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
