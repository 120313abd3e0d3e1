//! Secrets, and their removal from all output.
//!
//! A run shares one [`Secrets`]. Variables, captures, credentials and cookies are added when they
//! become known, and everything that is written passes through it. A secret is found in every
//! encoding of `spelling`, so that writers do not have to state theirs. `format` keeps files
//! well-formed; `result::mask` masks the fields of a report.

mod format;
mod header;
mod needle;
mod spelling;
mod unparsed;
mod writer;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use format::Format;
pub use header::is_credential_header;
pub(crate) use header::parts_of_credential;
pub(crate) use unparsed::values_in;
pub use writer::MaskedWriter;

use needle::Needles;

use crate::trace::Value;
use crate::yaml::Source;

/// The replacement of a secret, independent of its length.
pub const MASK: &str = "[masked]";

/// Values that must not be written, in any encoding. Clones share one set.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<SecretSet>>);

#[derive(Default)]
struct SecretSet {
    secrets: BTreeSet<String>,
    needles: Arc<Needles>,
    /// The last file that was masked. A report names many places of one file.
    last_file: Mutex<Option<(Source, Option<MaskedFile>)>>,
}

/// The text of a file without secrets.
#[derive(Clone)]
pub(crate) struct MaskedFile {
    /// The text, with as many lines.
    pub(crate) source: Source,
    /// The replaced ranges of the original.
    pub(crate) replaced: Arc<[MaskedRange]>,
}

/// A replaced range of a text, and the length of its replacement.
pub(crate) type MaskedRange = (Range<usize>, usize);

/// The search for secrets in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SearchMode {
    /// Secrets of any length: for a text from outside.
    Eager,
    /// No short secrets, because they occur in most reports by chance: for a finished report, in
    /// which texts from outside are masked already.
    Careful,
}

impl Secrets {
    /// Creates a set of these values.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let all = Self::default();
        all.add(secrets);
        all
    }

    /// Adds values, which are masked from now on.
    pub fn add(&self, secrets: impl IntoIterator<Item = String>) {
        let secrets: Vec<String> = secrets
            .into_iter()
            .filter(|secret| !secret.trim().is_empty())
            .collect();
        if secrets.is_empty() || self.has_all(&secrets) {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *known;
        let needles = Arc::make_mut(&mut known.needles);
        secrets.iter().for_each(|secret| needles.add(secret));
        known.secrets.extend(secrets);
        known.last_file = Mutex::default();
    }

    /// Adds the value of a variable, and all values within a list or a map.
    pub fn add_value(&self, value: &Value) {
        self.add(parts(value));
    }

    /// Returns `true` if all of these are in the set.
    #[must_use]
    pub(crate) fn has_all(&self, secrets: &[String]) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().all(|secret| known.secrets.contains(secret))
    }

    /// Returns `true` if the set has no secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.secrets.is_empty()
    }

    /// Masks a text from outside.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let found = self.found(text, SearchMode::Eager);
        replaced(text, &found, |_| MASK.to_owned())
    }

    /// Masks bytes from outside. If they contain a secret, invalid UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let text = String::from_utf8_lossy(&bytes);
        let found = self.found(&text, SearchMode::Eager);
        if found.is_empty() {
            return bytes;
        }
        replaced(&text, &found, |_| MASK.to_owned()).into_bytes()
    }

    /// Masks a finished text of a format, which stays well-formed.
    #[must_use]
    pub fn written(&self, format: Format, text: &str) -> String {
        let mask = |part: &str| {
            let found = self.found(part, SearchMode::Careful);
            (!found.is_empty()).then(|| replaced(part, &found, |_| MASK.to_owned()))
        };
        match mask(text) {
            None => text.to_owned(),
            Some(masked) => format::masked(format, text, masked, &mask),
        }
    }

    /// Masks a file without a change in the number of lines. `None` if it has no secret.
    pub(crate) fn in_file(&self, source: &Source) -> Option<MaskedFile> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut last = known
            .last_file
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, masked)) = last.as_ref().filter(|(of, _)| of == source) {
            return masked.clone();
        }
        let found = known.needles.find(source.text(), SearchMode::Eager);
        let masked = (!found.is_empty()).then(|| MaskedFile::of(source, found));
        *last = Some((source.clone(), masked.clone()));
        masked
    }

    /// The ranges of secrets in a text, in order and without overlap.
    fn found(&self, text: &str, search: SearchMode) -> Vec<Range<usize>> {
        let needles = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&known.needles)
        };
        needles.find(text, search)
    }
}

impl MaskedFile {
    fn of(source: &Source, found: Vec<Range<usize>>) -> Self {
        let text = source.text();
        let replacement = |secret: &str| {
            let breaks = secret.matches('\n').count();
            format!("{MASK}{}", "\n".repeat(breaks))
        };
        let masked = replaced(text, &found, replacement);
        let lengths = found
            .into_iter()
            .map(|range| (range.clone(), replacement(&text[range]).len()));
        Self {
            source: source.with_text(masked),
            replaced: lengths.collect(),
        }
    }
}

/// Writes the number of secrets.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Secrets({})", known.secrets.len())
    }
}

/// The value as a string, and the strings and numbers within a list or a map.
pub(crate) fn parts(value: &Value) -> Vec<String> {
    let mut parts = vec![value.to_text()];
    leaves(value, &mut parts);
    parts
}

fn leaves(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, all)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| leaves(value, all)),
        Value::Null | Value::Bool(_) => {}
        other => all.push(other.to_text()),
    }
}

fn replaced(text: &str, found: &[Range<usize>], by: impl Fn(&str) -> String) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for range in found {
        masked.push_str(&text[end..range.start]);
        masked.push_str(&by(&text[range.clone()]));
        end = range.end;
    }
    masked.push_str(&text[end..]);
    masked
}

#[cfg(test)]
mod tests;
