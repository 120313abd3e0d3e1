//! Inputs of the fuzz targets: bytes that are read in parts, and traces made of bytes.

use spanspec::{
    Attributes, Event, Link, Origin, Resource, Span, SpanId, SpanKind, Status, StatusCode, Trace,
    TraceId, Value,
};

/// An input that is read in parts. Reads zeros after its end.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    #[must_use]
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// A number below this one.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit.max(1)
    }

    /// The text up to the next zero byte, which is skipped. Invalid UTF-8 is replaced.
    pub fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0);
        let (text, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    /// Everything that is left.
    #[must_use]
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

const NAMES: [&str; 6] = [
    "a",
    "b",
    "GET /orders",
    "process_payment",
    "SELECT stock",
    "",
];
const SERVICES: [&str; 4] = ["s", "t", "order", "payment"];
const KEYS: [&str; 6] = [
    "k",
    "j",
    "http.response.status_code",
    "db.system.name",
    "a.b",
    "url",
];
const MOST_SPANS: usize = 8;
/// A time in 2023, in nanoseconds.
const START: u64 = 1_700_000_000_000_000_000;

/// The id of the trace that is judged.
#[must_use]
pub fn trace_id() -> TraceId {
    TraceId::from_bytes([1; 16]).expect("not zero")
}

fn linked_id() -> TraceId {
    TraceId::from_bytes([2; 16]).expect("not zero")
}

fn span_id(number: usize) -> SpanId {
    SpanId::from_bytes((number as u64 + 1).to_be_bytes()).expect("not zero")
}

/// The span of the trigger, which never arrives.
fn our_span() -> SpanId {
    span_id(1_000)
}

fn value(input: &mut Input<'_>) -> Value {
    match input.below(8) {
        0 => Value::Null,
        1 => Value::Bool(true),
        2 => Value::Int(i64::from(input.byte().cast_signed())),
        3 => Value::Int(i64::MAX),
        4 => Value::Double(f64::from(input.byte().cast_signed()) / 4.0),
        5 => Value::Array(vec![Value::Int(1), Value::from("a")]),
        6 => Value::Map(vec![("a".to_owned(), Value::Int(1))]),
        _ => Value::from(NAMES[input.below(NAMES.len())]),
    }
}

fn attributes(input: &mut Input<'_>) -> Attributes {
    let many = input.below(3);
    let attributes = (0..many).map(|_| (KEYS[input.below(KEYS.len())], value(input)));
    // Keys are unique, as in exports.
    let mut unique: Vec<(&str, Value)> = Vec::new();
    for (key, value) in attributes {
        if unique.iter().all(|(known, _)| *known != key) {
            unique.push((key, value));
        }
    }
    unique.into_iter().collect()
}

/// One span of the judged trace, or of one that links may tie to it. Parents come before their children.
fn span(number: usize, input: &mut Input<'_>) -> Span {
    let flags = input.byte();
    let trace = match flags & 7 {
        0 => linked_id(),
        _ => trace_id(),
    };
    let parent = match input.below(number + 2) {
        0 => None,
        1 => Some(our_span()),
        earlier => Some(span_id(earlier - 2)),
    };
    let parent = match flags & 0x70 {
        // One that never arrives.
        0x70 => Some(span_id(500)),
        _ => parent,
    };
    let name = NAMES[input.below(NAMES.len())];
    let service = SERVICES[input.below(SERVICES.len())];
    let (start, length) = (u64::from(input.byte()), u64::from(input.byte()));
    let code = [StatusCode::Unset, StatusCode::Ok, StatusCode::Error][input.below(3)];
    let kinds = [
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ];
    let kind = kinds[input.below(kinds.len())];
    let events = (0..input.below(3)).map(|_| Event {
        name: ["e", "exception"][input.below(2)].to_owned(),
        time: START + start,
        attributes: attributes(input),
    });
    let events = events.collect();
    let links = (0..input.below(2)).map(|_| Link {
        trace_id: [trace_id(), linked_id()][input.below(2)],
        span_id: span_id(input.below(MOST_SPANS)),
        trace_state: String::new(),
        attributes: Attributes::default(),
    });
    let links = links.collect();
    Span {
        parent_id: parent,
        kind,
        start: START + start,
        end: START + start + length * length,
        status: Status {
            code,
            message: ["", "declined"][usize::from(flags >> 7)].to_owned(),
        },
        attributes: attributes(input),
        events,
        links,
        resource: Resource {
            attributes: [("service.name", service)].into_iter().collect(),
        }
        .into(),
        ..Span::new(trace, span_id(number), name)
    }
}

/// Spans made of the rest of an input, with different ids.
#[must_use]
pub fn spans(mut input: Input<'_>) -> Vec<Span> {
    let mut spans = Vec::new();
    while !input.is_empty() && spans.len() < MOST_SPANS {
        spans.push(span(spans.len(), &mut input));
    }
    spans
}

/// The trace that is judged, once these spans have arrived.
#[must_use]
pub fn assembled(spans: &[Span]) -> Trace {
    let assemble = |id, origin| Trace::assemble(id, origin, spans.iter().cloned());
    let linked = assemble(linked_id(), Origin::Foreign);
    let judged = assemble(trace_id(), Origin::Injected(our_span()));
    match linked.is_empty() {
        true => judged,
        false => judged.with_linked(vec![linked]),
    }
}
