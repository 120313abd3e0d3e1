//! Known losses of spans or log records that the trace itself does not show.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Records of one signal that were, or could have been, sent and are not in the trace. They make every open
/// check of that signal unjudged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct Hole {
    /// The reason, such as `POST /v1/traces was refused: more than 64 MiB`.
    pub reason: String,
    /// The sender of the lost records.
    pub sender: Sender,
    /// The remedy in the imperative.
    pub remedy: String,
}

/// The known facts about the process that sent the spans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(default)]
pub struct Sender {
    /// Its `service.name`.
    pub service: Option<String>,
    /// Its address.
    pub peer: Option<SocketAddr>,
    /// The `user-agent` of its exporter.
    pub user_agent: Option<String>,
}

impl Sender {
    /// Returns `true` if no fact is known.
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
    /// Changes each string that the sender chose.
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

    /// The consequence, the reason and the remedy on one line.
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
