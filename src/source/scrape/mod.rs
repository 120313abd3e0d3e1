//! Reads the metrics that services expose over HTTP for Prometheus, as if they had sent them over OTLP.
//!
//! `text` reads the formats, `families` assembles metrics. When to read is left to `step`.

mod families;
mod text;

use std::error::Error;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use url::Url;

use families::{ScrapedProcess, metrics_of};
use text::{Exposition, Format, Unreadable};

use super::metric_watch::MetricWatch;
use super::otlp::MetricExport;
use crate::trace::{Hole, MetricHole, Nanos, Sender, SpanId, TraceId, nanos_of, unix_nanos};

/// OpenMetrics has exemplars, so it is preferred.
const FORMATS: &str =
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// Maximum time for an answer, and for its connection.
const ANSWER: Duration = Duration::from_secs(5);
const CONNECTION: Duration = Duration::from_secs(1);

/// Maximum size of an answer.
const MOST_BYTES: usize = 64 << 20;

/// The pause before a request that failed is repeated.
const PAUSE: Duration = Duration::from_millis(250);

/// An endpoint with the metrics of a service.
#[derive(Clone, Debug)]
pub struct ScrapeTarget {
    /// The name of the service in the project file.
    pub service: String,
    /// Its `service.name`, if the project file sets it.
    pub telemetry_name: Option<String>,
    /// The endpoint.
    pub url: Url,
}

/// Reads endpoints.
#[derive(Debug)]
pub(crate) struct Scraper {
    client: reqwest::Client,
    endpoints: Vec<Endpoint>,
}

/// An endpoint, and the service whose metrics its last answer had.
#[derive(Debug)]
struct Endpoint {
    target: ScrapeTarget,
    /// `None` if it is not known, or the answer had metrics of several services.
    service: Option<String>,
}

/// The metrics in an answer.
struct Answer {
    export: MetricExport,
    /// Metrics that contradict themselves.
    holes: Vec<MetricHole>,
    /// The only service with metrics in it.
    service: Option<String>,
}

/// The reason why an endpoint could not be read.
#[derive(Debug)]
struct Failure {
    what: String,
    help: String,
    /// A further request can succeed.
    is_temporary: bool,
}

impl Scraper {
    /// A client for these endpoints. It uses no proxy, since services of spanspec run on this machine.
    ///
    /// # Panics
    /// Never: nothing is read from this machine.
    pub(crate) fn new(targets: Vec<ScrapeTarget>) -> Self {
        Self::within(targets, ANSWER)
    }

    /// The same with another limit for the time of an answer.
    fn within(targets: Vec<ScrapeTarget>, answer: Duration) -> Self {
        let builder = reqwest::Client::builder();
        #[cfg(feature = "tls")]
        let builder = builder.tls_danger_accept_invalid_certs(true);
        let client = builder
            .user_agent(concat!("spanspec/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECTION)
            .timeout(answer)
            .build()
            .expect("nothing is read from this machine, so nothing can be missing");
        let endpoints = targets.into_iter().map(|target| Endpoint {
            target,
            service: None,
        });
        Self {
            client,
            endpoints: endpoints.collect(),
        }
    }

    /// Reads all endpoints into a watch. One that fails is read again until the deadline. `age` is an upper
    /// limit for the age of the values. Returns the metrics that are missing.
    pub(crate) async fn scrape(
        &mut self,
        watch: &MetricWatch,
        age: Duration,
        deadline: Instant,
    ) -> Vec<MetricHole> {
        let client = &self.client;
        let endpoints = self.endpoints.iter_mut();
        let holes = endpoints.map(|endpoint| endpoint.scrape(client, (watch, age), deadline));
        join_all(holes).await.concat()
    }
}

impl Endpoint {
    async fn scrape(
        &mut self,
        client: &reqwest::Client,
        (watch, age): (&MetricWatch, Duration),
        deadline: Instant,
    ) -> Vec<MetricHole> {
        loop {
            let time = unix_nanos(SystemTime::now()).saturating_sub(nanos_of(age));
            let failure = match get(client, &self.target.url).await {
                Ok((body, format)) => match self.target.read(body, format, time).await {
                    Ok(answer) => {
                        watch.take_in(answer.export);
                        self.service = answer.service;
                        return answer.holes;
                    }
                    Err(unreadable) => Failure::from(&unreadable),
                },
                Err(failure) => failure,
            };
            if !failure.is_temporary || Instant::now() + PAUSE >= deadline {
                // If the endpoint did not name its service, the metrics of any service can be missing.
                let service = self.service.clone();
                let hole = self.target.hole(&failure.what, failure.help);
                return vec![MetricHole { service, ..hole }];
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn get(client: &reqwest::Client, url: &Url) -> Result<(Vec<u8>, Format), Failure> {
    // A service that respects the flag records no span.
    let unsampled = format!("00-{}-{}-00", TraceId::random(), SpanId::random());
    let request = client.get(url.clone());
    let request = request
        .header(ACCEPT, FORMATS)
        .header("traceparent", unsampled);
    let mut response = request.send().await.map_err(|error| no_answer(&error))?;
    let status = response.status();
    if status != reqwest::StatusCode::OK {
        return Err(refused(status));
    }
    let content_type = content_type(response.headers());
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|error| no_answer(&error))? {
        body.extend_from_slice(&bytes);
        if body.len() > MOST_BYTES {
            return Err(Failure::lasting(
                format!("answered more than {} MiB", MOST_BYTES >> 20),
                "expose fewer series: fewer attributes, or fewer metrics",
            ));
        }
    }
    let format = format_of(&content_type, &body)?;
    Ok((body, format))
}

impl ScrapeTarget {
    /// As `export`, beside other tasks: a large answer takes seconds.
    async fn read(&self, body: Vec<u8>, format: Format, time: u64) -> Result<Answer, Unreadable> {
        let target = self.clone();
        let reading = tokio::task::spawn_blocking(move || target.export(&body, format, time));
        reading.await.expect("the reader of a text has no panic")
    }

    fn export(&self, body: &[u8], format: Format, time: u64) -> Result<Answer, Unreadable> {
        let exposition = Exposition::read(body, format)?;
        let name = self.telemetry_name.as_deref().unwrap_or(&self.service);
        let scraped = metrics_of(&exposition, ScrapedProcess { name, time });
        let processes = scraped.processes.into_iter();
        let identified = processes.map(|(id, block)| (format!("{}\n{id}", self.url), block));
        let export = MetricExport::scraped(identified.collect(), time);
        let service = only_service(&export);
        let hole = |name: Option<String>, what: &str| {
            let what = format!("answered samples that contradict each other: {what}");
            let help = "correct the code that exposes this metric";
            MetricHole {
                name,
                service: service.clone(),
                ..self.hole(&what, help.to_owned())
            }
        };
        let problems = scraped.problems;
        let others = problems.has_more.then(|| hole(None, "many metrics"));
        let named = problems.of.into_iter();
        let named = named.map(|(metric, what)| hole(Some(metric), &what));
        Ok(Answer {
            holes: named.chain(others).collect(),
            export,
            service,
        })
    }

    /// The loss of all metrics of the endpoint.
    fn hole(&self, what: &str, help: String) -> MetricHole {
        MetricHole {
            name: None,
            service: None,
            scraped: self.telemetry_name.clone(),
            hole: Hole {
                reason: format!(
                    "`scrape` of `{}`: GET {} {what}",
                    self.service,
                    without_user(&self.url)
                ),
                sender: Sender::default(),
                remedy: help,
            },
        }
    }
}

/// The service of all processes; `None` without a point, since the endpoint may name another one with the first.
fn only_service(export: &MetricExport) -> Option<String> {
    let mut processes = export.processes.iter();
    let has_points = export.processes.iter().any(|one| !one.points.is_empty());
    let first = processes.next().filter(|_| has_points)?;
    let name = first.resource.service();
    let is_only = processes.all(|other| other.resource.service() == name);
    is_only.then(|| name.to_owned())
}

/// The URL for a message, without user and password.
fn without_user(url: &Url) -> Url {
    let mut url = url.clone();
    // Both succeed for URLs with a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// Takes in a text of OpenMetrics that a service exposes at a time, for tests of reports.
#[cfg(feature = "cli")]
pub(crate) fn expose(watch: &MetricWatch, service: &str, text: &str, time: Nanos) {
    let target = ScrapeTarget {
        service: service.to_owned(),
        telemetry_name: None,
        url: Url::parse("http://127.0.0.1/metrics").expect("it is valid"),
    };
    let export = target.export(text.as_bytes(), Format::OpenMetrics, time);
    let answer = export.unwrap_or_else(|error| panic!("the text of a test can be read: {error}"));
    watch.take_in(answer.export);
}

impl From<&Unreadable> for Failure {
    fn from(unreadable: &Unreadable) -> Self {
        Self {
            // The service may have been interrupted.
            is_temporary: matches!(unreadable, Unreadable::NoEof | Unreadable::Cut),
            ..Self::lasting(
                format!("answered no valid metrics: {unreadable}"),
                "let the endpoint send OpenMetrics 1.0, or the Prometheus text format 0.0.4",
            )
        }
    }
}

impl Failure {
    fn lasting(what: impl Into<String>, help: &str) -> Self {
        Self {
            what: what.into(),
            help: help.to_owned(),
            is_temporary: false,
        }
    }

    fn temporary(what: impl Into<String>, help: &str) -> Self {
        Self {
            is_temporary: true,
            ..Self::lasting(what, help)
        }
    }
}

fn no_answer(error: &reqwest::Error) -> Failure {
    let mut deepest: &(dyn Error + 'static) = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    let system = deepest.downcast_ref::<io::Error>();
    if system.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        return Failure::temporary(
            "found no listener: connection refused",
            "correct the port in `scrape`, and let the service serve its metrics before it is ready",
        );
    }
    if error.is_timeout() {
        return Failure::temporary(
            format!("had no answer within {} s", ANSWER.as_secs()),
            "correct the address in `scrape`, or expose fewer metrics",
        );
    }
    Failure::temporary(
        format!("failed: {deepest}"),
        "correct the address in `scrape`, and look for an error in the output of the service (`--verbose`)",
    )
}

fn refused(status: reqwest::StatusCode) -> Failure {
    let what = format!("answered {status}");
    match status.as_u16() {
        300..=399 => Failure::lasting(what, "write the address of the redirect into `scrape`"),
        401 | 403 => Failure::lasting(
            what,
            "write user and password into the URL, `http://user:${PASSWORD}@…`, or permit requests without credentials in tests",
        ),
        404 | 405 => Failure::lasting(
            what,
            "correct the path in `scrape`, which is often `/metrics`, or the port: exporters often have their own",
        ),
        500.. => Failure::temporary(
            what,
            "look for the error in the output of the service (`--verbose`)",
        ),
        _ => Failure::lasting(what, "correct the address in `scrape`"),
    }
}

/// The media type, in lower case.
fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    let value = String::from_utf8_lossy(value.unwrap_or_default());
    let (media, _) = value.split_once(';').unwrap_or((&value, ""));
    media.trim().to_ascii_lowercase()
}

fn format_of(content_type: &str, body: &[u8]) -> Result<Format, Failure> {
    let is_page = body.trim_ascii_start().starts_with(b"<") || content_type == "text/html";
    match content_type {
        _ if is_page => Err(Failure::lasting(
            "answered a web page",
            "write the address of the metrics into `scrape`; its path is often `/metrics`",
        )),
        "application/openmetrics-text" => Ok(Format::OpenMetrics),
        "" | "text/plain" | "application/octet-stream" => Ok(Format::Prometheus),
        other => Err(Failure::lasting(
            format!("answered `{other}`, which is no text format of metrics"),
            "let the endpoint send OpenMetrics 1.0, or the Prometheus text format 0.0.4",
        )),
    }
}

#[cfg(test)]
mod tests;
