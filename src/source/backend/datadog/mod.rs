//! Datadog, over its API for spans.

mod span;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::http::HttpClient;
use super::otlp_answer;
use super::settings::SourceSettings;
use crate::spec::keys::key;
use crate::trace::{Field, Nanos, TraceId, unix_nanos};
use span::{FoundSpan, IdForm};

pub(super) const KIND: Kind = Kind {
    key: key(
        "datadog",
        "text",
        "The site of Datadog, such as `datadoghq.eu`, or the URL of its API.",
    ),
    title: "Datadog",
    example: "datadoghq.eu",
    address: AddressForm::UrlOrName(|site| format!("https://api.{site}")),
    options: &[],
    variables: &["DD_API_KEY", "DD_APP_KEY", "DD_SITE"],
    adapter: |settings| Ok(Box::new(Datadog::new(settings)?)),
};

/// Number of spans of a page; the maximum.
const PAGE: usize = 1_000;
/// Maximum number of pages of one trace or search. Each is a request of the budget.
const MOST_PAGES: usize = 20;
/// The requests that Datadog permits in an hour.
const MOST_REQUESTS: usize = 300;
const HOUR: Duration = Duration::from_hours(1);
/// Later than this after their start, spans can be read only if a retention filter kept them.
const LIVE: Duration = Duration::from_mins(15);

#[derive(Debug)]
struct Datadog {
    settings: SourceSettings,
    client: HttpClient,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Entry>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Deserialize)]
struct Entry {
    attributes: FoundSpan,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default)]
    page: Cursor,
    /// `done` or `timeout`.
    #[serde(default)]
    status: String,
}

#[derive(Default, Deserialize)]
struct Cursor {
    after: Option<String>,
}

/// The spans of all pages.
struct Found {
    spans: Vec<FoundSpan>,
    /// The reason why some are missing.
    missing: Option<String>,
}

impl Datadog {
    fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        if let Some(site) = settings.variable("DD_SITE")
            && let Some(host) = settings.url.host_str()
            && let Some(own) = host.strip_prefix("api.")
            && own != site
        {
            return Err(FetchError::Refused {
                why: format!("the site of Datadog is `{own}` by `source`, and `{site}` by DD_SITE"),
                help: "make them equal: the keys belong to one site".to_owned(),
            });
        }
        let mut client = HttpClient::new(settings)?.with_budget(MOST_REQUESTS, HOUR);
        for (header, variable) in [
            ("dd-api-key", "DD_API_KEY"),
            ("dd-application-key", "DD_APP_KEY"),
        ] {
            if let Some(key) = settings.variable(variable) {
                client = client.with_credential(header, key)?;
            }
        }
        Ok(Self {
            settings: settings.clone(),
            client,
        })
    }

    /// The spans of a query, page by page, as long as more are wanted.
    async fn spans(
        &self,
        query: &str,
        (from, to): (&str, &str),
        is_enough: impl Fn(&[FoundSpan]) -> bool,
    ) -> Result<Found, FetchError> {
        let url = self
            .settings
            .address(&["api", "v2", "spans", "events", "search"]);
        let mut found = Found {
            spans: Vec::new(),
            missing: None,
        };
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut page = json!({ "limit": PAGE });
            if let Some(cursor) = &cursor {
                page["cursor"] = cursor.as_str().into();
            }
            let body = json!({ "data": { "type": "search_request", "attributes": {
                "filter": { "query": query, "from": from, "to": to },
                "sort": "-timestamp",
                "page": page,
            } } });
            let answer = self.client.post_json(url.clone(), &body, &[]).await?;
            if answer.status == StatusCode::NOT_FOUND {
                return Err(self.client.refused(
                    "answers 404 Not Found",
                    "check the site of `source`, such as `datadoghq.eu`",
                ));
            }
            let page: Page = serde_json::from_slice(&answer.body)
                .map_err(|error| self.client.unreadable(&error, &answer.body))?;
            found
                .spans
                .extend(page.data.into_iter().map(|entry| entry.attributes));
            if page.meta.status == "timeout" {
                found.missing = Some("its search has timed out".to_owned());
            }
            cursor = page.meta.page.after;
            if cursor.is_none() || is_enough(&found.spans) {
                return Ok(found);
            }
        }
        found.missing = Some(format!("there are more than {MOST_PAGES} pages"));
        Ok(found)
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let query = format!("trace_id:{trace} OR trace_id:{}", span::low(trace));
        let found = self.spans(&query, ("now-7d", "now"), |_| false).await?;
        let form = IdForm::of(&found.spans);
        let mut fetched = Fetched::default();
        let mut missing = found.missing;
        for one in found.spans.into_iter().filter(|one| one.is_of(trace)) {
            if one.single_span {
                missing = Some("a retention filter kept single spans".to_owned());
            }
            let span = one.into_span(trace, form);
            let span = span.map_err(|error| self.client.unreadable(&error, b""))?;
            fetched.spans.push(span);
        }
        let oldest = fetched.spans.iter().map(|span| span.start).min();
        let limit = unix_nanos(SystemTime::now() - LIVE);
        if missing.is_none() && oldest.is_some_and(|start| start < limit) {
            let why = "after 15 min, it has only the spans that a retention filter kept";
            missing = Some(why.to_owned());
        }
        let name = self.settings.name();
        fetched
            .holes
            .extend(missing.map(|why| otlp_answer::partial(&name, &why)));
        Ok(fetched)
    }

    async fn find(&self, wanted: &SearchQuery) -> Result<SearchAnswer, FetchError> {
        let (from, to) = (moment(wanted.from), moment(wanted.to));
        let is_enough = |spans: &[FoundSpan]| span::traces(spans).len() > wanted.limit;
        let found = self.spans(&query(wanted), (&from, &to), is_enough).await?;
        let mut traces = span::traces(&found.spans);
        let is_cut = traces.len() > wanted.limit || found.missing.is_some();
        traces.truncate(wanted.limit);
        Ok(SearchAnswer { traces, is_cut })
    }
}

/// The parts that Datadog keeps as they were sent. It changes names, and attributes with meanings of its own.
fn query(wanted: &SearchQuery) -> String {
    let is_plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    match &wanted.service {
        Some(service) if service.chars().all(is_plain) => format!("service:{service}"),
        _ => "*".to_owned(),
    }
}

fn moment(nanos: Nanos) -> String {
    Timestamp::from_nanosecond(nanos.into())
        .unwrap_or(Timestamp::MAX)
        .to_string()
}

impl Adapter for Datadog {
    fn losses(&self) -> &'static [Field] {
        &[
            Field::AttributeTypes,
            Field::ExactTypes,
            Field::AttributeOrigin,
            Field::RewrittenAttributes,
            Field::MovedAttributes,
            Field::Names,
            Field::NameCase,
            Field::Kind,
            Field::Status,
            Field::StatusMessage,
            Field::Starts,
            Field::Nanoseconds,
            Field::Resource,
            Field::Scope,
            Field::Events,
            Field::Links,
        ]
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

    fn search_gap(&self) -> Option<&'static str> {
        Some("after 15 min, Datadog finds only spans that a retention filter kept")
    }

    fn pause(&self) -> Duration {
        self.client.pause()
    }

    fn seconds_ahead(&self) -> Option<i64> {
        self.client.clock().seconds_ahead()
    }
}
