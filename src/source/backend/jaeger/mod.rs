//! Jaeger, over version 3 of its HTTP API.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind};
use super::http::HttpClient;
use super::otlp_answer;
use super::settings::SourceSettings;
use crate::spec::keys::key;
use crate::trace::{Span, TraceId};

pub(super) const KIND: Kind = Kind {
    key: key(
        "jaeger",
        "text",
        "The URL of Jaeger, with version 3 of its HTTP API.",
    ),
    title: "Jaeger",
    example: "http://127.0.0.1:16686",
    address: AddressForm::Url,
    options: &[],
    variables: &[],
    adapter: |settings| Ok(Box::new(Jaeger::new(settings)?)),
};

/// An attribute that an adjusted read, such as that of the user interface, adds to stored spans.
const ADDED: &str = "@jaeger@warnings";

#[derive(Debug)]
struct Jaeger {
    settings: SourceSettings,
    client: HttpClient,
}

impl Jaeger {
    fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        let client =
            HttpClient::new(settings)?.of_tenant("x-tenant", settings.tenant.as_deref())?;
        Ok(Self {
            settings: settings.clone(),
            client,
        })
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let mut url = self
            .settings
            .address(&["api", "v3", "traces", &trace.to_string()]);
        // Versions know one spelling or the other. Without it, Jaeger changes spans for its user interface.
        url.set_query(Some("raw_traces=true&rawTraces=true"));
        let answer = self.client.get(url, "application/json").await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(Fetched::default());
        }
        let read = otlp_answer::spans(&answer.body);
        let mut fetched = read.map_err(|error| self.client.unreadable(&error, &answer.body))?;
        fetched.spans.iter_mut().for_each(without_additions);
        Ok(fetched)
    }
}

fn without_additions(span: &mut Span) {
    if span.attributes.get(ADDED).is_some() {
        let dropped = span.attributes.dropped();
        let kept = span.attributes.iter().filter(|(key, _)| *key != ADDED);
        let kept = kept.map(|(key, value)| (key.to_owned(), value.clone()));
        span.attributes = kept
            .collect::<crate::trace::Attributes>()
            .with_dropped(dropped);
    }
}

impl Adapter for Jaeger {
    fn fetch(&self, trace: TraceId) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        self.read(trace).boxed()
    }
    fn seconds_ahead(&self) -> Option<i64> {
        self.client.clock().seconds_ahead()
    }
}
