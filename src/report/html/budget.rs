//! One budget: its figure, the table of its quantiles, its claims, and the slowest trace.

use maud::{Markup, html};

use super::figure::figure;
use super::quantity::{self, at_least, at_most, duration};
use crate::budget::{
    Alpha, ClaimVerdict, Column, Compared, Estimate, JudgedClaim, Quantile, Samples, micros,
};
use crate::number::{Rounding, count, counted, permitted_ratio, ratio};
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
                p { "No samples: no trace has a duration for this budget." }
            }
            (figure(measured))
            (table(load, measured, &judged))
            (claims(load, &judged))
            @if let Some(slowest) = &measured.slowest { (exemplar(measured, slowest)) }
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
    let before = measured.before.as_ref();
    html! {
        (heads(before.map(|_| "Baseline").into_iter().chain(["Now"])))
        tbody role="rowgroup" {
            @for (quantile, now) in measured.unjudged() {
                tr role="row" {
                    th scope="row" role="rowheader" { (quantile) }
                    @if let Some(before) = before {
                        (cell("Baseline", &value(usual(&before.samples, quantile))))
                    }
                    (cell("Now", &value(Some(now))))
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
    let class = class(load, claim.verdict);
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (claim.quantile) }
            @if let Some(known) = &measured.before {
                @let before = before(claim, &known.samples);
                (cell("Baseline", &value(before)))
                (cell("Now", &value(claim.candidate)))
                (cell("Change", &change(claim.candidate, before)))
            } @else {
                (cell("Now", &value(claim.candidate)))
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
fn value(estimate: Option<Estimate>) -> Markup {
    html! {
        @match estimate {
            None => span.faint { "none" },
            Some(estimate) => {
                span.number { (duration(estimate.value)) }
                " " small.bounds {
                    @match (estimate.lower, estimate.upper) {
                        (Some(lower), Some(upper)) => { (at_least(lower)) " to " (at_most(upper)) },
                        (Some(lower), None) => { "≥ " (at_least(lower)) },
                        (None, Some(upper)) => { "≤ " (at_most(upper)) },
                        (None, None) => { "no bounds" },
                    }
                }
            },
        }
    }
}

fn change(now: Option<Estimate>, before: Option<Estimate>) -> Markup {
    // Shorter durations count as a microsecond.
    let factor = now
        .zip(before)
        .map(|(now, before)| now.value.max(1.0) / before.value.max(1.0));
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
            Compared::Limit(limit) => span.number { (quantity::limit(micros(*limit))) },
            Compared::Baseline { before, tau, .. } => {
                span.number { (permitted_ratio(*tau, Rounding::Nearest)) }
                @if let Some(before) = before { " " small.bounds { (duration(before.value * tau)) } }
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

/// The slowest trace; the script replaces the text with the usual drawing.
fn exemplar(measured: &Measured, slowest: &Exemplar) -> Markup {
    let spans = slowest.trace.len();
    html! {
        details.exemplar data-trace=(slowest.trace_id) {
            summary { "The slowest trace: " (duration(slowest.micros as f64)) }
            p.faint.small {
                "trace " code { (slowest.trace_id) } ", " (counted(spans, "span"))
                @if let Some(path) = &slowest.saved { ", saved in " (printable(&path.display().to_string())) }
                @if let Some(longest) = measured.slowest_unseen() {
                    "; the slowest request took " (duration(longest as f64)) " and left no trace"
                }
            }
            @if spans > 0 { pre { (waterfall(&slowest.trace, &[], Records::Warnings, &Look::plain(), USUAL_ROWS)) } }
        }
    }
}
