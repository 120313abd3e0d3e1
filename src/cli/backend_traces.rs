//! Reads the newest traces of a backend.

use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::exit::{Exit, fail, note};
use super::trace_files::{Incomplete, Traces};
use super::{load, output, session};
use crate::number::{counted, duration};
use crate::source::backend::{Backend, ReadTrace};
use crate::source::{SearchError, SearchQuery, TraceSearch, TraceSource};
use crate::trace::{Nanos, TraceId, nanos_of, unix_nanos};
use crate::workspace::{Search, Workspace};

/// Maximum number of traces that are read at the same time.
const MAX_READ: usize = 16;

/// The traces of a backend, and the end of the time in which they start.
struct Found {
    all: Vec<(TraceId, ReadTrace)>,
    until: Nanos,
    /// There are older ones in this time.
    is_limited: bool,
}

/// The traces of a backend that are read.
pub(super) struct TraceQuery {
    /// The project, with a backend if the arguments name one.
    pub(super) project: Search,
    /// Length of the time in which they start.
    pub(super) since: Duration,
    /// Maximum number, the newest first.
    pub(super) limit: u64,
    /// A service that has a span in each.
    pub(super) service: Option<String>,
}

/// Reads the newest traces of the backend that the arguments or the project name. The reason that there is none has been
/// printed.
pub(super) fn read(query: &TraceQuery) -> Result<Traces, Exit> {
    let backend = backend(query)?;
    let mut found = None;
    let exit = session::block_on(async {
        found = Some(find(&backend, query).await);
        Exit::Passed
    });
    // Without a runtime, the reason has been printed.
    let found = match found.ok_or(exit)? {
        Ok(found) => found,
        Err(SearchError { why, help }) => {
            let text = format!("error: cannot read traces: {why}\nhelp: {help}");
            return Err(fail(Exit::Errored, &output::secrets().text(&text)));
        }
    };
    tell(&backend, &found, query);
    let traces = recorded(found);
    if traces.all.is_empty() {
        let text = format!(
            "error: {} has no trace that started in the last {}\nhelp: choose a longer `--since`, or check the backend with `spanspec doctor`",
            name(&backend),
            duration(query.since)
        );
        return Err(fail(Exit::Nothing, &output::secrets().text(&text)));
    }
    Ok(traces)
}

fn backend(query: &TraceQuery) -> Result<Backend, Exit> {
    let workspace =
        Workspace::without_specs(&query.project).map_err(|error| load::fail_load(&error))?;
    let Some(settings) = workspace.backend else {
        let text = "error: no traces to decide about\nhelp: name files or folders with traces, or a backend: `--source tempo=http://127.0.0.1:3200`, or `source` in spanspec.yaml";
        return Err(fail(Exit::Usage, text));
    };
    Backend::new(settings).map_err(|error| fail(Exit::Usage, &format!("error: {error}")))
}

fn name(backend: &Backend) -> String {
    backend
        .backend()
        .map_or_else(String::new, |facts| facts.name)
}

fn delay(backend: &Backend) -> Duration {
    backend
        .backend()
        .map_or(Duration::ZERO, |facts| facts.delay)
}

async fn find(backend: &Backend, wanted: &TraceQuery) -> Result<Found, SearchError> {
    let until = unix_nanos(SystemTime::now()).saturating_sub(nanos_of(delay(backend)));
    let query = SearchQuery {
        from: until.saturating_sub(nanos_of(wanted.since)),
        to: until,
        service: wanted.service.clone(),
        ..SearchQuery::default()
    };
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let mut search = TraceSearch::new(backend, query);
    let mut ids = Vec::new();
    let is_limited = loop {
        match search.next().await? {
            None => break false,
            Some(_) if ids.len() == limit => break true,
            Some(id) => ids.push(id),
        }
    };
    let reading = ids.into_iter().map(async |id| {
        let read = backend.read(id).await?;
        Ok::<_, SearchError>((id, read))
    });
    Ok(Found {
        all: stream::iter(reading)
            .buffered(MAX_READ)
            .try_collect()
            .await?,
        until,
        is_limited,
    })
}

/// Notes what the figures do not contain.
fn tell(backend: &Backend, found: &Found, query: &TraceQuery) {
    let mut notes = Vec::new();
    if found.is_limited {
        notes.push(format!(
            "the newest {} of {}; there are more (`--limit`)",
            counted(found.all.len(), "trace"),
            name(backend)
        ));
    }
    if let Some(why) = backend.search_gap().filter(|_| query.limit > 0) {
        notes.push(format!("the search may have missed traces: {why}"));
    }
    let empty = found.all.iter().filter(|(_, read)| read.spans.is_empty());
    match empty.count() {
        0 => {}
        number => notes.push(format!(
            "{} of the search cannot be read: the backend has no span of it",
            counted(number, "trace")
        )),
    }
    for text in notes {
        note(&output::secrets().text(&format!("note: {text}")));
    }
}

fn recorded(found: Found) -> Traces {
    let mut traces = Traces::default();
    for (id, read) in found.all {
        let last = read.spans.iter().map(|span| span.end).max();
        let hole = read.holes.first().map(ToString::to_string);
        let is_open = last.is_some_and(|end| end > found.until);
        if is_open && hole.is_none() {
            traces.open.insert(id);
        }
        let open = is_open.then(|| "its last span ended less than `delay` ago".to_owned());
        if let Some(why) = hole.or(open) {
            traces.incomplete.insert(id, Incomplete(why));
        }
        traces.add(read.spans, &read.losses);
    }
    traces
}
