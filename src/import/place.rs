//! Places in a source, by line, with errors and remarks about them.

use super::Remarks;
use crate::spec::{Location, Place, Source};

/// An error in a line of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineError {
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl LineError {
    pub(crate) fn new(line: usize, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { line, text }
    }
}

/// Remarks about lines of a source.
pub(crate) struct LineRemarks<'a> {
    pub(crate) source: &'a Source,
    pub(crate) remarks: &'a mut Remarks,
}

impl LineRemarks<'_> {
    pub(crate) fn lost(&mut self, line_number: usize, text: impl Into<String>) {
        self.remarks.lost(&line(self.source, line_number), text);
    }

    pub(crate) fn note(&mut self, line_number: usize, text: impl Into<String>) {
        self.remarks.note(&line(self.source, line_number), text);
    }
}

/// The content of a line, from 1. The end of the source for a line that does not exist.
pub(crate) fn line(source: &Source, number: usize) -> Location {
    let text = source.text();
    let mut start = 0;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if at + 1 == number {
            let content = line.trim_end();
            let indent = content.len() - content.trim_start().len();
            return source.at(Place {
                start: start + indent,
                end: start + content.len(),
            });
        }
        start += line.len();
    }
    source.at(Place {
        start: text.len(),
        end: text.len(),
    })
}
