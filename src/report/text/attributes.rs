//! The attributes of all spans of a trace, in the form in which a spec checks them.

use super::super::look::{self, FAINT, Look, STRONG, printable};
use super::lines::paragraph;
use crate::number::counted;
use crate::trace::{Attributes, Span, Trace};

/// Each span with its status, attributes and events. Spans beyond `most` are counted.
pub fn attributes(trace: &Trace, look: &Look, most: usize) -> String {
    let of_trace = |trace: &Trace| -> Vec<String> {
        let spans = trace.top_down().iter().map(|&span| &trace.spans()[span]);
        spans.map(|span| of_span(span, look)).collect()
    };
    let linked = trace.linked().iter().flat_map(of_trace);
    let all: Vec<String> = of_trace(trace).into_iter().chain(linked).collect();
    let more = all.len().saturating_sub(most);
    let mut text: String = all.into_iter().take(most).collect();
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
