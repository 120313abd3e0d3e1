//! Source texts and places in them.

use std::fmt;
use std::sync::Arc;

/// Maximum size of a spec file in bytes: 4 MiB.
pub const MAX_FILE_SIZE: usize = 4 << 20;

/// The text of a file with its name for messages; cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Source(Arc<SourceText>);

#[derive(PartialEq, Eq)]
struct SourceText {
    name: String,
    text: String,
    /// Byte offset of the first character of each line.
    lines: Vec<usize>,
}

/// A range of bytes of a source; `start == end` points between two characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

/// A place in a source.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    /// The source.
    pub source: Source,
    /// The range of bytes.
    pub place: Place,
}

impl Source {
    /// A source with its name for messages: for a file, its path as typed by the user.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(newline, _)| newline + 1))
            .collect();
        Self(Arc::new(SourceText {
            name: name.into(),
            text,
            lines,
        }))
    }

    /// The name for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// A location in this text. Places out of range are moved to the end.
    #[must_use]
    pub fn at(&self, place: Place) -> Location {
        let end = place.end.min(self.text().len());
        let place = Place {
            start: place.start.min(end),
            end,
        };
        Location {
            source: self.clone(),
            place,
        }
    }

    /// The same source with parts of the text replaced, to mask secrets.
    #[must_use]
    pub fn with_text(&self, text: impl Into<String>) -> Self {
        Self::new(self.name(), text)
    }

    /// Line and column of a byte, from 1. Columns count characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let line = self
            .0
            .lines
            .partition_point(|&start| start <= offset)
            .max(1);
        let start = self.0.lines[line - 1];
        let before = self
            .text()
            .get(start..offset.min(self.text().len()))
            .unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// The text of a line, from 1, without its line break.
    #[must_use]
    pub fn line(&self, line: usize) -> &str {
        let lines = &self.0.lines;
        let Some(&start) = line.checked_sub(1).and_then(|line| lines.get(line)) else {
            return "";
        };
        let end = lines.get(line).copied().unwrap_or(self.text().len());
        self.text()[start..end].trim_end_matches(['\n', '\r'])
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.0.name).finish()
    }
}

impl Location {
    /// The line of its start, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.source.position(self.place.start).0
    }

    /// The column of its start, from 1, in characters.
    #[must_use]
    pub fn column(&self) -> usize {
        self.source.position(self.place.start).1
    }

    /// The text at this place, as written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.source
            .text()
            .get(self.place.start..self.place.end)
            .unwrap_or_default()
    }
}

/// `file:line:column`, as editors and terminals open it.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}",
            self.source.name(),
            self.line(),
            self.column()
        )
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source::new("a.yaml", "x\nnäme: y\n");
        let at = source.text().find('y').unwrap();
        let location = source.at(Place {
            start: at,
            end: at + 1,
        });
        assert_eq!(location.to_string(), "a.yaml:2:7");
        assert_eq!((location.text(), source.line(2)), ("y", "näme: y"));
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        let source = Source::new("a.yaml", "ab");
        assert_eq!(
            source.at(Place { start: 9, end: 12 }).to_string(),
            "a.yaml:1:3"
        );
    }
}
