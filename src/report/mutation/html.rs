//! The result of `spanspec mutate` as a page without scripts. All data is text, never markup.

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use super::text::{line_of, two_digits};
use crate::mutate::{FaultsOfPlace, SpanOfPlace, Suite};
use crate::number::counted;
use crate::report::look::{Look, printable};
use crate::report::waterfall::{Mark, Records, waterfall};
use crate::trace::Trace;

/// Characters in a line of a trace.
const WIDTH: usize = 120;

/// Maximum number of spans of a trace that are drawn.
const MOST_ROWS: usize = 20;

const STYLE: &str = concat!(
    include_str!("../html/assets/style.css"),
    "main > * { margin-bottom: 14px; max-width: 1100px; }
.faults { border-collapse: collapse; }
.faults td, .faults th { padding: 2px 14px 2px 0; text-align: left; vertical-align: baseline; overflow-wrap: anywhere; }
.faults td:first-child { font-family: var(--mono); font-size: 12.5px; color: var(--bad); white-space: nowrap; }
.faults td.number { color: var(--ink); font-variant-numeric: tabular-nums; }
"
);

/// The page.
pub(crate) fn html(suite: &Suite) -> String {
    // The browser uses only the style with this random value.
    let nonce = format!("{:032x}", rand::random::<u128>());
    page(suite, &nonce).into_string()
}

fn page(suite: &Suite, nonce: &str) -> Markup {
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    let score = suite
        .score
        .share()
        .map_or_else(|| "none".to_owned(), two_digits);
    markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "spanspec mutate: score " (score) }
                link rel="icon" href="data:,";
                style nonce=(nonce) { (PreEscaped(STYLE)) }
            }
            body {
                header.top {
                    h1 { "Score " (score) }
                    p.facts {
                        (suite.score.caught) " of " (counted(suite.score.counted, "fault")) " caught"
                        @if suite.ignored > 0 { ", " (suite.ignored) " ignored" }
                        ", " (counted(suite.judged, "fault")) " judged"
                        @if suite.is_interrupted { "; interrupted, so this is the score of the judged faults" }
                    }
                }
                main #main tabindex="-1" {
                    (missed(&suite.missed))
                    (idle(suite))
                    (not_examined(suite))
                    (unused(suite))
                    (specs(suite))
                }
            }
        }
    }
}

fn missed(places: &[FaultsOfPlace]) -> Markup {
    markup! {
        h2 { "Faults that no check notices" }
        @if places.is_empty() { p { "none" } }
        @for place in places {
            section.card {
                h3 { (printable(&place.place)) }
                p.small.faint { (line_of(&place.at)) " › " (printable(&place.spec)) }
                table.faults {
                    tbody {
                        @for fault in &place.faults {
                            tr {
                                td { (fault.kind.name()) }
                                td {
                                    (printable(&fault.what))
                                    @if fault.equal > 1 { span.note { "1 of " (fault.equal) } }
                                    @if place.remedy.is_some() && !fault.is_covered {
                                        span.note { "not by the checks below" }
                                    }
                                }
                            }
                        }
                    }
                }
                @if let Some(remedy) = &place.remedy {
                    p { "Add to " code { "expect" } ":" }
                    pre tabindex="0" { (remedy) }
                }
                @if let Some(span) = &place.span {
                    details {
                        summary { "Trace" }
                        pre tabindex="0" { (drawn(span)) }
                    }
                }
            }
        }
    }
}

/// The waterfall with the span.
fn drawn(of: &SpanOfPlace) -> String {
    let span = &of.trace.spans()[of.at];
    let mark = Mark {
        trace_id: span.trace_id,
        span_id: span.span_id,
        service: Some(span.service().to_owned()),
        text: "here".to_owned(),
    };
    let trace = Trace::clone(&of.trace).with_linked(Vec::new());
    let look = Look::plain().with_width(WIDTH);
    waterfall(&trace, &[mark], Records::Warnings, &look, MOST_ROWS)
}

fn idle(suite: &Suite) -> Markup {
    markup! {
        @if !suite.idle.is_empty() {
            h2 { "Checks that no fault makes fail" }
            ul {
                @for check in &suite.idle {
                    li {
                        code { (line_of(&check.at)) } " " (printable(&check.what))
                        span.note { (check.why) }
                    }
                }
            }
        }
    }
}

fn not_examined(suite: &Suite) -> Markup {
    markup! {
        @if !suite.not_examined.is_empty() {
            h2 { "Specs that were not examined" }
            ul {
                @for spec in &suite.not_examined {
                    li { code { (line_of(&spec.at)) } " " (printable(&spec.name)) ": " (printable(&spec.why)) }
                }
            }
        }
    }
}

fn unused(suite: &Suite) -> Markup {
    markup! {
        @if !suite.unused.is_empty() {
            h2 { "Entries of " code { "ignore" } " that accept no fault" }
            ul { @for one in &suite.unused { li { code { (line_of(&one.at)) } } } }
        }
    }
}

fn specs(suite: &Suite) -> Markup {
    markup! {
        @if !suite.specs.is_empty() {
            h2 { "Faults that each spec catches alone" }
            table.faults {
                thead { tr { th { "Caught" } th { "Spec" } } }
                tbody {
                    @for spec in &suite.specs {
                        tr {
                            td.number { (spec.score.caught) " of " (spec.score.counted) }
                            td {
                                (line_of(&spec.at)) " › " (printable(&spec.name))
                                @for note in &spec.notes { p.small.faint { (printable(note)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
