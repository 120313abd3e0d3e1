//! `conformance`: cases of trace context, with variables substituted.

use std::time::Duration;

use url::Url;

use super::Tls;
use crate::conformance::Selection;

/// Stands for the URL of the echo in a URL.
pub(crate) const ECHO_PLACEHOLDER: &str = "{echo}";

/// Stands for the id of a request in a URL.
pub(crate) const ID_PLACEHOLDER: &str = "{id}";

/// The conformance cases for one URL.
#[derive(Clone, Debug)]
pub struct Conformance {
    /// The URL to request, perhaps with the placeholder.
    pub(crate) url: Url,
    /// The service calls the echo.
    pub(crate) calls_echo: bool,
    /// The header with the URL of the echo.
    pub(crate) echo_header: http::HeaderName,
    /// The cases.
    pub(crate) selection: Selection,
    /// A violated SHOULD fails.
    pub(crate) is_strict: bool,
    /// The names of the cases that are allowed not to conform.
    pub(crate) allow: Vec<String>,
    /// Headers of all requests.
    pub(crate) headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Certificates for `https`.
    pub(crate) tls: Tls,
    /// Maximum time of a request.
    pub(crate) timeout: Option<Duration>,
}

impl Conformance {
    /// Returns `true` if the service calls the echo.
    #[cfg(feature = "run")]
    pub(crate) fn has_echo(&self) -> bool {
        self.calls_echo
    }

    /// `conformance of http://127.0.0.1:8080/orders`.
    pub(super) fn describe(&self) -> String {
        let mut url = self.url.clone();
        // It fails only for URLs that cannot have a password.
        let _ = url.set_password(None);
        format!("conformance of {url}")
    }
}
