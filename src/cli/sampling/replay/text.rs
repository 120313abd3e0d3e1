//! The decisions as text: figures of each policy, the total, and traces with the reason.

use std::fmt::Write as _;

use super::decisions::Replay;
use super::summary::{Share, Summary, per_second};
use crate::number::{count, counted, exact, figure};
use crate::sampling::judge::in_order;
use crate::sampling::replay::{Arrival, Ending};
use crate::workspace::shown;

/// Maximum number of traces without `--all`.
pub(super) const MOST_TRACES: usize = 20;

pub(super) fn render(replay: &Replay<'_>, summary: &Summary, all: bool) -> String {
    let mut text = format!(
        "{}: {}, decided as by Collector {}\n\n",
        shown(replay.file),
        replay.config.id,
        replay.version
    );
    text += &policies(summary);
    text.push('\n');
    text += &total(summary);
    text += &notes(replay, summary);
    text.push('\n');
    text += &traces(replay, all);
    text
}

/// A table: the votes for a trace, the decisions, and their share.
fn policies(summary: &Summary) -> String {
    let mut rows = vec![["policy", "matches", "decides", "share of traces"].map(str::to_owned)];
    for policy in &summary.policies {
        let unknown = match policy.unknown {
            0 => String::new(),
            unknown => format!(" + {} unknown", count(unknown)),
        };
        rows.push([
            policy.name.clone(),
            count(policy.matches) + &unknown,
            count(policy.decides),
            share(summary.share_of(policy)),
        ]);
    }
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [name, matches, decides, share] in &rows {
        let [a, b, c] = widths;
        let _ = writeln!(text, "{name:a$}  {matches:>b$}  {decides:>c$}  {share}");
    }
    text
}

/// `47.5 % (31.5 to 63.9)`.
pub(super) fn share(of: Share) -> String {
    let percent = |share: f64| figure(100.0 * share);
    let [least, most] = of.bounds;
    format!(
        "{} % ({} to {})",
        percent(of.share),
        percent(least),
        percent(most)
    )
}

fn total(summary: &Summary) -> String {
    let decided = summary.traces - summary.unknown;
    let unknown = match summary.unknown {
        0 => String::new(),
        unknown => format!(", {} unknown", count(unknown)),
    };
    let mut text = format!(
        "{} of {} kept{unknown}: {} with 95 % confidence\n",
        count(summary.kept),
        counted(decided, "trace"),
        share(summary.share())
    );
    text += &rates(summary.spans, summary.spans_kept, summary.seconds);
    text
}

/// The spans per second, of which some are kept. Empty if the spans have no times.
pub(super) fn rates(all: u64, kept: u64, seconds: f64) -> String {
    let per_second = |spans: u64| per_second(spans, seconds).map(figure);
    let saved = per_second(all.saturating_sub(kept));
    let (Some(all), Some(kept), Some(saved)) = (per_second(all), per_second(kept), saved) else {
        return String::new();
    };
    format!("{kept} of {all} spans per second kept, {saved} saved, by the clock of the spans\n")
}

/// Notes about the limits of the figures.
fn notes(replay: &Replay<'_>, summary: &Summary) -> String {
    let mut text = String::new();
    let mut note = |what: String| {
        let _ = writeln!(text, "note: {what}");
    };
    for one in &replay.refused {
        note(format!(
            "{} ({}, policy `{}`)",
            one.problem.what,
            one.location(),
            one.policy
        ));
    }
    for (policy, id) in replay.extensions() {
        note(format!(
            "the extension `{id}` is not evaluated ({}, policy `{}`)",
            policy.at, policy.name
        ));
    }
    if summary.depend_on_rate > 0 {
        note(format!(
            "{} on a rate, which is simulated with the clock of the spans: a Collector may keep others",
            depend(summary.depend_on_rate)
        ));
    }
    if summary.depend_on_arrival > 0 {
        note(format!(
            "{} on the arrival of spans: {}",
            depend(summary.depend_on_arrival),
            arrival(replay)
        ));
    }
    text
}

fn depend(traces: u64) -> String {
    let s = if traces == 1 { "s" } else { "" };
    format!("{} depend{s}", counted(traces, "trace"))
}

fn arrival(replay: &Replay<'_>) -> String {
    let wait = exact(replay.config.decision_wait);
    match replay.arrival {
        Arrival::AtEnd => format!(
            "each arrives at its end, and is judged if it does within `decision_wait` ({wait}); `--arrival together` judges whole traces"
        ),
        Arrival::Together => "in another order, another decision is possible".to_owned(),
    }
}

fn traces(replay: &Replay<'_>, all: bool) -> String {
    let number = replay.results.len();
    let shown = if all { number } else { number.min(MOST_TRACES) };
    let width = in_order(replay.config)
        .iter()
        .map(|policy| policy.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for at in 0..shown {
        let word = match (replay.kept(at), replay.is_dropped(at)) {
            (Some(true), _) => "kept",
            (Some(false), true) => "dropped",
            (Some(false), false) => "not kept",
            (None, _) => "unknown",
        };
        let policy = replay.policy(at).unwrap_or("-");
        let id = replay.traces.all[at].id;
        let _ = write!(
            text,
            "{word:8}  {id}  {policy:width$}  {}",
            replay.reason(at)
        );
        text += &late(replay, at);
        text.push('\n');
    }
    if shown < number {
        let _ = writeln!(text, "… {} more (`--all`)", count(number - shown));
    }
    text
}

/// The spans that arrive too late, and what the decision depends on.
fn late(replay: &Replay<'_>, at: usize) -> String {
    let result = &replay.results[at];
    let mut text = String::new();
    if result.late.total() > 0 {
        let _ = write!(
            text,
            "; {} after the decision, of which {} kept",
            counted(result.late.total(), "span"),
            count(result.late.kept)
        );
    }
    match (replay.depends_on_rate(at), result.ending) {
        (true, Ending::Decided) => text + "; depends on the rate",
        _ => text,
    }
}
