//! `spanspec merge`: many result files made one report.

use std::path::{Path, PathBuf};

use crate::report::merge::Merged;
use crate::workspace::{read_regular, shown};

use super::arguments::{ReportFile, ReportKind};
use super::exec_arguments::MergeArguments;
use super::exit::{Exit, fail, note};
use super::output;

/// Larger than any result file: 512 MiB.
const MOST_BYTES: usize = 512 << 20;

/// Merges the files into reports.
pub(super) fn merge(arguments: &MergeArguments) -> Exit {
    let mut files = Vec::new();
    for given in &arguments.file {
        if !given.is_dir() {
            files.push(given.clone());
            continue;
        }
        match results_in(given) {
            Ok(found) => files.extend(found),
            Err(exit) => return exit,
        }
    }
    match merge_into(&files, &arguments.reports) {
        Ok(merged) => match merged.exit_code() {
            4 => fail(Exit::Nothing, "there is no result in these files"),
            1 => Exit::Failed,
            0 => Exit::Passed,
            _ => Exit::Errored,
        },
        Err(Some(merged)) if merged.exit_code() == 1 => Exit::Failed,
        Err(_) => Exit::Errored,
    }
}

/// Merges files, and prints each that cannot be merged; the reports are written from the others.
///
/// # Errors
/// When a file was left out, with the rest; with nothing when a report could not be written.
pub(super) fn merge_into(
    files: &[PathBuf],
    reports: &[ReportFile],
) -> Result<Merged, Option<Merged>> {
    let mut merged = Merged::new();
    let mut all_read = true;
    for file in files {
        if let Err(error) = add(&mut merged, file) {
            fail(Exit::Errored, &format!("error: {error}"));
            all_read = false;
        }
    }
    for report in reports {
        if let Err(error) = write(&merged, report) {
            fail(Exit::Errored, &format!("error: {error}"));
            return Err(None);
        }
    }
    if all_read {
        Ok(merged)
    } else {
        Err(Some(merged))
    }
}

fn add(merged: &mut Merged, file: &Path) -> Result<(), String> {
    let bytes = read_regular(file, MOST_BYTES).map_err(|error| error.to_string())?;
    merged
        .add(&bytes)
        .map_err(|error| format!("{} is left out: {error}", shown(file)))
}

fn write(merged: &Merged, report: &ReportFile) -> std::io::Result<()> {
    if report.kind == ReportKind::Junit {
        return merged.write_junit(&report.path, &output::secrets());
    }
    if report.kind != ReportKind::Json {
        let path = report.path.display();
        let text = format!("results are merged into junit and json, and not into `{path}`");
        return Err(std::io::Error::other(text));
    }
    let foreign = merged.foreign_cases();
    if foreign > 0 {
        let path = report.path.display();
        let text = format!(
            "note: {path} holds specs only; {foreign} cases of other tools' JUnit files are in the JUnit report"
        );
        note(&text);
    }
    merged.write_json(&report.path, &output::secrets())
}

/// The result files of a folder, by name. Links and pipes are among them, so that reading one that
/// is broken becomes an error. If the folder cannot be read, the user has seen the message.
pub(super) fn results_in(folder: &Path) -> Result<Vec<PathBuf>, Exit> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| {
        let text = format!("error: cannot read {}: {error}", shown(folder));
        fail(Exit::Errored, &text)
    })?;
    for entry in entries {
        let path = entry.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if matches!(ending, Some("json" | "xml")) && !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
