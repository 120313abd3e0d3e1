//! Certificates and keys in PEM files.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::pkcs8;
use crate::trigger::error::{PemProblem, TriggerError};

/// The certificates of a file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TriggerError> {
    let pem = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) if is_der(&pem) => Err(problem(path, PemProblem::Der)),
        Ok(_) => Err(problem(path, PemProblem::NoCertificate)),
        Err(_) => Err(problem(path, PemProblem::Damaged)),
    }
}

/// The first private key of a file, decrypted if it is encrypted.
pub(super) fn key(
    path: &Path,
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, TriggerError> {
    let pem = read(path)?;
    let text = String::from_utf8_lossy(&pem);
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(problem(path, PemProblem::OldEncryption));
    }
    if let Some(encrypted) = encrypted_section(&text) {
        let Some(password) = password else {
            return Err(problem(path, PemProblem::Encrypted));
        };
        return pkcs8::decrypt(&encrypted, password.as_bytes())
            .map(|key| PrivatePkcs8KeyDer::from(key).into())
            .ok_or_else(|| problem(path, PemProblem::NotDecrypted));
    }
    match PrivateKeyDer::pem_slice_iter(&pem).next() {
        Some(Ok(_)) if password.is_some() => Err(problem(path, PemProblem::NotEncrypted)),
        Some(Ok(key)) => Ok(key),
        Some(Err(_)) => Err(problem(path, PemProblem::Damaged)),
        None if is_der(&pem) => Err(problem(path, PemProblem::Der)),
        None => Err(problem(path, PemProblem::NoKey)),
    }
}

/// The bytes of an encrypted key in PKCS #8; empty if its base64 is damaged.
fn encrypted_section(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let (_, rest) = text.split_once("-----BEGIN ENCRYPTED PRIVATE KEY-----")?;
    let body = rest.split("-----END").next()?;
    let body: String = body.split_whitespace().collect();
    let decoded = base64::engine::general_purpose::STANDARD.decode(body);
    Some(decoded.unwrap_or_default())
}

/// Returns `true` for a file that begins with a DER sequence.
fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x80..=0x84, ..])
}

fn read(path: &Path) -> Result<Vec<u8>, TriggerError> {
    std::fs::read(path).map_err(|source| TriggerError::TlsFile {
        path: path.to_owned(),
        source,
    })
}

pub(super) fn problem(path: &Path, problem: PemProblem) -> TriggerError {
    TriggerError::Pem {
        path: path.to_owned(),
        problem,
    }
}
