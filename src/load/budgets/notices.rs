//! What the user should know of the baseline, a sentence each.

use std::path::Path;

use super::asked::Asked;
use super::decide::Decided;
use super::place::Place;
use super::record::{Way, Wish, Written};
use super::revise::Replaced;
use crate::budget::baseline::Trend;

/// Why a run that may write does not.
const STOPPED_WAITING: &str =
    "nothing was written, for the run ended while another process was writing";

/// What became of the baseline, and what is not in it yet.
pub(super) fn all(
    decided: &Decided<'_>,
    wish: Wish,
    written: Option<&Written>,
    place: &Place,
) -> Vec<String> {
    let missing = quantiles(decided.missing.iter().copied());
    let done = written.map(|written| done(decided, written, &place.accept));
    let told = match (missing.is_empty(), done) {
        (true, None) if wish == Wish::Write(Way::Always) => {
            Some(format!("{}: {STOPPED_WAITING}", place.path.display()))
        }
        (true, None) => unwritten(decided, wish),
        (true, done) => done,
        // The last attempt tells it.
        (false, None) if wish == Wish::Again => None,
        (false, Some(done)) => Some(format!("no baseline of {missing} yet: {done}")),
        (false, None) => {
            let why = why_none(wish, &place.path);
            Some(format!("no baseline of {missing} yet, and {why}"))
        }
    };
    told.into_iter().collect()
}

/// What was written.
fn done(decided: &Decided<'_>, written: &Written, accept: &str) -> String {
    let regressed = quantiles(decided.regressed());
    match written.way {
        Way::Proposed => {
            let meant = match regressed.is_empty() {
                true => "",
                false => ", if it is meant to be slower",
            };
            format!(
                "{}; `{accept}` takes it as the baseline{meant}",
                proposed(written)
            )
        }
        Way::Always => match regressed.is_empty() {
            true => added(written),
            false => format!("{regressed} REGRESSED, and {}", added(written)),
        },
    }
}

fn proposed(written: &Written) -> String {
    let path = written.path.display();
    match (&written.replaced, written.runs) {
        (Some(Replaced::NotAlike(why)), _) => {
            format!("wrote {path}, in place of what waited there: {why}")
        }
        (Some(Replaced::Contradicted { by, .. }), _) => format!(
            "wrote {path}, in place of what waited there, which was {}",
            by.of_the_old()
        ),
        (_, 0 | 1) => format!("wrote {path}"),
        (_, runs) => format!("added this run to {path}, which has {runs} now"),
    }
}

fn added(written: &Written) -> String {
    let path = written.path.display();
    let in_place = |runs: usize, how: &str| match runs {
        1 => format!("this run took the place of the one in {path}, for it is {how}"),
        _ => format!("this run took the place of {runs} runs in {path}, for it is {how}"),
    };
    match (&written.replaced, written.runs) {
        (Some(Replaced::NotAlike(why)), _) => {
            format!("this run took the place of those in {path}: {why}")
        }
        (Some(Replaced::Slower(runs)), _) => in_place(*runs, "slower"),
        (Some(Replaced::Contradicted { runs, by }), _) => match by.now {
            Trend::Slower => in_place(*runs, "slower"),
            Trend::Faster => in_place(*runs, "faster"),
        },
        (None, 0 | 1) => format!("this run is the first in {path}"),
        (None, runs) => format!("this run is one of {runs} in {path}"),
    }
}

/// That a run is not written which else would be.
fn unwritten(decided: &Decided<'_>, wish: Wish) -> Option<String> {
    let (Wish::Late(way) | Wish::Mixed(way)) = wish else {
        return None;
    };
    let is_due = way == Way::Always || decided.regressed().next().is_some();
    let unfit = unfit(wish)?;
    is_due.then(|| format!("no new baseline was written, for {unfit}"))
}

/// Why a run that ended well makes no baseline.
fn unfit(wish: Wish) -> Option<&'static str> {
    match wish {
        Wish::Late(_) => Some("this machine sent requests too late"),
        Wish::Mixed(_) => Some("the run was of several versions"),
        _ => None,
    }
}

fn why_none(wish: Wish, path: &Path) -> String {
    let path = path.display();
    match wish {
        Wish::Never => format!(
            "none is written here: a run where `CI` is not set writes {path}.new, and one with `--update-baselines always` writes {path}; commit that"
        ),
        Wish::Failed => "none was written, for too many requests failed".to_owned(),
        Wish::Stopped => "none was written, for the run ended early".to_owned(),
        Wish::Late(_) | Wish::Mixed(_) => {
            format!("none was written, for {}", unfit(wish).unwrap_or_default())
        }
        Wish::NothingFound => "none was written, for a budget found nothing to measure".to_owned(),
        Wish::Write(_) => STOPPED_WAITING.replacen("nothing", "none", 1),
        Wish::Nothing | Wish::Unread | Wish::Again => "none was written".to_owned(),
    }
}

/// `p50, p99 of inventory-check and p95 of response time`
fn quantiles<'a>(asked: impl Iterator<Item = &'a Asked<'a>>) -> String {
    let mut subjects: Vec<(&str, String)> = Vec::new();
    for one in asked {
        match subjects.last_mut() {
            Some((subject, quantiles)) if *subject == one.subject => {
                *quantiles += &format!(", {}", one.quantile);
            }
            _ => subjects.push((one.subject, one.quantile.to_string())),
        }
    }
    let each = subjects.iter();
    let each: Vec<String> = each
        .map(|(subject, quantiles)| format!("{quantiles} of {subject}"))
        .collect();
    each.join(" and ")
}
