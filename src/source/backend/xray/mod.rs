//! AWS X-Ray, over its API for traces, with requests that are signed here.

mod segment;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use url::Url;

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::http::HttpClient;
use super::otlp_answer;
use super::settings::SourceSettings;
use crate::aws_signature::{CannotSign, Signer};
use crate::spec::keys::key;
use crate::trace::{Field, Nanos, TraceId};

pub(super) const KIND: Kind = Kind {
    key: key(
        "xray",
        "text",
        "The region of AWS X-Ray, such as `eu-central-1`, or its URL.",
    ),
    title: "AWS X-Ray",
    example: "eu-central-1",
    address: AddressForm::UrlOrName(address_of),
    options: &[key(
        "inferred",
        "text",
        "`keep`: segments that X-Ray infers for services without traces of their own are spans, too, with `xray.inferred`.",
    )],
    variables: &[
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_ENDPOINT_URL_XRAY",
        "AWS_ENDPOINT_URL",
    ],
    adapter: |settings| Ok(Box::new(XRay::new(settings)?)),
};

/// The content type of requests.
const JSON: &str = "application/json";

/// The longest window of a search.
const LONGEST_WINDOW: Nanos = 6 * 3_600 * 1_000_000_000;

/// Maximum number of pages of one trace, or of one window of a search.
const MOST_PAGES: usize = 100;

fn cannot_sign(reason: CannotSign) -> FetchError {
    let (why, help) = match reason {
        CannotSign::NoTls => (
            "requests to AWS X-Ray cannot be signed by this build of spanspec",
            "build it with the feature `tls`",
        ),
        CannotSign::Credentials => (
            "the credentials for AWS X-Ray have blanks or control characters",
            "check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN and AWS_REGION",
        ),
    };
    FetchError::Refused {
        why: why.to_owned(),
        help: help.to_owned(),
    }
}

#[derive(Debug)]
struct XRay {
    name: String,
    url: Url,
    client: HttpClient,
    signer: Signer,
    keeps_inferred: bool,
}

fn address_of(region: &str) -> String {
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    format!("https://xray.{region}.{domain}")
}

/// The region of an address such as `https://xray.eu-central-1.amazonaws.com`.
fn region_of(url: &Url) -> Option<&str> {
    let (region, domain) = url.host_str()?.strip_prefix("xray.")?.split_once('.')?;
    domain.starts_with("amazonaws.com").then_some(region)
}

impl XRay {
    fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        let refused = |why: &str, help: &str| FetchError::Refused {
            why: why.to_owned(),
            help: help.to_owned(),
        };
        let credentials = (
            settings.variable("AWS_ACCESS_KEY_ID"),
            settings.variable("AWS_SECRET_ACCESS_KEY"),
        );
        let (Some(id), Some(secret)) = credentials else {
            return Err(refused(
                "no credentials for AWS X-Ray",
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN for temporary ones: `aws configure export-credentials --format env` prints them",
            ));
        };
        let region = region_of(&settings.url);
        let instead = settings
            .variable("AWS_ENDPOINT_URL_XRAY")
            .or_else(|| settings.variable("AWS_ENDPOINT_URL"));
        let url = match instead.filter(|_| region.is_some()) {
            Some(url) => Url::parse(url).map_err(|_| {
                refused(
                    "the endpoint of AWS X-Ray is not a URL",
                    "check AWS_ENDPOINT_URL_XRAY and AWS_ENDPOINT_URL",
                )
            })?,
            None => settings.url.clone(),
        };
        let region = region.or_else(|| settings.variable("AWS_REGION"));
        let keeps_inferred = match settings.option("inferred") {
            None => false,
            Some("keep") => true,
            Some(_) => {
                return Err(refused(
                    "invalid `inferred` of `source`",
                    "write `keep`, or leave it out",
                ));
            }
        };
        Ok(Self {
            name: settings.name(),
            client: HttpClient::new(settings)?,
            signer: Signer::new(
                id,
                secret,
                settings.variable("AWS_SESSION_TOKEN"),
                (region.unwrap_or("us-east-1"), "xray"),
            )
            .map_err(cannot_sign)?,
            url,
            keeps_inferred,
        })
    }

    async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, FetchError> {
        let mut url = self.url.clone();
        url.set_path(path);
        let body = body.to_string();
        let headers = self
            .signer
            .headers(&url, (JSON, None), body.as_bytes(), SystemTime::now());
        let also = [
            StatusCode::BAD_REQUEST,
            StatusCode::FORBIDDEN,
            StatusCode::UNAUTHORIZED,
        ];
        let answer = self.client.post(url, headers, body, &also).await?;
        if !answer.status.is_success() {
            return Err(self.failure(answer.status, &answer.body));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| self.client.unreadable(&error, &answer.body))
    }

    fn failure(&self, status: StatusCode, body: &[u8]) -> FetchError {
        let failure: Failure = serde_json::from_slice(body).unwrap_or_default();
        let kind = failure.kind.rsplit('#').next().unwrap_or_default();
        let what = match kind {
            "" => format!("answers {status}"),
            _ => format!("answers {status}: {kind}: {}", failure.message),
        };
        if kind.starts_with("Thrott") {
            return FetchError::Later {
                why: format!("{} {what}", self.name),
                after: Some(Duration::from_secs(1)),
                help: "it limits requests: run fewer specs at once (`--jobs`)".to_owned(),
            };
        }
        let help = match kind {
            "AccessDeniedException" => {
                "permit `xray:BatchGetTraces` and `xray:GetTraceSummaries` for these credentials"
            }
            _ if status == StatusCode::NOT_FOUND => "check the region or the address of `source`",
            _ if status == StatusCode::BAD_REQUEST => {
                "check the region of `source`, and whether this account uses Transaction Search, whose traces have no such API"
            }
            _ => {
                "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, the region of `source`, and the clock of this machine"
            }
        };
        self.client.refused(&what, help)
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let id = segment::id(trace);
        let mut fetched = Fetched::default();
        let mut documents = Vec::new();
        let mut next: Option<String> = None;
        for number in 1.. {
            let body = json!({ "TraceIds": [&id], "NextToken": next });
            let page: Page = self.call("/Traces", &body).await?;
            for found in page.traces.into_iter().filter(|found| found.id == id) {
                if found.is_cut {
                    let hole = otlp_answer::partial(&self.name, "it exceeds the limit of X-Ray");
                    fetched.holes.push(hole);
                }
                documents.extend(found.segments.into_iter().map(|one| one.document));
            }
            next = self.next(page.next, next.as_deref())?;
            if next.is_none() {
                break;
            }
            if number == MOST_PAGES {
                let why = format!("it has more than {MOST_PAGES} pages");
                fetched.holes.push(otlp_answer::partial(&self.name, &why));
                break;
            }
        }
        let spans = segment::spans(trace, &documents, self.keeps_inferred);
        let spans = spans.map_err(|error| self.client.unreadable(&error, b""))?;
        if let Some(name) = spans.in_progress {
            return Err(FetchError::Later {
                why: format!("the segment `{name}` is in progress in {}", self.name),
                after: None,
                help: "raise `wait.timeout` until the service has ended it".to_owned(),
            });
        }
        fetched.spans = spans.ended;
        Ok(fetched)
    }

    async fn find(&self, wanted: &SearchQuery) -> Result<SearchAnswer, FetchError> {
        let mut answer = SearchAnswer::default();
        let mut end = wanted.to;
        while end > wanted.from {
            let start = end.saturating_sub(LONGEST_WINDOW).max(wanted.from);
            let mut next: Option<String> = None;
            for number in 1.. {
                let body = json!({
                    "StartTime": start / 1_000_000_000,
                    "EndTime": end.div_ceil(1_000_000_000),
                    "TimeRangeType": "Event",
                    "FilterExpression": wanted.service.as_deref().and_then(filter),
                    "NextToken": next,
                });
                let page: Summaries = self.call("/TraceSummaries", &body).await?;
                for Summary { id } in &page.traces {
                    let id = segment::trace_id(id).ok_or_else(|| self.no_id(id))?;
                    if !answer.traces.contains(&id) {
                        answer.traces.push(id);
                    }
                }
                if answer.traces.len() > wanted.limit {
                    answer.traces.truncate(wanted.limit);
                    answer.is_cut = true;
                    return Ok(answer);
                }
                next = self.next(page.next, next.as_deref())?;
                if next.is_none() {
                    break;
                }
                if number == MOST_PAGES {
                    answer.is_cut = true;
                    return Ok(answer);
                }
            }
            end = start;
        }
        Ok(answer)
    }

    /// The token of the next page, after that of this one.
    fn next(&self, next: Option<String>, this: Option<&str>) -> Result<Option<String>, FetchError> {
        match next {
            Some(_) if next.as_deref() == this => Err(self.client.refused(
                "answers a page that is its own next page",
                "check the address of `source`, and any proxy in front of X-Ray",
            )),
            next => Ok(next),
        }
    }

    fn no_id(&self, text: &str) -> FetchError {
        let text: String = text.chars().take(40).collect();
        self.client.refused(
            &format!("answers with a trace whose id cannot be read: `{text}`"),
            "check what wrote the trace, and the address of `source`",
        )
    }
}

/// The filter of traces of a service, if its name can be written in one.
fn filter(service: &str) -> Option<String> {
    let is_plain = |char: char| char.is_alphanumeric() || " _.:/%&#=+-@".contains(char);
    let is_simple = service.chars().all(is_plain) && service != "unknown_service";
    is_simple.then(|| format!("service(\"{service}\")"))
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "Traces", default)]
    traces: Vec<Found>,
    #[serde(rename = "NextToken")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "LimitExceeded", default)]
    is_cut: bool,
    #[serde(rename = "Segments", default)]
    segments: Vec<Document>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "Document")]
    document: String,
}

#[derive(Deserialize)]
struct Summaries {
    #[serde(rename = "TraceSummaries", default)]
    traces: Vec<Summary>,
    #[serde(rename = "NextToken")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Summary {
    #[serde(rename = "Id")]
    id: String,
}

#[derive(Default, Deserialize)]
struct Failure {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(default, alias = "Message")]
    message: String,
}

impl Adapter for XRay {
    fn losses(&self) -> &'static [Field] {
        &[
            Field::ExactTypes,
            Field::MovedAttributes,
            Field::Names,
            Field::Services,
            Field::Kind,
            Field::Status,
            Field::StatusMessage,
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
        Some(
            "X-Ray lists traces some seconds after they can be read, and with Transaction Search only a part of them",
        )
    }

    fn seconds_ahead(&self) -> Option<i64> {
        self.client.clock().seconds_ahead()
    }
}
