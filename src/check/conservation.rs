//! Compares the output of a pipeline with the spans that were sent into it, by their ids.

use std::collections::BTreeSet;

use super::judgement::{FailureDetail, Finality, Standing};
use super::select::Evaluator;
use super::{Difference, Evidence, Failure, Subject, Unjudged, Witness, forest::Forest, words};
use crate::spec::{Check, Condition, Limits, LostSpans, Selector};
use crate::trace::{Delivery, Field, Trace};

/// Maximum number of spans that a failure lists with their ancestors.
const MOST_LISTED: usize = 20;

/// Judges `lost` and `duplicated`; `None` for another condition.
pub(super) fn judge(
    check: &Check,
    evidence: &Evidence<'_>,
    evaluator: &Evaluator<'_>,
) -> Option<Standing> {
    let is_conservation = matches!(check.ask, Condition::Lost(_) | Condition::Duplicated(_));
    let sent = evidence.response.sent().filter(|_| is_conservation);
    let trace = sent.map(|sent| &*sent.trace);
    let delivery = evaluator.forest.trace().delivery();
    let (Some(sent), Some(delivery)) = (trace, delivery) else {
        return is_conservation.then(|| Standing::unjudged(Unjudged::NotReached));
    };
    if sent.is_empty() {
        let none = Unjudged::NotSent("spans".to_owned());
        return Some(Standing::unjudged(none));
    }
    Some(match &check.ask {
        Condition::Lost(LostSpans::Number(limits)) => number_lost(check, limits, sent, delivery),
        Condition::Lost(LostSpans::Exactly(selectors)) => exactly(check, selectors, sent, delivery),
        Condition::Duplicated(_) if !delivery.has_repeats => {
            Standing::unjudged(Unjudged::Lost(Field::Copies))
        }
        Condition::Duplicated(limits) => duplicated(check, limits, sent, delivery),
        _ => return None,
    })
}

/// The spans that did not arrive, in the order of the tree.
fn lost(sent: &Trace, delivery: &Delivery) -> Vec<usize> {
    let all = sent.top_down().iter().copied();
    all.filter(|&span| delivery.times(sent.spans()[span].span_id) == 0)
        .collect()
}

/// A number that only falls while spans arrive.
fn number_lost(check: &Check, limits: &Limits<u64>, sent: &Trace, delivery: &Delivery) -> Standing {
    let lost = lost(sent, delivery);
    let number = lost.len() as u64;
    if limits.contains(number) {
        return Standing::holds(finality(limits.contains_all(0, number)));
    }
    let found = format!("{} of {} spans", words::count(number), sent.len());
    let mut failure = failure(check, "spans that were lost", limits.in_words(), found);
    list(&mut failure, sent, &lost, |_| {
        ("1 arrival", "none".to_owned())
    });
    Standing::fails(failure, finality(limits.contains_none(0, number)))
}

/// Exactly the selected spans must be lost.
fn exactly(check: &Check, selectors: &[Selector], sent: &Trace, delivery: &Delivery) -> Standing {
    let forest = Forest::new(sent);
    let evaluator = Evaluator::new(&forest, &[], FailureDetail::Outcome);
    let mut expected = BTreeSet::new();
    for selector in selectors {
        let selected = evaluator.select(selector);
        if selected.is_empty() {
            return Standing::unjudged(Unjudged::NotSent(selector.to_string()));
        }
        expected.extend(selected);
    }
    let lost: BTreeSet<usize> = lost(sent, delivery).into_iter().collect();
    let arrived: Vec<usize> = in_tree(sent, |span| {
        expected.contains(&span) && !lost.contains(&span)
    });
    let others: Vec<usize> = in_tree(sent, |span| {
        lost.contains(&span) && !expected.contains(&span)
    });
    if arrived.is_empty() && others.is_empty() {
        return Standing::holds(Finality::Open);
    }
    let found = match (others.len(), arrived.len()) {
        (others, 0) => format!("{others} more"),
        (0, arrived) => format!("{arrived} of them arrived"),
        (others, arrived) => format!("{others} more, and {arrived} of them arrived"),
    };
    let names: Vec<String> = selectors.iter().map(Selector::to_string).collect();
    let expected = format!("exactly {}", names.join(", "));
    let mut failure = failure(check, "spans that were lost", expected, found);
    let wrong: Vec<usize> = in_tree(sent, |span| {
        arrived.contains(&span) || others.contains(&span)
    });
    list(&mut failure, sent, &wrong, |span| {
        match lost.contains(&span) {
            true => ("1 arrival", "none".to_owned()),
            false => ("none", "1 arrival".to_owned()),
        }
    });
    Standing::fails(failure, finality(!arrived.is_empty()))
}

/// A number that only grows.
fn duplicated(check: &Check, limits: &Limits<u64>, sent: &Trace, delivery: &Delivery) -> Standing {
    let times = |span: usize| delivery.times(sent.spans()[span].span_id);
    let several = in_tree(sent, |span| times(span) > 1);
    let number = several.len() as u64;
    let found = format!("{} of {} spans", words::count(number), sent.len());
    let mut failure = failure(
        check,
        "spans that arrived more than once",
        limits.in_words(),
        found,
    );
    list(&mut failure, sent, &several, |span| {
        let id = sent.spans()[span].span_id;
        let receivers = delivery.arrivals.get(&id).into_iter().flatten();
        let names: BTreeSet<&str> = receivers.map(String::as_str).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let at = match names.as_slice() {
            [] => String::new(),
            names => format!(" at {}", names.join(", ")),
        };
        ("1 arrival", format!("{} arrivals{at}", times(span)))
    });
    Standing::of_count(limits, number, failure)
}

fn finality(is_final: bool) -> Finality {
    match is_final {
        true => Finality::Final,
        false => Finality::Open,
    }
}

fn in_tree(sent: &Trace, is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    let all = sent.top_down().iter().copied();
    all.filter(|&span| is_wanted(span)).collect()
}

fn failure(check: &Check, what: &'static str, expected: String, found: String) -> Failure {
    Failure::of_check(check, Subject::Trace(what), expected, found)
}

/// Lists spans with their ancestors in the input.
fn list(
    failure: &mut Failure,
    sent: &Trace,
    spans: &[usize],
    arrivals: impl Fn(usize) -> (&'static str, String),
) {
    let listed = spans.iter().take(MOST_LISTED);
    failure.differences = listed
        .map(|&span| {
            let (expected, found) = arrivals(span);
            Difference {
                path: path(sent, span),
                expected: expected.to_owned(),
                found,
            }
        })
        .collect();
    let witnesses = spans.iter().map(|&span| (span, &sent.spans()[span]));
    failure.show(witnesses, |(at, span)| {
        let (expected, found) = arrivals(at);
        Witness::new(span, format!("expected {expected}, found {found}"))
    });
}

/// The names from the root to the span: `POST /orders › charge`.
fn path(sent: &Trace, span: usize) -> String {
    let mut names = Vec::new();
    let mut next = Some(span);
    while let Some(at) = next {
        names.push(words::excerpt(&sent.spans()[at].name));
        next = sent.parent(at);
    }
    names.reverse();
    names.join(" › ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::{Outcome, judge as judge_all};
    use crate::spec::{Context, Source, Spec};
    use crate::trace::{Delivery, Origin, Response, SentTelemetry, Span, SpanId, Trace, TraceId};

    fn id(number: u8) -> SpanId {
        SpanId::from_bytes([0, 0, 0, 0, 0, 0, 0, number]).unwrap()
    }

    /// `POST /orders` with the children `charge` and `GET /health`.
    fn sent() -> Trace {
        let trace = TraceId::from_bytes([1; 16]).unwrap();
        let names = [(1, "POST /orders"), (2, "charge"), (3, "GET /health")];
        let spans = names.map(|(number, name)| Span {
            parent_id: (number > 1).then(|| id(1)),
            start: u64::from(number),
            end: 10,
            ..Span::new(trace, id(number), name)
        });
        Trace::assemble(trace, Origin::Foreign, spans)
    }

    /// The outcome of a check and its finality, if these spans arrived.
    fn outcome(check: &str, arrived: &[u8]) -> String {
        let text = format!("send: {{ spans: [a], to: \"http://x\" }}\nexpect: {{ {check} }}\n");
        let source = Source::new("a.yaml", text);
        let specs = Spec::read_all(&source, Path::new("."), &Context::default());
        let spec = specs.unwrap().remove(0);
        let expect = spec.steps[0].expect(&spec.scope()).unwrap();
        let mut delivery = Delivery {
            has_repeats: true,
            ..Delivery::default()
        };
        for &number in arrived {
            let receivers = delivery.arrivals.entry(id(number)).or_default();
            receivers.push(String::new());
        }
        let sent = Arc::new(sent());
        let spans = sent.spans().iter();
        let spans = spans
            .filter(|span| delivery.times(span.span_id) > 0)
            .cloned();
        let output = Trace::assemble(sent.id(), Origin::Foreign, spans).with_delivery(delivery);
        let response = Response::Sent(Box::new(SentTelemetry {
            trace: sent,
            logs: 0,
            points: 0,
            markers: Vec::new(),
            port: None,
            note: None,
            time: Duration::ZERO,
        }));
        let evidence = super::Evidence::new(&response, Some(&output), true);
        let judged = judge_all(&expect, &evidence).remove(0);
        let outcome = match judged.judged.outcome {
            Outcome::Pass => "pass".to_owned(),
            Outcome::Fail(failure) => failure.found,
            Outcome::Unjudged(why) => why.to_string(),
        };
        format!("{:?}: {outcome}", judged.finality)
    }

    #[test]
    fn a_number_of_lost_spans_is_final_when_no_arrival_can_change_it() {
        assert_eq!(outcome("lost: 0", &[1, 2, 3]), "Final: pass");
        assert_eq!(outcome("lost: 0", &[1, 2]), "Open: 1 of 3 spans");
        assert_eq!(outcome("lost: 1", &[1, 2]), "Open: pass");
        assert_eq!(outcome("lost: 1", &[1, 2, 3]), "Final: none of 3 spans");
        assert_eq!(outcome("lost: 0..1", &[1, 2]), "Final: pass");
    }

    #[test]
    fn exactly_the_selected_spans_must_be_lost() {
        let lost = "lost: [GET /health]";
        assert_eq!(outcome(lost, &[1, 2]), "Open: pass");
        assert_eq!(outcome(lost, &[1]), "Open: 1 more");
        assert_eq!(outcome(lost, &[1, 2, 3]), "Final: 1 of them arrived");
        assert_eq!(
            outcome(lost, &[2, 3]),
            "Final: 1 more, and 1 of them arrived"
        );
        let none = "Open: no span that was sent matches `ship`";
        assert_eq!(outcome("lost: [ship]", &[1]), none);
    }

    #[test]
    fn a_span_that_arrived_twice_is_a_duplicate_for_good() {
        assert_eq!(outcome("duplicated: 0", &[1, 2, 3]), "Open: pass");
        assert_eq!(
            outcome("duplicated: 0", &[1, 2, 2, 2]),
            "Final: 1 of 3 spans"
        );
    }

    #[test]
    fn if_everything_was_dropped_only_checks_of_what_is_missing_are_judged() {
        assert_eq!(outcome("span_count: 0", &[]), "Open: pass");
        assert_eq!(outcome("services: [shop]", &[]), "Open: none");
        assert_eq!(
            outcome("errors: 0", &[]),
            "Open: there is no span of this trace"
        );
        assert_eq!(outcome("lost: 3", &[]), "Open: pass");
    }
}
