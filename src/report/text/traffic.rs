//! The telemetry that arrived in a window, and the checks of it, as text.

use super::super::look::{self, BAD, FAINT, Look, STRONG, printable};
use super::lines::{help, paragraph};
use crate::check::{CheckRef, Failure, Judged, Subject};
use crate::number::{count, counted, duration};
use crate::trace::{ServiceTraffic, Signal, Traffic};

/// Maximum number of services in a list.
const MOST_SERVICES: usize = 40;

/// Maximum number of failed checks of one kind.
const MOST_FAILED: usize = 20;

/// The kinds of checks that are shown on a line each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CellKind {
    Signals,
    Services,
    Edges,
}

impl CellKind {
    const ALL: [(Self, &str); 3] = [
        (Self::Signals, "signals"),
        (Self::Services, "services"),
        (Self::Edges, "edges"),
    ];

    fn of(failure: &Failure) -> Option<Self> {
        match &failure.subject {
            Subject::Signal { .. } => Some(Self::Signals),
            Subject::Service(_) => Some(Self::Services),
            Subject::Reference(_) => Some(Self::Edges),
            _ => None,
        }
    }
}

/// Returns `true` for a failed check that [`failed_cells`] shows.
pub(super) fn is_cell(judged: &Judged) -> bool {
    matches!(judged.check, CheckRef::Traffic(_))
        && judged.outcome.failure().and_then(CellKind::of).is_some()
}

/// The failed checks of signals, services and edges, by kind: a line each, and each hint once.
pub(super) fn failed_cells(checks: &[Judged], look: &Look) -> Vec<String> {
    let all = checks
        .iter()
        .filter(|one| matches!(one.check, CheckRef::Traffic(_)));
    let all = counted(all.count(), "check");
    let failed = checks.iter().filter(|one| is_cell(one));
    let failed: Vec<&Failure> = failed.filter_map(|one| one.outcome.failure()).collect();
    let of_kind = |(kind, name): (CellKind, &str)| {
        let of_kind = failed.iter().copied();
        let of_kind: Vec<&Failure> = of_kind
            .filter(|failure| CellKind::of(failure) == Some(kind))
            .collect();
        (!of_kind.is_empty()).then(|| cells(name, &of_kind, &all, look))
    };
    CellKind::ALL.into_iter().filter_map(of_kind).collect()
}

fn cells(name: &str, failed: &[&Failure], all: &str, look: &Look) -> String {
    let title = format!("{name}: {} of {all} failed", count(failed.len()));
    let mut text = paragraph(&title, 2, BAD, look);
    let mut known: Vec<&String> = Vec::new();
    for failure in failed.iter().take(MOST_FAILED) {
        let Failure {
            subject, at, found, ..
        } = failure;
        let line = format!(
            "{at}: {subject}: expected {}, found {found}",
            failure.expected
        );
        text.push_str(&paragraph(&line, 3, STRONG, look));
        let new = failure.hints.iter().filter(|hint| !known.contains(hint));
        let new: Vec<&String> = new.collect();
        let shown: Vec<String> = new.iter().map(|hint| (*hint).clone()).collect();
        text.push_str(&help(&shown, look));
        known.extend(new);
    }
    let more = failed.len().saturating_sub(MOST_FAILED);
    if more > 0 {
        text.push_str(&format!("   … {} more\n", count(more)));
    }
    text
}

/// The services that sent telemetry, each with the number of its records. A line each.
pub(super) fn services(of: &Traffic, look: &Look) -> String {
    let observed = duration(of.observed);
    let number = counted(of.services.len(), "service");
    let mut text = paragraph(
        &format!("{number} sent telemetry in {observed}:"),
        3,
        FAINT,
        look,
    );
    let shown = of.services.iter().take(MOST_SERVICES);
    let longest = shown.clone().map(|(name, _)| look::width(name)).max();
    let longest = longest.unwrap_or_default().min(40);
    for (name, service) in shown {
        let name = look::fitted(&printable(name), longest);
        let line = format!("{name}  {}", records(service));
        let line = look::truncated(&line, look.width.saturating_sub(3));
        text.push_str(&format!("   {}\n", look.paint(FAINT, &line)));
    }
    let more = of.services.len().saturating_sub(MOST_SERVICES);
    if more > 0 {
        text.push_str(&format!("   … {} more\n", count(more)));
    }
    text
}

/// `120 spans, 3 log records, 40 data points`
fn records(service: &ServiceTraffic) -> String {
    let all = Signal::ALL.into_iter().filter_map(|signal| {
        let of = service.signals.get(&signal)?;
        Some(match of.old {
            0 => counted(of.records, signal.record()),
            old => format!(
                "{} (and {} from before)",
                counted(of.records, signal.record()),
                count(old)
            ),
        })
    });
    all.collect::<Vec<_>>().join(", ")
}
