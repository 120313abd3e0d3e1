//! Requests to Elasticsearch and OpenSearch, and what their answers mean.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use url::Url;

use crate::source::backend::adapter::FetchError;
use crate::source::backend::http::{HttpAnswer, HttpClient};
use crate::source::backend::settings::SourceSettings;

/// Number of documents of one answer; the engines refuse more than 10,000 by default.
const PAGE: usize = 5_000;

/// Maximum number of documents of one trace.
const MOST_DOCUMENTS: usize = 100_000;

/// Time for which the engine keeps the state of an index between two pages.
const KEPT: &str = "1m";

/// Number of indices that a message names.
const MOST_NAMES: usize = 10;

/// The two engines, which differ in the paths of a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Elasticsearch,
    OpenSearch,
}

#[derive(Debug)]
pub(super) struct EngineClient {
    settings: SourceSettings,
    client: HttpClient,
    engine: Engine,
}

/// The documents that a query finds.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// Each as JSON.
    pub(super) sources: Vec<Box<RawValue>>,
    /// The reason why these may not be all.
    pub(super) missing: Option<String>,
    /// There is an index.
    pub(super) has_index: bool,
}

#[derive(Deserialize)]
struct SearchResponse {
    #[serde(default)]
    pit_id: Option<String>,
    #[serde(default)]
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Hits,
    #[serde(default)]
    aggregations: Option<Aggregations>,
}

#[derive(Deserialize)]
struct Shards {
    total: u64,
    #[serde(default)]
    failed: u64,
    #[serde(default)]
    failures: Vec<Value>,
}

#[derive(Deserialize)]
struct Hits {
    #[serde(default)]
    total: Option<Total>,
    #[serde(default)]
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Total {
    value: usize,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_source")]
    source: Box<RawValue>,
    #[serde(default)]
    sort: Value,
}

#[derive(Deserialize)]
struct Aggregations {
    traces: Terms,
}

/// The values of a field.
#[derive(Deserialize)]
pub(super) struct Terms {
    #[serde(default)]
    sum_other_doc_count: u64,
    buckets: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Bucket {
    key: String,
}

impl Terms {
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.buckets.iter().map(|bucket| bucket.key.as_str())
    }

    /// Returns `true` if there are more values.
    pub(super) fn is_cut(&self) -> bool {
        self.sum_other_doc_count > 0
    }
}

#[derive(Deserialize)]
struct IndexMapping {
    mappings: BTreeMap<String, FieldMapping>,
}

#[derive(Deserialize)]
struct FieldMapping {
    #[serde(default)]
    mapping: BTreeMap<String, Value>,
}

impl FieldMapping {
    /// Its type, such as `keyword`.
    fn kind(&self) -> String {
        let leaf = self.mapping.values().next();
        let kind = leaf.and_then(|leaf| leaf["type"].as_str());
        kind.unwrap_or("object").to_owned()
    }
}

impl SearchResponse {
    fn missing(&self) -> Option<String> {
        let reason = |failure: &Value| {
            let reason = failure["reason"]["reason"].as_str()?;
            Some(format!(": {reason}"))
        };
        if self.shards.failed > 0 {
            let reason = self.shards.failures.first().and_then(reason);
            return Some(format!(
                "{} of {} shards failed{}",
                self.shards.failed,
                self.shards.total,
                reason.unwrap_or_default()
            ));
        }
        self.timed_out
            .then(|| "the search timed out in the engine".to_owned())
    }

    fn total(&self) -> usize {
        self.hits.total.as_ref().map_or(0, |total| total.value)
    }
}

impl EngineClient {
    pub(super) fn new(settings: &SourceSettings, client: HttpClient, engine: Engine) -> Self {
        Self {
            settings: settings.clone(),
            client,
            engine,
        }
    }

    pub(super) fn client(&self) -> &HttpClient {
        &self.client
    }

    /// All documents that a query finds, in this order.
    pub(super) async fn all(
        &self,
        index: &str,
        query: &Value,
        sort: &Value,
    ) -> Result<Documents, FetchError> {
        let body = json!({ "query": query, "sort": sort, "size": PAGE, "track_total_hits": true });
        let Some(first) = self.search(index, &body).await? else {
            return Ok(Documents::default());
        };
        let mut all = Documents {
            missing: first.missing(),
            has_index: first.shards.total > 0,
            sources: Vec::new(),
        };
        let total = first.total();
        if first.hits.hits.len() >= total {
            all.sources
                .extend(first.hits.hits.into_iter().map(|hit| hit.source));
            return Ok(all);
        }
        self.add_pages(index, &body, &mut all).await?;
        Ok(all)
    }

    /// Reads page by page in a state of the index that does not change meanwhile.
    async fn add_pages(
        &self,
        index: &str,
        body: &Value,
        all: &mut Documents,
    ) -> Result<(), FetchError> {
        let mut body = body.clone();
        let mut id = self.point_in_time(index).await?;
        loop {
            body["pit"] = json!({ "id": id, "keep_alive": KEPT });
            let Some(page) = self.search("", &body).await? else {
                let what = "has lost the state of its index between two pages";
                return Err(self.later(what, "check that it is well"));
            };
            let (total, missing) = (page.total(), page.missing());
            let Some(last) = page.hits.hits.last() else {
                if all.sources.len() < total {
                    let found = all.sources.len();
                    all.missing = Some(format!("{found} of {total} documents were found"));
                }
                return Ok(());
            };
            body["search_after"] = last.sort.clone();
            id = page.pit_id.unwrap_or(id);
            all.missing = all.missing.take().or(missing);
            all.sources
                .extend(page.hits.hits.into_iter().map(|hit| hit.source));
            if all.sources.len() >= total {
                return Ok(());
            }
            if all.sources.len() >= MOST_DOCUMENTS {
                all.missing = Some(format!("it has more than {MOST_DOCUMENTS} documents"));
                return Ok(());
            }
        }
    }

    async fn point_in_time(&self, index: &str) -> Result<String, FetchError> {
        let mut url = match self.engine {
            Engine::Elasticsearch => self.settings.address(&[index, "_pit"]),
            Engine::OpenSearch => self.settings.address(&[index, "_search", "point_in_time"]),
        };
        url.query_pairs_mut().append_pair("keep_alive", KEPT);
        let answer = self.client.post(url, Default::default(), "", &[]).await?;
        let read: Value = self.json(&answer)?;
        let id = read["id"].as_str().or_else(|| read["pit_id"].as_str());
        id.map(str::to_owned).ok_or_else(|| {
            self.client.refused(
                "does not give a point in time",
                "check if this is Elasticsearch or OpenSearch, and its version (7.10, 2.4)",
            )
        })
    }

    /// The values of a field in the documents that a query finds, at most this number of them.
    pub(super) async fn values(
        &self,
        index: &str,
        query: &Value,
        field: &str,
        limit: usize,
    ) -> Result<Option<Terms>, FetchError> {
        let terms = json!({ "terms": { "field": field, "size": limit } });
        let body = json!({ "query": query, "size": 0, "aggs": { "traces": terms } });
        let Some(answer) = self.search(index, &body).await? else {
            return Ok(None);
        };
        if let Some(missing) = answer.missing() {
            let what = format!("searched a part of its index only: {missing}");
            return Err(self.later(&what, "check that it is well"));
        }
        Ok(answer.aggregations.map(|all| all.traces))
    }

    /// The answer to a search. None if there is no such index.
    async fn search(
        &self,
        index: &str,
        body: &Value,
    ) -> Result<Option<SearchResponse>, FetchError> {
        let path = [index, "_search"];
        let path = if index.is_empty() { &path[1..] } else { &path };
        let answer = self.post(self.settings.address(path), body).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => self.json(&answer).map(Some),
        }
    }

    /// For each index of a pattern, the types of those of these fields that it has.
    pub(super) async fn fields(
        &self,
        index: &str,
        fields: &[String],
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, FetchError> {
        let path = [index, "_mapping", "field", &fields.join(",")];
        let mut url = self.settings.address(&path);
        url.query_pairs_mut()
            .append_pair("ignore_unavailable", "true")
            .append_pair("allow_no_indices", "true");
        let answer = self.client.get(url, "application/json").await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(BTreeMap::new());
        }
        let read: BTreeMap<String, IndexMapping> = self.json(&answer)?;
        let of = |mapping: IndexMapping| {
            let known = mapping.mappings.into_iter();
            known
                .map(|(field, mapping)| (field, mapping.kind()))
                .collect()
        };
        Ok(read
            .into_iter()
            .map(|(index, mapping)| (index, of(mapping)))
            .collect())
    }

    /// The failure of a request that needs an index with spans.
    pub(super) async fn no_index(&self, index: &str) -> FetchError {
        let what = format!(
            "has no index `{index}` with spans; {}",
            self.indices().await
        );
        let help = "wait for the first span, or set `index` of `source`";
        self.later(&what, help)
    }

    /// `it has the indices a, b`.
    async fn indices(&self) -> String {
        let mut url = self.settings.address(&["_cat", "indices"]);
        url.query_pairs_mut()
            .append_pair("format", "json")
            .append_pair("h", "index")
            .append_pair("s", "index");
        let Ok(answer) = self.client.get(url, "application/json").await else {
            return "its indices cannot be listed".to_owned();
        };
        let read: Vec<Value> = serde_json::from_slice(&answer.body).unwrap_or_default();
        let names: Vec<&str> = read.iter().filter_map(|of| of["index"].as_str()).collect();
        let more = match names.len() > MOST_NAMES {
            true => format!(" and {} more", names.len() - MOST_NAMES),
            false => String::new(),
        };
        match names.as_slice() {
            [] => "it has no index".to_owned(),
            names => {
                let shown = &names[..names.len().min(MOST_NAMES)];
                format!("it has {}{more}", shown.join(", "))
            }
        }
    }

    /// The version, if a proxy passes the request on.
    pub(super) async fn version(&self) -> Result<Option<String>, FetchError> {
        let answer = match self
            .client
            .get(self.settings.address(&[]), "application/json")
            .await
        {
            Ok(answer) => answer,
            Err(FetchError::Refused { .. }) => return Ok(None),
            Err(later) => return Err(later),
        };
        let read: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let version = read
            .as_ref()
            .and_then(|read| read["version"]["number"].as_str());
        Ok(version.map(str::to_owned))
    }

    async fn post(&self, url: Url, body: &Value) -> Result<HttpAnswer, FetchError> {
        self.client.post_json(url, body, &[]).await
    }

    fn json<T: serde::de::DeserializeOwned>(&self, answer: &HttpAnswer) -> Result<T, FetchError> {
        let read = serde_json::from_slice(&answer.body);
        read.map_err(|error| self.client.unreadable(&error, &answer.body))
    }

    fn later(&self, what: &str, help: &str) -> FetchError {
        FetchError::Later {
            why: format!("{} {what}", self.settings.name()),
            after: None,
            help: help.to_owned(),
        }
    }
}
