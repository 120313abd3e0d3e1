//! Checks of the spans that an entry of `spans` finds.

use super::judge::{Detail, Finality, Judgement, Standing};
use super::select::{Evaluator, Prepared, reach};
use super::whole::witness;
use super::{Failure, Subject, words};
use crate::spec::{Ask, SpanCondition, SpanEntry};

/// Judges an entry: how many spans it finds, and each condition on all of them.
pub(super) fn judge(entry: &SpanEntry, evaluator: &Evaluator<'_>) -> Vec<Judgement> {
    let found = evaluator.select(&entry.find);
    let name = entry.find.to_string();
    let mut judged = vec![Judgement::new(
        format!("{} of {name}", entry.count.in_words()),
        entry.count_at.clone(),
        count(entry, &found, evaluator),
    )];
    // Where none is found, the conditions have nothing to say of their own; but where that is
    // allowed, they hold only as long as no span comes that does not meet them.
    if !found.is_empty() || entry.count.contains(0) {
        judged.extend(entry.each.iter().map(|condition| {
            let what = format!(
                "{} of {name}: {}",
                condition.ask.subject(),
                condition.ask.expected()
            );
            let standing = each(condition, entry, &found, evaluator);
            Judgement::new(what, condition.at.clone(), standing)
        }));
    }
    judged
}

fn count(entry: &SpanEntry, found: &[usize], evaluator: &Evaluator<'_>) -> Standing {
    let number = found.len() as u64;
    if entry.count.contains(number) {
        let is_final = entry.count.holds_for_all_above(number) && evaluator.only_grows(&entry.find);
        return Standing::holds(if is_final {
            Finality::Final
        } else {
            Finality::Open
        });
    }
    let is_final = entry.count.fails_for_all_above(number) && evaluator.only_grows(&entry.find);
    let shown = if evaluator.detail == Detail::Explained {
        found
    } else {
        &[]
    };
    let mut failure = Failure {
        subject: Subject::Selected(entry.find.to_string()),
        at: entry.count_at.clone(),
        expected: entry.count.in_words(),
        found: words::count(number),
        witnesses: Vec::new(),
        more_witnesses: 0,
        nearest: if found.is_empty() {
            evaluator.nearest(&entry.find)
        } else {
            Vec::new()
        },
        differences: Vec::new(),
        hints: if found.is_empty() {
            evaluator.hints_for_selector(&entry.find)
        } else {
            Vec::new()
        },
    };
    failure.show(shown.iter().enumerate(), |(at, &span)| {
        let mark = format!("{} of {number}", at + 1);
        witness(evaluator.forest.span(span), mark)
    });
    Standing::fails(
        failure,
        if is_final {
            Finality::Final
        } else {
            Finality::Open
        },
    )
}

fn each(
    condition: &SpanCondition,
    entry: &SpanEntry,
    found: &[usize],
    evaluator: &Evaluator<'_>,
) -> Standing {
    let ask = &condition.ask;
    let prepared = evaluator.prepare(ask, reach_of(ask, entry));
    let mut wrong = found
        .iter()
        .copied()
        .filter(|&span| !evaluator.meets(ask, &prepared, span));
    let Some(first) = wrong.next() else {
        return Standing::holds(Finality::Open);
    };
    let finality = if evaluator.only_grows(&entry.find) && Evaluator::stays_false(ask) {
        Finality::Final
    } else {
        Finality::Open
    };
    let mut failure = Failure {
        subject: Subject::Span {
            part: ask.subject(),
            name: evaluator.forest.span(first).name.clone(),
        },
        at: condition.at.clone(),
        expected: ask.expected(),
        found: evaluator.found(ask, &prepared, first),
        witnesses: Vec::new(),
        more_witnesses: 0,
        nearest: Vec::new(),
        differences: Vec::new(),
        hints: Vec::new(),
    };
    if evaluator.detail == Detail::Explained {
        failure.show(std::iter::once(first).chain(wrong), |span| {
            let mark = mark(ask, &evaluator.found(ask, &prepared, span));
            witness(evaluator.forest.span(span), mark)
        });
        failure.nearest = nearest(ask, &prepared, evaluator);
        failure.hints = evaluator.hints_for_condition(ask, &condition.at, first);
    }
    Standing::fails(failure, finality)
}

/// A condition that looks over links needs all linked spans prepared.
fn reach_of(ask: &Ask, entry: &SpanEntry) -> super::forest::Reach {
    match ask {
        Ask::Relation(relation) if relation.place == crate::spec::Relative::LinkedTo => {
            super::forest::Reach::Links
        }
        _ => reach(&entry.find),
    }
}

/// Where a relation finds no such span anywhere, what came closest to it.
fn nearest(ask: &Ask, prepared: &Prepared, evaluator: &Evaluator<'_>) -> Vec<super::Candidate> {
    let (Ask::Relation(relation), Prepared::Related(related)) = (ask, prepared) else {
        return Vec::new();
    };
    match &relation.other {
        crate::spec::Pattern::Selector(other) if related.counts.iter().all(|&count| count == 0) => {
            let nearest = evaluator.nearest(other);
            nearest
                .into_iter()
                .filter(|candidate| !candidate.rejected.is_empty())
                .collect()
        }
        _ => Vec::new(),
    }
}

fn mark(ask: &Ask, found: &str) -> String {
    match ask {
        Ask::Attribute(key, _) | Ask::Resource(key, _) => format!("{key} = {found}"),
        Ask::Relation(relation) => format!("{}: {found}", relation.place.key()),
        ask => format!("{} {found}", ask.subject()),
    }
}
