//! Cookies and connections that the triggers of one attempt share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;
use reqwest::Client;
use reqwest::cookie::{CookieStore, Jar};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use super::cause::UnknownHost;
use super::hop::Hop;
use super::publish::Connections;
use super::{Attempted, TriggerError, tls};
use crate::spec::{Tls, is_loopback};

/// The cookie jar, the HTTP clients and the connections to brokers of one attempt of a spec.
///
/// Requests use the proxies of the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`), except for
/// loopback addresses. TLS is set up for the first `https` URL, so that plain `http` works without
/// installed certificate authorities.
#[derive(Debug, Default)]
pub struct Session {
    jar: Jar,
    /// The cookies as they were set, to copy the jar.
    set: Mutex<Vec<(Url, Vec<HeaderValue>)>>,
    clients: Arc<Mutex<HashMap<Route, Client>>>,
    #[cfg(feature = "grpc")]
    schemas: Arc<super::grpc::Schemas>,
    brokers: Arc<Connections>,
}

/// Properties of requests that can share a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Route {
    tls: Option<Tls>,
    proxies: Proxies,
    protocol: Protocol,
}

/// The protocol of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Protocol {
    /// HTTP/1.1, or HTTP/2 if a TLS server offers it.
    Http,
    /// HTTP/2 only.
    Grpc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Proxies {
    None,
    FromEnvironment,
}

impl Session {
    /// A session with an empty jar and without connections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A session with a copy of the jar and the same connections.
    #[must_use]
    pub fn with_own_cookies(&self) -> Self {
        let own = Self {
            clients: Arc::clone(&self.clients),
            #[cfg(feature = "grpc")]
            schemas: Arc::clone(&self.schemas),
            brokers: Arc::clone(&self.brokers),
            ..Self::default()
        };
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        for (url, cookies) in set.iter() {
            own.keep(url, cookies.clone());
        }
        drop(set);
        own
    }

    /// The value of a cookie for this URL.
    #[must_use]
    pub fn cookie(&self, url: &Url, name: &str) -> Option<String> {
        let header = self.jar.cookies(url)?;
        let value = pairs(header.to_str().ok()?)
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.to_owned())
    }

    /// The `cookie` header for this URL: the cookies of the spec, then those of the jar with other
    /// names.
    pub(super) fn cookies(&self, url: &Url, own: Option<&HeaderValue>) -> Option<HeaderValue> {
        let Some(own) = own else {
            return self.jar.cookies(url);
        };
        let (Some(jar), Ok(own_text)) = (self.jar.cookies(url), own.to_str()) else {
            return Some(own.clone());
        };
        let fresh = pairs(jar.to_str().ok()?)
            .filter(|pair| !pairs(own_text).any(|written| key(written) == key(pair)));
        let all: Vec<_> = pairs(own_text).chain(fresh).collect();
        HeaderValue::from_str(&all.join("; ")).ok()
    }

    /// The connections to brokers.
    pub(super) fn brokers(&self) -> &Connections {
        &self.brokers
    }

    /// Stores the cookies that a response sets.
    pub(super) fn remember(&self, url: &Url, headers: &http::HeaderMap) {
        let cookies = headers.get_all(http::header::SET_COOKIE);
        self.keep(url, cookies.iter().cloned().collect());
    }

    fn keep(&self, url: &Url, cookies: Vec<HeaderValue>) {
        if cookies.is_empty() {
            return;
        }
        self.jar.set_cookies(&mut cookies.iter(), url);
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        set.push((url.clone(), cookies));
    }

    /// The client for a request. Connections of the session are reused.
    pub(super) fn client(&self, hop: &Hop) -> Result<Client, TriggerError> {
        self.client_of(Route::of(&hop.url, &hop.tls, Protocol::Http), || {
            hop.attempted()
        })
    }

    /// The client for gRPC calls of a server. They share one connection.
    #[cfg(feature = "grpc")]
    pub(super) fn grpc_client(&self, server: &Url, tls: &Tls) -> Result<Client, TriggerError> {
        self.client_of(Route::of(server, tls, Protocol::Grpc), || {
            Attempted::new(&http::Method::POST, server)
        })
    }

    /// The schemas that servers have sent.
    #[cfg(feature = "grpc")]
    pub(super) fn schemas(&self) -> &super::grpc::Schemas {
        &self.schemas
    }

    fn client_of(
        &self,
        route: Route,
        attempted: impl FnOnce() -> Attempted,
    ) -> Result<Client, TriggerError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&route) {
            return Ok(client.clone());
        }
        let client = route.client(attempted)?;
        clients.insert(route, client.clone());
        Ok(client)
    }
}

fn pairs(header: &str) -> impl Iterator<Item = &str> {
    header
        .split(';')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
}

fn key(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

impl Route {
    fn of(url: &Url, tls: &Tls, protocol: Protocol) -> Self {
        Self {
            tls: (url.scheme() == "https").then(|| tls.clone()),
            proxies: match is_loopback(url) {
                true => Proxies::None,
                false => Proxies::FromEnvironment,
            },
            protocol,
        }
    }

    fn client(&self, attempted: impl FnOnce() -> Attempted) -> Result<Client, TriggerError> {
        let mut builder = Client::builder()
            .user_agent(concat!("spanspec/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_gzip()
            .no_deflate()
            .no_brotli()
            .no_zstd()
            .dns_resolver(Arc::new(Lookup));
        if self.proxies == Proxies::None {
            builder = builder.no_proxy();
        }
        if self.protocol == Protocol::Grpc {
            builder = builder.http2_prior_knowledge();
        }
        let builder = match &self.tls {
            None => tls::plain(builder),
            Some(tls) => tls::secure(builder, tls, self.protocol, attempted)?,
        };
        let built = builder.build();
        built.map_err(|source| TriggerError::TlsSetup(source.into()))
    }
}

/// The resolver of the system, with the name in its errors.
struct Lookup;

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0))
                .await
                .map(Iterator::collect::<Vec<SocketAddr>>);
            match found {
                Ok(found) => Ok(Box::new(found.into_iter()) as Addrs),
                Err(source) => Err(UnknownHost { host, source }.into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn proxies_are_never_asked_for_this_machine() {
        for here in [
            "http://127.0.0.2:1/",
            "http://[::1]/",
            "http://localhost/",
            "http://a.localhost/",
        ] {
            assert_eq!(
                Route::of(&url(here), &Tls::default(), Protocol::Http).proxies,
                Proxies::None,
                "{here}"
            );
        }
        let there = Route::of(&url("http://shop.test/"), &Tls::default(), Protocol::Http);
        assert_eq!(there.proxies, Proxies::FromEnvironment);
    }

    #[test]
    fn plain_http_asks_for_no_tls() {
        assert_eq!(
            Route::of(&url("http://localhost/"), &Tls::default(), Protocol::Http).tls,
            None
        );
    }

    #[test]
    fn a_copy_of_a_jar_starts_with_its_cookies_and_shares_no_other() {
        let set = |session: &Session, cookie: &'static str| {
            let mut headers = http::HeaderMap::new();
            headers.insert(http::header::SET_COOKIE, HeaderValue::from_static(cookie));
            session.remember(&url("http://localhost/"), &headers);
        };
        let has = |session: &Session, name| session.cookie(&url("http://localhost/"), name);
        let session = Session::new();
        set(&session, "login=setup");
        let (one, other) = (session.with_own_cookies(), session.with_own_cookies());
        set(&one, "cart=one");
        assert_eq!(has(&one, "login").as_deref(), Some("setup"));
        assert_eq!(has(&one, "cart").as_deref(), Some("one"));
        assert_eq!(has(&other, "login").as_deref(), Some("setup"));
        assert_eq!((has(&other, "cart"), has(&session, "cart")), (None, None));
    }

    #[test]
    fn written_cookies_come_before_those_of_the_jar_and_win() {
        let session = Session::new();
        let at = url("http://localhost/");
        session.jar.add_cookie_str("a=jar", &at);
        session.jar.add_cookie_str("b=jar", &at);
        let own = HeaderValue::from_static("a=own");
        let sent = session.cookies(&at, Some(&own)).unwrap();
        assert_eq!(sent, "a=own; b=jar");
        assert_eq!(session.cookie(&at, "b").as_deref(), Some("jar"));
    }
}
