//! The settings of a backend: `source` of the project file.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::adapter::{AddressForm, Kind};
use crate::spec::{Refusal, Tls, parse_url};

/// The assumed time from the end of a span until it can be read: SDKs export every 5 s, and a Collector
/// and the backend take time.
pub(crate) const DEFAULT_DELAY: Duration = Duration::from_secs(15);

/// A backend with its address and credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSettings {
    pub(crate) kind: &'static Kind,
    /// Its address, perhaps with a path before that of the API.
    pub(crate) url: Url,
    /// The keys that only its kind has, with their values.
    pub(crate) options: Vec<(&'static str, String)>,
    /// The variables of its kind that are set in the environment.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Headers of every request.
    pub(crate) headers: Vec<(String, String)>,
    /// The tenant whose traces are read.
    pub(crate) tenant: Option<String>,
    /// Certificates for `https`.
    pub(crate) tls: Tls,
    /// Upper bound of the time from the end of a span until it can be read, if it is known.
    pub(crate) delay: Option<Duration>,
    /// Requests carry `tracestate: spanspec=1`, so that a sampler can keep their traces.
    pub(crate) marks_requests: bool,
}

impl SourceSettings {
    /// A backend without further settings. The address is a URL, or has the form of its kind.
    ///
    /// # Errors
    /// It has another form.
    pub(crate) fn new(kind: &'static Kind, address: &str, folder: &Path) -> Result<Self, Refusal> {
        let url = match kind.address {
            AddressForm::Url => parse_url(address)?,
            AddressForm::UrlWith(schemes) => match Url::parse(address) {
                Ok(url) if schemes.contains(&url.scheme()) && url.has_host() => url,
                _ => parse_url(address)?,
            },
            AddressForm::UrlOrName(url) if is_name(address) => parse_url(&url(address))?,
            AddressForm::UrlOrName(_) => parse_url(address)?,
            AddressForm::Path => path_url(&folder.join(address))?,
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::new(
                "the address of a backend contains a user or a password",
                "use `source` in spanspec.yaml with `headers: { Authorization: \"Basic ${CREDENTIALS}\" }`, and put the variable into `secrets`",
            ));
        }
        let variables = kind.variables.iter();
        let variables = variables.filter_map(|&name| Some((name, env::var(name).ok()?)));
        Ok(Self {
            kind,
            url,
            options: Vec::new(),
            variables: variables.filter(|(_, value)| !value.is_empty()).collect(),
            headers: Vec::new(),
            tenant: None,
            tls: Tls::default(),
            delay: None,
            marks_requests: true,
        })
    }

    /// The value of a key that only this kind has.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        value_of(&self.options, name)
    }

    /// The value of a variable of the environment, which the kind must list.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        value_of(&self.variables, name)
    }

    /// The address below that of the backend.
    pub(super) fn address(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// The values of its headers and of variables with credentials, which no output may contain.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = String> {
        let is_secret = |name: &str| {
            ["KEY", "TOKEN", "PASSWORD", "SECRET"]
                .iter()
                .any(|part| name.contains(part))
        };
        let variables = self
            .variables
            .iter()
            .filter(move |(name, _)| is_secret(name));
        let headers = self.headers.iter().map(|(_, value)| value);
        headers
            .chain(variables.map(|(_, value)| value))
            .flat_map(|value| {
                // Also the token without its scheme.
                let token = value.split_once(' ').map(|(_, token)| token);
                [Some(value.as_str()), token]
                    .into_iter()
                    .flatten()
                    .map(str::to_owned)
            })
    }

    /// The backend in messages: `Jaeger at http://127.0.0.1:16686/`.
    pub(crate) fn name(&self) -> String {
        match self.kind.address {
            AddressForm::Path => format!("{} in {}", self.kind.title, self.path().display()),
            _ => format!("{} at {}", self.kind.title, self.url),
        }
    }

    /// The file or folder, if that is its address.
    pub(crate) fn path(&self) -> PathBuf {
        self.url.to_file_path().unwrap_or_default()
    }
}

fn value_of<'s>(all: &'s [(&'static str, String)], name: &str) -> Option<&'s str> {
    let found = all.iter().find(|(other, _)| *other == name)?;
    Some(&found.1)
}

/// Returns `true` for `eu-central-1` and `datadoghq.eu`.
fn is_name(address: &str) -> bool {
    let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.');
    !address.is_empty() && address.chars().all(is_part)
}

fn path_url(path: &Path) -> Result<Url, Refusal> {
    let absolute = std::path::absolute(path).ok();
    let url = absolute.and_then(|path| Url::from_file_path(path).ok());
    url.ok_or_else(|| {
        Refusal::new(
            "this is not a path",
            "write the path of a file or folder".to_owned(),
        )
    })
}
