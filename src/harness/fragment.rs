//! Checks a trace against a file.

use std::path::Path;
use std::sync::Arc;

use super::assertion::unmet;
use super::error_text;
use super::pattern::nowhere;
use crate::secret::Secrets;
use crate::spec::{Expect, Globals, MAX_FILE_SIZE, Source, SpecErrors};
use crate::trace::{Trace, Value};

/// The expansion of [`assert_trace!`](crate::assert_trace).
///
/// # Panics
/// With everything that does not hold, or every mistake in the file.
#[doc(hidden)]
#[track_caller]
pub fn assert_file(trace: &Trace, folder: &str, path: &Path, values: &[(&str, Value)]) {
    if let Err(text) = hold(trace, Path::new(folder), path, values) {
        panic!("\n{text}");
    }
}

fn hold(trace: &Trace, folder: &Path, path: &Path, values: &[(&str, Value)]) -> Result<(), String> {
    let file = folder.join(path);
    let text = read(&file, path)?;
    let source = Source::new(path.to_string_lossy(), text);
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let globals = Arc::new(Globals {
        environment: environment.collect(),
        ..Globals::default()
    });
    let dir = file.parent().unwrap_or(folder);
    let expect = Expect::of_trace(&source, dir, &globals, values)
        .map_err(|SpecErrors(errors)| error_text::of_specs(&errors, &Secrets::default()))?;
    let at = expect
        .spans
        .first()
        .map_or_else(nowhere, |entry| entry.at.clone());
    let name = format!("assert_trace!   {}", path.display());
    let Some(mut text) = unmet(&name, trace, &expect, at) else {
        return Ok(());
    };
    let awaited = expect.checks.iter().map(|check| &check.awaits);
    if let Some(name) = awaited.chain(&expect.spans_await).flatten().next() {
        text.push_str(&format!(
            "   help: `{name}` gets a value behind the file: assert_trace!(…, {{ \"{name}\" => … }})\n"
        ));
    }
    Err(text)
}

fn read(file: &Path, path: &Path) -> Result<String, String> {
    let large = std::fs::metadata(file).is_ok_and(|meta| meta.len() > MAX_FILE_SIZE as u64);
    if large {
        return Err(format!(
            "error: {} is too large for a spec\n",
            path.display()
        ));
    }
    std::fs::read_to_string(file).map_err(|error| {
        let folder = file.parent().unwrap_or(file).display();
        format!(
            "error: cannot read {}: {error}; it was looked for in {folder}\n",
            path.display()
        )
    })
}
