//! One budget: its figure, the table of its quantiles, its claims, and the slowest trace.

use maud::{Markup, html};

use super::figure::figure;
use super::quantity::{at_least, at_most, rounded, unbroken};
use crate::budget::{
    Alpha, ClaimVerdict, Column, Compared, Estimate, JudgedClaim, Quantile, Samples,
};
use crate::number::{Rounding, Unit, count, counted, permitted_ratio, ratio};
use crate::report::look::{Look, printable};
use crate::report::waterfall::{Records, USUAL_ROWS, waterfall};
use crate::result::{Exemplar, Load, Measured};

pub(super) fn section(load: &Load, measured: &Measured) -> Markup {
    let subject = printable(&measured.subject);
    let mut judged: Vec<&JudgedClaim> = measured.judged.iter().collect();
    judged.sort_by_key(|claim| claim.quantile);
    html! {
        section.card.budget aria-label={ "Budget of " (subject) } {
            h3 { (subject) }
            @if measured.samples.is_empty() {
                p { "No samples: no trace has a value for this budget." }
            }
            (figure(measured))
            (table(load, measured, &judged))
            (claims(load, &judged))
            @if let Some(largest) = &measured.largest { (exemplar(measured, largest)) }
        }
    }
}

/// `v2.4.0 (now, n = 500)`
pub(super) fn head(which: &str, version: Option<&String>, samples: &Samples) -> Markup {
    let column = Column {
        version: version.cloned(),
        count: samples.len(),
    };
    html! {
        span {
            @match column.name() {
                Some(name) => { b { (printable(&name)) } " (" (which) ", " },
                None => { b { (which) } " (" },
            }
            span.number { "n = " (count(column.count)) ")" }
        }
    }
}

/// The quantiles of the claims, else the usual ones. On narrow screens, the style sheet lays out
/// each row as a block; the roles keep it a table for screen readers.
fn table(load: &Load, measured: &Measured, claims: &[&JudgedClaim]) -> Markup {
    let subject = printable(&measured.subject);
    html! {
        @if !claims.is_empty() || !measured.samples.is_empty() {
            table.quantiles role="table" {
                caption.visually-hidden { "Quantiles of " (subject) ", each with its lower and upper bound" }
                @if claims.is_empty() { (unjudged(measured)) } @else { (judged(load, measured, claims)) }
            }
        }
    }
}

/// The estimate with the bounds of a single claim.
pub(super) fn usual(samples: &Samples, quantile: Quantile) -> Option<Estimate> {
    samples.estimate(quantile, Alpha::FIVE_PERCENT)
}

fn unjudged(measured: &Measured) -> Markup {
    let (before, unit) = (measured.before.as_ref(), measured.unit());
    html! {
        (heads(before.map(|_| "Baseline").into_iter().chain(["Now"])))
        tbody role="rowgroup" {
            @for (quantile, now) in measured.unjudged() {
                tr role="row" {
                    th scope="row" role="rowheader" { (quantile) }
                    @if let Some(before) = before {
                        (cell("Baseline", &value(unit, usual(&before.samples, quantile))))
                    }
                    (cell("Now", &value(unit, Some(now))))
                }
            }
        }
    }
}

fn judged(load: &Load, measured: &Measured, claims: &[&JudgedClaim]) -> Markup {
    let all = ["Baseline", "Now", "Change", "Limit", "Verdict"];
    let has_baseline = measured.before.is_some();
    let heads_shown = all
        .into_iter()
        .filter(|head| has_baseline || !["Baseline", "Change"].contains(head));
    html! {
        (heads(heads_shown))
        tbody role="rowgroup" { @for claim in claims { (row(load, measured, claim)) } }
    }
}

fn heads(all: impl Iterator<Item = &'static str>) -> Markup {
    html! {
        thead role="rowgroup" {
            tr role="row" {
                @for head in std::iter::once("Quantile").chain(all) {
                    th scope="col" role="columnheader" { (head) }
                }
            }
        }
    }
}

fn cell(head: &str, content: &Markup) -> Markup {
    html! { td role="cell" data-head=(head) { (content) } }
}

fn row(load: &Load, measured: &Measured, claim: &JudgedClaim) -> Markup {
    let (class, unit) = (class(load, claim.verdict), claim.unit);
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (claim.quantile) }
            @if let Some(known) = &measured.before {
                @let before = before(claim, &known.samples);
                (cell("Baseline", &value(unit, before)))
                (cell("Now", &value(unit, claim.candidate)))
                (cell("Change", &change(unit, claim.candidate, before)))
            } @else {
                (cell("Now", &value(unit, claim.candidate)))
            }
            (cell("Limit", &limit(claim)))
            td.verdict.(class) role="cell" { (sign(class)) " " (claim.verdict) }
        }
    }
}

/// The value in the baseline, for absolute limits too.
fn before(claim: &JudgedClaim, samples: &Samples) -> Option<Estimate> {
    match &claim.compared {
        Compared::Baseline { before, .. } => *before,
        Compared::Limit(_) => samples.estimate(claim.quantile, claim.alpha),
    }
}

/// The estimate, with its bounds below it.
fn value(unit: Unit, estimate: Option<Estimate>) -> Markup {
    html! {
        @match estimate {
            None => span.faint { "none" },
            Some(estimate) => {
                span.number { (rounded(unit, estimate.value)) }
                " " small.bounds {
                    @match (estimate.lower, estimate.upper) {
                        (Some(lower), Some(upper)) => { (at_least(unit, lower)) " to " (at_most(unit, upper)) },
                        (Some(lower), None) => { "≥ " (at_least(unit, lower)) },
                        (None, Some(upper)) => { "≤ " (at_most(unit, upper)) },
                        (None, None) => { "no bounds" },
                    }
                }
            },
        }
    }
}

fn change(unit: Unit, now: Option<Estimate>, before: Option<Estimate>) -> Markup {
    let factor = now
        .zip(before)
        .map(|(now, before)| unit.change(now.value, before.value));
    html! {
        @match factor {
            Some(factor) => span.number { (ratio(factor, Rounding::Nearest)) },
            None => span.faint { "none" },
        }
    }
}

fn limit(claim: &JudgedClaim) -> Markup {
    html! {
        @match &claim.compared {
            Compared::Limit(limit) => span.number { (unbroken(&limit.text(claim.unit))) },
            Compared::Baseline { before, tau, .. } => {
                span.number { (permitted_ratio(*tau, Rounding::Nearest)) }
                @if let Some(before) = before { " " small.bounds { (rounded(claim.unit, before.value * tau)) } }
            },
        }
    }
}

fn claims(load: &Load, judged: &[&JudgedClaim]) -> Markup {
    html! {
        @if !judged.is_empty() {
            ul.claims {
                @for claim in judged { li.(class(load, claim.verdict)) { (in_code(&claim.to_string())) } }
            }
        }
    }
}

/// Text with `code` between backquotes as elements.
pub(super) fn in_code(text: &str) -> Markup {
    html! {
        @for (at, part) in printable(text).split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn class(load: &Load, verdict: ClaimVerdict) -> &'static str {
    match verdict {
        ClaimVerdict::Ok => "passed",
        verdict if load.fails(verdict) => "failed",
        _ => "flaky",
    }
}

fn sign(class: &str) -> Markup {
    let sign = match class {
        "passed" => "✓",
        "failed" => "✗",
        _ => "?",
    };
    html! { span.sign aria-hidden="true" { (sign) } }
}

/// The trace with the largest value; the script replaces the text with the usual drawing.
fn exemplar(measured: &Measured, largest: &Exemplar) -> Markup {
    let spans = largest.trace.len();
    let unit = measured.unit();
    let title = match unit {
        Unit::Micros => "The slowest trace: ",
        Unit::Number => "The trace with the largest value: ",
    };
    html! {
        details.exemplar data-trace=(largest.trace_id) {
            summary { (title) (rounded(unit, largest.value)) }
            p.faint.small {
                "trace " code { (largest.trace_id) } ", " (counted(spans, "span"))
                @if let Some(path) = &largest.saved { ", saved in " (printable(&path.display().to_string())) }
                @if let Some(longest) = measured.slowest_unseen() {
                    "; the slowest request took " (rounded(unit, longest)) " and left no trace"
                }
            }
            @if spans > 0 { pre { (waterfall(&largest.trace, &[], Records::Warnings, &Look::plain(), USUAL_ROWS)) } }
        }
    }
}
