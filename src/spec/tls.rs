//! Certificates of connections.

use std::path::PathBuf;

/// Certificates of an `https` request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Verifies the certificate of the server.
    pub verify: bool,
    /// A PEM file with authorities to trust, in addition to the system's.
    pub ca: Option<PathBuf>,
    /// A PEM file with the client certificate.
    pub cert: Option<PathBuf>,
    /// A PEM file with the key of the client certificate.
    pub key: Option<PathBuf>,
    /// The password of an encrypted `key`.
    pub key_password: Option<String>,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            verify: true,
            ca: None,
            cert: None,
            key: None,
            key_password: None,
        }
    }
}
