//! The certificates of a receiver: their files, and errors in them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use super::tls::Acceptor;

/// The files of `receiver.tls`.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    /// The certificate of the receiver, with its chain.
    pub(crate) cert: PathBuf,
    /// The key of the certificate.
    pub(crate) key: PathBuf,
    /// The authority of the certificate, if it is not the certificate itself.
    pub(crate) ca: Option<PathBuf>,
    /// The authorities of the certificates that clients must have.
    pub(crate) client_ca: Option<PathBuf>,
}

/// A key of `receiver.tls` that names a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsFile {
    Cert,
    Key,
    Ca,
    ClientCa,
}

impl TlsFile {
    /// Its key in the project file.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Cert => "cert",
            Self::Key => "key",
            Self::Ca => "ca",
            Self::ClientCa => "client_ca",
        }
    }
}

/// An error in a file, or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsProblem {
    pub(crate) file: TlsFile,
    /// The fact.
    pub(crate) what: String,
    /// The label at the name of the file.
    pub(crate) label: &'static str,
    /// The remedy.
    pub(crate) help: String,
}

/// TLS of a receiver.
#[derive(Clone, Debug)]
pub(crate) struct ServerTls {
    pub(super) acceptor: Acceptor,
    trusted: PathBuf,
    /// Clients must have a certificate.
    pub(crate) admits_only_certified: bool,
}

impl ServerTls {
    /// Reads the files. Also returns warnings.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub(crate) fn load(files: &TlsFiles) -> Result<(Self, Vec<TlsProblem>), TlsProblem> {
        let (acceptor, mut warnings) = Acceptor::load(files)?;
        let tls = Self {
            acceptor,
            trusted: files.ca.clone().unwrap_or_else(|| files.cert.clone()),
            admits_only_certified: files.client_ca.is_some(),
        };
        let host = tls.host(Ipv4Addr::LOCALHOST.into());
        if !tls.acceptor.is_valid_for(&host) {
            warnings.push(TlsProblem {
                file: TlsFile::Cert,
                what: format!(
                    "the certificate in {} is neither valid for 127.0.0.1 nor for localhost",
                    files.cert.display()
                ),
                label: "services on this machine refuse it",
                help: "issue one with `subjectAltName=IP:127.0.0.1,DNS:localhost`, or set OTEL_EXPORTER_OTLP_ENDPOINT in `env` to a name of the certificate".to_owned(),
            });
        }
        Ok((tls, warnings))
    }

    /// The file with the certificate that clients must trust.
    pub(crate) fn trusted(&self) -> &Path {
        &self.trusted
    }

    /// A host of URLs for this address, which the certificate names if possible.
    pub(super) fn host(&self, ip: IpAddr) -> String {
        let address = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        match ip.is_loopback() && !self.acceptor.is_valid_for(&address) {
            true if self.acceptor.is_valid_for("localhost") => "localhost".to_owned(),
            _ => address,
        }
    }
}
