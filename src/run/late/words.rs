//! Texts about spans that arrived after a verdict.

use std::collections::BTreeSet;
use std::time::Duration;

use super::many::Contradictions;
use crate::number::duration;
use crate::result::{Load, Trouble};
use crate::source::LateKind;
use crate::step::{LateSpans, sufficient};
use crate::trace::Hole;

/// Maximum number of services in a list.
const MOST_SERVICES: usize = 3;

/// When the last late span arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// While the services ran: the lag is that of the exporter.
    Running,
    /// During shutdown: the exporter would have kept the span for longer.
    Stopping,
    /// After a verdict that did not wait for the flush bound.
    AfterEarlyVerdict,
}

impl LateSpans {
    fn of(&self) -> String {
        let mut names: Vec<String> = self
            .services
            .keys()
            .take(MOST_SERVICES)
            .map(|name| format!("`{name}`"))
            .collect();
        let more = self.services.len().saturating_sub(MOST_SERVICES);
        if more > 0 {
            names.push(format!("{more} more"));
        }
        match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, before)) => format!("{} and {last}", before.join(", ")),
            None => String::new(),
        }
    }

    /// The name of the late records, of which there are this many.
    pub(super) fn noun(&self, number: usize) -> &'static str {
        noun(&self.kinds, number)
    }

    /// The variables with the export delay, each with this value; empty for lines alone, which have none.
    fn variables(&self, value: &str) -> String {
        let of_kind = |kind: &LateKind| match kind {
            LateKind::Span => Some(format!("`OTEL_BSP_SCHEDULE_DELAY{value}`")),
            LateKind::LogRecord => Some(format!("`OTEL_BLRP_SCHEDULE_DELAY{value}`")),
            LateKind::PrintedLine => None,
        };
        let variables: Vec<String> = self.kinds.iter().filter_map(of_kind).collect();
        variables.join(" and ")
    }

    /// The fact: `1 span of payment arrived 4.6 s after the verdict`.
    pub(super) fn fact(&self, when: When) -> String {
        let number = self.number();
        if let (0, Some(hole)) = (number, self.holes.first()) {
            return format!("records of this trace may be missing since the verdict: {hole}");
        }
        let spans = self.noun(number);
        let stopping = match when {
            When::Running | When::AfterEarlyVerdict => "",
            When::Stopping => ", while the services were stopped",
        };
        format!(
            "{number} {spans} of {} arrived {} after the verdict{stopping}",
            self.of(),
            duration(self.after_verdict)
        )
    }

    /// Instructions that make the spans arrive in time.
    pub(super) fn remedies(&self, when: When) -> Vec<String> {
        let mut remedies = match self.number() {
            0 => Vec::new(),
            _ => self.remedies_of_spans(when),
        };
        for hole in &self.holes {
            if !remedies.contains(&hole.remedy) {
                remedies.push(hole.remedy.clone());
            }
        }
        remedies
    }

    fn remedies_of_spans(&self, when: When) -> Vec<String> {
        let of = self.of();
        let are_exported = self.kinds.iter().any(|kind| *kind != LateKind::PrintedLine);
        let mut remedies = match when {
            When::AfterEarlyVerdict => {
                return vec![
                    "add `orphans: 0`, so that the checks are judged when the trace is complete"
                        .to_owned(),
                ];
            }
            _ if !are_exported => Vec::new(),
            When::Running => vec![
                format!("set `wait: {{ flush: {} }}`", sufficient(self.lag)),
                format!("or let {of} export sooner: {}", self.variables("=100")),
            ],
            When::Stopping => vec![
                format!(
                    "let {of} export sooner: a delay in its code or in the file of `OTEL_CONFIG_FILE` overrides {}",
                    self.variables("")
                ),
                "or set `wait: { flush: … }` to that delay and 250ms more".to_owned(),
            ],
        };
        if self.kinds.contains(&LateKind::PrintedLine) {
            remedies.push(match when {
                When::Running => format!("raise `wait.tail` by {}", sufficient(self.lag)),
                _ => "raise `wait.tail` to the time until the lines are printed".to_owned(),
            });
            remedies.push(format!("or let {of} flush its output after each line"));
        }
        remedies
    }
}

/// The name of late records of these kinds, of which there are this many.
fn noun(kinds: &BTreeSet<LateKind>, number: usize) -> &'static str {
    let has_spans = kinds.contains(&LateKind::Span);
    let has_logs = kinds.iter().any(|kind| *kind != LateKind::Span);
    match (has_spans, has_logs) {
        (false, true) if number == 1 => "log record",
        (false, true) => "log records",
        (true, true) => "spans and log records",
        _ if number == 1 => "span",
        _ => "spans",
    }
}

/// The reason why a step that passed is errored.
pub(super) fn overturned(late: &LateSpans, when: When) -> Trouble {
    if late.number() == 0 {
        return Trouble::new(&format!("passed at first, but {}", late.fact(when)))
            .with_details(late.holes.iter().skip(1).map(Hole::to_string))
            .with_help(late.remedies(when));
    }
    let contradict = match late.number() {
        1 => "contradicts",
        _ => "contradict",
    };
    let what = match when {
        When::Running | When::AfterEarlyVerdict => format!(
            "passed at first, but {} and {contradict} it",
            late.fact(when)
        ),
        When::Stopping => format!(
            "passed at first, but {}, and {contradict} it",
            late.fact(when)
        ),
    };
    Trouble::new(&what).with_help(late.remedies(when))
}

/// A note about a step that would have passed with the late spans.
pub(super) fn would_pass(late: &LateSpans, when: When) -> String {
    format!(
        "{}: with them every check of the trace holds; {}",
        late.fact(when),
        late.remedies(when).join(", ")
    )
}

/// A note about late records of a service that changed no verdict. `lag` is the longest while the
/// services ran.
pub(super) fn harmless(
    service: &str,
    (number, kinds): (usize, &BTreeSet<LateKind>),
    lag: Option<Duration>,
) -> String {
    let counted = format!("{number} {}", noun(kinds, number));
    let are_printed = kinds.iter().all(|kind| *kind == LateKind::PrintedLine);
    match lag {
        Some(lag) => {
            let wait = sufficient(lag);
            let remedy = match are_printed {
                true => format!("`wait.tail` longer by {wait}"),
                false => format!("`wait: {{ flush: {wait} }}`"),
            };
            format!(
                "{counted} of `{service}` arrived after the verdict, up to {} after the response, and changed none; {remedy} would wait for them",
                duration(lag)
            )
        }
        None => {
            let reason = match are_printed {
                true => "it printed them later than `wait.tail`, or kept them in a buffer",
                false => "its exporter keeps them for longer than the flush bound",
            };
            format!(
                "{counted} of `{service}` arrived while the services were stopped, and changed no verdict; {reason}"
            )
        }
    }
}

/// A note about contradicted requests of a `repeat` that `failures` permits.
pub(super) fn some_contradicted(found: &Contradictions, load: &Load, when: When) -> String {
    format!(
        "{}; {} of {} requests {} ({} permitted): {}",
        found.late.fact(when),
        found.requests,
        load.requests,
        are_affected(&found.late),
        load.allowed,
        found.late.remedies(when).join(", ")
    )
}

/// The reason why a `repeat` that passed is errored.
pub(super) fn too_many_contradicted(found: &Contradictions, load: &Load, when: When) -> Trouble {
    let what = format!(
        "passed at first, but {}, and {} of {} requests {} ({} permitted)",
        found.late.fact(when),
        found.requests,
        load.requests,
        are_affected(&found.late),
        load.allowed
    );
    Trouble::new(&what).with_help(found.late.remedies(when))
}

fn are_affected(late: &LateSpans) -> String {
    match late.number() {
        0 => "cannot be judged".to_owned(),
        _ => format!("are contradicted by late {}", late.noun(2)),
    }
}
