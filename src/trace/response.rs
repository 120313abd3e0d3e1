//! What the trigger got back.

use std::time::Duration;

/// The answer to a request, or the result of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// Of a `request` trigger.
    Http(HttpResponse),
    /// Of a `run` trigger.
    Command(CommandResponse),
    /// A `trace_id` trigger fires nothing, so there is nothing to look at.
    None,
}

/// An HTTP response, whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Headers in the order received; a repeated header stands here repeatedly. Names are
    /// lowercase.
    pub headers: Vec<(String, String)>,
    /// The body, after decompression.
    pub body: Vec<u8>,
    /// From just before the first byte was sent until the whole body was read.
    pub time: Duration,
}

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommandResponse {
    /// The exit code; nothing if a signal ended it.
    pub exit_code: Option<i32>,
    /// What it wrote to standard output. If the beginning was dropped, a first line says so.
    pub stdout: String,
    /// The same of standard error.
    pub stderr: String,
    /// How many bytes of standard output were dropped.
    pub stdout_dropped: u64,
    /// How many bytes of standard error were dropped.
    pub stderr_dropped: u64,
    /// From its start until its end.
    pub time: Duration,
}

impl Response {
    /// How long the caller waited.
    #[must_use]
    pub fn time(&self) -> Option<Duration> {
        match self {
            Self::Http(http) => Some(http.time),
            Self::Command(command) => Some(command.time),
            Self::None => None,
        }
    }

    /// Adds a delay that the caller had before the request was sent.
    #[cfg(feature = "run")]
    pub(crate) fn add_time(&mut self, delay: Duration) {
        match self {
            Self::Http(http) => http.time += delay,
            Self::Command(command) => command.time += delay,
            Self::None => {}
        }
    }

    /// Bytes of the body, or of the output of a command.
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
    /// All values of a header; the name's case does not matter.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; bytes that are no UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}
