//! `spanspec show`: the waterfall of a saved trace.

use std::io::{Read, Write};
use std::path::Path;

use crate::report::{Look, attributes, duration, waterfall};
use crate::source::otlp::read;
use crate::trace::Trace;
use crate::workspace::{FileError, read_bytes};

use super::arguments::ShowArguments;
use super::exit::{Exit, fail};
use super::output;

/// Larger than any trace that a person looks at: 512 MiB.
const MOST_BYTES: usize = 512 << 20;

/// Maximum number of spans that are drawn without `--all`.
const MOST_ROWS: usize = 200;

/// Draws every trace of a file.
pub(super) fn show(arguments: &ShowArguments) -> Exit {
    let bytes = match bytes(&arguments.file) {
        Ok(bytes) => bytes,
        Err(error) => return fail(Exit::Usage, &format!("error: {error}")),
    };
    let traces = match read(&bytes) {
        Ok(traces) => traces,
        Err(error) => {
            let file = arguments.file.display();
            let causes = std::iter::successors(std::error::Error::source(&error), |e| e.source());
            let why: Vec<String> = std::iter::once(error.to_string())
                .chain(causes.map(ToString::to_string))
                .collect();
            return fail(
                Exit::Usage,
                &format!("error: {file} is no trace: {}", why.join(": ")),
            );
        }
    };
    if traces.is_empty() {
        let file = arguments.file.display();
        return fail(Exit::Nothing, &format!("{file} holds no span"));
    }
    let most_rows = if arguments.all { usize::MAX } else { MOST_ROWS };
    let drawn: Vec<String> = traces
        .into_iter()
        .map(|trace| draw(&trace.with_unseen_caller(), most_rows, arguments.verbose))
        .collect();
    match write!(output::stdout(), "{}", drawn.join("\n")) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(Exit::Errored, &format!("error: cannot write: {error}"))
        }
        _ => Exit::Passed,
    }
}

fn bytes(file: &Path) -> Result<Vec<u8>, FileError> {
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

fn counted(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
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
    let attributes = match is_verbose {
        true => format!("\n{}", attributes(trace, &Look::of_stdout(), most_rows)),
        false => String::new(),
    };
    format!(
        "trace {}   {}, {}, {time}\n{holes}\n{}{attributes}",
        trace.id(),
        counted(trace.len(), "span"),
        counted(trace.services().len(), "service"),
        waterfall(trace, &[], &Look::of_stdout(), most_rows)
    )
}
