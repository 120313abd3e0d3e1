//! Checks of the spans that an entry of `spans` selects.

use super::judgement::{FailureDetail, Finality, Judgement, Standing};
use super::select::{Evaluator, Prepared, Types};
use super::truth::{Count, Truth};
use super::uncertain::or_uncertain;
use super::{CheckRef, EntryCheck, Failure, Missing, Subject, Witness, aggregate, doubt, words};
use crate::spec::{Ask, SpanCondition, SpanEntry};

/// Judges an entry: the number of spans, and each condition on all of them.
pub(super) fn judge(number: usize, entry: &SpanEntry, evaluator: &Evaluator<'_>) -> Vec<Judgement> {
    let identity = |part| CheckRef::Span {
        entry: number,
        part,
    };
    let mask = evaluator.mask(&entry.find, evaluator.reach(&entry.find));
    let found = evaluator.by_start(&mask);
    let name = entry.find.to_string();
    let mut judged = vec![Judgement::new(
        identity(EntryCheck::Count),
        format!("{} of {name}", entry.count.in_words()),
        entry.count_at.clone(),
        count(entry, &mask, &found, evaluator),
    )];
    // Without spans, the count decides alone. If the count allows 0, a later span can violate the
    // conditions.
    if !found.is_empty() || entry.count.contains(0) {
        judged.extend(entry.each.iter().enumerate().map(|(index, condition)| {
            let what = format!(
                "{} of {name}: {}",
                condition.ask.subject(),
                condition.ask.expected()
            );
            let standing = each(condition, entry, &mask, evaluator);
            let part = EntryCheck::Each(index);
            Judgement::new(identity(part), what, condition.at.clone(), standing)
        }));
        judged.extend(entry.aggregates.iter().enumerate().map(|(index, one)| {
            let part = EntryCheck::Aggregate(index);
            let standing = aggregate::judge(one, entry, &mask, evaluator);
            let what = aggregate::in_words(one, entry);
            Judgement::new(identity(part), what, one.at.clone(), standing)
        }));
    }
    judged
}

fn count(
    entry: &SpanEntry,
    mask: &[Truth],
    found: &[usize],
    evaluator: &Evaluator<'_>,
) -> Standing {
    let strict;
    let mask = match mask.iter().all(|truth| truth.is_known()) {
        true => mask,
        // Spans in doubt for the type of a value are counted below.
        false => {
            let reach = evaluator.reach(&entry.find);
            strict = evaluator.mask_with(&entry.find, reach, Types::Sent);
            &strict
        }
    };
    let number = Count::of(mask.iter().copied());
    let grows = evaluator.only_grows(&entry.find);
    let finality = |is_final: bool| match is_final && grows {
        true => Finality::Final,
        false => Finality::Open,
    };
    let why = || evaluator.why_uncertain(&entry.find);
    match number.within(&entry.count) {
        Truth::Yes => doubt::in_count(entry, number.seen, evaluator).unwrap_or_else(|| {
            Standing::holds(finality(entry.count.holds_for_all_above(number.least)))
        }),
        Truth::Seems => Standing::unjudged(why()),
        Truth::SeemsNot if entry.count.has_no_greatest() => {
            let failed = Standing::fails(too_few(entry, found, evaluator), Finality::Open);
            or_uncertain(Some(why()), failed)
        }
        Truth::SeemsNot => Standing::unjudged(why()),
        Truth::No => Standing::fails(
            too_few(entry, found, evaluator),
            finality(entry.count.fails_for_all_above(number.least)),
        ),
    }
}

/// The failure of the count: too few or too many spans.
fn too_few(entry: &SpanEntry, found: &[usize], evaluator: &Evaluator<'_>) -> Failure {
    let number = found.len() as u64;
    let shown = if evaluator.detail == FailureDetail::Explained {
        found
    } else {
        &[]
    };
    let mut failure = Failure::new(
        Subject::Selected(entry.find.to_string()),
        entry.count_at.clone(),
        entry.count.in_words(),
        words::count(number),
    );
    if found.is_empty() {
        failure.nearest = evaluator.nearest(&entry.find);
        failure.hints = evaluator.hints_for_selector(&entry.find);
        let is_later = entry.find.follows_links() || entry.find.is_of_consumers();
        failure.missing = Some(match is_later {
            true => Missing::LaterSpan,
            false => Missing::Span,
        });
    }
    failure.show(shown.iter().enumerate(), |(at, &span)| {
        let mark = format!("{} of {number}", at + 1);
        Witness::new(evaluator.forest.span(span), mark)
    });
    failure
}

/// Judges a condition on each selected span.
fn each(
    condition: &SpanCondition,
    entry: &SpanEntry,
    mask: &[Truth],
    evaluator: &Evaluator<'_>,
) -> Standing {
    let ask = &condition.ask;
    let reach = evaluator.reach(&entry.find).or(evaluator.reach_of(ask));
    let prepared = evaluator.prepare(ask, reach);
    // Spans that violate the condition; the first that violates it unless a dropped part meets it;
    // the first that is uncertain.
    let (mut wrong, mut lacking, mut open) = (Vec::new(), None, None);
    for span in (0..mask.len()).filter(|&span| mask[span] != Truth::No) {
        match (mask[span], evaluator.meets(ask, &prepared, span)) {
            (_, Truth::Yes) => {}
            (Truth::Yes, Truth::No) => wrong.push(span),
            (Truth::Yes, Truth::SeemsNot)
                if wants_more(ask) && !matches!(prepared, Prepared::Doubtful(_)) =>
            {
                lacking.get_or_insert(span);
                wrong.push(span);
            }
            _ => {
                open.get_or_insert(span);
            }
        }
    }
    wrong.sort_by_key(|&span| evaluator.forest.span(span).start);
    let Some(&first) = wrong.first() else {
        return match open {
            None => Standing::holds(Finality::Open),
            Some(span) if mask[span].is_known() => {
                Standing::unjudged(evaluator.why_unmet(ask, &prepared, span))
            }
            Some(_) => Standing::unjudged(evaluator.why_uncertain(&entry.find)),
        };
    };
    let is_final = evaluator.only_grows(&entry.find) && Evaluator::stays_false(ask);
    let finality = match is_final && lacking.is_none() {
        true => Finality::Final,
        false => Finality::Open,
    };
    let failure = unmet(condition, &prepared, &wrong, evaluator);
    let why = lacking.filter(|&span| span == first);
    let why = why.map(|span| evaluator.why_unmet(ask, &prepared, span));
    or_uncertain(why, Standing::fails(failure, finality))
}

/// Returns `true` if the condition expects something to exist. It then fails even if a dropped part
/// could meet it.
fn wants_more(ask: &Ask) -> bool {
    match ask {
        Ask::Attribute(..) | Ask::Resource(..) | Ask::Type(_) => true,
        Ask::Event(pattern) => pattern.count.has_no_greatest(),
        Ask::LinkCount(count) => count.has_no_greatest(),
        Ask::Link(pattern) => pattern.count.has_no_greatest(),
        _ => false,
    }
}

fn unmet(
    condition: &SpanCondition,
    prepared: &Prepared,
    wrong: &[usize],
    evaluator: &Evaluator<'_>,
) -> Failure {
    let (ask, first) = (&condition.ask, wrong[0]);
    let subject = Subject::Span {
        part: ask.subject(),
        name: evaluator.forest.span(first).name.clone(),
    };
    let found = evaluator.found(ask, prepared, first);
    let mut failure = Failure::new(subject, condition.at.clone(), ask.expected(), found);
    if evaluator.detail == FailureDetail::Explained {
        failure.show(wrong, |&span| {
            let mark = mark(ask, &evaluator.found(ask, prepared, span));
            Witness::new(evaluator.forest.span(span), mark)
        });
        failure.nearest = nearest(ask, prepared, evaluator);
        failure.hints = evaluator.hints_for_condition(ask, prepared, &condition.at, first);
    }
    failure
}

/// The spans closest to the pattern of a relation, if no span matches the pattern.
fn nearest(ask: &Ask, prepared: &Prepared, evaluator: &Evaluator<'_>) -> Vec<super::Candidate> {
    let (Ask::Relation(relation), Prepared::Related(related)) = (ask, prepared) else {
        return Vec::new();
    };
    match &relation.other {
        crate::spec::Pattern::Selector(other)
            if related.counts.iter().all(|count| count.seen == 0) =>
        {
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
        Ask::Attribute(key, _) | Ask::Resource(key, _) => match key.single() {
            Some(key) => format!("{key} = {found}"),
            None => format!("{key}: {}", found.replace('`', "")),
        },
        Ask::Relation(relation) => format!("{}: {found}", relation.place.key()),
        ask => format!("{} {found}", ask.subject()),
    }
}
