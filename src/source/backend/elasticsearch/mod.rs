//! Elasticsearch and OpenSearch, with the indices that Jaeger, the Collector, Elastic APM and Data Prepper
//! write.

mod apm;
mod data_prepper;
mod document;
mod engine;
mod open_telemetry;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use base64::Engine as _;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::http::HttpClient;
use super::otlp_answer;
use super::settings::SourceSettings;
use crate::source::jaeger_json;
use crate::spec::keys::{Key, key};
use crate::trace::{SpanId, TraceId};
use engine::{Documents, Engine, EngineClient};
use schema::Schema;

const INDEX: Key = key(
    "index",
    "text",
    "The index with the spans, also as a pattern or a list with commas. Without it, the usual names of Jaeger, OpenTelemetry, Elastic APM and Data Prepper are searched.",
);

pub(super) const ELASTICSEARCH: Kind = Kind {
    key: key("elasticsearch", "text", "The URL of Elasticsearch."),
    title: "Elasticsearch",
    example: "http://127.0.0.1:9200",
    address: AddressForm::Url,
    options: &[INDEX],
    variables: &[
        "ELASTICSEARCH_API_KEY",
        "ES_API_KEY",
        "ELASTICSEARCH_USERNAME",
        "ELASTICSEARCH_PASSWORD",
    ],
    adapter: |settings| {
        let key = settings
            .variable("ELASTICSEARCH_API_KEY")
            .or_else(|| settings.variable("ES_API_KEY"));
        let credentials = match key {
            Some(key) => Some(format!("ApiKey {key}")),
            None => basic(settings, "ELASTICSEARCH_USERNAME", "ELASTICSEARCH_PASSWORD"),
        };
        adapter(settings, Engine::Elasticsearch, credentials)
    },
};

pub(super) const OPENSEARCH: Kind = Kind {
    key: key("opensearch", "text", "The URL of OpenSearch."),
    title: "OpenSearch",
    example: "http://127.0.0.1:9200",
    address: AddressForm::Url,
    options: &[INDEX],
    variables: &["OPENSEARCH_USERNAME", "OPENSEARCH_PASSWORD"],
    adapter: |settings| {
        let credentials = basic(settings, "OPENSEARCH_USERNAME", "OPENSEARCH_PASSWORD");
        adapter(settings, Engine::OpenSearch, credentials)
    },
};

fn basic(settings: &SourceSettings, user: &str, password: &str) -> Option<String> {
    let (user, password) = (settings.variable(user)?, settings.variable(password)?);
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    Some(format!("Basic {encoded}"))
}

fn adapter(
    settings: &SourceSettings,
    engine: Engine,
    credentials: Option<String>,
) -> Result<Box<dyn Adapter>, FetchError> {
    let mut client = HttpClient::new(settings)?;
    if let Some(credentials) = credentials {
        client = client.with_credential("authorization", &credentials)?;
    }
    Ok(Box::new(Elasticsearch {
        engine: EngineClient::new(settings, client, engine),
        name: settings.name(),
        index: settings.option(INDEX.name).map(str::to_owned),
    }))
}

#[derive(Debug)]
struct Elasticsearch {
    engine: EngineClient,
    name: String,
    /// The index of the settings.
    index: Option<String>,
}

/// Indices of one schema.
struct Found {
    schema: Schema,
    index: String,
    /// Fields that are compared as a whole, with letter case.
    exact: BTreeSet<String>,
}

/// Returns `true` for a type whose values are compared as a whole.
fn is_exact(kind: &str) -> bool {
    matches!(kind, "keyword" | "long" | "integer" | "boolean")
}

impl Elasticsearch {
    /// The schemas of the indices that exist, each with its index and those of these fields that have exact
    /// values in all of them.
    async fn schemas(&self, fields: Vec<String>) -> Result<Vec<Found>, FetchError> {
        let usual = Schema::ALL.map(Schema::usual_index).join(",");
        let index = self.index.as_ref().unwrap_or(&usual);
        let ids = Schema::ALL.map(|schema| schema.trace_id().to_owned());
        let fields = [ids.as_slice(), &fields].concat();
        let known = self.engine.fields(index, &fields).await?;
        let mut all: Vec<Found> = Vec::new();
        for types in known.values() {
            let mut schemas = Schema::ALL.into_iter();
            let Some(schema) = schemas.find(|one| types.contains_key(one.trace_id())) else {
                continue;
            };
            let exact = types.iter().filter(|(_, kind)| is_exact(kind));
            let exact: BTreeSet<String> = exact.map(|(field, _)| field.clone()).collect();
            match all.iter_mut().find(|found| found.schema == schema) {
                Some(found) => found.exact.retain(|field| exact.contains(field)),
                None => all.push(Found {
                    schema,
                    index: match &self.index {
                        Some(index) => index.clone(),
                        None => schema.usual_index().to_owned(),
                    },
                    exact,
                }),
            }
        }
        all.sort_by_key(|found| found.schema);
        match all.is_empty() {
            true => Err(self.engine.no_index(index).await),
            false => Ok(all),
        }
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let mut all = Fetched::default();
        for Found { schema, index, .. } in self.schemas(Vec::new()).await? {
            let query = schema.of_trace(trace);
            let found = self.engine.all(&index, &query, &schema.order()).await?;
            let events = match schema.events_index(&index) {
                Some(index) if !found.sources.is_empty() => {
                    let order = schema.order();
                    Some(self.engine.all(&index, &query, &order).await?)
                }
                _ => None,
            };
            for documents in std::iter::once(&found).chain(&events) {
                self.note_missing(documents, &mut all);
            }
            let read = schema.read(&found, events.as_ref());
            let mut read = read.map_err(|error| self.engine.client().unreadable(&error, b""))?;
            // A span can be in the indices of several exporters.
            let known: HashSet<SpanId> = all.spans.iter().map(|span| span.span_id).collect();
            read.spans.retain(|span| !known.contains(&span.span_id));
            if known.is_empty() || !read.spans.is_empty() {
                all.losses.add(&read.losses);
            }
            all.spans.extend(read.spans);
            all.holes.extend(read.holes);
        }
        Ok(all)
    }

    fn note_missing(&self, documents: &Documents, all: &mut Fetched) {
        let hole = documents.missing.as_deref();
        let hole = hole.map(|why| otlp_answer::partial(&self.name, why));
        all.holes.extend(hole);
    }

    async fn find(&self, query: &SearchQuery) -> Result<SearchAnswer, FetchError> {
        let mut all = SearchAnswer::default();
        for of in self.schemas(Schema::fields(query)).await? {
            let conditions = of.schema.of_query(query, &of.exact);
            let field = of.schema.trace_id();
            let found = self
                .engine
                .values(&of.index, &conditions, field, query.limit);
            let Some(found) = found.await? else {
                continue;
            };
            all.is_cut |= found.is_cut();
            for id in found.values() {
                let id = jaeger_json::trace_id(id).map_err(|why| {
                    let what = format!("found a trace that cannot be read: {why}");
                    let help = "check what wrote the trace";
                    self.engine.client().refused(&what, help)
                })?;
                all.traces.push(id);
            }
        }
        all.traces.sort_unstable();
        all.traces.dedup();
        Ok(all)
    }
}

impl Adapter for Elasticsearch {
    fn fetch(&self, trace: TraceId) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        self.read(trace).boxed()
    }

    fn search<'a>(
        &'a self,
        query: &'a SearchQuery,
    ) -> BoxFuture<'a, Result<SearchAnswer, FetchError>> {
        self.find(query).boxed()
    }

    fn version(&self) -> BoxFuture<'_, Result<Option<String>, FetchError>> {
        self.engine.version().boxed()
    }

    fn seconds_ahead(&self) -> Option<i64> {
        self.engine.client().clock().seconds_ahead()
    }
}
