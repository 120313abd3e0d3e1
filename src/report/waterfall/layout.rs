//! The widths of the columns of a waterfall.

use super::super::look::{self, Look};
use super::{SpanLine, WaterfallLine};

/// Minimum width that the layout uses.
const NARROWEST: usize = 30;
/// Minimum width of a bar with notes on its line.
const BAR_BESIDE_NOTES: usize = 12;
const LONGEST_BAR: usize = 60;
const SHORTEST_BAR: usize = 8;
/// Notes up to this width stay beside their span when longer ones do not fit.
const SHORT_NOTE: usize = 28;

/// The widths of all columns. Two spaces follow service and name, one follows the bar.
pub(super) struct ColumnWidths {
    pub(super) width: usize,
    pub(super) service: usize,
    pub(super) name: usize,
    pub(super) bar: usize,
    pub(super) duration: usize,
    /// Spaces per level of the tree.
    step: usize,
    /// Number of levels that are indented; deeper ones show their depth as a number.
    levels: usize,
}

/// The notes beside a span.
pub(super) struct Note<'a> {
    pub(super) is_error: bool,
    beside: &'static str,
    below: &'static str,
    text: &'a str,
}

impl Note<'_> {
    pub(super) fn beside(&self) -> String {
        format!("{} {}", self.beside, self.text)
            .trim_end()
            .to_owned()
    }

    pub(super) fn below(&self) -> String {
        format!("{} {}", self.below, self.text)
            .trim_end()
            .to_owned()
    }
}

/// The error of the service first.
pub(super) fn notes<'a>(span: &'a SpanLine, look: &Look) -> Vec<Note<'a>> {
    let error = span.is_error.then(|| Note {
        is_error: true,
        beside: look.pick("✗", "!"),
        below: look.pick("✗", "!"),
        text: &span.error,
    });
    let marks = span.is_marked.then(|| Note {
        is_error: false,
        beside: look.pick("←", "<-"),
        below: look.pick("↑", "^"),
        text: &span.marks,
    });
    let dropped = (!span.dropped.is_empty()).then(|| Note {
        is_error: false,
        beside: look.pick("⚠", "?"),
        below: look.pick("⚠", "?"),
        text: &span.dropped,
    });
    error.into_iter().chain(marks).chain(dropped).collect()
}

impl ColumnWidths {
    pub(super) fn new(lines: &[WaterfallLine], look: &Look) -> Self {
        let spans = || {
            lines.iter().filter_map(|line| match line {
                WaterfallLine::Span(span) => Some(span.as_ref()),
                WaterfallLine::Headline(_)
                | WaterfallLine::Words { .. }
                | WaterfallLine::Record { .. } => None,
            })
        };
        let widest = |of: &dyn Fn(&SpanLine) -> usize| spans().map(of).max().unwrap_or(0);
        let width = look.width.max(NARROWEST);
        let deepest = widest(&|span| span.depth);
        let (step, levels) = indentation(deepest, width);
        let mut columns = Self {
            width,
            service: widest(&|span| look::width(&span.service)).min((width / 5).max(8)),
            name: 0,
            bar: 0,
            duration: widest(&|span| look::width(&span.duration)),
            step,
            levels,
        };
        columns.name = widest(&|span| look::width(&columns.indented(&span.name, span.depth)))
            .min((width * 2 / 5).max(12));
        let note = |span: &SpanLine| -> usize {
            notes(span, look)
                .iter()
                .map(|note| 2 + look::width(&note.beside()))
                .sum()
        };
        let longest = widest(&note);
        let short = spans().map(note).filter(|&note| note <= SHORT_NOTE).max();
        columns.share(longest, short.unwrap_or(0));
        columns
    }

    /// The bar gets the rest; if that is too small, names and services are shortened.
    fn share(&mut self, longest_note: usize, short_note: usize) {
        let reserved = [longest_note, short_note]
            .into_iter()
            .find(|note| self.left_for_bar(*note) >= BAR_BESIDE_NOTES)
            .unwrap_or(0);
        let lacking = |columns: &Self| SHORTEST_BAR.saturating_sub(columns.left_for_bar(0));
        self.name = self
            .name
            .saturating_sub(lacking(self))
            .max(self.name.min(14));
        self.service = self
            .service
            .saturating_sub(lacking(self))
            .max(self.service.min(6));
        self.bar = match self.left_for_bar(reserved) {
            left @ 4.. => left.min(LONGEST_BAR),
            _ => 0,
        };
    }

    fn left_for_bar(&self, note: usize) -> usize {
        let others = self.service + 2 + self.name + 2 + 1 + self.duration + note;
        self.width.saturating_sub(others)
    }

    /// ColumnWidths before the notes of a span.
    pub(super) fn up_to_notes(&self) -> usize {
        let bar = if self.bar > 0 { 2 + self.bar } else { 0 };
        self.service + 2 + self.name + bar + 1 + self.duration
    }

    /// ColumnWidths before the name of a span at this depth.
    pub(super) fn before_name(&self, depth: usize) -> usize {
        let indent = depth.min(self.levels) * self.step;
        self.service + 2 + indent.min(self.name / 2)
    }

    /// The name in its column.
    pub(super) fn indented(&self, name: &str, depth: usize) -> String {
        let indent = depth.min(self.levels) * self.step;
        match depth - depth.min(self.levels) {
            0 => format!("{:indent$}{name}", ""),
            deeper => format!("{:indent$}+{deeper} {name}", ""),
        }
    }
}

/// Spaces per level, and the number of levels that are indented: deep trees leave room for names.
fn indentation(deepest: usize, width: usize) -> (usize, usize) {
    let room = width / 5;
    if deepest * 2 <= room {
        (2, deepest)
    } else {
        (1, deepest.min(room))
    }
}
