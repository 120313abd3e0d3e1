//! TLS of the receiver: reads certificates, and does handshakes. `no_tls.rs` replaces this file without the feature `tls`.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::{AlertDescription, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use super::certificates::{TlsFile, TlsFiles, TlsProblem};
use crate::trigger::{PemProblem, TriggerError, certificates, certified_key};

/// A stream after its handshake.
pub(super) type Stream<S> = tokio_rustls::server::TlsStream<S>;

/// Does the handshakes of a receiver.
#[derive(Clone)]
pub(super) struct Acceptor {
    acceptor: TlsAcceptor,
    cert: CertificateDer<'static>,
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acceptor")
    }
}

/// The reason why a handshake failed, and its remedy.
#[derive(Debug)]
pub(super) struct HandshakeError {
    pub(super) reason: String,
    pub(super) remedy: &'static str,
}

impl Acceptor {
    /// Reads the files. Also returns warnings.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub(super) fn load(files: &TlsFiles) -> Result<(Self, Vec<TlsProblem>), TlsProblem> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider supports the default versions");
        let certified = certified_key(&files.cert, &files.key, None, &provider)
            .map_err(|error| problem(&error, role(&error, files)))?;
        let mut warnings = outdated(TlsFile::Cert, &files.cert, &certified.cert);
        if let Some(ca) = &files.ca {
            let unusable = |error| problem(&error, TlsFile::Ca);
            let authorities = certificates(ca).map_err(unusable)?;
            warnings.extend(outdated(TlsFile::Ca, ca, &authorities));
        }
        let config = match &files.client_ca {
            None => config.with_no_client_auth(),
            Some(ca) => {
                let unusable = |error| problem(&error, TlsFile::ClientCa);
                let authorities = certificates(ca).map_err(unusable)?;
                warnings.extend(outdated(TlsFile::ClientCa, ca, &authorities));
                let verifier = admitted(ca, authorities, provider)?;
                config.with_client_cert_verifier(verifier)
            }
        };
        let cert = certified.cert[0].clone();
        let mut config = config.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok((Self { acceptor, cert }, warnings))
    }

    /// Returns `true` if the certificate names this host.
    pub(super) fn is_valid_for(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let Ok(name) = ServerName::try_from(host) else {
            return false;
        };
        let cert = webpki::EndEntityCert::try_from(&self.cert);
        cert.is_ok_and(|cert| cert.verify_is_valid_for_subject_name(&name).is_ok())
    }

    /// Does the handshake with a client.
    ///
    /// # Errors
    /// It failed.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> Result<Stream<S>, HandshakeError> {
        let accepted = self.acceptor.accept(stream).await;
        accepted.map_err(|error| explain(&error))
    }
}

/// The verifier of clients whose certificates these authorities have issued.
fn admitted(
    ca: &Path,
    authorities: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsProblem> {
    let unusable = |error: &dyn Error| TlsProblem {
        file: TlsFile::ClientCa,
        what: format!(
            "{} has a certificate that cannot be used: {error}",
            ca.display()
        ),
        label: "not usable",
        help: "name the certificate of the authority that issued those of the clients".to_owned(),
    };
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(|error| unusable(&error))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| unusable(&error))
}

/// The file of an error in the certificate or its key. One file can have both.
fn role(error: &TriggerError, files: &TlsFiles) -> TlsFile {
    match error {
        TriggerError::Pem {
            problem: PemProblem::NoCertificate | PemProblem::Certificate(_),
            ..
        } => TlsFile::Cert,
        TriggerError::Pem {
            problem: PemProblem::NoKey | PemProblem::Key(_) | PemProblem::OfAnother { .. },
            ..
        } => TlsFile::Key,
        TriggerError::Pem { path, .. } | TriggerError::TlsFile { path, .. }
            if *path == files.key =>
        {
            TlsFile::Key
        }
        _ => TlsFile::Cert,
    }
}

/// The error in a file, at its key.
fn problem(error: &TriggerError, file: TlsFile) -> TlsProblem {
    let cause = |source: &dyn Error| format!(": {source}");
    match error {
        TriggerError::TlsFile { path, source } => TlsProblem {
            file,
            what: format!("failed to read {}: {source}", path.display()),
            label: "not readable",
            help: "check the path and its permissions".to_owned(),
        },
        TriggerError::Pem { path, problem } => {
            let why = Error::source(problem).map_or_else(String::new, cause);
            TlsProblem {
                file,
                what: format!("{} {problem}{why}", path.display()),
                label: "not usable",
                help: remedy(problem).to_owned(),
            }
        }
        other => TlsProblem {
            file,
            what: other.to_string(),
            label: "not usable",
            help: "check that the files have certificates and keys in PEM format".to_owned(),
        },
    }
}

fn remedy(problem: &PemProblem) -> &'static str {
    match problem {
        PemProblem::Encrypted | PemProblem::OldEncryption => {
            "decrypt it, because the receiver has no password: `openssl pkey -in old.key -out new.key`"
        }
        PemProblem::Der => {
            "convert it: `openssl x509 -inform der` for a certificate, `openssl pkcs8 -inform der` for a key"
        }
        PemProblem::NoCertificate | PemProblem::NoKey => {
            "name a file with a section `-----BEGIN CERTIFICATE-----`, for `key` with `-----BEGIN PRIVATE KEY-----`"
        }
        PemProblem::OfAnother { .. } => {
            "check that `cert` and `key` name the right files; the certificate of the receiver comes first in `cert`"
        }
        _ => "issue it again, for example with `openssl req -x509 -newkey rsa:2048 -nodes`",
    }
}

/// Warnings of certificates that are not valid now.
fn outdated(
    file: TlsFile,
    path: &Path,
    certificates: &[CertificateDer<'static>],
) -> Vec<TlsProblem> {
    let warning = |certificate| {
        let (when, time, label) = match validity(certificate) {
            Err(webpki::Error::CertExpired { not_after, .. }) => {
                ("has expired on", not_after, "expired")
            }
            Err(webpki::Error::CertNotValidYet { not_before, .. }) => {
                ("is not valid before", not_before, "not valid yet")
            }
            _ => return None,
        };
        Some(TlsProblem {
            file,
            what: format!(
                "the certificate in {} {when} {}: peers refuse it",
                path.display(),
                date(time)
            ),
            label,
            help: "issue it again, or check the clock of this machine".to_owned(),
        })
    };
    certificates.iter().filter_map(warning).collect()
}

/// Verifies the certificate without an authority: its period is checked first.
fn validity(certificate: &CertificateDer<'_>) -> Result<(), webpki::Error> {
    let usage = webpki::KeyUsage::server_auth();
    webpki::EndEntityCert::try_from(certificate)?
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &[],
            &[],
            UnixTime::now(),
            usage,
            None,
            None,
        )
        .map(drop)
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |time| time.to_string())
}

const TRUST: &str = "set OTEL_EXPORTER_OTLP_CERTIFICATE there to the file of `receiver.tls.ca` or `cert`, and use a host that the certificate names";
const CERTIFIED: &str = "set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY there, issued by an authority of `receiver.tls.client_ca`";
const VERSIONS: &str = "let the client use TLS 1.2 or 1.3";

/// The reason why a handshake failed.
fn explain(error: &io::Error) -> HandshakeError {
    use rustls::Error as E;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<E>());
    let (reason, remedy) = match inner {
        Some(E::AlertReceived(alert)) if is_about_certificate(*alert) => (
            format!("the client refuses the certificate of this receiver ({alert:?})"),
            TRUST,
        ),
        Some(E::NoCertificatesPresented) => (
            "the client has no certificate, which this receiver requires".to_owned(),
            CERTIFIED,
        ),
        Some(E::InvalidCertificate(reason)) => (
            format!("the certificate of the client is not accepted: {reason}"),
            CERTIFIED,
        ),
        Some(error) => (format!("the TLS handshake failed: {error}"), VERSIONS),
        None => (
            "the client ended the TLS handshake; it may not trust the certificate".to_owned(),
            TRUST,
        ),
    };
    HandshakeError { reason, remedy }
}

fn is_about_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    [
        A::UnknownCA,
        A::BadCertificate,
        A::CertificateUnknown,
        A::CertificateExpired,
        A::UnsupportedCertificate,
        A::CertificateRevoked,
        A::DecryptError,
    ]
    .contains(&alert)
}
