//! Converts errors of the HTTP client to errors with help.

use std::error::Error;
use std::io;

use super::error::{Attempted, TriggerError};
use super::tls;

/// A host name without an address. The HTTP client wraps it in its error.
#[derive(Debug, thiserror::Error)]
#[error("cannot resolve the host `{host}`")]
pub(super) struct UnknownHost {
    pub(super) host: String,
    pub(super) source: io::Error,
}

/// Converts an error of the HTTP client.
pub(super) fn explain(error: reqwest::Error, attempted: Attempted) -> TriggerError {
    let address = attempted.address();
    match Cause::of(&error) {
        Cause::Refused => TriggerError::Refused { address, attempted },
        Cause::UnknownHost { host, source } => TriggerError::UnknownHost {
            host,
            attempted,
            source,
        },
        Cause::Tls(failure) => tls::explain(failure, address, attempted),
        Cause::NotHttp2 => TriggerError::NotHttp2 { attempted },
        Cause::NotHttp => TriggerError::NotHttp {
            attempted,
            source: error,
        },
        Cause::Closed => TriggerError::Closed {
            attempted,
            source: error,
        },
        Cause::TooManyFiles => TriggerError::TooManyFiles { attempted },
        Cause::Other if error.is_connect() => TriggerError::Unreachable {
            address,
            attempted,
            source: error,
        },
        Cause::Other => TriggerError::Request {
            attempted,
            source: error,
        },
    }
}

/// The root cause of an error of the HTTP client.
enum Cause {
    Refused,
    UnknownHost { host: String, source: io::Error },
    Tls(tls::Failure),
    NotHttp,
    NotHttp2,
    Closed,
    TooManyFiles,
    Other,
}

impl Cause {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(cause) = Self::told_by(error) {
                return cause;
            }
            next = beneath(error);
        }
        Self::Other
    }

    fn told_by(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(unknown) = error.downcast_ref::<UnknownHost>() {
            return Some(Self::UnknownHost {
                host: unknown.host.clone(),
                source: io::Error::new(unknown.source.kind(), unknown.source.to_string()),
            });
        }
        if let Some(failure) = tls::failure(error) {
            return Some(Self::Tls(failure));
        }
        if let Some(http2) = error.downcast_ref::<h2::Error>() {
            return Self::told_by_http2(http2);
        }
        if let Some(http) = error.downcast_ref::<hyper::Error>() {
            return Self::told_by_http(http);
        }
        Self::told_by_system(error.downcast_ref::<io::Error>()?)
    }

    fn told_by_http(error: &hyper::Error) -> Option<Self> {
        match error {
            _ if error.is_parse() => Some(Self::NotHttp),
            _ if error.is_incomplete_message() => Some(Self::Closed),
            // The connection ended before the request was sent.
            _ if error.is_closed() || error.is_canceled() => Some(Self::Closed),
            _ => None,
        }
    }

    fn told_by_http2(error: &h2::Error) -> Option<Self> {
        // The first bytes of another protocol, read as the length of a frame, are too large.
        let is_no_frame = error.reason() == Some(h2::Reason::FRAME_SIZE_ERROR);
        if is_no_frame && !error.is_remote() {
            return Some(Self::NotHttp2);
        }
        // It is not the `source`.
        match Self::of(error.get_io()?) {
            Self::Other => None,
            cause => Some(cause),
        }
    }

    fn told_by_system(error: &io::Error) -> Option<Self> {
        use io::ErrorKind as K;
        // An error that wraps another one is described by the inner one.
        if error
            .get_ref()
            .is_some_and(|inner| tls::failure(inner).is_some())
        {
            return None;
        }
        match error.kind() {
            K::ConnectionRefused => Some(Self::Refused),
            K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe | K::UnexpectedEof => {
                Some(Self::Closed)
            }
            K::InvalidData => tls::alert_as_text(error).map(Self::Tls),
            _ if is_about_files(error) => Some(Self::TooManyFiles),
            _ => None,
        }
    }
}

/// Returns `true` if the process has reached its limit of open files.
fn is_about_files(error: &io::Error) -> bool {
    #[cfg(unix)]
    const TOO_MANY: i32 = nix::errno::Errno::EMFILE as i32;
    // WSAEMFILE.
    #[cfg(not(unix))]
    const TOO_MANY: i32 = 10_024;
    error.raw_os_error() == Some(TOO_MANY)
}

/// The next error of the chain. The `source` of an [`io::Error`] skips the error that it wraps.
pub(super) fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
