//! A location in a spec as text: file, line and column, the line, and a caret with a label.
//!
//! annotate-snippets draws it; this module converts locations to its input.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::look::{self, Colors, Look, printable};
use crate::spec::{Location, Source, SpecError};

/// If a location has more lines than this, only the first is underlined.
const MOST_LINES: usize = 6;

/// A problem of a spec, with its location.
#[derive(Clone, Debug, Default)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The id of its rule, if it has one.
    pub id: Option<&'static str>,
    /// The problem, without a full stop.
    pub title: String,
    /// Its location.
    pub at: Option<Location>,
    /// Text beside the caret; may be empty.
    pub label: String,
    /// Related locations, each with a text, such as the first use of a name.
    pub also: Vec<(Location, String)>,
    /// Instructions, one per line.
    pub help: Vec<String>,
}

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Severity {
    /// Prevents the run.
    #[default]
    Error,
    /// Does not prevent the run.
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
            id: None,
            title: error.what.clone(),
            at: Some(error.at.clone()),
            label: error.label.clone(),
            also: Vec::new(),
            help: error.help.clone().into_iter().collect(),
        }
    }
}

impl Diagnostic {
    /// The same error as a warning.
    #[must_use]
    pub fn warning(of: &SpecError) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::from(of)
        }
    }
}

/// The location with its line and a caret, without a title; every line ends with a newline.
#[must_use]
pub fn snippet(at: &Location, label: &str, look: &Look) -> String {
    let label = printable(label);
    let window = SourceExcerpt::around(at);
    let cause = window.cause(AnnotationKind::Primary, &label);
    let group = Group::with_level(Level::ERROR).element(cause);
    drawn(&[group], look)
}

/// A diagnostic in the format of compilers.
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
    let windows: Vec<SourceExcerpt<'_>> = places
        .iter()
        .map(|(at, ..)| SourceExcerpt::around(at))
        .collect();
    let help: Vec<_> = of.help.iter().map(|help| printable(help)).collect();

    let mut title = of.severity.level().primary_title(title.as_ref());
    if let Some(id) = of.id {
        title = title.id(id);
    }
    let mut group = Group::with_title(title);
    for (window, (_, kind, label)) in windows.iter().zip(&places) {
        group = group.element(window.cause(*kind, label));
    }
    for help in &help {
        group = group.element(Level::HELP.message(help.as_ref()));
    }
    drawn(&[group], look)
}

/// Several diagnostics, separated by blank lines.
#[must_use]
pub fn diagnostics(of: &[Diagnostic], look: &Look) -> String {
    let shown: Vec<String> = of.iter().map(|one| diagnostic(one, look)).collect();
    shown.join("\n")
}

/// Returns `true` if a label fits after the caret without hiding a part of the line.
pub(super) fn fits(at: &Location, label: &str, look: &Look) -> bool {
    const MARGIN: usize = 20;
    let window = SourceExcerpt::around(at);
    let marked = look::width(&window.text[window.marked.clone()]).max(1);
    let column = label_column(at);
    let is_cut_anyway = column > look.width * 2 / 3;
    let before = if is_cut_anyway {
        MARGIN + marked
    } else {
        column
    };
    before + look::width(label) <= look.width
}

/// The column in which a label starts, if the line is not truncated.
pub(super) fn label_column(at: &Location) -> usize {
    let window = SourceExcerpt::around(at);
    let last_line = window.first_line + window.text.matches('\n').count();
    let gutter = last_line.to_string().len() + " | ".len();
    let before = window.text[..window.marked.end].rsplit('\n').next();
    // A tab is drawn as four spaces.
    let before = before.unwrap_or_default().replace('\t', "    ");
    let at_least = usize::from(window.marked.is_empty());
    gutter + look::width(&before) + at_least + 1
}

/// The lines of a location: passing the whole file would be slow.
struct SourceExcerpt<'a> {
    source: &'a Source,
    first_line: usize,
    text: &'a str,
    marked: Range<usize>,
}

impl<'a> SourceExcerpt<'a> {
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
            first_line: at.source.position(line_start).0,
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

/// The index of the character that contains this byte.
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
    let text = renderer.term_width(look.width.max(30)).render(groups);
    let mut lines = String::new();
    let mut may_be_blank = false;
    for line in text.lines() {
        let bare = without_colors(line);
        let start = bare.trim_start();
        // An empty line after a title or a path has no content.
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

    #[test]
    fn the_line_is_shown_with_a_caret_and_its_label() {
        assert_data_eq!(
            shown("a: 1\nstatus: 201\n", "201", "found 500"),
            str![[r#"
 --> specs/a.yaml:2:9
2 | status: 201
  |         ^^^ found 500

"#]]
        );
    }

    #[test]
    fn a_place_of_several_lines_is_framed() {
        assert_data_eq!(
            shown(
                "spans:\n  - find: a\n    below: b\n\n# end\n",
                "- find: a\n    below: b\n\n",
                "found 0"
            ),
            str![[r#"
 --> specs/a.yaml:2:3
2 | /   - find: a
3 | |     below: b
  | |____________^ found 0

"#]]
        );
    }

    #[test]
    fn of_a_place_of_very_many_lines_the_first_is_underlined() {
        let text = format!("json:\n{}", "  a: 1\n".repeat(50));
        assert_data_eq!(
            shown(&text, &text, "too much"),
            str![[r#"
 --> specs/a.yaml:1:1
1 | json:
  | ^^^^^ too much

"#]]
        );
    }

    #[test]
    fn tabs_wide_characters_and_windows_line_ends_do_not_move_the_caret() {
        assert_data_eq!(
            shown("a:\r\n\tb: card # x\r\n", "card", "here"),
            str![[r#"
 --> specs/a.yaml:2:5
2 |     b: card # x
  |        ^^^^ here

"#]]
        );
        assert_data_eq!(
            shown("名前: 注文 🛒 card\n", "card", "here"),
            str![[r#"
 --> specs/a.yaml:1:10
1 | 名前: 注文 🛒 card
  |               ^^^^ here

"#]]
        );
    }

    #[test]
    fn of_a_long_line_the_part_around_the_caret_is_shown() {
        let text = format!(
            "a: {} MARK {}\n",
            "lorem ipsum ".repeat(40),
            "dolor sit ".repeat(40)
        );
        let text = shown(&text, "MARK", "found \"paypal\"");
        assert!(text.lines().all(|line| look::width(line) <= 80), "{text}");
        assert_data_eq!(
            text,
            str![[r#"
 --> specs/a.yaml:1:485
1 | ...lorem ipsum lorem ipsum  MARK dolor sit dolor sit dolor sit dolor sit ...
  |                             ^^^^ found "paypal"

"#]]
        );
    }

    #[test]
    fn the_end_of_a_file_can_be_pointed_to() {
        for text in ["", "a: b", "a: b\n", "a: b\r\n"] {
            let at = Source::new("a.yaml", text).at(Place { start: 99, end: 99 });
            let shown = snippet(&at, "expected more", &Look::plain());
            assert!(shown.contains("^ expected more"), "{text:?}: {shown}");
        }
    }

    #[test]
    fn a_place_within_a_character_is_that_character() {
        let at = Source::new("a.yaml", "é").at(Place { start: 1, end: 1 });
        assert!(snippet(&at, "", &Look::plain()).contains("1 | é"));
    }

    #[test]
    fn a_diagnostic_has_a_title_other_places_and_help() {
        let text = "name: a\nnmae: b\n";
        let one = Diagnostic {
            severity: Severity::Error,
            id: Some("unknown-key"),
            title: "unknown key `nmae`".to_owned(),
            at: Some(location(text, "nmae")),
            label: "did you mean `name`?".to_owned(),
            also: vec![(location(text, "name"), "which is here already".to_owned())],
            help: vec!["keys are name, request and expect".to_owned()],
        };
        let other = Diagnostic {
            title: "no spec was found".to_owned(),
            help: vec!["specs are *.yaml files".to_owned()],
            ..Diagnostic::default()
        };
        assert_data_eq!(
            diagnostics(&[one, other], &Look::plain()),
            str![[r#"
error[unknown-key]: unknown key `nmae`
 --> specs/a.yaml:2:1
2 | nmae: b
  | ^^^^ did you mean `name`?
  |
 ::: specs/a.yaml:1:1
1 | name: a
  | ---- which is here already
  |
  = help: keys are name, request and expect

error: no spec was found
 = help: specs are *.yaml files

"#]]
        );
    }

    #[test]
    fn colours_add_nothing_to_the_text() {
        let at = location("status: 201\n", "201");
        let colored = snippet(
            &at,
            "found\u{1b}[31m",
            &Look::plain().with_colors(Colors::Ansi),
        );
        let plain = snippet(&at, "found\u{1b}[31m", &Look::plain());
        assert_eq!(without_colors(&colored).trim_end(), plain.trim_end());
        assert!(!plain.contains('\u{1b}'));
    }
}
