//! Compares the shape of a trace with that of a file.

mod compare;
mod of_trace;
mod span_name;

use super::found_shape::accepting;
use super::judgement::{FailureDetail, Finality, Standing};
use super::unjudged::SpanName;
use super::{DroppedPart, Evidence, Failure, FoundShape, Subject, Unjudged, Witness};
use crate::number::counted;
use crate::spec::{Check, ExpectedShape, Shape};
use crate::trace::{Field, Losses, Trace};

use of_trace::Selection;
#[cfg(feature = "_pure")]
pub(crate) use span_name::conventional_name;

/// The fields that belong to the shape of a trace.
const FIELDS: &[Field] = &[
    Field::Parents,
    Field::Services,
    Field::Names,
    Field::NameCase,
    Field::Kind,
    Field::Status,
    Field::Events,
];

/// The fields that belong to selected attributes.
const OF_ATTRIBUTES: &[Field] = &[
    Field::Attributes,
    Field::MovedAttributes,
    Field::RewrittenAttributes,
    Field::TagFields,
    Field::AttributeOrigin,
    Field::Structures,
    Field::ExactTypes,
    Field::AttributeTypes,
];

const OF_LINKED: &[Field] = &[Field::Links, Field::LinkingTraces];

/// Judges the shape of a trace. Any further span can change it.
pub(super) fn judge(
    check: &Check,
    expected: &ExpectedShape,
    evidence: &Evidence<'_>,
    trace: &Trace,
    detail: FailureDetail,
) -> Standing {
    let is_output = evidence.response.sent().is_some();
    if !expected.accepts_orphans && !is_output && trace.misses_spans() {
        let missing = trace.missing_spans().into_iter().collect();
        return Standing::unjudged(Unjudged::Incomplete(missing));
    }
    if let Some(why) = unknown(expected, trace) {
        return Standing::unjudged(why);
    }
    let shape = || of_trace::shape(trace, selection(expected));
    let Some(file) = &expected.shape else {
        let found = found(expected, &shape(), detail);
        return Standing::unjudged(Unjudged::NoShape(Box::new(found)));
    };
    // Judged at each arrival, so the comparison waits for all spans.
    if detail == FailureDetail::Outcome && file.spans() != number_of_spans(expected, trace) {
        return Standing::fails(failure(check, expected, 1), Finality::Open);
    }
    let shape = shape();
    let differences = compare::differences(file, &shape, &expected.name);
    if differences.all.is_empty() {
        return Standing::holds(Finality::Open);
    }
    let mut failure = failure(check, expected, differences.number);
    failure.shape = Some(Box::new(found(expected, &shape, detail)));
    if detail == FailureDetail::Explained {
        let mark = format!("not so in {}", expected.name);
        let all = differences.spans.iter().map(|&span| &trace.spans()[span]);
        failure.show(all, |span| Witness::new(span, mark.clone()));
        failure.differences = differences.all;
        failure
            .hints
            .push(accepting(&expected.name, "if this is intended, "));
    }
    Standing::fails(failure, Finality::Open)
}

fn failure(check: &Check, expected: &ExpectedShape, number: usize) -> Failure {
    Failure::of_check(
        check,
        Subject::Trace("shape"),
        format!("the shape in {}", expected.name),
        counted(number, "difference"),
    )
}

fn selection(expected: &ExpectedShape) -> Selection<'_> {
    Selection {
        attributes: &expected.attributes,
        follows_links: expected.follows_links,
    }
}

fn found(expected: &ExpectedShape, shape: &Shape, detail: FailureDetail) -> FoundShape {
    let text = match detail {
        FailureDetail::Explained => shape.render(),
        FailureDetail::Outcome => None,
    };
    FoundShape {
        path: expected.path.clone(),
        name: expected.name.clone(),
        text,
    }
}

fn number_of_spans(expected: &ExpectedShape, trace: &Trace) -> u64 {
    let linked = trace.linked().iter().filter(|_| expected.follows_links);
    let linked: usize = linked.map(Trace::len).sum();
    (trace.len() + linked) as u64
}

/// The reason why a part of the shape is not known.
fn unknown(expected: &ExpectedShape, trace: &Trace) -> Option<Unjudged> {
    if let Some(field) = lost(expected, trace.losses()) {
        return Some(Unjudged::Lost(field));
    }
    let linked = trace.linked().iter().filter(|_| expected.follows_links);
    let spans = std::iter::once(trace).chain(linked).flat_map(Trace::spans);
    for span in spans {
        let (events, attributes) = (span.dropped_events, span.attributes.dropped());
        if events > 0 {
            let part = DroppedPart::Events;
            return Some(Unjudged::Dropped(SpanName::of(span), part, events));
        }
        if attributes > 0 && !expected.attributes.is_empty() {
            let part = DroppedPart::Attributes;
            return Some(Unjudged::Dropped(SpanName::of(span), part, attributes));
        }
    }
    None
}

fn lost(expected: &ExpectedShape, losses: &Losses) -> Option<Field> {
    let of_attributes = OF_ATTRIBUTES
        .iter()
        .filter(|_| !expected.attributes.is_empty());
    let of_linked = OF_LINKED.iter().filter(|_| expected.follows_links);
    let needed = FIELDS.iter().chain(of_attributes).chain(of_linked);
    needed.copied().find(|&field| losses.contains(field))
}

#[cfg(all(test, feature = "run"))]
mod tests;
