//! What is wrong with a spec, where, and what would have been accepted.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use super::{Location, Place, Source};

/// One mistake in a spec or project file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// What is wrong; one line, no full stop.
    pub what: String,
    /// Where.
    pub at: Location,
    /// A few words at the caret.
    pub label: String,
    /// What would have been accepted, or what to do.
    pub help: Option<String>,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)?;
        self.help
            .as_ref()
            .map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

/// All mistakes that were found, in the order of their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecErrors(pub Vec<SpecError>);

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SpecErrors {}

/// Who makes more mistakes than this in one file has given us something else than a spec.
const MOST: usize = 1_000;

/// Collects mistakes, so that all of them are reported in one go.
#[derive(Debug)]
pub(crate) struct Mistakes {
    source: Source,
    found: RefCell<Vec<SpecError>>,
    /// What was noted already: each case of a matrix meets the same mistakes again.
    known: RefCell<HashSet<(Place, String)>>,
}

impl Mistakes {
    pub(crate) fn new(source: &Source) -> Self {
        Self {
            source: source.clone(),
            found: RefCell::default(),
            known: RefCell::default(),
        }
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Notes a mistake and gives nothing, so that a reader can `return mistakes.note(…)`.
    pub(crate) fn note<T>(
        &self,
        place: Place,
        what: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Option<T> {
        let what = what.into();
        if !self.is_full() && self.known.borrow_mut().insert((place, what.clone())) {
            self.found.borrow_mut().push(SpecError {
                what,
                at: self.source.at(place),
                label: label.into(),
                help: help.into(),
            });
        }
        None
    }

    /// Takes back what was noted at this byte, where a worse mistake explains it.
    pub(crate) fn forget(&self, offset: usize) {
        self.found
            .borrow_mut()
            .retain(|error| error.at.place.start != offset);
    }

    /// Whether there are so many mistakes that no further one is worth looking at.
    pub(crate) fn is_full(&self) -> bool {
        self.found.borrow().len() >= MOST
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// The value, if nothing was wrong.
    pub(crate) fn check<T>(self, value: Option<T>) -> Result<T, SpecErrors> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|error| error.at.place);
        match value {
            Some(value) if found.is_empty() => Ok(value),
            _ => Err(SpecErrors(found)),
        }
    }
}

/// `did you mean …?` where one of the accepted words is close, else the list of them.
pub(crate) fn suggest(written: &str, accepted: &[&str]) -> String {
    let list = || {
        accepted
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match closest(written, accepted) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("accepted here: {}", list()),
    }
}

/// The accepted word that somebody probably meant.
pub(crate) fn closest<'w>(written: &str, accepted: &[&'w str]) -> Option<&'w str> {
    accepted
        .iter()
        .map(|word| (strsim::damerau_levenshtein(written, word), *word))
        .filter(|(distance, word)| *distance <= word.len().max(3) / 3)
        .min()
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_named_and_else_all_that_is_accepted() {
        assert_eq!(
            suggest("atributes", &["attributes", "name"]),
            "did you mean `attributes`?"
        );
        assert_eq!(suggest("zzz", &["a", "b"]), "accepted here: `a`, `b`");
    }
}
