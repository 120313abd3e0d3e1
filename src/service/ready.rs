//! Readiness checks of services.

use std::error::Error;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use url::{Host, Url};

use super::output::ServiceOutput;
use crate::trace::{SpanId, TraceId};

/// Timeout of an attempt.
const ATTEMPT: Duration = Duration::from_secs(2);

/// The pause between attempts doubles from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LAST_PAUSE: Duration = Duration::from_millis(200);

/// A readiness check.
#[derive(Clone, Debug)]
pub enum Ready {
    /// `GET` of this URL answers with status 2xx. Redirects are not followed, and certificates are
    /// not verified. The request has an unsampled trace context, so that a service that respects it
    /// records no spans.
    Http(Url),
    /// This `host:port` accepts a connection.
    Tcp(String),
    /// A line of one of the outputs contains a match.
    Log(regex::Regex),
}

/// The last attempt and its result.
#[derive(Debug, Default)]
pub(super) struct LastTry(Mutex<String>);

impl LastTry {
    fn set(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    pub(super) fn text(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Ready {
    /// Waits until the check succeeds, without a timeout.
    pub(super) async fn wait(&self, output: &ServiceOutput, last: &LastTry) {
        match self {
            Self::Http(url) => Probe::Http(client(), url).until_it_holds(last).await,
            Self::Tcp(address) => Probe::Tcp(address).until_it_holds(last).await,
            Self::Log(regex) => {
                last.set(format!("no line of its output matches `{regex}`"));
                output.seen().await;
            }
        }
    }

    /// The line to search for in the output.
    pub(super) fn line(&self) -> Option<regex::Regex> {
        match self {
            Self::Log(regex) => Some(regex.clone()),
            Self::Http(_) | Self::Tcp(_) => None,
        }
    }

    /// The port on this machine that must answer.
    pub(super) fn local_port(&self) -> Option<u16> {
        let url = match self {
            Self::Http(url) => url.clone(),
            // With an unknown scheme, the parser returns an IPv4 address as a name.
            Self::Tcp(address) => format!("http://{address}").parse().ok()?,
            Self::Log(_) => return None,
        };
        let here = match url.host()? {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(name) => name == "localhost",
        };
        url.port_or_known_default().filter(|_| here)
    }
}

/// A check that is repeated until it succeeds.
enum Probe<'a> {
    Http(reqwest::Client, &'a Url),
    Tcp(&'a str),
}

impl Probe<'_> {
    async fn until_it_holds(&self, last: &LastTry) {
        let mut pause = FIRST_PAUSE;
        while let Err(text) = self.attempt().await {
            last.set(text);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    async fn attempt(&self) -> Result<(), String> {
        match self {
            Self::Http(client, url) => match get(client, url).await {
                Ok(status) if status.is_success() => Ok(()),
                Ok(status) => Err(format!("GET {url} answered {}", status.as_u16())),
                Err(error) => Err(format!("GET {url}: {}", reason(&error))),
            },
            Self::Tcp(address) => connect(address)
                .await
                .map_err(|reason| format!("connecting to {address}: {reason}")),
        }
    }
}

/// Without a proxy, since services of spanspec run on this machine.
fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder();
    #[cfg(feature = "tls")]
    let builder = builder.tls_danger_accept_invalid_certs(true);
    builder
        .user_agent(concat!("spanspec/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(ATTEMPT)
        .build()
        .expect("nothing is read from this machine, so nothing can be missing")
}

async fn get(client: &reqwest::Client, url: &Url) -> reqwest::Result<reqwest::StatusCode> {
    let unsampled = format!("00-{}-{}-00", TraceId::random(), SpanId::random());
    let request = client.get(url.clone()).header("traceparent", unsampled);
    Ok(request.send().await?.status())
}

async fn connect(address: &str) -> Result<(), String> {
    match tokio::time::timeout(ATTEMPT, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(reason(&error)),
        Err(_) => Err(format!("no answer within {ATTEMPT:?}")),
    }
}

/// A short text for the cause of a failed attempt.
fn reason(error: &(dyn Error + 'static)) -> String {
    if error
        .downcast_ref::<reqwest::Error>()
        .is_some_and(reqwest::Error::is_timeout)
    {
        return format!("no answer within {ATTEMPT:?}");
    }
    let mut deepest = error;
    loop {
        if let Some(system) = deepest.downcast_ref::<io::Error>()
            && system.kind() == io::ErrorKind::ConnectionRefused
        {
            return "connection refused".to_owned();
        }
        match deepest.source() {
            Some(source) => deepest = source,
            None => return deepest.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_port_of_this_machine_is_local() {
        let http = |url: &str| Ready::Http(url.parse().unwrap()).local_port();
        assert_eq!(http("http://127.0.0.1:8080/health"), Some(8080));
        assert_eq!(http("http://localhost/"), Some(80));
        assert_eq!(http("http://shop.test:8080/"), None);
        assert_eq!(Ready::Tcp("[::1]:5432".into()).local_port(), Some(5432));
        assert_eq!(Ready::Tcp("127.0.0.1:80".into()).local_port(), Some(80));
        assert_eq!(Ready::Tcp("db:5432".into()).local_port(), None);
    }
}
