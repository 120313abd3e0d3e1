//! The figure of a budget: the curves of baseline and candidate with quantiles, bounds and limits.
//!
//! Horizontal places are shares of the width, and the style sheet sets the size of text and symbols,
//! so the figure fits every screen. Colours are from the style sheet; dashes and shapes repeat their
//! meaning.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::axis::{Axis, Tick, TickVisibility};
use super::budget::{head, usual};
use super::ecdf::{self, curve};
use super::quantity;
use crate::budget::{Compared, Estimate, JudgedClaim, Quantile, Samples, version};
use crate::number::Unit;
use crate::report::look::printable;
use crate::result::Measured;

/// In pixels; the style sheet contains the same value.
const HEIGHT: f64 = 240.0;
/// Half the length of the stroke at the end of a whisker.
const CAP: f64 = 5.0;
/// Distance between the names of two quantiles.
const LINE: f64 = 13.0;
const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// The curve and the quantiles of one version.
struct VersionCurve<'a> {
    class: &'static str,
    samples: &'a Samples,
    quantiles: Vec<(Quantile, Estimate)>,
}

/// The limit of a quantile.
struct LimitLine {
    class: &'static str,
    quantile: Quantile,
    value: f64,
}

/// The figure; empty if there is no sample.
pub(super) fn figure(measured: &Measured) -> Markup {
    let claims = &measured.judged;
    let sides = sides(measured);
    let limits = limits(claims);
    let Some(axis) = axis(measured.unit(), &sides, &limits) else {
        return html! {};
    };
    let (by, larger) = match measured.unit() {
        Unit::Micros => ("duration", "Slower traces"),
        Unit::Number => ("value", "Larger values"),
    };
    html! {
        figure.ecdf {
            (legend(measured, &limits, &axis))
            svg width="100%" height=(HEIGHT) role="img" aria-label=(alternative(measured)) {
                (grid(&axis))
                (levels(&quantiles(&sides)))
                @for limit in &limits { @if axis.shows(limit.value) { (limit_line(limit, &axis)) } }
                svg width="100%" height=(HEIGHT) viewBox={ "0 0 " (ecdf::WIDTH) " " (ecdf::HEIGHT) } preserveAspectRatio="none" {
                    @for side in &sides { (side.line(&axis)) }
                }
                @for side in &sides { (side.marks(&axis)) }
            }
            figcaption.faint.small {
                "Cumulative share of traces by " (by)
                @if axis.is_logarithmic() { ", on a logarithmic scale" }
                ". " (larger) " are further to the right."
                @if limits.iter().any(|limit| axis.shows(limit.value)) {
                    " A quantile is within its limit if the curve reaches its level to the left of the limit."
                }
            }
        }
    }
}

fn sides(measured: &Measured) -> Vec<VersionCurve<'_>> {
    let before = measured.before.as_ref().map(|before| {
        let quantiles = each_once(measured, &before.samples, |claim| match &claim.compared {
            Compared::Baseline { before, .. } => *before,
            Compared::Limit(_) => None,
        });
        VersionCurve {
            class: "before",
            samples: &before.samples,
            quantiles,
        }
    });
    let now = VersionCurve {
        class: "now",
        samples: &measured.samples,
        quantiles: each_once(measured, &measured.samples, |claim| claim.candidate),
    };
    let sides = before.into_iter().chain([now]);
    sides.filter(|side| !side.samples.is_empty()).collect()
}

/// Each quantile once, though a limit and the baseline may apply to it. Without claims, the
/// quantiles of the table.
fn each_once(
    measured: &Measured,
    samples: &Samples,
    of: impl Fn(&JudgedClaim) -> Option<Estimate>,
) -> Vec<(Quantile, Estimate)> {
    let claims = &measured.judged;
    if claims.is_empty() {
        let shown = measured.unjudged().into_iter();
        return shown
            .filter_map(|(quantile, _)| Some((quantile, usual(samples, quantile)?)))
            .collect();
    }
    let mut all: Vec<(Quantile, Estimate)> = Vec::new();
    for claim in claims {
        let is_new = all.iter().all(|(quantile, _)| *quantile != claim.quantile);
        if let Some(estimate) = of(claim).filter(|_| is_new) {
            all.push((claim.quantile, estimate));
        }
    }
    all
}

/// The quantiles of all curves, in ascending order.
fn quantiles(sides: &[VersionCurve<'_>]) -> Vec<Quantile> {
    let all = sides.iter().flat_map(|side| &side.quantiles);
    let all: BTreeSet<Quantile> = all.map(|(quantile, _)| *quantile).collect();
    all.into_iter().collect()
}

fn limits(claims: &[JudgedClaim]) -> Vec<LimitLine> {
    let limit = |claim: &JudgedClaim| {
        let (class, value) = match &claim.compared {
            Compared::Limit(limit) => ("absolute", limit.value),
            Compared::Baseline { before, tau, .. } => ("relative", before.as_ref()?.value * tau),
        };
        let quantile = claim.quantile;
        Some(LimitLine {
            class,
            quantile,
            value,
        })
    };
    claims.iter().filter_map(limit).collect()
}

fn axis(unit: Unit, sides: &[VersionCurve<'_>], limits: &[LimitLine]) -> Option<Axis> {
    let ends = sides
        .iter()
        .filter_map(|side| side.samples.min().zip(side.samples.max()));
    let (first, last) = ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
    let limits: Vec<f64> = limits.iter().map(|limit| limit.value).collect();
    Some(Axis::around(unit, (first, last), &limits))
}

/// Alternative text; the table contains the numbers.
fn alternative(measured: &Measured) -> String {
    let now = described(measured.version.as_ref(), &measured.samples);
    let subject = match measured.unit() {
        Unit::Micros => format!("the durations of {}", printable(&measured.subject)),
        Unit::Number => printable(&measured.subject).into_owned(),
    };
    match &measured.before {
        Some(before) => {
            let before = described(before.version.as_ref(), &before.samples);
            format!(
                "Distribution of {subject}: baseline{before}, and now{now}. The table contains the quantiles."
            )
        }
        None => {
            format!("Distribution of {subject}{now}. The table contains the quantiles.")
        }
    }
}

fn described(name: Option<&String>, samples: &Samples) -> String {
    let name = name.map(|name| format!(" ({})", printable(&version(name))));
    let name = name.unwrap_or_default();
    match samples.quantile(Quantile::P50) {
        Some(median) => {
            let median = quantity::rounded(samples.unit(), median);
            format!("{name} with a median of {median}")
        }
        None => name,
    }
}

fn legend(measured: &Measured, limits: &[LimitLine], axis: &Axis) -> Markup {
    let has = |class| {
        let mut shown = limits.iter().filter(|limit| axis.shows(limit.value));
        shown.any(|limit| limit.class == class)
    };
    html! {
        ul.legend {
            @if let Some(before) = &measured.before {
                li { (swatch("before")) (head("baseline", before.version.as_ref(), &before.samples)) }
            }
            li { (swatch("now")) (head("now", measured.version.as_ref(), &measured.samples)) }
            @if has("absolute") { li { (limit_swatch("absolute")) "limit" } }
            @if has("relative") { li { (limit_swatch("relative")) "limit from the baseline" } }
        }
    }
}

fn swatch(class: &str) -> Markup {
    html! {
        svg.swatch width="34" height="12" aria-hidden="true" {
            line.curve.(class) x1="0" x2="34" y1="6" y2="6" {}
            (point(class, "17", 6.0))
        }
    }
}

fn limit_swatch(class: &str) -> Markup {
    html! {
        svg.swatch width="12" height="14" aria-hidden="true" {
            line.limit.(class) x1="6" x2="6" y1="1" y2="14" {}
            line.limit.cap x1="1" x2="11" y1="1" y2="1" {}
        }
    }
}

fn grid(axis: &Axis) -> Markup {
    html! {
        @for share in SHARES {
            line.grid x1="0" x2="100%" y1=(height(share)) y2=(height(share)) {}
            text.share x="0" dx="-8" y=(height(share)) dy="4" { (share * 100.0) " %" }
        }
        @for Tick { place, label, seen } in axis.ticks() {
            g class=(class_of(seen)) {
                line.grid x1=(percent(place)) x2=(percent(place)) y1="0" y2=(HEIGHT) {}
                text.tick-label x=(percent(place)) y=(HEIGHT) dy="18" { (label) }
            }
        }
    }
}

fn class_of(seen: TickVisibility) -> &'static str {
    match seen {
        TickVisibility::Always => "tick",
        TickVisibility::WhereNarrow => "tick narrow",
        TickVisibility::WhereWide => "tick wide",
    }
}

/// Lines at the levels of the quantiles, with names on the right, in ascending order.
fn levels(quantiles: &[Quantile]) -> Markup {
    let names: Vec<f64> = apart(quantiles);
    html! {
        @for (quantile, name) in quantiles.iter().zip(names) {
            @let y = height(quantile.share());
            line.level x1="0" x2="100%" y1=(y) y2=(y) {}
            text.quantile x="100%" dx="8" y=(pixels(name)) dy="4" { (quantile) }
        }
    }
}

/// Heights of names that do not touch; lower names move down.
fn apart(quantiles: &[Quantile]) -> Vec<f64> {
    let mut heights = Vec::new();
    let mut least = f64::MIN;
    for quantile in quantiles.iter().rev() {
        let y = ((1.0 - quantile.share()) * HEIGHT).max(least);
        heights.push(y);
        least = y + LINE;
    }
    heights.reverse();
    heights
}

fn limit_line(limit: &LimitLine, axis: &Axis) -> Markup {
    let x = axis.place(limit.value);
    let y = height(limit.quantile.share());
    html! {
        line.limit.(limit.class) x1=(percent(x)) x2=(percent(x)) y1=(y) y2=(HEIGHT) {}
        svg.at x=(percent(x)) y=(y) {
            line.limit.cap x1=(-CAP) x2=(CAP) y1="0" y2="0" {}
        }
    }
}

impl VersionCurve<'_> {
    fn line(&self, axis: &Axis) -> Markup {
        let keep: Vec<Quantile> = self
            .quantiles
            .iter()
            .map(|(quantile, _)| *quantile)
            .collect();
        let path = ecdf::path(&curve(self.samples, &keep), axis);
        html! { path.curve.(self.class) d=(path) vector-effect="non-scaling-stroke" {} }
    }

    fn marks(&self, axis: &Axis) -> Markup {
        html! {
            @for (quantile, estimate) in &self.quantiles { (self.mark(*quantile, estimate, axis)) }
        }
    }

    fn mark(&self, quantile: Quantile, estimate: &Estimate, axis: &Axis) -> Markup {
        let y = (1.0 - quantile.share()) * HEIGHT;
        let x = axis.place(estimate.value);
        let ends = [estimate.lower, estimate.upper].map(|end| end.map(|value| axis.place(value)));
        let [from, to] = ends.map(|end| end.unwrap_or(x));
        html! {
            g.(self.class) {
                line.whisker x1=(percent(from)) x2=(percent(to)) y1=(pixels(y)) y2=(pixels(y)) {}
                @for end in ends.into_iter().flatten() {
                    line.whisker x1=(percent(end)) x2=(percent(end)) y1=(pixels(y - CAP)) y2=(pixels(y + CAP)) {}
                }
            }
            (point(self.class, &percent(x), y))
        }
    }
}

/// A square for the baseline, a circle for the candidate.
fn point(class: &str, x: &str, y: f64) -> Markup {
    html! {
        @if class == "before" {
            rect.point.before x=(x) y=(pixels(y)) width="8" height="8" transform="translate(-4 -4)" {}
        } @else {
            circle.point.now cx=(x) cy=(pixels(y)) r="4.5" {}
        }
    }
}

fn percent(place: f64) -> String {
    format!("{:.2}%", place * 100.0)
}

/// From the top.
fn height(share: f64) -> String {
    pixels((1.0 - share) * HEIGHT)
}

fn pixels(of: f64) -> String {
    format!("{}", (of * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::super::sample::regressed;
    use super::*;

    #[test]
    fn marks_stand_where_the_estimates_are_between_their_bounds() {
        let measured = regressed();
        let svg = figure(&measured).into_string();
        let (sides, limits) = (sides(&measured), limits(&measured.judged));
        let axis = axis(Unit::Micros, &sides, &limits).unwrap();
        for side in &sides {
            for (quantile, estimate) in &side.quantiles {
                let place = |value| percent(axis.place(value));
                let y = height(quantile.share());
                let point = if side.class == "now" { "cx" } else { "x" };
                let point = format!("{point}=\"{}\"", place(estimate.value));
                let [lower, upper] =
                    [estimate.lower, estimate.upper].map(|end| place(end.unwrap()));
                let whisker = format!("x1=\"{lower}\" x2=\"{upper}\" y1=\"{y}\" y2=\"{y}\"");
                assert!(svg.contains(&point) && svg.contains(&whisker), "{whisker}");
            }
        }
    }

    #[test]
    fn the_names_of_near_quantiles_do_not_touch() {
        let heights = apart(&[Quantile::P50, Quantile::P95, Quantile::P99, Quantile::P999]);
        let gaps = heights.iter().zip(heights.iter().skip(1));
        assert!(gaps.into_iter().all(|(below, above)| below - above >= LINE));
    }
}
