//! Elasticsearch and OpenSearch, with the indices that Jaeger, the Collector, Elastic APM and Data Prepper
//! write.

mod apm;
mod data_prepper;
mod engine;
mod open_telemetry;
mod schema;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::http::HttpClient;
use super::otlp_answer;
use super::settings::SourceSettings;
use crate::source::jaeger_json;
use crate::spec::keys::{Key, key};
use crate::trace::TraceId;
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

impl Elasticsearch {
    /// The schemas of the indices that exist, each with its index.
    async fn schemas(&self) -> Result<Vec<(Schema, String)>, FetchError> {
        let usual = Schema::ALL.map(Schema::usual_index).join(",");
        let index = self.index.as_ref().unwrap_or(&usual);
        let fields = Schema::ALL.map(Schema::trace_id);
        let known = self.engine.fields(index, &fields).await?;
        let of_index = |fields: &Vec<String>| {
            let mut all = Schema::ALL.into_iter();
            all.find(|schema| fields.iter().any(|field| field == schema.trace_id()))
        };
        let mut found: Vec<Schema> = known.values().filter_map(of_index).collect();
        found.sort_unstable();
        found.dedup();
        if found.is_empty() {
            return Err(self.engine.no_index(index).await);
        }
        let with_index = found.into_iter().map(|schema| {
            let usual = schema.usual_index().to_owned();
            (schema, self.index.clone().unwrap_or(usual))
        });
        Ok(with_index.collect())
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let mut all = Fetched::default();
        for (schema, index) in self.schemas().await? {
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
            let read = read.map_err(|error| self.engine.client().unreadable(&error, b""))?;
            all.spans.extend(read.spans);
            all.holes.extend(read.holes);
            all.losses.add(&read.losses);
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
        for (schema, index) in self.schemas().await? {
            let (conditions, field) = (schema.of_query(query), schema.trace_id());
            let found = self.engine.values(&index, &conditions, field, query.limit);
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
