//! SASL: PLAIN, and SCRAM with SHA-256 and SHA-512.
//!
//! RFC 4616, RFC 5802 and RFC 7677. Channel bindings are not used, as in Kafka's own clients.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::spec::{Login, SaslMechanism};

/// Brokers use 4096 rounds; a challenge with more than this number would stop the run.
const MOST_ROUNDS: u32 = 1_000_000;

/// The name of a mechanism in the protocol.
pub(super) fn name(mechanism: SaslMechanism) -> &'static str {
    match mechanism {
        SaslMechanism::Plain => "PLAIN",
        SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
        SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
    }
}

/// The only message of PLAIN.
pub(super) fn plain(login: &Login) -> Vec<u8> {
    format!("\0{}\0{}", login.user, login.password).into_bytes()
}

/// A client of SCRAM.
pub(super) struct Scram<'a> {
    login: &'a Login,
    algorithms: &'static Algorithms,
    nonce: String,
}

struct Algorithms {
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
    pbkdf2: pbkdf2::Algorithm,
}

static SHA256: Algorithms = Algorithms {
    digest: &digest::SHA256,
    hmac: hmac::HMAC_SHA256,
    pbkdf2: pbkdf2::PBKDF2_HMAC_SHA256,
};

static SHA512: Algorithms = Algorithms {
    digest: &digest::SHA512,
    hmac: hmac::HMAC_SHA512,
    pbkdf2: pbkdf2::PBKDF2_HMAC_SHA512,
};

/// The last message of the client, and the answer that proves that the server knows the password.
pub(super) struct Proof {
    pub(super) message: String,
    pub(super) answer: String,
}

impl<'a> Scram<'a> {
    pub(super) fn new(login: &'a Login, mechanism: SaslMechanism, nonce: String) -> Self {
        let algorithms = match mechanism {
            SaslMechanism::ScramSha512 => &SHA512,
            SaslMechanism::ScramSha256 | SaslMechanism::Plain => &SHA256,
        };
        Self {
            login,
            algorithms,
            nonce,
        }
    }

    /// The first message, after its header `n,,`.
    fn first(&self) -> String {
        let user = self.login.user.replace('=', "=3D").replace(',', "=2C");
        format!("n={user},r={}", self.nonce)
    }

    pub(super) fn first_message(&self) -> String {
        format!("n,,{}", self.first())
    }

    /// The proof for the challenge of the server; `None` if that is invalid.
    pub(super) fn proof(&self, challenge: &str) -> Option<Proof> {
        let part = |name: &str| {
            challenge
                .split(',')
                .find_map(|part| part.strip_prefix(name))
        };
        let nonce = part("r=").filter(|nonce| nonce.starts_with(&self.nonce))?;
        let salt = STANDARD.decode(part("s=")?).ok()?;
        let rounds: NonZeroU32 = part("i=")?.parse().ok()?;
        if rounds.get() > MOST_ROUNDS {
            return None;
        }
        let algorithms = self.algorithms;
        let mut salted = vec![0; algorithms.digest.output_len()];
        let password = self.login.password.as_bytes();
        pbkdf2::derive(algorithms.pbkdf2, rounds, &salt, password, &mut salted);
        let client_key = self.hmac(&salted, b"Client Key");
        let stored = digest::digest(algorithms.digest, &client_key);
        let last = format!("c=biws,r={nonce}");
        let signed = format!("{},{challenge},{last}", self.first());
        let signature = self.hmac(stored.as_ref(), signed.as_bytes());
        let proof = client_key
            .iter()
            .zip(&signature)
            .map(|(key, sign)| key ^ sign);
        let proof = STANDARD.encode(proof.collect::<Vec<u8>>());
        let server_key = self.hmac(&salted, b"Server Key");
        let answer = STANDARD.encode(self.hmac(&server_key, signed.as_bytes()));
        Some(Proof {
            message: format!("{last},p={proof}"),
            answer: format!("v={answer}"),
        })
    }

    fn hmac(&self, key: &[u8], text: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(self.algorithms.hmac, key);
        hmac::sign(&key, text).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_the_example_in_rfc_7677() {
        let login = Login {
            user: "user".to_owned(),
            password: "pencil".to_owned(),
            encoded: None,
        };
        let nonce = "rOprNGfwEbeRWgbNEkqO".to_owned();
        let scram = Scram::new(&login, SaslMechanism::ScramSha256, nonce);
        assert_eq!(scram.first_message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let proof = scram.proof(challenge).unwrap();
        assert_eq!(
            proof.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(
            proof.answer,
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        assert!(scram.proof("r=other,s=W22Z,i=4096").is_none());
    }
}
