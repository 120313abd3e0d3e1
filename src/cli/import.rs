//! `spanspec import`: reads files of other tools, writes specs, and reports the differences.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::atomic_file;
use crate::import::{Import, Level, Remarks, tracetest};
use crate::spec::{Place, Source};
use crate::workspace::{read, shown};

use super::exit::{Exit, fail, note};
use super::import_arguments::{ImportArguments, ImportCommand, ImportOutput, TracetestArguments};
use super::import_requests;

/// Runs the subcommand.
pub(super) fn import(arguments: &ImportArguments) -> Exit {
    match &arguments.command {
        ImportCommand::Tracetest(arguments) => import_tracetest(arguments),
        ImportCommand::Curl(arguments) => import_requests::curl(arguments),
        ImportCommand::Hurl(arguments) => import_requests::hurl(arguments),
        ImportCommand::Postman(arguments) => import_requests::postman(arguments),
        ImportCommand::Openapi(arguments) => import_requests::openapi(arguments),
        ImportCommand::Otlp(arguments) => import_requests::otlp(arguments),
    }
}

fn import_tracetest(arguments: &TracetestArguments) -> Exit {
    let mut import = Import::default();
    match sources(&arguments.paths, &["yaml", "yml"], &mut import.remarks) {
        Ok(sources) => {
            tracetest::import(&sources, &tracetest::Files { read: &beside }, &mut import)
        }
        Err(exit) => return exit,
    }
    finish(&import, &arguments.output)
}

/// The text of a file whose path is relative to another file.
fn beside(file: &str, path: &str) -> Result<String, String> {
    let folder = Path::new(file).parent().unwrap_or(Path::new("."));
    match read(&folder.join(path)) {
        Ok(source) => Ok(source.text().to_owned()),
        Err(error) => Err(causes(&error)),
    }
}

/// The text of each file, and of the files with these extensions in each folder. A file that cannot
/// be read is a loss, a path that does not exist an error, which is printed.
pub(super) fn sources(
    paths: &[PathBuf],
    extensions: &[&str],
    remarks: &mut Remarks,
) -> Result<Vec<Source>, Exit> {
    let mut sources = Vec::new();
    for path in paths {
        for file in files(path, extensions)? {
            match read(&file) {
                Ok(source) => sources.push(source),
                Err(error) => {
                    let nowhere = Source::new(shown(&file), "").at(Place::default());
                    remarks.lost(
                        &nowhere,
                        format!("the file is not read: {}", causes(&error)),
                    );
                }
            }
        }
    }
    Ok(sources)
}

/// An error with its causes on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = chain.map(ToString::to_string).collect();
    texts.join(": ")
}

fn files(path: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, Exit> {
    if let Err(error) = path.metadata() {
        let message = format!("error: cannot read {}: {error}", shown(path));
        return Err(fail(Exit::Usage, &message));
    }
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| fail(Exit::Usage, &format!("error: {error}")))?;
        let has_extension = |file: &Path| {
            let extension = file.extension().and_then(|extension| extension.to_str());
            extension.is_some_and(|extension| extensions.contains(&extension))
        };
        if entry.file_type().is_file() && has_extension(entry.path()) {
            files.push(entry.into_path());
        }
    }
    if files.is_empty() {
        let message = format!(
            "error: no .{} file in {}",
            extensions.join(" or ."),
            shown(path)
        );
        return Err(fail(Exit::Nothing, &message));
    }
    Ok(files)
}

/// Writes or prints the files, then the differences and a summary. The exit code is 1 if something
/// was lost.
pub(super) fn finish(import: &Import, output: &ImportOutput) -> Exit {
    let written = match &output.out {
        Some(folder) => write_all(import, folder, output.force),
        None => print_all(import),
    };
    if let Err(exit) = written {
        return exit;
    }
    let remarks = import.remarks.to_string();
    if !remarks.is_empty() {
        note(remarks.trim_end());
    }
    let lost = import.remarks.count(Level::Lost);
    let files = counted(import.files.len(), "file");
    let notes = counted(import.remarks.count(Level::Note), "note");
    note(&format!("{files}, {notes}, {lost} lost"));
    if lost > 0 { Exit::Failed } else { Exit::Passed }
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Writes all files, or none if one of them exists.
fn write_all(import: &Import, folder: &Path, force: bool) -> Result<(), Exit> {
    let paths: Vec<PathBuf> = import
        .files
        .iter()
        .map(|file| folder.join(&file.path))
        .collect();
    let occupied: Vec<String> = paths
        .iter()
        .filter(|path| !force && path.symlink_metadata().is_ok())
        .map(|path| shown(path))
        .collect();
    if !occupied.is_empty() {
        let message = format!(
            "error: nothing was written, because these files exist: {}\nhelp: choose another folder with -o, or replace them with --force",
            occupied.join(", ")
        );
        return Err(fail(Exit::Usage, &message));
    }
    for (file, path) in import.files.iter().zip(&paths) {
        if let Err(error) = write(path, file.text.as_bytes(), force) {
            let message = format!("error: cannot write {}: {error}", shown(path));
            return Err(fail(Exit::Errored, &message));
        }
        note(&format!("written: {}", shown(path)));
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8], force: bool) -> io::Result<()> {
    if force {
        return atomic_file::replace(path, bytes);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Also if the file was created since.
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)
}

/// Prints the files as documents, each below its path.
fn print_all(import: &Import) -> Result<(), Exit> {
    let several = import.files.len() > 1;
    let documents: Vec<String> = import
        .files
        .iter()
        .map(|file| match several {
            true => format!("# {}\n{}", file.path, file.text),
            false => file.text.clone(),
        })
        .collect();
    match io::stdout().write_all(documents.join("---\n").as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(fail(
            Exit::Errored,
            &format!("error: cannot write: {error}"),
        )),
        _ => Ok(()),
    }
}
