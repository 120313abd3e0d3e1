//! Reads written specs back.

use std::path::Path;
use std::sync::Arc;

#[cfg(test)]
use crate::spec::SpecErrors;
use crate::spec::{Context, FILE_NOT_FOUND, Globals, Source, Spec, SpecError, names_in};

/// The specs of a text, with the warnings of `lint`.
///
/// # Errors
/// If the text is not valid.
#[cfg(test)]
pub(crate) fn read_back(path: &str, text: &str) -> Result<(Vec<Spec>, Vec<SpecError>), SpecErrors> {
    read_back_in(Path::new("."), path, text)
}

/// The first error of a text that neither a file which does not exist here nor the value of a variable explains: it
/// is there with a number and with a duration.
pub(crate) fn first_error(path: &str, text: &str) -> Option<SpecError> {
    let [with_numbers, with_durations] = ["1", "1s"].map(|value| {
        let source = Source::new(path, text);
        let read = Spec::read_file(&source, Path::new("."), &context_with(text, value));
        read.err().unwrap_or_default().0
    });
    with_numbers.into_iter().find(|error| {
        let mut others = with_durations.iter();
        !error.what.starts_with(FILE_NOT_FOUND)
            && others.any(|other| other.at.line() == error.at.line())
    })
}

#[cfg(test)]
fn read_back_in(
    folder: &Path,
    path: &str,
    text: &str,
) -> Result<(Vec<Spec>, Vec<SpecError>), SpecErrors> {
    Spec::read_file(&Source::new(path, text), folder, &context(text))
}

/// A context in which each variable of a text has a value.
pub(crate) fn context(text: &str) -> Context {
    context_with(text, "1")
}

/// The same, with this value for variables whose names do not suggest another one.
fn context_with(text: &str, other: &str) -> Context {
    let values = names_in(text).map(|name| {
        let lower = name.to_ascii_lowercase();
        let parts = ["url", "host", "base", "server", "address"];
        let is_start = parts.iter().any(|part| lower.contains(part));
        let value = match is_start {
            _ if lower.contains("trace") => "0af7651916cd43dd8448eb211c80319c",
            _ if lower.ends_with("addr") => "127.0.0.1:1",
            true => "http://127.0.0.1:1",
            false => other,
        };
        (name.to_owned(), value.to_owned())
    });
    let globals = Globals {
        environment: values.collect(),
        ..Globals::default()
    };
    Context {
        globals: Arc::new(globals),
        ..Context::default()
    }
}

/// The specs of a text, for which `lint` has no warnings.
#[cfg(test)]
#[track_caller]
pub(crate) fn loads(text: &str) -> Vec<Spec> {
    loads_in(Path::new("."), text)
}

/// The same for a file of this folder.
#[cfg(test)]
#[track_caller]
pub(crate) fn loads_in(folder: &Path, text: &str) -> Vec<Spec> {
    let read = read_back_in(folder, "imported.yaml", text);
    let (specs, warnings) = read.unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert!(warnings.is_empty(), "{warnings:?}\n{text}");
    specs
}
