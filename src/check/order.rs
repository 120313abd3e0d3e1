//! The check of the order in which spans start.

use super::facts::label;
use super::judgement::{Finality, Standing};
use super::select::Evaluator;
use super::truth::Truth;
use super::uncertain::{no_duration, or_uncertain};
use super::{Failure, Subject, Unjudged, Witness, words};
use crate::number;
use crate::spec::{Check, Selector};
use crate::trace::{Field, Span};

/// The spans that match one of the two selectors.
struct SelectedSpans<'s, 'a> {
    selector: &'s Selector,
    mask: Vec<Truth>,
    evaluator: &'s Evaluator<'a>,
}

/// Judges that every span of the first selector starts no later than any span of the second.
pub(super) fn judge(
    check: &Check,
    first: &Selector,
    second: &Selector,
    evaluator: &Evaluator<'_>,
) -> Standing {
    let subject = Subject::Sequence {
        earlier: first.to_string(),
        later: second.to_string(),
    };
    let sides = [first, second].map(|selector| SelectedSpans {
        selector,
        mask: evaluator.mask(selector, evaluator.reach(selector)),
        evaluator,
    });
    if let Some(side) = sides.iter().find(|side| side.is_empty()) {
        return side.nothing_found(check, subject);
    }
    let [latest, earliest] = [sides[0].certain().last(), sides[1].certain().next()];
    let pair = latest.zip(earliest);
    let error = evaluator.rounding();
    if let Some((latest, earliest)) = pair.filter(|(a, b)| a.start > b.start + error) {
        let failure = out_of_order(check, subject, latest, earliest);
        let grows = evaluator.only_grows(first) && evaluator.only_grows(second);
        let finality = match grows {
            true => Finality::Final,
            false => Finality::Open,
        };
        return Standing::fails(failure, finality);
    }
    let is_close = |(a, b): (&Span, &Span)| error > 0 && a.start.abs_diff(b.start) <= error;
    let rounded = pair.is_some_and(is_close);
    let rounded = rounded.then_some(Unjudged::Lost(Field::Nanoseconds));
    match sides.iter().find_map(SelectedSpans::uncertain).or(rounded) {
        Some(why) => Standing::unjudged(why),
        None => Standing::holds(Finality::Open),
    }
}

impl<'a> SelectedSpans<'_, 'a> {
    fn is_empty(&self) -> bool {
        !self.mask.iter().any(|truth| truth.seems())
    }

    /// The spans that certainly match and have a start, by start time.
    fn certain(&self) -> impl DoubleEndedIterator<Item = &'a Span> {
        let forest = self.evaluator.forest;
        let mut spans = self.evaluator.by_start(&self.mask);
        spans.retain(|&span| {
            self.mask[span] == Truth::Yes && forest.span(span).known_start().is_some()
        });
        spans.into_iter().map(|span| forest.span(span))
    }

    /// The reason if the match of a span is uncertain, or a span has no start.
    fn uncertain(&self) -> Option<Unjudged> {
        let possible = (0..self.mask.len()).filter(|&span| self.mask[span] != Truth::No);
        let mut spans = possible.map(|span| self.evaluator.forest.span(span));
        let unordered = spans.find(|span| span.known_start().is_none());
        unordered.and_then(no_duration).or_else(|| {
            let is_open = self.mask.iter().any(|truth| !truth.is_known());
            is_open.then(|| self.evaluator.why_uncertain(self.selector))
        })
    }

    fn nothing_found(&self, check: &Check, subject: Subject) -> Standing {
        let found = format!("no span that matches {}", self.selector);
        let expected = "both, in this order";
        let mut failure = Failure::of_check(check, subject, expected, found);
        failure.nearest = self.evaluator.nearest(self.selector);
        failure.hints = self.evaluator.hints_for_selector(self.selector);
        or_uncertain(self.uncertain(), Standing::fails(failure, Finality::Open))
    }
}

fn out_of_order(check: &Check, subject: Subject, latest: &Span, earliest: &Span) -> Failure {
    let late = number::nanos(latest.start - earliest.start);
    let found = format!(
        "{}, which starts {late} after {}",
        label(latest),
        label(earliest)
    );
    let mut failure = Failure::of_check(check, subject, "to start in this order", found);
    failure.witnesses = vec![
        Witness::new(latest, format!("starts {late} too late")),
        Witness::new(earliest, "starts before it"),
    ];
    if latest.service() != earliest.service() {
        failure.hints.push(words::CLOCKS.to_owned());
    }
    failure
}
