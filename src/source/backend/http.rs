//! Requests to a backend over HTTP, and what their failures mean.

mod grpc;

use std::time::{Duration, Instant, SystemTime};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Body, Client, RequestBuilder, StatusCode};
use url::Url;

use super::adapter::FetchError;
use super::budget::RequestBudget;
use super::clock::{self, BackendClock};
use super::settings::SourceSettings;
use crate::trigger::{backend_client, certificate_remedy};

/// Maximum size of an answer.
const MOST_BYTES: usize = 64 << 20;

/// Maximum time of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum time for which a backend can ask to wait.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Maximum number of characters of an answer in a message.
const LONGEST_EXCERPT: usize = 200;

/// An HTTP client for one backend.
#[derive(Clone, Debug)]
pub(super) struct HttpClient {
    client: Client,
    headers: HeaderMap,
    name: String,
    clock: BackendClock,
    budget: Option<RequestBudget>,
}

/// An answer that the adapter reads.
#[derive(Debug)]
pub(super) struct HttpAnswer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl HttpClient {
    /// # Errors
    /// A header is invalid.
    pub(super) fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let invalid = |what: &str| FetchError::Refused {
                why: format!("invalid {what} of the header `{name}` of `source`"),
                help: "headers have neither line breaks nor control characters".to_owned(),
            };
            let key = HeaderName::try_from(name.as_str()).map_err(|_| invalid("name"))?;
            let mut value = HeaderValue::try_from(value).map_err(|_| invalid("value"))?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let builder = Client::builder();
        let builder = backend_client(builder, &settings.url, &settings.tls).map_err(|error| {
            FetchError::Refused {
                why: format!("{}: {}", settings.name(), with_causes(&error)),
                help: error
                    .help()
                    .unwrap_or("check the files of `tls` in `source`")
                    .to_owned(),
            }
        })?;
        let client = Self::grpc(builder, &settings.url)
            // A redirect usually leads to a login page, and would carry the credentials there.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| FetchError::Refused {
                why: format!("no HTTP client: {}", root_cause(&error)),
                help: "check the certificates of this system".to_owned(),
            })?;
        Ok(Self {
            client,
            headers,
            name: settings.name(),
            clock: BackendClock::default(),
            budget: None,
        })
    }

    /// Limits the number of requests within a time.
    pub(super) fn with_budget(self, most: usize, period: Duration) -> Self {
        Self {
            budget: Some(RequestBudget::new(most, period)),
            ..self
        }
    }

    /// The shortest pause between two polls of one trace.
    pub(super) fn pause(&self) -> Duration {
        let budget = self.budget.as_ref();
        budget.map_or(Duration::ZERO, |budget| budget.pause(Instant::now()))
    }

    /// Adds the header of a tenant, unless the settings have it.
    ///
    /// # Errors
    /// The name of the tenant cannot be a header.
    pub(super) fn of_tenant(
        mut self,
        header: &'static str,
        tenant: Option<&str>,
    ) -> Result<Self, FetchError> {
        if let Some(tenant) = tenant {
            let value = HeaderValue::try_from(tenant).map_err(|_| FetchError::Refused {
                why: "invalid `tenant` of `source`".to_owned(),
                help: "a tenant has neither line breaks nor control characters".to_owned(),
            })?;
            self.headers.entry(header).or_insert(value);
        }
        Ok(self)
    }

    /// Adds a header of every request, unless the settings have it. Its value is a credential.
    ///
    /// # Errors
    /// The value cannot be a header.
    pub(super) fn with_credential(
        mut self,
        header: &'static str,
        value: &str,
    ) -> Result<Self, FetchError> {
        let mut value = HeaderValue::try_from(value).map_err(|_| FetchError::Refused {
            why: format!("the credentials for `{header}` have line breaks or control characters"),
            help: "check the variable with the credentials".to_owned(),
        })?;
        value.set_sensitive(true);
        self.headers.entry(header).or_insert(value);
        Ok(self)
    }

    /// Answers of 2xx and 404, which only the adapter understands.
    pub(super) async fn get(&self, url: Url, accept: &str) -> Result<HttpAnswer, FetchError> {
        let request = self.client.get(url).header("accept", accept);
        self.send(request, &[]).await
    }

    /// The same, or None if a web page answers, as for paths that the backend does not know.
    pub(super) async fn get_unless_page(
        &self,
        url: Url,
        accept: &str,
    ) -> Result<Option<HttpAnswer>, FetchError> {
        let request = self.client.get(url).header("accept", accept);
        let (answer, headers) = self.exchange(request).await?;
        let is_understood = answer.status.is_success() || answer.status == StatusCode::NOT_FOUND;
        match is_understood && is_page(&answer.body) {
            true => Ok(None),
            false => self.understood(answer, &headers, &[]).map(Some),
        }
    }

    /// Answers of 2xx, 404 and the statuses in `also`, which only the adapter understands.
    pub(super) async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        body: impl Into<Body>,
        also: &[StatusCode],
    ) -> Result<HttpAnswer, FetchError> {
        let request = self.client.post(url).headers(headers).body(body);
        self.send(request, also).await
    }

    /// The same with a body of JSON.
    pub(super) async fn post_json(
        &self,
        url: Url,
        body: &serde_json::Value,
        also: &[StatusCode],
    ) -> Result<HttpAnswer, FetchError> {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
        self.post(url, headers, body.to_string(), also).await
    }

    async fn send(
        &self,
        request: RequestBuilder,
        also: &[StatusCode],
    ) -> Result<HttpAnswer, FetchError> {
        let (answer, headers) = self.exchange(request).await?;
        self.understood(answer, &headers, also)
    }

    async fn exchange(
        &self,
        request: RequestBuilder,
    ) -> Result<(HttpAnswer, HeaderMap), FetchError> {
        if let Some(budget) = &self.budget {
            budget
                .take(Instant::now())
                .map_err(|wait| self.used_up(wait))?;
        }
        let sent = request.headers(self.headers.clone()).send().await;
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        self.clock.note(&headers);
        if let Some(budget) = &self.budget {
            budget.note(&headers, Instant::now());
        }
        let mut body = Vec::new();
        while let Some(bytes) = response
            .chunk()
            .await
            .map_err(|error| self.unreachable(&error))?
        {
            if body.len() + bytes.len() > MOST_BYTES {
                return Err(self.too_large());
            }
            body.extend_from_slice(&bytes);
        }
        Ok((HttpAnswer { status, body }, headers))
    }

    /// The answer, if the adapter can understand it.
    fn understood(
        &self,
        answer: HttpAnswer,
        headers: &HeaderMap,
        also: &[StatusCode],
    ) -> Result<HttpAnswer, FetchError> {
        let (status, body) = (answer.status, &answer.body);
        if is_page(body) {
            return Err(self.refused(
                &format!("answers {status} with a web page"),
                "check the address and the credentials of `source`: a proxy or a login page answers",
            ));
        }
        if status.is_success() || status == StatusCode::NOT_FOUND || also.contains(&status) {
            return Ok(answer);
        }
        Err(self.failed(status, headers, body))
    }

    /// The clock of the backend.
    pub(super) fn clock(&self) -> &BackendClock {
        &self.clock
    }

    fn failed(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> FetchError {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let excerpt = excerpt(body);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.refused(
                &format!("answers {status}{excerpt}"),
                "check the credentials: `headers` of `source`, and their variables",
            ),
            _ if status.is_redirection() => {
                let target = header(LOCATION).unwrap_or("another address");
                self.refused(
                    &format!("redirects to {target}"),
                    "check the address of `source`: a login page, or `https` instead of `http`",
                )
            }
            StatusCode::TOO_MANY_REQUESTS => FetchError::Later {
                why: format!("{} answers {status}", self.name),
                after: header(RETRY_AFTER)
                    .and_then(wait)
                    .or_else(|| wait(headers.get("x-ratelimit-reset")?.to_str().ok()?)),
                help: "it limits requests: run fewer specs at once (`--jobs`)".to_owned(),
            },
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                FetchError::Later {
                    why: format!("{} answers {status}{excerpt}", self.name),
                    after: header(RETRY_AFTER).and_then(wait),
                    help: "check that it is well, and any proxy in front of it".to_owned(),
                }
            }
            _ => self.refused(
                &format!("answers {status}{excerpt}"),
                "check the address of `source`, and the version of the backend",
            ),
        }
    }

    fn used_up(&self, wait: Duration) -> FetchError {
        FetchError::Later {
            why: format!(
                "the requests that {} permits are used up for {} s",
                self.name,
                wait.as_secs() + 1
            ),
            after: Some(wait),
            help: "run fewer specs under this profile, or ask for a higher limit".to_owned(),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> FetchError {
        if let Some(help) = certificate_remedy(error) {
            return self.refused(&format!("is not trusted: {}", root_cause(error)), help);
        }
        FetchError::Later {
            why: match error.is_timeout() {
                true => format!(
                    "{} does not answer within {} s",
                    self.name,
                    TIMEOUT.as_secs()
                ),
                false => format!("{} cannot be reached: {}", self.name, root_cause(error)),
            },
            after: None,
            help: "check the address of `source`, and that the backend runs".to_owned(),
        }
    }

    fn too_large(&self) -> FetchError {
        FetchError::Later {
            why: format!(
                "{} answers with more than {} MiB",
                self.name,
                MOST_BYTES >> 20
            ),
            // The trace only grows.
            after: Some(Duration::from_secs(60)),
            help: "record fewer spans in one trace".to_owned(),
        }
    }

    /// The failure of a request whose repetition is useless.
    pub(super) fn refused(&self, what: &str, help: &str) -> FetchError {
        FetchError::Refused {
            why: format!("{} {what}", self.name),
            help: help.to_owned(),
        }
    }

    /// The failure of an answer that the adapter cannot read.
    pub(super) fn unreadable(&self, error: &dyn std::error::Error, body: &[u8]) -> FetchError {
        self.refused(
            &format!("answers something unreadable: {error}{}", excerpt(body)),
            "check the address of `source`, and the version of the backend",
        )
    }
}

/// The time of `Retry-After`, in seconds or as a date; at most [`LONGEST_WAIT`].
fn wait(text: &str) -> Option<Duration> {
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => clock::http_date(text)?
            .duration_since(SystemTime::now())
            .ok()?,
    };
    Some(wait.min(LONGEST_WAIT))
}

/// Returns `true` for HTML.
fn is_page(body: &[u8]) -> bool {
    let head = body.trim_ascii_start();
    head.starts_with(b"<!")
        || head
            .get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"<html"))
}

/// `: no such trace`, the first line of an answer; empty if it is no text.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * LONGEST_EXCERPT)]);
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().take(LONGEST_EXCERPT).collect();
    match text.is_empty() || text.contains('\0') {
        true => String::new(),
        false => format!(": {text}"),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let cause = std::iter::successors(Some(error), |error| error.source()).last();
    cause.unwrap_or(error).to_string()
}
