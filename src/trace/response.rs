//! Responses of triggers.

use std::time::Duration;

/// The response to a request, or the result of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// The response to a `request` trigger.
    Http(HttpResponse),
    /// The result of a `run` trigger.
    Command(CommandResponse),
    /// No response: a `trace_id` trigger sends nothing.
    None,
}

/// An HTTP response with its whole body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Headers in the order received, including repeated ones. Names are lowercase.
    pub headers: Vec<(String, String)>,
    /// The body, after decompression.
    pub body: Vec<u8>,
    /// From just before the first byte was sent until the whole body was read.
    pub time: Duration,
}

/// The result of a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommandResponse {
    /// The exit code; `None` if a signal ended the command.
    pub exit_code: Option<i32>,
    /// Standard output. If the beginning was dropped, the first line is a note about it.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    /// Number of dropped bytes of standard output.
    pub stdout_dropped: u64,
    /// Number of dropped bytes of standard error.
    pub stderr_dropped: u64,
    /// From its start until its end.
    pub time: Duration,
}

impl Response {
    /// The response time.
    #[must_use]
    pub fn time(&self) -> Option<Duration> {
        match self {
            Self::Http(http) => Some(http.time),
            Self::Command(command) => Some(command.time),
            Self::None => None,
        }
    }

    /// Adds a delay before the request was sent.
    #[cfg(feature = "run")]
    pub(crate) fn add_time(&mut self, delay: Duration) {
        match self {
            Self::Http(http) => http.time += delay,
            Self::Command(command) => command.time += delay,
            Self::None => {}
        }
    }

    /// Number of bytes of the body, or of the output of a command.
    #[cfg(feature = "run")]
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Http(http) => http.body.len(),
            Self::Command(command) => command.stdout.len() + command.stderr.len(),
            Self::None => 0,
        }
    }

    /// The HTTP response, if it is one.
    #[must_use]
    pub fn http(&self) -> Option<&HttpResponse> {
        match self {
            Self::Http(http) => Some(http),
            Self::Command(_) | Self::None => None,
        }
    }

    /// The body that can contain JSON.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.http().map(|http| http.body.as_slice())
    }
}

impl HttpResponse {
    /// All values of a header. The case of the name does not matter.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as a string; invalid UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}
