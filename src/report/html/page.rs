//! The page around the data: its head, the list of specs, and the content for browsers without scripts.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use super::load;
use super::run::PageRun;
use super::shared::PageValues;
use super::spec::PageSpec;
use crate::number::counted;
use crate::number::duration;
use crate::report::json::parts;
use crate::report::look::{Look, printable};
use crate::report::text::{self, Detail};
use crate::result::{Report, SpecReport, Trouble, Verdict};

const STYLE: &str = concat!(
    include_str!("assets/style.css"),
    include_str!("assets/trace.css"),
    include_str!("assets/load.css")
);

/// Concatenated in this order, inside one function, so that they define no global names.
const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("assets/dom.js"),
    include_str!("assets/trace.js"),
    include_str!("assets/waterfall.js"),
    include_str!("assets/span.js"),
    include_str!("assets/graph.js"),
    include_str!("assets/source.js"),
    include_str!("assets/compare.js"),
    include_str!("assets/load.js"),
    include_str!("assets/spec.js"),
    include_str!("assets/run.js"),
    include_str!("assets/main.js"),
    "})();\n"
);

/// Number of specs that are shown in full without scripts.
const MOST_IN_FULL: usize = 100;
/// Maximum length of the searchable text of a spec, in characters.
const MOST_WORDS: usize = 600;

/// Verdicts in the order of importance, as the page names and counts them.
const KINDS: [(&str, &str); 6] = [
    ("failed", "Failed"),
    ("errored", "Errored"),
    ("flaky", "Flaky"),
    ("passed", "Passed"),
    ("skipped", "Skipped"),
    ("not_run", "Not run"),
];

pub(super) fn page(report: &Report, nonce: &str) -> Markup {
    let mut shared = PageValues::default();
    let chunks: Vec<String> = report
        .specs
        .iter()
        .map(|spec| json(&PageSpec::of(spec, &mut shared)))
        .collect();
    let run = PageRun::of(report);
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(report, nonce))
            body {
                a.skip-link href="#main" { "Skip to the spec" }
                (header(report))
                div.columns {
                    (list(report, run.as_ref()))
                    main #main tabindex="-1" {
                        (of_the_run(report))
                        div #spec {}
                        (without_scripts(report))
                        (loads(report))
                    }
                }
                (shortcuts())
                p #status.visually-hidden role="status" {}
                script #shared type="application/json" { (PreEscaped(json(&shared))) }
                @if let Some(run) = &run {
                    script #run-data type="application/json" { (PreEscaped(json(run))) }
                }
                @for (number, chunk) in (1..).zip(&chunks) {
                    script id={ "data-" (number) } type="application/json" { (PreEscaped(chunk)) }
                }
                script nonce=(nonce) { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// JSON that cannot end its element: `<` occurs only in strings, where an escape can replace it.
fn json(of: &impl Serialize) -> String {
    serde_json::to_string(of)
        .expect("the format has text keys only, and writing to a string cannot fail")
        .replace('<', "\\u003c")
}

fn head(report: &Report, nonce: &str) -> Markup {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; \
         base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            title { (title(report)) }
            link rel="icon" href="data:,";
            style nonce=(nonce) { (PreEscaped(STYLE)) }
        }
    }
}

fn title(report: &Report) -> String {
    let counts: Vec<String> = KINDS
        .iter()
        .map(|(kind, word)| (count(report, kind), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {}", word.to_lowercase()))
        .collect();
    match counts.as_slice() {
        [] => "spanspec: nothing ran".to_owned(),
        counts => format!("{} · spanspec", counts.join(", ")),
    }
}

fn count(report: &Report, kind: &str) -> usize {
    let is = |spec: &&SpecReport| kind_of(spec) == kind;
    report.specs.iter().filter(is).count()
}

fn kind_of(spec: &SpecReport) -> &'static str {
    if spec.is_flaky() {
        "flaky"
    } else {
        parts::verdict(&spec.verdict).0
    }
}

fn word_of(kind: &str) -> &'static str {
    KINDS
        .iter()
        .find(|(known, _)| *known == kind)
        .map_or("", |(_, word)| word)
}

fn header(report: &Report) -> Markup {
    let all = report.specs.len().max(1);
    html! {
        header.top {
            h1 { "spanspec" }
            p.counts {
                @for (kind, word) in KINDS {
                    @let number = count(report, kind);
                    @if number > 0 {
                        span.count.(kind) { b { (number) } " " (word.to_lowercase()) }
                    }
                }
            }
            // The script sets the widths, because the policy forbids style attributes.
            div.bar aria-hidden="true" {
                @for (kind, _) in KINDS {
                    @let number = count(report, kind);
                    @if number > 0 { i.(kind) data-share=(format!("{}/{all}", number)) {} }
                }
            }
            p.facts {
                time datetime=(report.started.to_string()) { (report.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()) }
                span { (duration(report.duration)) }
                span { (counted(usize::try_from(report.telemetry.spans).unwrap_or(usize::MAX), "span")) " received" }
                @if report.interrupted { span.errored { "interrupted" } }
            }
            div.buttons {
                button #keys type="button" title="Keyboard shortcuts (?)" aria-label="Keyboard shortcuts" { "?" }
                button #theme type="button" aria-label="Theme" { "Theme" }
            }
        }
    }
}

fn list(report: &Report, run: Option<&PageRun>) -> Markup {
    html! {
        nav.specs aria-label="Specs" {
            div.find {
                input #search type="search" placeholder="Search specs   /" aria-label="Search specs" autocomplete="off" spellcheck="false";
                div #filters.filters role="group" aria-label="Show" {
                    button type="button" data-kind="" aria-pressed="true" { "All " b { (report.specs.len()) } }
                    @for (kind, word) in KINDS {
                        @let number = count(report, kind);
                        @if number > 0 {
                            button.(kind) type="button" data-kind=(kind) aria-pressed="false" { (word) " " b { (number) } }
                        }
                    }
                }
            }
            @if let Some(run) = run {
                a #run-link href="#run" { "All traces of the run" span.note { (run.len()) } }
            }
            ol #list {
                @for (number, spec) in (1..).zip(&report.specs) { (entry(number, spec)) }
            }
            p #none hidden { "No spec matches." }
        }
    }
}

fn entry(number: usize, spec: &SpecReport) -> Markup {
    let kind = kind_of(spec);
    let at = format!("{}:{}", printable(spec.at.source.name()), spec.at.line());
    html! {
        li.(kind) data-kind=(kind) data-words=(words(spec)) {
            a href={ "#spec-" (number) } {
                span.verdict { (word_of(kind)) }
                span.name { (printable(&spec.name)) }
                span.time { @if !spec.attempts.is_empty() { (duration(spec.duration)) } }
                span.file { (at) }
                @if !spec.tags.is_empty() {
                    span.tags { @for tag in &spec.tags { span.tag { (printable(tag)) } " " } }
                }
            }
        }
    }
}

/// Searchable text that the list does not show: failures and triggers.
fn words(spec: &SpecReport) -> String {
    let attempts = spec.last_attempt().into_iter();
    let failures = attempts.clone().flat_map(text::in_short);
    let triggers = attempts
        .flat_map(|attempt| &attempt.steps)
        .map(|step| step.trigger.clone());
    let reason = parts::verdict(&spec.verdict).1.map(str::to_owned);
    let words: Vec<String> = reason.into_iter().chain(failures).chain(triggers).collect();
    words.join(" ").chars().take(MOST_WORDS).collect()
}

/// Errors and notes of the run itself.
fn of_the_run(report: &Report) -> Markup {
    html! {
        @for trouble in &report.trouble { (trouble_of_the_run(trouble)) }
        @for notice in &report.notices { p.notice { b { "Note: " } @for line in notice.lines() { (printable(line)) br; } } }
        @if report.specs.is_empty() { p.empty { "No spec ran." } }
    }
}

fn trouble_of_the_run(trouble: &Trouble) -> Markup {
    html! {
        section.card.errored aria-label="The run" {
            h2 { (printable(&trouble.what)) }
            @if !trouble.details.is_empty() { pre { @for line in &trouble.details { (printable(line)) "\n" } } }
            @for help in &trouble.help { p.hint { b { "Help: " } (printable(help)) } }
        }
    }
}

fn without_scripts(report: &Report) -> Markup {
    let is_bad = |spec: &&SpecReport| matches!(spec.verdict, Verdict::Failed | Verdict::Errored);
    html! {
        noscript {
            p.notice { "Traces, service graphs and comparisons need JavaScript. Specs that did not pass:" }
            @for spec in report.specs.iter().filter(is_bad).take(MOST_IN_FULL) {
                pre { (text::spec(spec, &Look::plain(), Detail::Normal)) }
            }
        }
    }
}

/// Budgets are rendered here, so that they are visible without scripts. The script moves the part of
/// a spec to its place, and draws its traces.
fn loads(report: &Report) -> Markup {
    let of_spec = |spec: &SpecReport| -> Vec<Markup> {
        let steps = spec.attempts.iter().flat_map(|attempt| &attempt.steps);
        steps
            .filter_map(|step| step.load.as_deref())
            .map(load::section)
            .collect()
    };
    html! {
        @for (number, spec) in (1..).zip(&report.specs) {
            @let loads = of_spec(spec);
            @if !loads.is_empty() {
                div.loads id={ "loads-" (number) } {
                    h2 { (printable(&spec.name)) }
                    @for load in loads { (load) }
                }
            }
        }
    }
}

fn shortcuts() -> Markup {
    let keys = [
        ("/", "search specs"),
        ("j  k", "next, previous spec"),
        ("↑ ↓", "move in the list, in a trace"),
        ("← →", "collapse, expand; to the parent, to the first child"),
        ("Home  End", "first, last span"),
        ("Enter", "details of the span or log record"),
        ("n  p", "next, previous marked span"),
        ("f", "find spans and log records"),
        ("+  −  0", "zoom in, out, to the whole trace"),
        ("[  ]", "move the zoomed view"),
        ("c", "critical path on and off"),
        ("l", "all log records, or warnings and errors only"),
        ("Esc", "close details, clear the search"),
        ("t", "theme"),
        ("?", "this list"),
    ];
    html! {
        dialog #shortcuts aria-labelledby="shortcuts-title" {
            h2 #shortcuts-title { "Keyboard" }
            dl { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
            form method="dialog" { button { "Close" } }
        }
    }
}
