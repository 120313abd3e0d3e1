//! Replaces `tls.rs` without the feature `tls`: `https` is an error.

use std::error::Error;

use reqwest::ClientBuilder;

use super::error::{Attempted, TlsFault, TriggerError};
use super::session::Protocol;
use crate::spec::Tls;

/// Handshakes do not exist.
pub(super) enum Failure {}

pub(super) fn failure(_: &(dyn Error + 'static)) -> Option<Failure> {
    None
}

pub(super) fn alert_as_text(_: &std::io::Error) -> Option<Failure> {
    None
}

pub(super) fn explain(failure: Failure, _: String, _: Attempted) -> TriggerError {
    match failure {}
}

pub(super) fn plain(builder: ClientBuilder) -> ClientBuilder {
    builder
}

pub(super) fn secure(
    _: ClientBuilder,
    _: &Tls,
    _: Protocol,
    attempted: impl FnOnce() -> Attempted,
) -> Result<ClientBuilder, TriggerError> {
    Err(TriggerError::NoTls {
        attempted: attempted(),
    })
}

pub(super) fn remedy(_: &(dyn Error + 'static)) -> Option<&'static str> {
    None
}

pub(super) fn fault(_: &(dyn Error + 'static)) -> Option<TlsFault> {
    None
}

/// Without TLS, an address with `https` is refused when it is used.
pub(super) fn with_certificates(
    builder: ClientBuilder,
    _: &Tls,
) -> Result<ClientBuilder, TriggerError> {
    Ok(builder)
}
