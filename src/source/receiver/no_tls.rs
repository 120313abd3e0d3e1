//! Replaces `tls.rs` without the feature `tls`: a receiver with TLS is an error.

use super::certificates::{TlsFile, TlsFiles, TlsProblem};

/// Handshakes do not exist.
#[derive(Clone, Debug)]
pub(super) enum Acceptor {}

pub(super) type Stream<S> = S;

#[derive(Debug)]
pub(super) struct HandshakeError {
    pub(super) reason: String,
    pub(super) remedy: &'static str,
}

impl Acceptor {
    pub(super) fn load(_: &TlsFiles) -> Result<(Self, Vec<TlsProblem>), TlsProblem> {
        Err(TlsProblem {
            file: TlsFile::Cert,
            what: "a receiver with TLS requires the feature `tls` of spanspec".to_owned(),
            label: "no TLS in this build",
            help: "add the feature `tls` of spanspec in Cargo.toml".to_owned(),
        })
    }

    pub(super) fn is_valid_for(&self, _: &str) -> bool {
        match *self {}
    }

    pub(super) async fn accept<S>(&self, _: S) -> Result<Stream<S>, HandshakeError> {
        match *self {}
    }
}
