//! The traces that are examined: of files, of a backend, or those that arrive.

use std::collections::HashSet;
use std::time::Duration;

use super::super::super::backend_traces::{self, TraceQuery};
use super::super::super::exit::Exit;
use super::super::super::lint_arguments::TraceLintArguments;
use super::super::super::trace_files::{self, Traces};
use super::observe;
use crate::trace::{Hole, LogsWithoutTrace, Origin, Sender, Trace, TraceId};
use crate::workspace::{Search, Workspace};

/// Default of `--since`: 1 h.
const SINCE: Duration = Duration::from_secs(60 * 60);

/// Default of `--limit`.
const LIMIT: u64 = 1_000;

/// Traces, and what is known beside them.
pub(super) struct Input {
    pub(super) traces: Vec<Trace>,
    /// Traces of which spans may lie outside of the observed time.
    pub(super) cut: HashSet<TraceId>,
    /// The log records without a trace id; `None` if no log record is known.
    pub(super) logs_without_trace: Option<LogsWithoutTrace>,
}

/// Reads the traces. The reason that there is none has been printed.
pub(super) fn read(
    arguments: &TraceLintArguments,
    mut project: Search,
    workspace: &Workspace,
) -> Result<Input, Exit> {
    if let Some(window) = arguments.observe {
        return observe::observe(window, &arguments.listen, workspace);
    }
    if arguments.source.is_none() {
        return trace_files::read(&arguments.traces).map(Input::from);
    }
    project.backend.clone_from(&arguments.source);
    let query = TraceQuery {
        project,
        since: arguments.since.unwrap_or(SINCE),
        limit: arguments.limit.unwrap_or(LIMIT),
        service: arguments.service.clone(),
    };
    backend_traces::read(&query).map(Input::from)
}

impl From<Traces> for Input {
    fn from(read: Traces) -> Self {
        let Traces {
            all,
            incomplete,
            open,
            logs_without_trace,
            ..
        } = read;
        let traces = all.into_iter().map(|one| {
            let hole = incomplete.get(&one.id).filter(|_| !open.contains(&one.id));
            let hole = hole.map(|why| Hole {
                reason: why.0.clone(),
                sender: Sender::default(),
                remedy: "read these traces again when all their spans are there".to_owned(),
            });
            let trace = Trace::assemble(one.id, Origin::Foreign, one.spans);
            // The parent of the first span of a trace that spanspec started is no span.
            let trace = trace.with_losses(one.losses).with_own_caller();
            trace.with_holes(hole)
        });
        Self {
            traces: traces.collect(),
            cut: open,
            logs_without_trace: logs_without_trace.map(LogsWithoutTrace::complete),
        }
    }
}
