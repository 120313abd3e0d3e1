//! The settings of a backend: `source` of the project file.

use std::time::Duration;

use url::Url;

use super::adapter::Kind;

/// The assumed time from the end of a span until it can be read: SDKs export every 5 s, and a Collector
/// and the backend take time.
pub(crate) const DEFAULT_DELAY: Duration = Duration::from_secs(15);

/// A backend with its address and credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSettings {
    pub(crate) kind: &'static Kind,
    /// Its address, perhaps with a path before that of the API.
    pub(crate) url: Url,
    /// Headers of every request.
    pub(crate) headers: Vec<(String, String)>,
    /// The tenant whose traces are read.
    pub(crate) tenant: Option<String>,
    /// Upper bound of the time from the end of a span until it can be read, if it is known.
    pub(crate) delay: Option<Duration>,
    /// Requests carry `tracestate: spanspec=1`, so that a sampler can keep their traces.
    pub(crate) marks_requests: bool,
}

impl SourceSettings {
    /// The address below that of the backend.
    pub(super) fn address(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// The values of its headers, which no output may contain.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = String> {
        self.headers.iter().flat_map(|(_, value)| {
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
        format!("{} at {}", self.kind.title, self.url)
    }
}
