//! The rule about consumers that lose the context of their message.

use super::Rule;
use super::finding::Findings;
use super::observed::{Extent, text};
use crate::trace::{Span, SpanKind, Trace, Witness, roots};

/// The destination of a message, by its names in the semantic conventions.
const DESTINATION: [&str; 3] = [
    "messaging.destination.name",
    "messaging.destination",
    "messaging.destination_name",
];

/// A consumer continues the trace of its message, or links to it.
pub(super) fn examine(trace: &Trace, extent: Extent<'_>, found: &mut Findings) {
    for &root in trace.roots() {
        let span = &trace.spans()[root];
        if is_unlinked(span) {
            add(span, Witness::new(span, "no link"), found);
        }
    }
    if let Extent::OneTrace(_) = extent {
        of_messages(trace, extent, found);
    }
}

/// Returns `true` for a consumer that begins a trace without a link.
fn is_unlinked(span: &Span) -> bool {
    span.kind == SpanKind::Consumer
        && span.parent_id.is_none()
        && span.links.is_empty()
        && span.dropped_links == 0
}

fn add(consumer: &Span, mark: Witness, found: &mut Findings) {
    found.add(
        Rule::AsyncWithoutLink,
        consumer.service(),
        format!(
            "`{}` begins a trace, and has no link to the producer of its message",
            consumer.name
        ),
        "read the context from the headers of the message, and continue it or link to it",
        mark,
    );
}

/// A consumer of a message of this trace that lost the context is in another trace.
fn of_messages(trace: &Trace, extent: Extent<'_>, found: &mut Findings) {
    let spans = trace.spans().iter().enumerate();
    for (at, producer) in spans.filter(|(_, span)| span.kind == SpanKind::Producer) {
        let mut consumers = roots(extent.others()).filter(|root| is_unlinked(root));
        if let Some(consumer) = consumers.find(|root| may_consume(root, producer)) {
            let mark = format!("consumed by trace {}", consumer.trace_id.short());
            add(consumer, Witness::new(producer, mark), found);
        } else if !is_consumed(trace, at) {
            let (reason, remedy) = extent.gap().map_or_else(
                || {
                    (
                        format!("no consumer of `{}` was seen", producer.name),
                        "give the consumer time: `wait: { tail: 5s }`; expect its span with `caused_by`",
                    )
                },
                |(reason, remedy)| (reason.to_owned(), remedy),
            );
            found.unseen(Rule::AsyncWithoutLink, reason, remedy);
        }
    }
}

/// Returns `true` unless time or destination contradict it.
fn may_consume(consumer: &Span, producer: &Span) -> bool {
    /// Tolerated difference between clocks: 50 ms in nanoseconds.
    const TOLERANCE: u64 = 50_000_000;
    let (read, sent) = (text(consumer, &DESTINATION), text(producer, &DESTINATION));
    let is_same = read.is_none() || sent.is_none() || read == sent;
    is_same && consumer.start.saturating_add(TOLERANCE) >= producer.start
}

/// Returns `true` if a consumer continues the trace below this span, or links to it.
fn is_consumed(trace: &Trace, producer: usize) -> bool {
    let id = trace.spans()[producer].span_id;
    let is_consumer = |span: &Span| span.kind == SpanKind::Consumer;
    let mut children = trace.children(producer).iter();
    let links_to = |span: &Span| {
        let mut links = span.links.iter();
        links.any(|link| link.span_id == id && link.trace_id == trace.id())
    };
    let mut all = std::iter::once(trace).chain(trace.linked());
    children.any(|&child| is_consumer(&trace.spans()[child]))
        || all.any(|one| one.spans().iter().any(links_to))
}
