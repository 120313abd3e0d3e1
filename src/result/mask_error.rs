//! Masks secrets in errors of specs, and moves the locations in their text.

use crate::secret::{MaskedRange, Secrets};
use crate::spec::{Location, Place, SpecError};

impl Secrets {
    /// Masks an error of a spec.
    #[must_use]
    pub fn spec_error(&self, mut error: SpecError) -> SpecError {
        let SpecError {
            what,
            at,
            label,
            help,
        } = &mut error;
        self.mask(what);
        self.mask_location(at);
        self.mask(label);
        help.iter_mut().for_each(|help| self.mask(help));
        error
    }

    pub(super) fn mask(&self, text: &mut String) {
        if !self.is_empty() {
            *text = self.text(text);
        }
    }

    /// Lines stay the same. Columns are those of the masked text, since the original ones reveal the
    /// length of a secret before them.
    pub(super) fn mask_location(&self, at: &mut Location) {
        let Some(masked) = self.in_file(&at.source) else {
            return;
        };
        let place = Place {
            start: moved_offset(&masked.replaced, at.place.start, Edge::Start),
            end: moved_offset(&masked.replaced, at.place.end, Edge::End),
        };
        *at = masked.source.at(place);
    }
}

/// An end of a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Start,
    End,
}

/// The new position of an offset after ranges of the text were replaced by texts of these lengths.
/// An offset within such a range moves to its edge.
fn moved_offset(replaced: &[MaskedRange], offset: usize, edge: Edge) -> usize {
    let (mut old, mut new) = (0, 0);
    for (range, length) in replaced {
        if offset <= range.start {
            break;
        }
        new += range.start - old;
        if offset < range.end && edge == Edge::Start {
            return new;
        }
        new += length;
        if offset < range.end {
            return new;
        }
        old = range.end;
    }
    new + offset - old
}
