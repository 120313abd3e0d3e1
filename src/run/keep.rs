//! Saving traces, so that what a spec saw can be looked at again.

use std::io;
use std::path::{Path, PathBuf};

use super::SaveTraces;
use crate::source::otlp::write_json;
use crate::trace::Trace;

/// File names are cut to this many characters; some file systems allow no more than 255 bytes.
const LONGEST_NAME: usize = 80;

/// Saves the trace if it is to be kept, and tells where.
///
/// # Errors
/// If the folder or the file cannot be written; the text names it.
pub(super) fn keep(
    save: &SaveTraces,
    has_passed: bool,
    spec: &str,
    trace: &Trace,
) -> io::Result<Option<PathBuf>> {
    let folder = match save {
        SaveTraces::All(folder) => folder,
        SaveTraces::Failures(folder) if !has_passed => folder,
        SaveTraces::Failures(_) | SaveTraces::Never => return Ok(None),
    };
    if trace.is_empty() {
        return Ok(None);
    }
    let path = folder.join(file_name(spec, trace));
    write(&path, &write_json(trace)).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot save traces in {}: {error}", folder.display()),
        )
    })?;
    Ok(Some(path))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

fn file_name(spec: &str, trace: &Trace) -> String {
    let plain: String = spec
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .take(LONGEST_NAME)
        .collect();
    format!(
        "{}-{}.json",
        plain.trim_matches('-').to_lowercase(),
        trace.id().short()
    )
}
