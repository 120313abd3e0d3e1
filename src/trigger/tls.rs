//! TLS of requests: certificates, and errors of handshakes. `no_tls.rs` replaces this file without
//! the feature `tls`.

use std::error::Error;
use std::path::Path;

use reqwest::{Certificate, ClientBuilder, Identity};

use super::error::{Attempted, TriggerError};
use super::hop::Hop;
use crate::spec::Tls;

/// The reason why a handshake failed.
pub(super) type Failure = Box<rustls::Error>;

/// The reason, if this is an error of TLS.
pub(super) fn failure(error: &(dyn Error + 'static)) -> Option<Failure> {
    Some(Box::new(error.downcast_ref::<rustls::Error>()?.clone()))
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
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            "use a name of the certificate, which was issued for others, or set `tls: { verify: false }`"
        }
        E::Expired | E::ExpiredContext { .. } => {
            "renew the certificate, which has expired, or set `tls: { verify: false }`"
        }
        _ => "add its authority with `tls: { ca: … }`, or set `tls: { verify: false }`",
    }
}

/// A client for plain `http`.
pub(super) fn plain(builder: ClientBuilder) -> ClientBuilder {
    // An empty list of roots prevents reading those of the system.
    builder.tls_certs_only([])
}

/// A client for `https` with the certificates of the spec.
pub(super) fn secure(
    mut builder: ClientBuilder,
    tls: &Tls,
    _: &Hop,
) -> Result<ClientBuilder, TriggerError> {
    if let Some(path) = &tls.ca {
        let bundle = Certificate::from_pem_bundle(&read(path)?);
        let bundle = bundle.map_err(|source| TriggerError::pem(path, source))?;
        builder = builder.tls_certs_merge(bundle);
    }
    if let Some(cert) = &tls.cert {
        builder = builder.identity(identity(cert, tls.key.as_deref())?);
    }
    Ok(builder.tls_danger_accept_invalid_certs(!tls.verify))
}

/// Certificate and key. The file of the certificate can contain both.
fn identity(cert: &Path, key: Option<&Path>) -> Result<Identity, TriggerError> {
    let mut pem = read(cert)?;
    if let Some(key) = key {
        pem.push(b'\n');
        pem.extend(read(key)?);
    }
    Identity::from_pem(&pem).map_err(|source| TriggerError::pem(cert, source))
}

fn read(path: &Path) -> Result<Vec<u8>, TriggerError> {
    std::fs::read(path).map_err(|source| TriggerError::TlsFile {
        path: path.to_owned(),
        source,
    })
}
