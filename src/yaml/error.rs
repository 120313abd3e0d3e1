//! Errors in specs and project files, with their places and help.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use super::{Location, Place, Source};

/// An error in a spec or project file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// The fact; one line, no full stop.
    pub what: String,
    /// Its place.
    pub at: Location,
    /// The label at the caret.
    pub label: String,
    /// An instruction, or the accepted values.
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

/// All errors of a file, in the order of their places.
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

/// Maximum number of errors per file; a file with more is probably not a spec.
const MOST: usize = 1_000;

/// Collects errors, so that all of them are reported together.
#[derive(Debug)]
pub(crate) struct ErrorList {
    source: Source,
    found: RefCell<Vec<SpecError>>,
    warnings: RefCell<Vec<SpecError>>,
    /// Errors that are recorded already: each case of a matrix finds the same ones.
    known: RefCell<HashSet<(Place, String)>>,
}

impl ErrorList {
    pub(crate) fn new(source: &Source) -> Self {
        Self {
            source: source.clone(),
            found: RefCell::default(),
            warnings: RefCell::default(),
            known: RefCell::default(),
        }
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Records an error and returns `None`, so that a reader can `return errors.note(…)`.
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

    /// Records a warning, which `spanspec lint` shows.
    pub(crate) fn warn(
        &self,
        place: Place,
        what: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let what = what.into();
        if self.known.borrow_mut().insert((place, what.clone())) {
            self.warnings.borrow_mut().push(SpecError {
                what,
                at: self.source.at(place),
                label: label.into(),
                help: Some(help.into()),
            });
        }
    }

    /// The warnings, in the order of their places.
    pub(crate) fn take_warnings(&self) -> Vec<SpecError> {
        let mut warnings = self.warnings.take();
        warnings.sort_by_key(|warning| warning.at.place);
        warnings
    }

    /// Removes the errors at this byte, which are consequences of another error.
    pub(crate) fn forget(&self, offset: usize) {
        self.found
            .borrow_mut()
            .retain(|error| error.at.place.start != offset);
    }

    /// Returns `true` if no further error is recorded.
    pub(crate) fn is_full(&self) -> bool {
        self.found.borrow().len() >= MOST
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// Records the errors of another source. The value, if there is none.
    pub(crate) fn adopt<T>(&self, other: Self, value: Option<T>) -> Option<T> {
        match other.check(value) {
            Ok(value) => Some(value),
            Err(SpecErrors(found)) => {
                // Several parts of a file can name the same other file. Their variables, and so the help, can differ.
                let mut all = self.found.borrow_mut();
                for error in found {
                    if !all
                        .iter()
                        .any(|known| known.at == error.at && known.what == error.what)
                    {
                        all.push(error);
                    }
                }
                None
            }
        }
    }

    /// The value, if there is no error.
    pub(crate) fn check<T>(self, value: Option<T>) -> Result<T, SpecErrors> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|error| error.at.place);
        match value {
            Some(value) if found.is_empty() => Ok(value),
            _ => Err(SpecErrors(found)),
        }
    }
}

/// `did you mean …?` if an accepted word is similar, else the list of accepted words.
pub(crate) fn suggest(written: &str, accepted: &[&str]) -> String {
    let list = || {
        accepted
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    did_you_mean(written, accepted).unwrap_or_else(|| format!("accepted here: {}", list()))
}

/// `did you mean …?` if an accepted key has this name elsewhere.
pub(crate) fn synonym(written: &str, accepted: &[&str]) -> Option<String> {
    let meant = match written.to_lowercase().as_str() {
        "level" | "severity_text" | "severity_number" => "severity",
        "message" | "msg" | "line" => "body",
        "event_name" => "event",
        "span" | "in_span" => "on",
        "labels" | "tags" | "attrs" => "attributes",
        "delta" | "increase" | "growth" => "change",
        "total" => "sum",
        "average" | "mean" => "avg",
        "maximum" | "largest" => "max",
        "minimum" | "smallest" => "min",
        "parent" => "child_of",
        "under" | "inside" | "within" | "descendant_of" => "below",
        "ancestor_of" => "above",
        _ => return None,
    };
    accepted
        .contains(&meant)
        .then(|| format!("did you mean `{meant}`?"))
}

/// `did you mean …?` if an accepted word is similar.
pub(crate) fn did_you_mean(written: &str, accepted: &[&str]) -> Option<String> {
    closest(written, accepted).map(|word| format!("did you mean `{word}`?"))
}

/// The accepted word that is most similar.
pub(crate) fn closest<'w>(written: &str, accepted: &[&'w str]) -> Option<&'w str> {
    let written = written.to_lowercase();
    accepted
        .iter()
        .map(|word| {
            (
                strsim::damerau_levenshtein(&written, &word.to_lowercase()),
                *word,
            )
        })
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
