//! Draws a trace: for each span a line with its service, its indented name, a bar and a duration.
//!
//! `rows` selects the spans of a long trace, and `layout` sets the widths of the columns.

mod bar;
mod layout;
mod records;
mod rows;

use std::collections::HashMap;

use layout::ColumnWidths;
pub use records::Records;
use records::{Chosen, SpanRecords};
use rows::TraceRow;

use super::look::{self, BAD, BAD_BAR, BAR, FAINT, Look, STRONG, printable};
use crate::check::Witness;
use crate::number::{self, count, counted};
use crate::spec::severity_name;
use crate::trace::{LogRecord, Nanos, Span, SpanId, StatusCode, Trace, TraceId, Value};

/// Default maximum number of spans of a trace.
pub const USUAL_ROWS: usize = 40;

/// Maximum number of linked traces; those with a mark are first.
const MOST_LINKED: usize = 5;

/// A note beside a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The trace of the span: the drawn one or a linked one.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// Its service, because client and server spans of a call may share an id; `None` for any.
    pub service: Option<String>,
    /// The text, such as `payment.method = "paypal"`; may be empty.
    pub text: String,
}

impl From<&Witness> for Mark {
    fn from(witness: &Witness) -> Self {
        Self {
            trace_id: witness.trace_id,
            span_id: witness.span_id,
            service: Some(witness.service.clone()),
            text: witness.mark.clone(),
        }
    }
}

/// The trace as text. Every line ends with a newline and keeps to the width of the look. If there are
/// more than `most_rows` spans, only important ones are shown: marked, with status error, roots,
/// the longest, and the ancestors of these.
#[must_use]
pub fn waterfall(
    trace: &Trace,
    marks: &[Mark],
    records: Records,
    look: &Look,
    most_rows: usize,
) -> String {
    let marks = Marks::new(marks);
    let mut lines = section(trace, &marks, records, most_rows);
    let (shown, left_out) = linked(trace, &marks);
    for other in shown {
        lines.push(WaterfallLine::Headline(linked_headline(trace, other, look)));
        lines.extend(section(other, &marks, records, most_rows.div_ceil(2)));
    }
    if left_out > 0 {
        let more = counted(left_out, "more linked trace");
        lines.push(WaterfallLine::Headline(format!("… {more}")));
    }
    draw(&lines, look)
}

/// The marks of each span.
struct Marks<'a>(HashMap<(TraceId, SpanId), Vec<&'a Mark>>);

impl<'a> Marks<'a> {
    fn new(marks: &'a [Mark]) -> Self {
        let mut by_span: HashMap<_, Vec<&Mark>> = HashMap::new();
        for mark in marks {
            let of_span = by_span.entry((mark.trace_id, mark.span_id)).or_default();
            if !of_span.contains(&mark) {
                of_span.push(mark);
            }
        }
        Self(by_span)
    }

    /// The text beside a span; `None` if it has no mark.
    fn of(&self, span: &Span) -> Option<Vec<&'a str>> {
        let marks = self.0.get(&(span.trace_id, span.span_id))?.iter();
        let is_its = |mark: &&&Mark| {
            let service = mark.service.as_deref();
            service.is_none_or(|service| service == span.service())
        };
        let texts: Vec<&str> = marks.filter(is_its).map(|mark| &*mark.text).collect();
        (!texts.is_empty()).then_some(texts)
    }

    /// The indexes of the marked spans of this trace.
    fn within(&self, trace: &Trace) -> Vec<usize> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let spans = trace.spans().iter().enumerate();
        spans
            .filter(|(_, span)| self.of(span).is_some())
            .map(|(at, _)| at)
            .collect()
    }
}

/// A line, or several if its note does not fit beside it.
enum WaterfallLine {
    Headline(String),
    Span(Box<SpanLine>),
    Words {
        depth: usize,
        text: String,
    },
    Record {
        depth: usize,
        text: String,
        is_error: bool,
    },
}

struct SpanLine {
    service: String,
    name: String,
    depth: usize,
    extent: bar::Extent,
    duration: String,
    is_error: bool,
    is_marked: bool,
    marks: String,
    error: String,
    dropped: String,
}

fn section(
    trace: &Trace,
    marks: &Marks<'_>,
    records: Records,
    most_rows: usize,
) -> Vec<WaterfallLine> {
    let window = bar::TimeWindow::of(trace.spans());
    let records = SpanRecords::of(trace, records);
    let mut lines = Vec::new();
    for row in rows::select(trace, &marks.within(trace), most_rows) {
        lines.push(match row {
            TraceRow::Span { span, depth } => {
                let of_span = records.of_span(span);
                let span = &trace.spans()[span];
                let line = span_line(span, depth, &window, marks);
                lines.push(WaterfallLine::Span(Box::new(line)));
                lines.extend(
                    of_span
                        .into_iter()
                        .flat_map(|of| record_lines(of, depth + 1)),
                );
                continue;
            }
            TraceRow::MissingParent(id) => WaterfallLine::Words {
                depth: 0,
                text: format!("? missing parent {id}"),
            },
            TraceRow::Between { spans, depth } => WaterfallLine::Words {
                depth,
                text: format!("… {} in between", counted(spans, "span")),
            },
            TraceRow::More {
                spans,
                marked,
                depth,
            } => WaterfallLine::Words {
                depth,
                text: more(spans, marked),
            },
        });
    }
    if !records.others.shown.is_empty() {
        let text = "log records of no span that arrived:".to_owned();
        lines.push(WaterfallLine::Words { depth: 0, text });
        lines.extend(record_lines(&records.others, 1));
    }
    lines
}

fn record_lines(records: &Chosen<'_>, depth: usize) -> Vec<WaterfallLine> {
    let shown = records.shown.iter().map(|record| WaterfallLine::Record {
        depth,
        text: printable(&record_text(record)).into_owned(),
        is_error: record.severity.is_some_and(|severity| severity >= ERROR),
    });
    let more = (records.more > 0).then(|| WaterfallLine::Words {
        depth,
        text: format!("… {}", counted(records.more, "more log record")),
    });
    shown.chain(more).collect()
}

/// The smallest number of the severity ERROR.
const ERROR: u8 = 17;

/// Severity and text of a log record: `warn: card declined`.
fn record_text(record: &LogRecord) -> String {
    let severity = match (record.severity, record.severity_text.as_str()) {
        (Some(number), _) => severity_name(number),
        (None, "") => "log".to_owned(),
        (None, text) => text.to_owned(),
    };
    let body = match &record.body {
        Value::Null => record.event_name.clone(),
        body => body.to_text(),
    };
    let exception = record.attributes.get("exception.type").map(Value::to_text);
    let exception = exception.map_or_else(String::new, |kind| format!(" ({kind})"));
    format!("{severity}: {}{exception}", body.trim())
}

fn more(spans: usize, marked: usize) -> String {
    let more = counted(spans, "more span");
    match marked {
        0 => format!("… {more}"),
        _ => format!("… {more}, {} of them marked", count(marked)),
    }
}

fn span_line(span: &Span, depth: usize, window: &bar::TimeWindow, marks: &Marks<'_>) -> SpanLine {
    let is_error = span.status.code == StatusCode::Error;
    let texts = marks.of(span);
    let is_marked = texts.is_some();
    let words = texts.unwrap_or_default().join(", ");
    let error = match span.status.message.as_str() {
        "" => "error",
        message => message,
    };
    // A mark about the error has the same text.
    let error = if is_error && !words.contains(error) {
        error
    } else {
        ""
    };
    SpanLine {
        service: printable(span.service()).into_owned(),
        name: printable(&span.name).into_owned(),
        depth,
        extent: window.extent(span),
        duration: match span.duration() {
            Ok(nanos) => number::nanos(nanos),
            Err(why) => why.to_string(),
        },
        is_error,
        is_marked,
        dropped: dropped(span),
        marks: printable(&words).into_owned(),
        error: printable(error).into_owned(),
    }
}

/// The parts of a span that are missing: `40 attributes, 2 links dropped`.
fn dropped(span: &Span) -> String {
    let numbers = [
        (span.attributes.dropped(), "attribute"),
        (span.dropped_events, "event"),
        (span.dropped_links, "link"),
    ];
    let parts: Vec<String> = numbers
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| counted(number as usize, noun))
        .collect();
    match parts.as_slice() {
        [] => String::new(),
        parts => format!("{} dropped", parts.join(", ")),
    }
}

fn linked<'a>(trace: &'a Trace, marks: &Marks<'_>) -> (Vec<&'a Trace>, usize) {
    let mut all = Vec::new();
    let mut open: Vec<&Trace> = trace.linked().iter().rev().collect();
    while let Some(other) = open.pop() {
        all.push(other);
        open.extend(other.linked().iter().rev());
    }
    all.retain(|other| !other.is_empty());
    all.sort_by_key(|other| marks.within(other).is_empty());
    let left_out = all.len().saturating_sub(MOST_LINKED);
    all.truncate(MOST_LINKED);
    (all, left_out)
}

fn linked_headline(trace: &Trace, linked: &Trace, look: &Look) -> String {
    let start = |trace: &Trace| -> Option<Nanos> { Some(trace.spans().first()?.start) };
    let when = match (start(trace), start(linked)) {
        (Some(ours), Some(theirs)) if theirs >= ours => {
            format!(", starts {} later", number::nanos(theirs - ours))
        }
        (Some(ours), Some(theirs)) => {
            format!(", starts {} earlier", number::nanos(ours - theirs))
        }
        _ => String::new(),
    };
    let arrow = look.pick("⤷", "->");
    let spans = counted(linked.len(), "span");
    format!("{arrow} linked trace {}, {spans}{when}", linked.id())
}

fn draw(lines: &[WaterfallLine], look: &Look) -> String {
    let columns = ColumnWidths::new(lines, look);
    let mut text = String::new();
    for line in lines {
        match line {
            WaterfallLine::Headline(headline) => {
                let headline = look::truncated(headline, columns.width);
                text.push_str(&look.paint(FAINT, &headline));
                text.push('\n');
            }
            WaterfallLine::Words { depth, text: words } => {
                let before = columns.before_name(*depth);
                let words = look::truncated(words, columns.width.saturating_sub(before));
                let words = look.paint(FAINT, &words);
                text.push_str(&format!("{:before$}{words}\n", ""));
            }
            WaterfallLine::Record {
                depth,
                text: record,
                is_error,
            } => {
                let before = columns.before_name(*depth);
                let record = format!("{} {record}", look.pick("·", "-"));
                let room = columns.width.saturating_sub(before);
                let style = if *is_error { BAD } else { FAINT };
                let record = look.paint(style, &look::truncated(&record, room));
                text.push_str(&format!("{:before$}{record}\n", ""));
            }
            WaterfallLine::Span(span) => draw_span(&mut text, span, &columns, look),
        }
    }
    text
}

fn draw_span(text: &mut String, span: &SpanLine, columns: &ColumnWidths, look: &Look) {
    let service = look::fitted(&span.service, columns.service);
    text.push_str(&look.paint(FAINT, &service));
    text.push_str("  ");
    let name = look::fitted(&columns.indented(&span.name, span.depth), columns.name);
    let strong = span.is_marked || span.is_error;
    text.push_str(&if strong {
        look.paint(STRONG, &name)
    } else {
        name
    });
    if columns.bar > 0 {
        let style = if span.is_error { BAD_BAR } else { BAR };
        let bar = bar::draw(&span.extent, columns.bar, look.charset);
        text.push_str("  ");
        text.push_str(&look.paint(style, &bar));
    }
    let blanks = columns.duration.saturating_sub(look::width(&span.duration));
    text.push_str(&format!(" {:blanks$}{}", "", span.duration));
    draw_notes(text, span, columns, look);
    text.push('\n');
}

/// Beside the span if they fit, else on lines below its name.
fn draw_notes(text: &mut String, span: &SpanLine, columns: &ColumnWidths, look: &Look) {
    let notes = layout::notes(span, look);
    let wide: usize = notes
        .iter()
        .map(|note| 2 + look::width(&note.beside()))
        .sum();
    let room = columns.width.saturating_sub(columns.up_to_notes());
    for note in &notes {
        let (style, shown) = if wide <= room {
            text.push_str("  ");
            (note.style(), note.beside())
        } else {
            let before = columns.before_name(span.depth);
            let room = columns.width.saturating_sub(before);
            text.push_str(&format!("\n{:before$}", ""));
            (
                note.style(),
                look::truncated(&note.below(), room).into_owned(),
            )
        };
        text.push_str(&look.paint(style, &shown));
    }
}

impl layout::Note<'_> {
    fn style(&self) -> anstyle::Style {
        if self.is_error { BAD } else { STRONG }
    }
}

#[cfg(test)]
mod tests;
