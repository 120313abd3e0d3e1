//! ClickHouse, with the tables of the Collector's clickhouse exporter, over its HTTP interface.

mod query;
mod row;
mod schema;
#[cfg(test)]
mod tests;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::http::HttpClient;
use super::json::JsonInteger;
use super::settings::SourceSettings;
use crate::spec::keys::key;
use crate::trace::{Field, Nanos, TraceId};
use query::Query;
use row::Row;
use schema::Schema;

pub(super) const KIND: Kind = Kind {
    key: key(
        "clickhouse",
        "text",
        "The URL of ClickHouse's HTTP interface; its tables are those of the Collector's clickhouse exporter.",
    ),
    title: "ClickHouse",
    example: "http://127.0.0.1:8123",
    address: AddressForm::Url,
    options: &[
        key(
            "database",
            "text",
            "The database of ClickHouse; `default` unless given.",
        ),
        key(
            "table",
            "text",
            "The table of ClickHouse with the spans; `otel_traces` unless given.",
        ),
    ],
    variables: &["CLICKHOUSE_USER", "CLICKHOUSE_PASSWORD"],
    adapter: |settings| Ok(Box::new(ClickHouse::new(settings)?)),
};

/// The remedy for a table that does not have what the exporter writes.
const OTHER_TABLE: &str = "set `table` of `source` to a table of the Collector's clickhouse exporter; other tables are not read";

#[derive(Debug)]
struct ClickHouse {
    settings: SourceSettings,
    client: HttpClient,
    database: String,
    table: String,
    schema: OnceCell<Schema>,
}

/// An answer of ClickHouse to a query.
enum Answered {
    Rows(Vec<u8>),
    /// The code and text of an exception.
    Failed(u32, String),
}

impl ClickHouse {
    fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        let mut client = HttpClient::new(settings)?;
        let is_authorized = settings
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        // ClickHouse accepts one way only.
        if !is_authorized {
            for (header, variable) in [
                ("x-clickhouse-user", "CLICKHOUSE_USER"),
                ("x-clickhouse-key", "CLICKHOUSE_PASSWORD"),
            ] {
                if let Some(value) = settings.variable(variable) {
                    client = client.with_credential(header, value)?;
                }
            }
        }
        let option = |name, default: &str| settings.option(name).unwrap_or(default).to_owned();
        Ok(Self {
            settings: settings.clone(),
            client,
            database: option("database", "default"),
            table: option("table", "otel_traces"),
            schema: OnceCell::new(),
        })
    }

    fn query(&self) -> Query {
        Query::on(&self.database, &self.table)
    }

    async fn send(&self, query: &Query) -> Result<Answered, FetchError> {
        let mut url = self.settings.address(&[]);
        url.query_pairs_mut()
            .append_pair("default_format", "JSONEachRow")
            .extend_pairs(query.parameters());
        let also = [StatusCode::BAD_REQUEST];
        let sent = self.client.post(url, HeaderMap::new(), query.text(), &also);
        let answer = sent.await?;
        let text = String::from_utf8_lossy(&answer.body);
        // An exception after the first rows has the status 200.
        let exception = text.lines().find_map(exception);
        match exception {
            Some((code, text)) => Ok(Answered::Failed(code, text)),
            None if answer.status.is_success() => Ok(Answered::Rows(answer.body)),
            None => Err(self.client.refused(
                &format!("answers {}, without an exception of ClickHouse", answer.status),
                "check the address of `source`: that of ClickHouse's HTTP interface, usually on port 8123",
            )),
        }
    }

    /// The rows of an answer, each of them in JSON.
    async fn rows<T: DeserializeOwned>(&self, query: &Query) -> Result<Vec<T>, FetchError> {
        match self.send(query).await? {
            Answered::Rows(body) => {
                let rows = serde_json::Deserializer::from_slice(&body).into_iter();
                rows.collect::<Result<_, _>>()
                    .map_err(|error| self.client.unreadable(&error, &body))
            }
            Answered::Failed(code, text) => Err(self.failure(code, &text).await),
        }
    }

    async fn row<T: DeserializeOwned>(&self, query: &Query) -> Result<T, FetchError> {
        let first = self.rows(query).await?.into_iter().next();
        first.ok_or_else(|| {
            self.client.refused(
                "answers without a row",
                "check the address of `source`, and the version of the backend",
            )
        })
    }

    /// The columns of the table, which are read once.
    async fn schema(&self) -> Result<&Schema, FetchError> {
        self.schema.get_or_try_init(|| self.read_schema()).await
    }

    async fn read_schema(&self) -> Result<Schema, FetchError> {
        let columns = self.rows(&self.query().describe()).await?;
        let lookup = self.send(&self.query().describe_lookup()).await?;
        let settings = self.rows(&self.query().cutting_settings()).await?;
        Schema::of(columns, matches!(lookup, Answered::Rows(_)), settings).map_err(|missing| {
            let what = format!(
                "has no column `{missing}` in the table `{}.{}`",
                self.database, self.table
            );
            self.client.refused(&what, OTHER_TABLE)
        })
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let schema = self.schema().await?;
        let rows: Vec<Row> = self.rows(&self.query().trace(schema, trace)).await?;
        let mut fetched = Fetched::default();
        for row in rows {
            let span = row
                .span(schema)
                .map_err(|error| self.client.unreadable(&error, error.of.as_bytes()))?;
            fetched.spans.push(span);
        }
        fetched.holes.extend(schema.hole(&self.settings.name()));
        Ok(fetched)
    }

    /// The columns of the table, for answers that have to be whole.
    async fn whole(&self) -> Result<&Schema, FetchError> {
        let schema = self.schema().await?;
        match schema.cut_by() {
            None => Ok(schema),
            Some(why) => {
                let what = format!("can cut answers without notice: {why}");
                Err(self.client.refused(&what, schema::DEFAULT_SETTING))
            }
        }
    }

    async fn find(&self, wanted: &SearchQuery) -> Result<SearchAnswer, FetchError> {
        let schema = self.whole().await?;
        let rows: Vec<Found> = self.rows(&self.query().traces(schema, wanted)).await?;
        let is_cut = rows.len() > wanted.limit;
        let mut traces = Vec::new();
        for Found { trace_id } in rows.into_iter().take(wanted.limit) {
            let id = trace_id.parse().map_err(|_| {
                let what =
                    format!("found a trace that cannot be read: `{trace_id}` is not a trace id");
                self.client.refused(&what, OTHER_TABLE)
            })?;
            traces.push(id);
        }
        Ok(SearchAnswer { traces, is_cut })
    }

    async fn count(
        &self,
        wanted: &SearchQuery,
        by: &str,
    ) -> Result<Vec<(String, u64)>, FetchError> {
        self.check_exact(wanted)?;
        let schema = self.whole().await?;
        let rows: Vec<Counted> = self.rows(&self.query().counts(schema, wanted, by)).await?;
        self.check_unchanged(rows.iter().map(|row| row.changed.wrapped()).sum())?;
        let rows = rows.into_iter();
        Ok(rows.map(|row| (row.value, row.n.wrapped())).collect())
    }

    async fn order(
        &self,
        wanted: &SearchQuery,
        count: u64,
        ranks: &[u64],
    ) -> Result<Vec<Nanos>, FetchError> {
        self.check_exact(wanted)?;
        let schema = self.whole().await?;
        let query = self.query().order(schema, wanted, count, ranks);
        let ordered: Ordered = self.row(&query).await?;
        self.check_unchanged(ordered.changed.wrapped())?;
        let open = ordered.open.wrapped();
        if open > 0 {
            return Err(self.client.refused(
                &format!("has {open} spans of these without a duration: without an end, or with an end before the start"),
                "narrow `find`, so that it selects spans with an end",
            ));
        }
        if ordered.n.wrapped() != count {
            return Err(FetchError::Later {
                why: format!(
                    "{} receives spans of this time while they are counted",
                    self.settings.name()
                ),
                after: None,
                help: "end the time of `search` earlier, so that all its spans have arrived"
                    .to_owned(),
            });
        }
        let durations = ordered.durations.into_iter();
        Ok(durations.map(JsonInteger::wrapped).collect())
    }

    /// Exact numbers need the values that were sent.
    fn check_unchanged(&self, changed: u64) -> Result<(), FetchError> {
        match changed {
            0 => Ok(()),
            _ => Err(self.client.refused(
                &format!("cannot count spans by attributes that it has converted to times: {changed} spans have such a value"),
                "use attributes whose values do not look like dates or times",
            )),
        }
    }

    /// Exact numbers need all conditions in the engine.
    fn check_exact(&self, wanted: &SearchQuery) -> Result<(), FetchError> {
        let mut all = wanted.attributes.iter().chain(&wanted.resource);
        match all.find(|(_, value)| query::text(value).is_none()) {
            None => Ok(()),
            Some((key, value)) => Err(self.client.refused(
                &format!("cannot count spans by the {} `{key}`", value.type_name()),
                "use attributes with strings, integers or booleans",
            )),
        }
    }

    async fn failure(&self, code: u32, text: &str) -> FetchError {
        const UNKNOWN_TABLE: u32 = 60;
        const UNKNOWN_DATABASE: u32 = 81;
        if !matches!(code, UNKNOWN_TABLE | UNKNOWN_DATABASE) {
            return self.client.refused(
                &format!("cannot execute a query: {text}"),
                "check the version of ClickHouse (23.3 or later), the permissions of the user, and the columns of the table",
            );
        }
        let found = self.send(&self.query().databases()).await;
        let databases: Vec<String> = match &found {
            Ok(Answered::Rows(body)) => serde_json::Deserializer::from_slice(body)
                .into_iter()
                .filter_map(|row: Result<InDatabase, _>| Some(format!("`{}`", row.ok()?.database)))
                .collect(),
            _ => Vec::new(),
        };
        let help = match databases.is_empty() {
            true => "set `database` and `table` of `source` to `database` and `traces_table_name` of the Collector's clickhouse exporter; it creates them at its start".to_owned(),
            false => format!("set `database` of `source`: there is a table of this name in {}", databases.join(", ")),
        };
        let what = format!("has no table `{}.{}`", self.database, self.table);
        self.client.refused(&what, &help)
    }
}

#[derive(serde::Deserialize)]
struct Found {
    #[serde(rename = "TraceId")]
    trace_id: String,
}

#[derive(serde::Deserialize)]
struct Counted {
    value: String,
    n: JsonInteger,
    /// The number of spans with values that ClickHouse has converted.
    changed: JsonInteger,
}

#[derive(serde::Deserialize)]
struct Ordered {
    n: JsonInteger,
    /// The number of spans without a duration.
    open: JsonInteger,
    /// The number of spans with values that ClickHouse has converted.
    changed: JsonInteger,
    durations: Vec<JsonInteger>,
}

#[derive(serde::Deserialize)]
struct InDatabase {
    database: String,
}

#[derive(serde::Deserialize)]
struct Version {
    version: String,
}

/// The code and text of a line such as `Code: 60. DB::Exception: Unknown table …`.
fn exception(line: &str) -> Option<(u32, String)> {
    let (code, _) = line.strip_prefix("Code: ")?.split_once('.')?;
    let is_exception = line.contains("Exception");
    Some((code.parse().ok()?, line.chars().take(300).collect())).filter(|_| is_exception)
}

impl Adapter for ClickHouse {
    fn losses(&self) -> &'static [Field] {
        match self.schema.get() {
            Some(schema) if schema.is_json => &[Field::ExactTypes],
            _ => &[Field::AttributeTypes],
        }
    }

    fn fetch(&self, trace: TraceId) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        self.read(trace).boxed()
    }

    fn search<'a>(
        &'a self,
        query: &'a SearchQuery,
    ) -> BoxFuture<'a, Result<SearchAnswer, FetchError>> {
        self.find(query).boxed()
    }

    fn has_exact_engine(&self) -> bool {
        true
    }

    fn count_by<'a>(
        &'a self,
        query: &'a SearchQuery,
        resource: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, u64)>, FetchError>> {
        self.count(query, resource).boxed()
    }

    fn durations_at<'a>(
        &'a self,
        query: &'a SearchQuery,
        count: u64,
        ranks: &'a [u64],
    ) -> BoxFuture<'a, Result<Vec<Nanos>, FetchError>> {
        self.order(query, count, ranks).boxed()
    }

    fn seconds_ahead(&self) -> Option<i64> {
        self.client.clock().seconds_ahead()
    }

    fn version(&self) -> BoxFuture<'_, Result<Option<String>, FetchError>> {
        let read = async {
            let row: Version = self.row(&self.query().version()).await?;
            Ok(Some(row.version))
        };
        read.boxed()
    }
}
