//! The attributes of all spans of a trace, in the form in which a spec checks them.

use super::super::look::{self, FAINT, Look, STRONG, printable};
use super::lines::paragraph;
use crate::number::counted;
use crate::trace::{Attributes, Span, StatusCode, Trace, Value};

/// Each span with its status, attributes and events. Spans beyond `most` are counted.
pub fn attributes(trace: &Trace, look: &Look, most: usize) -> String {
    let traces = std::iter::once(trace).chain(trace.linked());
    let spans: Vec<&Span> = traces
        .flat_map(|trace| trace.top_down().iter().map(|&span| &trace.spans()[span]))
        .collect();
    let more = spans.len().saturating_sub(most);
    let shown = spans.iter().take(most);
    let mut text: String = shown.map(|span| of_span(span, look)).collect();
    if more > 0 {
        let more = format!("… {} more", counted(more, "span"));
        text.push_str(&paragraph(&more, 0, FAINT, look));
    }
    text
}

fn of_span(span: &Span, look: &Look) -> String {
    let title = format!("{} › {}", span.service(), span.name);
    let title = printable(&title);
    let title = look::truncated(&title, look.width);
    let mut text = look.paint(STRONG, &title) + "\n";
    text.push_str(&line(&format!("kind: {}", span.kind.as_str()), 2, look));
    if span.status.code != StatusCode::Unset {
        text.push_str(&line(
            &format!("status: {}", span.status.code.as_str()),
            2,
            look,
        ));
    }
    if !span.status.message.is_empty() {
        let message = Value::from(span.status.message.as_str());
        text.push_str(&line(&format!("status_message: {message}"), 2, look));
    }
    text.push_str(&lines(&span.attributes, 2, look));
    for event in &span.events {
        text.push_str(&line(&format!("event {}", event.name), 2, look));
        text.push_str(&lines(&event.attributes, 4, look));
    }
    text
}

/// `http.request.method: "POST"`, a line each.
fn lines(attributes: &Attributes, indent: usize, look: &Look) -> String {
    let all = attributes.iter();
    all.map(|(key, value)| line(&format!("{key}: {value}"), indent, look))
        .collect()
}

fn line(text: &str, indent: usize, look: &Look) -> String {
    let room = look.width.saturating_sub(indent);
    let text = printable(text);
    let text = look::truncated(&text, room);
    format!("{:indent$}{text}\n", "")
}
