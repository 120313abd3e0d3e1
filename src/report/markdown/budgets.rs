//! The table of budgets: baseline, value and limit of each quantile.

use super::Page;
use super::inert::inline;
use crate::budget::{ClaimVerdict, Column, Estimate, JudgedClaim, Quantile};
use crate::number::Rounding;
use crate::report::text;
use crate::result::{Load, Measured, Report, SpecReport};

const HEAD: &str = "### Budgets

| spec | what | quantile | baseline | now | change | limit | verdict |
|---|---|---|---:|---:|---:|---:|---|
";

/// A row for each claim of every spec, failed claims first, and for each quantile without a claim;
/// then notes.
pub(super) fn add(page: &mut Page, report: &Report) {
    let loads: Vec<(&SpecReport, &Load)> = report.specs.iter().filter_map(load).collect();
    let mut rows: Vec<(bool, String)> = loads
        .iter()
        .flat_map(|(spec, load)| rows_of(spec, load))
        .collect();
    rows.sort_by_key(|(fails, _)| !fails);
    let rows: Vec<String> = rows.into_iter().map(|(_, row)| row).collect();
    page.push_list(HEAD, &rows, "claim", "\n");
    let said: Vec<String> = loads
        .iter()
        .flat_map(|(spec, load)| said(spec, load))
        .collect();
    page.push_list("", &said, "note", "\n");
}

fn load(spec: &SpecReport) -> Option<(&SpecReport, &Load)> {
    Some((spec, spec.decisive_step()?.load.as_deref()?))
}

fn rows_of(spec: &SpecReport, load: &Load) -> Vec<(bool, String)> {
    let mut rows = Vec::new();
    for of in &load.measured {
        rows.extend(of.judged.iter().map(|one| {
            let fails = load.fails(one.verdict);
            (fails, row(spec, of, one, fails))
        }));
        if of.judged.is_empty() {
            let shown = of.unjudged().into_iter();
            rows.extend(shown.map(|(quantile, now)| (false, unjudged(spec, of, quantile, now))));
        }
    }
    rows
}

/// A measured quantile without a limit or a baseline.
fn unjudged(spec: &SpecReport, of: &Measured, quantile: Quantile, now: Estimate) -> String {
    format!(
        "| {} | {} | {quantile} | - | {} | - | - | - |\n",
        inline(&spec.name),
        inline(&of.subject),
        with_version(
            of.unit().rounded(now.value, Rounding::Nearest),
            of.version.clone()
        ),
    )
}

fn row(spec: &SpecReport, of: &Measured, one: &JudgedClaim, fails: bool) -> String {
    let cells = one.cells();
    let before = of.before.as_ref().and_then(|it| it.version.clone());
    let before = with_version(cells.baseline, before);
    let now = with_version(cells.now, of.version.clone());
    let verdict = match one.verdict {
        verdict if fails => format!("**{verdict}**"),
        ClaimVerdict::Ok => "OK".to_owned(),
        verdict if one.possible_slowdown().is_some() => format!("⚠ **{verdict}**"),
        verdict => format!("_{verdict}_"),
    };
    format!(
        "| {} | {} | {} | {before} | {now} | {} | {} | {verdict} |\n",
        inline(&spec.name),
        inline(&of.subject),
        one.quantile,
        cells.change,
        cells.limit,
    )
}

/// `120 ms (v2.3.0)`
pub(super) fn with_version(cell: String, version: Option<String>) -> String {
    let column = Column { version, count: 0 };
    match column.name() {
        Some(version) if cell != "-" => format!("{cell} ({})", inline(&version)),
        _ => cell,
    }
}

/// Claims that are not proven, and notes about the load. Empty for failed specs, whose text contains
/// them.
fn said(spec: &SpecReport, load: &Load) -> Vec<String> {
    if spec.verdict != crate::result::Verdict::Passed {
        return Vec::new();
    }
    text::remarks(load)
        .iter()
        .map(|sentence| format!("- {}: {}\n", inline(&spec.name), inline(sentence)))
        .collect()
}
