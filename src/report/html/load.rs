//! The load of a step: facts, failed checks, and budgets.

use std::time::Duration;

use maud::{Markup, html};

use super::budget::{self, in_code};
use super::quantity;
use crate::budget::{Quantile, Samples, micros};
use crate::number::{Unit, count, duration, figure};
use crate::report::look::printable;
use crate::report::remarks;
use crate::result::{FailedTrace, Failing, Load};
use crate::spec::{Arrivals, Pace};

/// Smaller delays of requests are not shown.
const WORTH_SAYING: Duration = Duration::from_millis(1);

pub(super) fn section(load: &Load) -> Markup {
    html! {
        section.load aria-label="Load" {
            (facts(load))
            @if let Some(why) = &load.stopped {
                p.notice { b { "Note: " } (in_code(why)) }
            }
            @for remark in remarks::of(load) { p.notice { b { "Note: " } (in_code(&remark)) } }
            @for notice in &load.notices { p.notice { b { "Note: " } (in_code(notice)) } }
            (failing(load))
            @for one in &load.other_failed { (other_failed(one)) }
            @for measured in &load.measured { (budget::section(load, measured)) }
        }
    }
}

fn facts(load: &Load) -> Markup {
    let is_search = matches!(load.pace, Pace::Search { .. });
    html! {
        dl.load-facts {
            (fact(if is_search { "Traces" } else { "Requests" }, &html! {
                (count(load.requests))
                @if load.warmup > 0 { " " small { "after " (count(load.warmup)) " for warm-up" } }
            }))
            (fact("Pace", &pace(&load.pace)))
            @if !is_search { (fact("Rate", &html! { (figure(load.rate())) "/s" })) }
            div.failed[load.failed > load.allowed] {
                dt { "Failed" }
                dd { (count(load.failed)) " " small { "(" (count(load.allowed)) " allowed)" } }
            }
            div.errored[load.errored > 0] { dt { "Errored" } dd { (count(load.errored)) } }
            (fact("Duration", &html! { (duration(load.duration)) }))
            (response_times(&load.response_times))
            @if matches!(load.pace, Pace::Open { .. }) && load.behind >= WORTH_SAYING {
                (fact("Sent late", &html! { "up to " (duration(load.behind)) }))
            }
        }
    }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn pace(pace: &Pace) -> Markup {
    html! {
        @match pace {
            Pace::Closed { concurrency, .. } => { (count(*concurrency)) " at a time" },
            Pace::Search { since, .. } => { "found in the last " (quantity::exact(Unit::Micros, micros(*since))) },
            Pace::Open { rate, period, arrivals } => {
                (printable(&rate.written)) " for " (quantity::exact(Unit::Micros, micros(*period))) " "
                small {
                    @match arrivals {
                        Arrivals::Poisson => "Poisson arrivals",
                        Arrivals::Constant => "evenly spaced",
                    }
                }
            },
        }
    }
}

fn response_times(times: &Samples) -> Markup {
    html! {
        @for quantile in [Quantile::P50, Quantile::P95, Quantile::P99] {
            @if let Some(micros) = times.quantile(quantile) {
                (fact(&format!("Response time {quantile}"), &html! { (quantity::rounded(Unit::Micros, micros)) }))
            }
        }
        @if let Some(micros) = times.max() {
            (fact("Longest response time", &html! { (quantity::rounded(Unit::Micros, micros)) }))
        }
    }
}

fn failing(load: &Load) -> Markup {
    let unit = match load.pace {
        Pace::Search { .. } => "Traces",
        Pace::Closed { .. } | Pace::Open { .. } => "Requests",
    };
    html! {
        @if !load.failing.is_empty() {
            table.failing {
                caption { "Failed checks" }
                thead { tr { th scope="col" { (unit) } th scope="col" { "Check" } th scope="col" { "Where" } } }
                tbody { @for one in &load.failing { (failing_row(one, load.requests)) } }
            }
        }
    }
}

fn other_failed(failed: &FailedTrace) -> Markup {
    html! {
        p.notice {
            b { "Also failed: " } "trace " code { (failed.trace.id()) } ": "
            @for (index, what) in failed.failed.iter().enumerate() {
                @if index > 0 { ", " }
                (in_code(what))
            }
        }
    }
}

fn failing_row(failing: &Failing, requests: u64) -> Markup {
    let share = 100.0 * failing.requests as f64 / requests.max(1) as f64;
    html! {
        tr {
            td.number { b { (count(failing.requests)) } " " small { (figure(share)) " %" } }
            th scope="row" { (in_code(&failing.what)) }
            td.faint {
                @if let Some(at) = &failing.at { (printable(at.source.name())) ":" (at.line()) }
            }
        }
    }
}
