//! Decrypts keys in PKCS #8 (RFC 5958) with PBES2 (RFC 8018): PBKDF2 and AES in CBC mode, which is what
//! OpenSSL writes.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;

/// Maximum number of iterations, so that a damaged file cannot block the run.
const MOST_ITERATIONS: u32 = 10_000_000;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const IDENTIFIER: u8 = 0x06;

const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
/// The last byte selects the hash.
const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
/// The last byte selects the length of the key and the mode.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];

/// The key of an `EncryptedPrivateKeyInfo`. `None` if the password is wrong, or an algorithm is not
/// supported.
pub(super) fn decrypt(der: &[u8], password: &[u8]) -> Option<Vec<u8>> {
    let mut info = Reader(Reader(der).take(SEQUENCE)?);
    let mut algorithm = Reader(info.take(SEQUENCE)?);
    let mut encrypted = info.take(OCTETS)?.to_vec();
    if algorithm.take(IDENTIFIER)? != PBES2 {
        return None;
    }
    let mut scheme = Reader(algorithm.take(SEQUENCE)?);
    let mut derivation = Reader(scheme.take(SEQUENCE)?);
    let mut encryption = Reader(scheme.take(SEQUENCE)?);
    let (cipher, length) = match encryption.take(IDENTIFIER)?.strip_prefix(AES)? {
        [0x02] => (&AES_128, 16),
        [0x16] => (&AES_192, 24),
        [0x2a] => (&AES_256, 32),
        _ => return None,
    };
    let iv = FixedLength::<16>::try_from(encryption.take(OCTETS)?).ok()?;
    let mut key = vec![0; length];
    derive(&mut derivation, password, &mut key)?;
    let key = UnboundCipherKey::new(cipher, &key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let plain = key
        .decrypt(&mut encrypted, DecryptionContext::Iv128(iv))
        .ok()?;
    Some(plain.to_vec())
}

/// Derives a key with PBKDF2.
fn derive(derivation: &mut Reader<'_>, password: &[u8], key: &mut [u8]) -> Option<()> {
    if derivation.take(IDENTIFIER)? != PBKDF2 {
        return None;
    }
    let mut parameters = Reader(derivation.take(SEQUENCE)?);
    let salt = parameters.take(OCTETS)?;
    let iterations = number(parameters.take(INTEGER)?)?;
    // The length of the key, which the cipher determines as well.
    let _ = parameters.take(INTEGER);
    let hash = match parameters.take(SEQUENCE) {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(function) => match Reader(function).take(IDENTIFIER)?.strip_prefix(HMAC)? {
            [0x07] => pbkdf2::PBKDF2_HMAC_SHA1,
            [0x09] => pbkdf2::PBKDF2_HMAC_SHA256,
            [0x0a] => pbkdf2::PBKDF2_HMAC_SHA384,
            [0x0b] => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return None,
        },
    };
    pbkdf2::derive(hash, iterations, salt, password, key);
    Some(())
}

fn number(bytes: &[u8]) -> Option<NonZeroU32> {
    let number = bytes.iter().try_fold(0_u32, |number, byte| {
        number.checked_mul(256)?.checked_add(u32::from(*byte))
    })?;
    NonZeroU32::new(number).filter(|number| number.get() <= MOST_ITERATIONS)
}

/// Reads the elements of DER.
struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    /// The contents of the next element, if it has this tag.
    fn take(&mut self, tag: u8) -> Option<&'d [u8]> {
        let (&[found, first], rest) = self.0.split_first_chunk()?;
        if found != tag {
            return None;
        }
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                let digits = digits.iter();
                (
                    digits.fold(0, |length, byte| length * 256 + usize::from(*byte)),
                    rest,
                )
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_bytes_are_no_key() {
        for der in [
            &[][..],
            &[0x30],
            &[0x30, 0x84, 0, 0, 0, 1],
            &[0x30, 0x82, 0xff],
        ] {
            assert_eq!(decrypt(der, b"x"), None);
        }
        let mut der = vec![0x30, 0x0b, 0x30, 0x07, 0x06, 0x05];
        der.extend([0; 5]);
        assert_eq!(decrypt(&der, b"x"), None);
    }
}
