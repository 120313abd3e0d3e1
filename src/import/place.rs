//! Places in a source, by line.

use crate::spec::{Location, Place, Source};

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
