//! A folder of trace files, such as those of the Collector's file exporter, or one file.

mod folder;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::mem::discriminant;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::settings::SourceSettings;
use crate::spec::keys::key;
use crate::trace::{
    Attributes, Field, Hole, LogRecord, Losses, Nanos, Span, StatusCode, TraceId, Value,
};
use folder::Folder;

pub(super) const KIND: Kind = Kind {
    key: key(
        "files",
        "text",
        "A folder of trace files, or one file, as the Collector's file exporter writes them.",
    ),
    title: "Trace files",
    example: "traces/",
    address: AddressForm::Path,
    options: &[],
    variables: &[],
    adapter: |settings| Ok(Box::new(Files::new(settings)?)),
};

#[derive(Debug)]
struct Files {
    folder: Arc<Mutex<Folder>>,
}

impl Files {
    fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        if !settings.headers.is_empty() || settings.tenant.is_some() {
            return Err(FetchError::Refused {
                why: "`files` has neither `headers` nor a `tenant`".to_owned(),
                help: "remove them: files are read without requests".to_owned(),
            });
        }
        Ok(Self {
            folder: Arc::new(Mutex::new(Folder::new(settings.path()))),
        })
    }

    /// Reads the files that have changed, and asks.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Folder) -> T + Send + 'static,
    ) -> Result<T, FetchError> {
        let folder = Arc::clone(&self.folder);
        let asked = Instant::now();
        let reading = tokio::task::spawn_blocking(move || {
            let mut folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
            folder.refresh(asked)?;
            Ok(ask(&folder))
        });
        reading.await.unwrap_or_else(|_| {
            Err(FetchError::Later {
                why: "the reading of trace files was interrupted".to_owned(),
                after: None,
                help: "report this, with the files".to_owned(),
            })
        })
    }
}

/// The error of a search, which does not wait for files.
fn refused(hole: Hole) -> FetchError {
    FetchError::Refused {
        why: hole.reason,
        help: hole.remedy,
    }
}

fn later(hole: Hole) -> FetchError {
    FetchError::Later {
        why: hole.reason,
        after: None,
        help: hole.remedy,
    }
}

/// The spans of a trace in all files.
fn fetched(trace: TraceId, folder: &Folder) -> Fetched {
    let mut fetched = Fetched {
        holes: folder.problems(),
        log_holes: folder
            .problems()
            .into_iter()
            .chain(folder.log_holes().cloned())
            .collect(),
        is_partial: folder.is_being_written(),
        ..Fetched::default()
    };
    for part in folder.traces().filter(|part| part.id() == trace) {
        fetched.spans.extend(part.spans().iter().cloned());
        fetched.holes.extend(part.holes().iter().cloned());
        fetched.losses.add(part.losses());
    }
    fetched.logs = folder.has_logs().then(|| logs(trace, folder));
    fetched
}

/// The log records of a trace in all files. If files have equal ones, those of the second may be copies.
fn logs(trace: TraceId, folder: &Folder) -> Vec<LogRecord> {
    let mut all: Vec<LogRecord> = Vec::new();
    for of_file in folder.logs() {
        let known = all.len();
        for record in of_file
            .iter()
            .filter(|record| record.trace_id == Some(trace))
        {
            let is_repeated = all[..known].contains(record);
            all.push(LogRecord {
                is_repeated,
                ..record.clone()
            });
        }
    }
    all
}

/// The traces with a span that meets the query, the newest first.
fn found(query: &SearchQuery, folder: &Folder) -> Vec<TraceId> {
    let mut starts: HashMap<TraceId, Nanos> = HashMap::new();
    for part in folder.traces() {
        if part.is_empty() && !part.holes().is_empty() {
            // All its spans are invalid, and any could meet the query at any time.
            starts.entry(part.id()).or_default();
        }
        let spans = part.spans().iter();
        let found = spans.filter(|span| meets(query, span, part.losses()));
        if let Some(start) = found.map(|span| span.start).max() {
            let latest = starts.entry(part.id()).or_default();
            *latest = start.max(*latest);
        }
    }
    let mut traces: Vec<(TraceId, Nanos)> = starts.into_iter().collect();
    traces.sort_by_key(|&(id, start)| (Reverse(start), id));
    traces.into_iter().map(|(id, _)| id).collect()
}

/// Losses because of which an attribute of a span can have been sent with another key or value.
const OF_ATTRIBUTES: &[Field] = &[
    Field::Attributes,
    Field::AttributeTypes,
    Field::ExactTypes,
    Field::Structures,
    Field::MovedAttributes,
    Field::RewrittenAttributes,
    Field::TagFields,
];

/// The same for an attribute of a resource.
const OF_RESOURCES: &[Field] = &[
    Field::Resource,
    Field::AttributeOrigin,
    Field::AttributeTypes,
    Field::ExactTypes,
    Field::Structures,
];

/// Maximum error of a duration. Some formats round start and duration to microseconds each.
const ROUNDING: Nanos = 2_000;

/// Returns `true` if a span can meet the query. Missing attributes may have been dropped, and fields that the
/// format loses exclude nothing.
fn meets(query: &SearchQuery, span: &Span, losses: &Losses) -> bool {
    let loses = |field: Field| losses.contains(field);
    let loses_any = |fields: &[Field]| fields.iter().any(|&field| loses(field));
    let is_named = |wanted: &Option<String>, found: &str| match wanted {
        None => true,
        Some(wanted) if loses(Field::NameCase) => wanted.to_lowercase() == found.to_lowercase(),
        Some(wanted) => wanted == found,
    };
    let have_all = |attributes: &Attributes, all: &[(String, Value)]| {
        all.iter()
            .all(|(key, wanted)| can_be(attributes, key, wanted))
    };
    let resource = &span.resource.attributes;
    let is_service_known = match resource.get("service.name") {
        Some(name) => name.as_str().is_some(),
        None => resource.dropped() == 0,
    };
    let is_long = |nanos: Nanos| {
        query
            .at_least
            .is_none_or(|least| nanos.saturating_add(ROUNDING) >= least)
            && query
                .at_most
                .is_none_or(|most| nanos <= most.saturating_add(ROUNDING))
    };
    (!is_service_known || loses(Field::Services) || is_named(&query.service, span.service()))
        && (loses(Field::Names) || is_named(&query.name, &span.name))
        && (loses_any(OF_ATTRIBUTES) || have_all(&span.attributes, &query.attributes))
        && (loses_any(OF_RESOURCES) || have_all(resource, &query.resource))
        && (!query.is_error || loses(Field::Status) || span.status.code == StatusCode::Error)
        && (loses(Field::Durations) || span.duration().map_or(true, is_long))
        && (span.start == 0 || (query.from..query.to).contains(&span.start))
}

/// Returns `true` if an attribute can be this value: it is, it may have been dropped, or it has another type, about
/// which a check is in doubt.
fn can_be(attributes: &Attributes, key: &str, wanted: &Value) -> bool {
    let Some(found) = attributes.get(key) else {
        return attributes.dropped() > 0;
    };
    let is_same_type =
        discriminant(found) == discriminant(wanted) || found.is_number() && wanted.is_number();
    !is_same_type || found.same(wanted)
}

impl Adapter for Files {
    fn reads_logs(&self) -> bool {
        true
    }

    fn fetch(&self, trace: TraceId) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        self.ask(move |folder| fetched(trace, folder)).boxed()
    }

    fn search<'a>(
        &'a self,
        query: &'a SearchQuery,
    ) -> BoxFuture<'a, Result<SearchAnswer, FetchError>> {
        let query = query.clone();
        // A search has no place for the hole of an unreadable file.
        let ask = self.ask(move |folder| {
            if let Some(problem) = folder.lasting_problem() {
                return Err(refused(problem.clone()));
            }
            match folder.problems().into_iter().next() {
                Some(cut) => Err(later(cut)),
                None => Ok(SearchAnswer {
                    traces: found(&query, folder),
                    is_cut: false,
                }),
            }
        });
        async { ask.await.map_err(|error| refused(error.into()))? }.boxed()
    }
}
