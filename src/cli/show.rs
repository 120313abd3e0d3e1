//! `spanspec show`: the waterfall of a saved trace, and the other signals of its file.

mod other_signals;

use std::io::{Read, Write};
use std::path::Path;

use crate::number::counted;
use crate::report::{Look, Records, attributes, duration, waterfall};
use crate::source::otlp::FileTraces;
use crate::source::saved::{SavedError, read};
use crate::trace::Trace;
use crate::workspace::{FileError, FileKind, read_bytes, shown};

use super::arguments::ShowArguments;
use super::exit::{Exit, fail};
use super::output;

/// Larger than any trace that a person looks at: 512 MiB.
const MOST_BYTES: usize = 512 << 20;

/// Maximum number of spans that are drawn without `--all`.
const MOST_ROWS: usize = 200;

/// The place of traces, as a part of messages.
const SAVED: &str = "failed specs save their traces in target/spanspec, next to the project file";

/// Draws every trace of a file.
pub(super) fn show(arguments: &ShowArguments) -> Exit {
    let file = &arguments.file;
    if file.is_dir() {
        return fail(Exit::Usage, &format!("error: {}", folder(file)));
    }
    let bytes = match bytes(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            let help = if file.exists() {
                String::new()
            } else {
                format!("; {SAVED}")
            };
            return fail(Exit::Usage, &format!("error: {error}{help}"));
        }
    };
    let FileTraces {
        traces,
        other_logs,
        metrics,
    } = match read(&bytes) {
        Ok(found) => found,
        Err(error) => {
            let why = not_a_trace(file, &bytes, &error);
            return fail(Exit::Usage, &format!("error: {why}"));
        }
    };
    let has_spans = !traces.is_empty();
    let most_rows = if arguments.all { usize::MAX } else { MOST_ROWS };
    let mut parts: Vec<String> = traces
        .into_iter()
        .map(|trace| draw(&trace.with_unseen_caller(), most_rows, arguments.verbose))
        .collect();
    parts.push(other_signals::log_records(&other_logs));
    parts.push(other_signals::metrics(&metrics, arguments.all));
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        let why = format!("{} contains no span; {SAVED}", file.display());
        return fail(Exit::Nothing, &why);
    }
    let text = parts.join("\n");
    let notes = notes(&text, has_spans);
    match write!(output::stdout(), "{text}{notes}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(Exit::Errored, &format!("error: cannot write: {error}"))
        }
        _ => Exit::Passed,
    }
}

/// Notes about what the text cannot show.
fn notes(text: &str, has_spans: bool) -> String {
    let mut notes = String::new();
    if !has_spans {
        notes.push_str("\nnote: the file has no span: to see all signals of a trace together, write traces to the same file, with one `file` exporter in the pipelines of both\n");
    }
    if text.contains(char::REPLACEMENT_CHARACTER) {
        notes.push_str("\nnote: `\u{fffd}` stands for bytes that are not UTF-8\n");
    }
    notes
}

/// The error for a folder, with the name of one of its traces.
fn folder(path: &Path) -> String {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    let traces = files.filter(|file| FileKind::of(file) == Some(FileKind::Trace));
    match traces.min() {
        Some(trace) => format!(
            "{} is a folder: name one of its files, such as {}",
            shown(path),
            shown(&trace)
        ),
        None => format!("{} is a folder without a saved trace; {SAVED}", shown(path)),
    }
}

/// The error for a file of another kind.
pub(super) fn not_a_trace(file: &Path, bytes: &[u8], error: &SavedError) -> String {
    let name = shown(file);
    if let Some(kind) = FileKind::of(file).filter(|kind| *kind != FileKind::Trace) {
        return format!(
            "{name} is {}, not a trace: {}",
            kind.name(),
            kind.command(file)
        );
    }
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    if is_text && error.is_of_protobuf() {
        return format!("{name} is not a trace: it is text, but not JSON; {SAVED}");
    }
    format!("{name} is not a trace: {}; {SAVED}", error.in_full())
}

pub(super) fn bytes(file: &Path) -> Result<Vec<u8>, FileError> {
    if file != Path::new("-") {
        return read_bytes(file, MOST_BYTES);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MOST_BYTES as u64)
        .read_to_end(&mut bytes)
        .map_err(|source| FileError::Read {
            path: file.to_owned(),
            source,
        })?;
    Ok(bytes)
}

fn draw(trace: &Trace, most_rows: usize, is_verbose: bool) -> String {
    let time = match trace.duration() {
        Some(nanos) => duration(std::time::Duration::from_nanos(nanos)),
        None => "duration unknown".to_owned(),
    };
    let holes = trace.holes().iter();
    let holes: String = holes
        .map(|hole| format!("note: {}\n", hole.in_full()))
        .collect();
    let losses: Vec<String> = trace
        .losses()
        .iter()
        .map(|field| field.to_string())
        .collect();
    let losses = match losses.is_empty() {
        true => String::new(),
        false => format!("note: this format loses {}\n", losses.join(", ")),
    };
    let attributes = match is_verbose {
        true => format!("\n{}", attributes(trace, &Look::of_stdout(), most_rows)),
        false => String::new(),
    };
    format!(
        "trace {}   {}, {}, {time}\n{losses}{holes}\n{}{attributes}",
        trace.id(),
        counted(trace.len(), "span"),
        counted(trace.services().len(), "service"),
        waterfall(trace, &[], Records::All, &Look::of_stdout(), most_rows)
    )
}
