//! Shows a place of a spec: file, line and column, the line itself, and a caret with a label.
//!
//! The drawing is annotate-snippets' work; here a place becomes something that it can draw.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::look::{self, Colors, Look, printable};
use crate::spec::{Location, Source, SpecError};

/// Of a place with more lines than this, only the first is underlined.
const MOST_LINES: usize = 6;

/// Something wrong with a spec, and where: the form that invalid specs are shown in.
#[derive(Clone, Debug, Default)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub title: String,
    /// Where.
    pub at: Option<Location>,
    /// A few words beside the caret; may be empty.
    pub label: String,
    /// Other places that matter, each with a few words: where a name was used before.
    pub also: Vec<(Location, String)>,
    /// What to do, a line each.
    pub help: Vec<String>,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Severity {
    /// Nothing can be run.
    #[default]
    Error,
    /// It can be run, but is worth a thought.
    Warning,
}

impl Severity {
    fn level(self) -> Level<'static> {
        match self {
            Self::Error => Level::ERROR,
            Self::Warning => Level::WARNING,
        }
    }
}

impl From<&SpecError> for Diagnostic {
    fn from(error: &SpecError) -> Self {
        Self {
            severity: Severity::Error,
            title: error.what.clone(),
            at: Some(error.at.clone()),
            label: error.label.clone(),
            also: Vec::new(),
            help: error.help.clone().into_iter().collect(),
        }
    }
}

impl Diagnostic {
    /// The same as a warning.
    #[must_use]
    pub fn warning(of: &SpecError) -> Self {
        Self { severity: Severity::Warning, ..Self::from(of) }
    }
}

/// The place with its line and a caret, without a title; every line ends with a newline.
#[must_use]
pub fn snippet(at: &Location, label: &str, look: &Look) -> String {
    let label = printable(label);
    let window = Window::around(at);
    let cause = window.cause(AnnotationKind::Primary, &label);
    let group = Group::with_level(Level::ERROR).element(cause);
    drawn(&[group], look)
}

/// One diagnostic as compilers show it.
#[must_use]
pub fn diagnostic(of: &Diagnostic, look: &Look) -> String {
    let title = printable(&of.title);
    let primary = of
        .at
        .iter()
        .map(|at| (at, AnnotationKind::Primary, printable(&of.label)));
    let others = of
        .also
        .iter()
        .map(|(at, label)| (at, AnnotationKind::Context, printable(label)));
    let places: Vec<_> = primary.chain(others).collect();
    let windows: Vec<Window<'_>> = places.iter().map(|(at, ..)| Window::around(at)).collect();
    let help: Vec<_> = of.help.iter().map(|help| printable(help)).collect();

    let mut group = Group::with_title(of.severity.level().primary_title(title.as_ref()));
    for (window, (_, kind, label)) in windows.iter().zip(&places) {
        group = group.element(window.cause(*kind, label));
    }
    for help in &help {
        group = group.element(Level::HELP.message(help.as_ref()));
    }
    drawn(&[group], look)
}

/// Several diagnostics with a blank line between them.
#[must_use]
pub fn diagnostics(of: &[Diagnostic], look: &Look) -> String {
    let shown: Vec<String> = of.iter().map(|one| diagnostic(one, look)).collect();
    shown.join("\n")
}

/// Whether a label leaves room for the caret and what it points to.
pub(super) fn fits(at: &Location, label: &str, look: &Look) -> bool {
    const MARGIN: usize = 20;
    let window = Window::around(at);
    let marked = look::width(&window.text[window.marked.clone()]).max(1);
    MARGIN + marked + look::width(label) <= look.width
}

/// The lines that a place touches; drawing a whole file for one line would cost time.
struct Window<'a> {
    source: &'a Source,
    first_line: usize,
    text: &'a str,
    marked: Range<usize>,
}

impl<'a> Window<'a> {
    fn around(at: &'a Location) -> Self {
        let whole = at.source.text();
        let start = floor(whole, at.place.start);
        let end = start
            + whole[start..floor(whole, at.place.end).max(start)]
                .trim_end()
                .len();
        let line_end = |from: usize| whole[from..].find('\n').map_or(whole.len(), |n| from + n);
        let lines = whole[start..end].matches('\n').count() + 1;
        let end = if lines > MOST_LINES {
            line_end(start)
        } else {
            end
        };
        let line_start = whole[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let text = whole[line_start..line_end(end)].trim_end_matches(['\n', '\r']);
        let within = |offset: usize| (offset - line_start).min(text.len());
        Self {
            source: &at.source,
            first_line: whole[..line_start].matches('\n').count() + 1,
            text,
            marked: within(start)..within(end),
        }
    }

    fn cause<'l>(
        &'l self,
        kind: AnnotationKind,
        label: &'l str,
    ) -> Snippet<'l, annotate_snippets::Annotation<'l>> {
        let mark = kind
            .span(self.marked.clone())
            .label((!label.is_empty()).then_some(label));
        Snippet::source(self.text)
            .path(self.source.name())
            .line_start(self.first_line)
            .annotation(mark)
    }
}

/// The start of the character that this byte belongs to.
fn floor(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}

fn drawn(groups: &[Group<'_>], look: &Look) -> String {
    let renderer = match look.colors {
        Colors::Ansi => Renderer::styled().hyperlink(false),
        Colors::Plain => Renderer::plain(),
    };
    let text = renderer
        .term_width(look.width.saturating_sub(8).max(30))
        .render(groups);
    let mut lines = String::new();
    let mut may_be_blank = false;
    for line in text.lines() {
        let bare = without_colors(line);
        let start = bare.trim_start();
        // An empty line after a title or a path tells nothing and costs a line of every failure.
        if may_be_blank || start != "|" {
            lines.push_str(if bare.is_empty() { "" } else { line.trim_end() });
            lines.push('\n');
        }
        may_be_blank = !["-->", ":::", "error"]
            .iter()
            .any(|head| start.starts_with(head));
    }
    lines
}

fn without_colors(line: &str) -> String {
    let mut bare = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    bare.push_str(rest);
    bare.truncate(bare.trim_end().len());
    bare
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use super::*;
    use crate::spec::Place;

    fn location(text: &str, marked: &str) -> Location {
        let start = text.find(marked).unwrap();
        let end = start + marked.len();
        Source::new("specs/a.yaml", text).at(Place { start, end })
    }

    fn shown(text: &str, marked: &str, label: &str) -> String {
        snippet(
            &location(text, marked),
            label,
            &Look::plain().with_width(80),
        )
    }
}
#[cfg(test)]
mod looking {
    use super::*;
    use crate::spec::Place;
    #[test]
    fn look_at_it() {
        let t = super::super::sample::SPEC;
        let show = |t: &str, m: &str, l: &str, w: usize| {
            let start = t.find(m).unwrap();
            let at = Source::new("specs/a.yaml", t).at(Place {
                start,
                end: start + m.len(),
            });
            println!("{}", snippet(&at, l, &Look::plain().with_width(w)));
        };
        show(
            t,
            "card,",
            "found \"paypal\"   (payment, span 00f067aa0ba902b7)",
            80,
        );
        show(
            t,
            "card,",
            "found \"paypal\"   (payment, span 00f067aa0ba902b7)",
            60,
        );
        show(
            t,
            "find: process_payment\n      below: { service: order }\n",
            "found nothing",
            80,
        );
        show(t, t, "found nothing", 80);
        show(t, "count: 1\n", "found 12", 80);
        show("a:\n\tb: c\r\n\td: e\r\n", "c", "x", 80);
        show("a:\n\tb: c\r\n\td: e\r\n", "b: c\r\n\td: e\r\n", "x", 80);
        show("名前: 注文 🛒 card\n", "card", "x", 80);
        let long = format!(
            "a: {} MARK {}\n",
            "lorem ipsum ".repeat(40),
            "dolor sit ".repeat(40)
        );
        show(
            &long,
            "MARK",
            "found \"paypal\"   (payment, span 00f067aa0ba902b7)",
            80,
        );
        let at = Source::new("specs/a.yaml", "a: b\n").at(Place { start: 5, end: 5 });
        println!("{}", snippet(&at, "expected more", &Look::plain()));
        let at = Source::new("specs/a.yaml", "").at(Place { start: 0, end: 0 });
        println!("{}", snippet(&at, "expected more", &Look::plain()));
        let at = Source::new("specs/a.yaml", "a: b").at(Place { start: 4, end: 4 });
        println!("{}", snippet(&at, "expected more", &Look::plain()));
        let at = super::super::sample::at("attributes");
        println!(
            "{}",
            diagnostic(
                &Diagnostic {
                    title: "unknown key `atributes`".into(),
                    at: Some(at.clone()),
                    label: "did you mean `attributes`?".into(),
                    also: vec![(super::super::sample::at("status"), "here".into())],
                    help: vec!["a".into(), "b long".into()]
                },
                &Look::plain()
            )
        );
        println!(
            "{}",
            diagnostic(
                &Diagnostic {
                    title: "unknown key `atributes`".into(),
                    help: vec!["a".into(), "b long".into()],
                    ..Diagnostic::default()
                },
                &Look::plain()
            )
        );
    }
}
