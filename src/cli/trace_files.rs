//! Reads saved traces from files and folders: a trace can be spread over several files.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::{Exit, fail, note};
use super::show;
use crate::number::counted;
use crate::sampling::replay::Recorded;
use crate::source::otlp::SentSpans;
use crate::source::saved;
use crate::trace::{Hole, LogRecord, Losses, TraceId};
use crate::workspace::shown;

/// The traces of all files, in the order of their first spans.
#[derive(Debug, Default)]
pub(super) struct Traces {
    pub(super) all: Vec<Recorded>,
    /// Traces of which spans are missing.
    pub(super) incomplete: HashMap<TraceId, Incomplete>,
    /// Traces that may get further spans: they ended just before they were read.
    pub(super) open: HashSet<TraceId>,
    /// The log records without a trace id; `None` if there is no log record at all.
    pub(super) logs_without_trace: Option<Vec<Arc<LogRecord>>>,
    /// Number of files in folders that have the extension of a trace, and cannot be read as one.
    pub(super) unreadable: usize,
    index: HashMap<TraceId, usize>,
}

/// The reason that spans of a trace are missing.
#[derive(Clone, Debug)]
pub(super) struct Incomplete(pub(super) String);

/// Reads files and folders. The reason that there is no trace has been printed.
pub(super) fn read(paths: &[PathBuf]) -> Result<Traces, Exit> {
    let mut traces = Traces::default();
    for path in paths {
        match path.is_dir() {
            true => traces.add_folder(path)?,
            false => traces.add_file(path)?,
        }
    }
    if traces.all.is_empty() {
        let text = "error: there is no trace in these files\nhelp: name files with traces as OTLP JSON or protobuf, such as those that failed specs save";
        return Err(fail(Exit::Nothing, text));
    }
    Ok(traces)
}

/// Returns `true` for the extensions of files that the Collector and spanspec write.
fn is_named_as_trace(path: &Path) -> bool {
    const EXTENSIONS: [&str; 7] = ["json", "jsonl", "pb", "proto", "binpb", "gz", "zst"];
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

impl Traces {
    fn add_file(&mut self, path: &Path) -> Result<(), Exit> {
        let bytes =
            show::bytes(path).map_err(|error| fail(Exit::Usage, &format!("error: {error}")))?;
        match saved::read_spans(&bytes) {
            Ok((sent, losses)) => {
                self.add_sent(sent, &losses, path);
                Ok(())
            }
            Err(error) => {
                let why = show::not_a_trace(path, &bytes, &error);
                Err(fail(Exit::Usage, &format!("error: {why}")))
            }
        }
    }

    /// Adds the traces of a folder. Files of other kinds are skipped.
    fn add_folder(&mut self, folder: &Path) -> Result<(), Exit> {
        let mut skipped = 0;
        let walk = walkdir::WalkDir::new(folder).sort_by_file_name();
        for entry in walk {
            let entry = entry.map_err(|error| {
                let text = format!("error: cannot read {}: {error}", shown(folder));
                fail(Exit::Usage, &text)
            })?;
            if !entry.file_type().is_file() {
                continue;
            }
            let path = entry.path();
            let bytes =
                show::bytes(path).map_err(|error| fail(Exit::Usage, &format!("error: {error}")))?;
            match saved::read_spans(&bytes) {
                Ok((sent, losses)) => self.add_sent(sent, &losses, path),
                Err(_) => {
                    skipped += 1;
                    self.unreadable += usize::from(is_named_as_trace(path));
                }
            }
        }
        if skipped > 0 {
            let files = counted(skipped, "file");
            note(&format!("note: {files} in {} are no traces", shown(folder)));
        }
        Ok(())
    }

    fn add_sent(&mut self, sent: SentSpans, losses: &Losses, path: &Path) {
        self.add(sent.spans, losses);
        self.add_holes(&sent.holes, path);
        if let Some(logs) = sent.logs_without_trace {
            let all = self.logs_without_trace.get_or_insert_default();
            all.extend(logs.into_iter().map(Arc::new));
        }
    }

    pub(super) fn add(&mut self, spans: Vec<crate::trace::Span>, losses: &Losses) {
        for span in spans {
            let id = span.trace_id;
            let at = *self.index.entry(id).or_insert_with(|| {
                self.all.push(Recorded {
                    id,
                    spans: Vec::new(),
                    losses: losses.clone(),
                });
                self.all.len() - 1
            });
            let trace = &mut self.all[at];
            if trace.spans.is_empty() || trace.losses != *losses {
                trace.losses.add(losses);
            }
            trace.spans.push(span);
        }
    }

    fn add_holes(&mut self, holes: &[(Option<TraceId>, Hole)], path: &Path) {
        for (id, hole) in holes {
            match id {
                Some(id) => {
                    let why = Incomplete(hole.to_string());
                    self.incomplete.entry(*id).or_insert(why);
                }
                None => note(&format!("note: {}: {hole}", shown(path))),
            }
        }
    }
}
