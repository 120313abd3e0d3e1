//! How a run changes what a baseline knows of a spec; plain code, without files.

use super::record::{Fresh, Why};
use crate::budget::baseline::{Budget, Case, Contradiction, Mismatch, Run};

/// A case with this run.
#[derive(Debug, PartialEq)]
pub(super) struct Revised {
    pub(super) case: Case,
    /// How many runs there are of the budget that has most.
    pub(super) runs: usize,
    /// Why runs that were there are not any more, if so.
    pub(super) replaced: Option<Replaced>,
}

/// Why this run is not beside the others.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Replaced {
    /// They were measured otherwise, or of another version: so.
    NotAlike(String),
    /// It is slower than those, which are so many.
    Slower(usize),
    /// It contradicts those, which are so many.
    Contradicted { runs: usize, by: Contradiction },
}

/// The baseline with this run: beside the others if they were measured alike and of the same
/// version, and it is neither slower nor faster than they are; else in their place. Both together
/// would be a baseline of neither, which hides the next regression as well.
pub(super) fn added(known: Option<&Case>, fresh: &Fresh) -> Revised {
    let mut replaced = known.and_then(|case| not_alike(case, fresh).map(Replaced::NotAlike));
    let mut case = match (known, &replaced) {
        (Some(case), None) => case.clone(),
        _ => blank(fresh),
    };
    for (subject, run) in &fresh.runs {
        let budget = case.budgets.entry(subject.clone()).or_default();
        if let Some(why) = in_place_of(budget, run, fresh.regressed.contains(subject)) {
            budget.runs.clear();
            replaced.get_or_insert(why);
        }
        budget.add(run.clone());
    }
    revised(case, fresh, replaced)
}

/// What is proposed with this run, which the user may accept. What waits for that already gets one
/// run more, if it was measured alike and of the same version, and does not contradict this one.
pub(super) fn proposed(waiting: Option<&Case>, fresh: &Fresh, why: &Why) -> Revised {
    let is_wanted = |subject: &String| match why {
        Why::Missing(subjects) => subjects.contains(subject),
        Why::Differs | Why::Regressed => true,
    };
    let mut replaced = waiting.and_then(|case| not_alike(case, fresh).map(Replaced::NotAlike));
    let mut case = match (waiting, &replaced) {
        (Some(case), None) => case.clone(),
        _ => blank(fresh),
    };
    for (subject, run) in fresh.runs.iter().filter(|(subject, _)| is_wanted(subject)) {
        let budget = case.budgets.entry(subject.clone()).or_default();
        if let Some(why) = at_odds(budget, run) {
            budget.runs.clear();
            replaced.get_or_insert(why);
        }
        budget.add(run.clone());
    }
    revised(case, fresh, replaced)
}

fn blank(fresh: &Fresh) -> Case {
    Case {
        fingerprint: fresh.here.clone(),
        budgets: std::collections::BTreeMap::new(),
    }
}

/// What was measured elsewhere or otherwise does not become one baseline, even if it may be
/// compared: the fingerprint in the file is that of all its runs.
fn not_alike(case: &Case, fresh: &Fresh) -> Option<String> {
    let differs = case.fingerprint.differences(&fresh.here, Mismatch::Refused);
    let facts: Vec<String> = differs.iter().map(ToString::to_string).collect();
    (!facts.is_empty()).then(|| facts.join("; "))
}

/// Why a run is not to stand beside those of a budget, if so.
fn at_odds(budget: &Budget, run: &Run) -> Option<Replaced> {
    let another = budget.another_version(run.service_version());
    another.map(Replaced::NotAlike).or_else(|| {
        let by = budget.contradicted_by(std::slice::from_ref(run), 0.0)?;
        let runs = budget.runs.len();
        Some(Replaced::Contradicted { runs, by })
    })
}

/// The same of a run of which something may have REGRESSED, be it another quantile than the median.
fn in_place_of(budget: &Budget, run: &Run, is_slower: bool) -> Option<Replaced> {
    at_odds(budget, run).or_else(|| {
        let is_in_place = is_slower && !budget.runs.is_empty();
        is_in_place.then_some(Replaced::Slower(budget.runs.len()))
    })
}

fn revised(case: Case, fresh: &Fresh, replaced: Option<Replaced>) -> Revised {
    let budgets = fresh.runs.keys().filter_map(|name| case.budgets.get(name));
    let runs = budgets.map(|budget| budget.runs.len()).max();
    Revised {
        runs: runs.unwrap_or_default(),
        case,
        replaced,
    }
}
