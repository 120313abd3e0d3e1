//! Evidence that spans of a trace are missing, although the trace itself does not show it.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Spans that were sent, or may have been sent, and are not in the trace: a check that a further
/// span could change cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct Hole {
    /// What happened, such as `POST /v1/traces was refused: more than 64 MiB`.
    pub reason: String,
    /// The sender of the lost spans.
    pub sender: Sender,
    /// What prevents it, in the imperative.
    pub remedy: String,
}

/// The process that sent spans, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(default)]
pub struct Sender {
    /// Its `service.name`.
    pub service: Option<String>,
    /// The address that it sent from.
    pub peer: Option<SocketAddr>,
    /// The `user-agent` of its exporter.
    pub user_agent: Option<String>,
}

impl Sender {
    /// Whether nothing is known of it.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = self
            .service
            .as_ref()
            .map(|name| format!("service `{name}`"));
        let peer = self.peer.map(|peer| peer.to_string());
        let parts = [service, peer, self.user_agent.clone()];
        let known: Vec<String> = parts.into_iter().flatten().collect();
        match known.as_slice() {
            [] => f.write_str("an unknown sender"),
            known => f.write_str(&known.join(", ")),
        }
    }
}

impl Hole {
    /// The same hole with every text that its sender chose changed.
    #[cfg(feature = "run")]
    pub(crate) fn with_texts(&self, change: impl Fn(&str) -> String) -> Self {
        let optional = |text: &Option<String>| text.as_deref().map(&change);
        Self {
            reason: change(&self.reason),
            sender: Sender {
                service: optional(&self.sender.service),
                peer: self.sender.peer,
                user_agent: optional(&self.sender.user_agent),
            },
            remedy: self.remedy.clone(),
        }
    }

    /// One line for a report: the consequence, the reason and the remedy.
    #[must_use]
    pub fn in_full(&self) -> String {
        format!(
            "spans of this trace may be missing: {self}; {}",
            self.remedy
        )
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if self.sender.is_unknown() {
            return Ok(());
        }
        write!(f, " (from {})", self.sender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_names_its_sender_as_far_as_it_is_known() {
        let mut hole = Hole {
            reason: "an export was refused".to_owned(),
            sender: Sender::default(),
            remedy: "send less".to_owned(),
        };
        assert_eq!(hole.to_string(), "an export was refused");
        hole.sender = Sender {
            service: Some("order".to_owned()),
            peer: Some(([127, 0, 0, 1], 40_000).into()),
            user_agent: Some("OTel-OTLP-Exporter-Python/1.45".to_owned()),
        };
        assert_eq!(
            hole.to_string(),
            "an export was refused (from service `order`, 127.0.0.1:40000, OTel-OTLP-Exporter-Python/1.45)"
        );
    }
}
