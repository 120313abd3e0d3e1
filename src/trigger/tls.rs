//! TLS of requests: certificates, and errors of handshakes. `no_tls.rs` replaces this file without
//! the feature `tls`.

mod files;
mod pkcs8;
mod verifier;

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use reqwest::ClientBuilder;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys};

use super::error::{Attempted, PemProblem, TlsBlame, TlsFault, TriggerError};
use super::session::Protocol;
use crate::spec::Tls;

/// The reason why a handshake failed.
pub(super) type Failure = Box<rustls::Error>;

/// The reason, if this is an error of TLS.
pub(super) fn failure(error: &(dyn Error + 'static)) -> Option<Failure> {
    Some(Box::new(error.downcast_ref::<rustls::Error>()?.clone()))
}

/// The reason, if the server refused the client certificate after the handshake. The HTTP/2 client
/// keeps only the text of this error.
pub(super) fn alert_as_text(error: &io::Error) -> Option<Failure> {
    use rustls::AlertDescription as A;
    const ALERTS: [A; 9] = [
        A::CertificateRequired,
        A::BadCertificate,
        A::UnsupportedCertificate,
        A::CertificateRevoked,
        A::CertificateExpired,
        A::CertificateUnknown,
        A::UnknownCA,
        A::AccessDenied,
        A::DecryptError,
    ];
    let text = error.to_string();
    let mut alerts = ALERTS.into_iter().map(rustls::Error::AlertReceived);
    let alert = alerts.find(|alert| alert.to_string() == text)?;
    Some(Box::new(alert))
}

/// Converts the error of a handshake.
pub(super) fn explain(source: Failure, address: String, attempted: Attempted) -> TriggerError {
    match &*source {
        rustls::Error::InvalidCertificate(reason) => TriggerError::Untrusted {
            address,
            attempted,
            hint: certificate_hint(reason),
            source,
        },
        rustls::Error::InvalidMessage(_) => TriggerError::NotTls { address, attempted },
        _ => TriggerError::Handshake {
            address,
            attempted,
            source,
        },
    }
}

fn certificate_hint(reason: &rustls::CertificateError) -> &'static str {
    use rustls::CertificateError as E;
    match reason {
        E::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "issue a certificate with the name of the host as `subjectAltName`, which this one lacks, or set `tls: { verify: false }`"
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            "use a name of the certificate, which was issued for others, or set `tls: { verify: false }`"
        }
        E::Expired | E::ExpiredContext { .. } => {
            "renew the certificate, which has expired, or set `tls: { verify: false }`"
        }
        reason if verifier::is_old_version(reason) => {
            "issue a certificate of X.509 version 3, because rustls accepts no server with version 1 (`openssl … -addext subjectAltName=DNS:localhost` makes version 3), or set `tls: { verify: false }`"
        }
        reason if verifier::is_authority(reason) => {
            "trust this self-signed certificate: put its file into `tls: { ca: … }`, or set `tls: { verify: false }`"
        }
        _ => "add its authority with `tls: { ca: … }`, or set `tls: { verify: false }`",
    }
}

/// A client for plain `http`.
pub(super) fn plain(builder: ClientBuilder) -> ClientBuilder {
    // An empty list of roots prevents reading those of the system.
    builder.tls_certs_only([])
}

/// The remedy if the certificate of the server is not trusted.
pub(super) fn remedy(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(reason)) = failure(error).as_deref() {
            return Some(certificate_hint(reason));
        }
        next = super::cause::beneath(error);
    }
    None
}

/// The cause of a failed handshake, if the error is of one.
pub(super) fn fault(error: &(dyn Error + 'static)) -> Option<TlsFault> {
    let mut next = Some(error);
    while let Some(error) = next {
        let as_text = || alert_as_text(error.downcast_ref()?);
        if let Some(failure) = failure(error).or_else(as_text) {
            let blame = match &*failure {
                rustls::Error::InvalidCertificate(_) => TlsBlame::Trust,
                rustls::Error::AlertReceived(_) => TlsBlame::ClientCertificate,
                rustls::Error::InvalidMessage(_) => TlsBlame::NoTls,
                _ => TlsBlame::Other,
            };
            let reason = failure.to_string();
            return Some(TlsFault { blame, reason });
        }
        next = super::cause::beneath(error);
    }
    None
}

/// A client for `https` with the certificates of the spec.
pub(super) fn secure(
    builder: ClientBuilder,
    tls: &Tls,
    protocol: Protocol,
    _: impl FnOnce() -> Attempted,
) -> Result<ClientBuilder, TriggerError> {
    match protocol {
        Protocol::Http => configured(builder, tls, &[b"h2", b"http/1.1"]),
        Protocol::Grpc => configured(builder, tls, &[b"h2"]),
    }
}

/// The same for other clients.
pub(super) fn with_certificates(
    builder: ClientBuilder,
    tls: &Tls,
) -> Result<ClientBuilder, TriggerError> {
    configured(builder, tls, &[b"h2", b"http/1.1"])
}

/// The same for servers with one of these protocols.
fn configured(
    builder: ClientBuilder,
    tls: &Tls,
    protocols: &[&[u8]],
) -> Result<ClientBuilder, TriggerError> {
    if tls.verify && tls.ca.is_none() && tls.cert.is_none() {
        return Ok(builder);
    }
    let mut config = client_config(tls)?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(builder.tls_backend_preconfigured(config))
}

/// The configuration of a client with the certificates of the spec.
pub(crate) fn client_config(tls: &Tls) -> Result<ClientConfig, TriggerError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider supports the default versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier(tls, &provider)?);
    Ok(match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => {
            config.with_client_cert_resolver(identity(cert, key, tls, &provider)?)
        }
        _ => config.with_no_client_auth(),
    })
}

fn verifier(
    tls: &Tls,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TriggerError> {
    if !tls.verify {
        return Ok(Arc::new(verifier::AnyCertificate(Arc::clone(provider))));
    }
    let own = match &tls.ca {
        Some(path) => files::certificates(path)?,
        None => Vec::new(),
    };
    let verifier = verifier::OwnCertificates::new(own, Arc::clone(provider));
    let verifier = verifier.map_err(|source| match &tls.ca {
        Some(path) => files::problem(path, PemProblem::Certificate(source)),
        None => TriggerError::TlsSetup(source.into()),
    })?;
    Ok(Arc::new(verifier))
}

/// The client certificate and its key.
fn identity(
    cert: &Path,
    key: &Path,
    tls: &Tls,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ResolvesClientCert>, TriggerError> {
    let identity = certified_key(cert, key, tls.key_password.as_deref(), provider)?;
    Ok(Arc::new(SingleCertAndKey::from(identity)))
}

/// The certificates of a PEM file, at least one.
///
/// # Errors
/// The file cannot be read, or has none.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TriggerError> {
    files::certificates(path)
}

/// A certificate with its chain, and its key.
///
/// # Errors
/// A file cannot be read or used, or the key is that of another certificate.
pub(crate) fn certified_key(
    cert: &Path,
    key: &Path,
    password: Option<&str>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TriggerError> {
    let chain = files::certificates(cert)?;
    let der = files::key(key, password)?;
    let loaded = provider.key_provider.load_private_key(der);
    let loaded = loaded.map_err(|source| files::problem(key, PemProblem::Key(source)))?;
    let certified = CertifiedKey::new(chain, loaded);
    match certified.keys_match() {
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            let cert = cert.to_owned();
            return Err(files::problem(key, PemProblem::OfAnother { cert }));
        }
        // A certificate of version 1 cannot be compared, but some peers accept it.
        Err(rustls::Error::InvalidCertificate(reason)) if !verifier::is_old_version(&reason) => {
            let source = rustls::Error::InvalidCertificate(reason);
            return Err(files::problem(cert, PemProblem::Certificate(source)));
        }
        _ => {}
    }
    Ok(certified)
}
