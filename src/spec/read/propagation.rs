//! `sampled`, `tracestate` and `baggage`: what a trigger sends beside the ids of its trace.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Reader;
use crate::number::count;
use crate::spec::trigger::Propagation;
use crate::yaml::{Entry, Kind, Node};

/// Number of members that each implementation must pass on, by the W3C specification of baggage.
const MOST_MEMBERS: usize = 64;

/// Length of the header that each implementation must pass on, by the same specification.
const MOST_BYTES: usize = 8192;

/// All but unreserved characters. A `+` is encoded because some implementations read it as a space.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Reader<'_> {
    /// The propagation of a trigger, of which `carrier` is the map that can have a field `baggage` as
    /// well: headers, metadata, or variables of the environment.
    pub(super) fn propagation(&self, node: &Node, carrier: &str) -> Option<Propagation> {
        let sampled = self.optional(node, "sampled", |value| self.bool(value, "`sampled`"));
        let trace_state = self.optional(node, "tracestate", |value| {
            self.text(value, "a tracestate")
                .map(Option::unwrap_or_default)
        });
        let baggage = self.optional(node, "baggage", |value| self.baggage(value));
        self.refuse_context_in(node, carrier)?;
        Some(Propagation {
            sampled: sampled?.unwrap_or(true),
            trace_state: trace_state?,
            baggage: baggage?,
        })
    }

    /// Refuses fields of the carrier that spanspec sets, and a second baggage.
    fn refuse_context_in(&self, node: &Node, carrier: &str) -> Option<()> {
        let Some(Kind::Map(entries)) = node.get(carrier).map(|fields| &fields.kind) else {
            return Some(());
        };
        self.all(entries, |entry| self.refuse_context(entry, node, carrier))
            .map(drop)
    }

    fn refuse_context(&self, entry: &Entry, node: &Node, carrier: &str) -> Option<()> {
        let name = entry.key.text.as_str();
        match name.to_ascii_lowercase().as_str() {
            "traceparent" | "tracestate" => self.wrong(
                entry.key.place,
                match carrier {
                    "env" => {
                        format!("`{name}` cannot be set: the command gets the context of its trace")
                    }
                    _ => format!("`{name}` cannot be set: spanspec sends its own with each request"),
                },
                "not here",
                "set the trace flags with `sampled: false`, the state with `tracestate: …`; to check an existing trace, use `trace_id`",
            ),
            "baggage" if node.get("baggage").is_some() => self.wrong(
                entry.key.place,
                format!("`{name}` in `{carrier}` and `baggage` exclude each other"),
                "second baggage",
                format!(
                    "remove this one, and write its members into `baggage`; alone, `{carrier}` sends it as written"
                ),
            ),
            _ => Some(()),
        }
    }

    /// The value of the W3C header `baggage`.
    fn baggage(&self, node: &Node) -> Option<String> {
        let Kind::Map(entries) = &node.kind else {
            return self.wrong(
                node.place,
                format!("`baggage` must be a map, found {}", node.describe()),
                "not a map",
                "write `{ tenant: acme }`; the values are encoded for you",
            );
        };
        if entries.is_empty() {
            let help = "add a member such as `tenant: acme`, or remove this";
            return self.wrong(node.place, "`baggage` is empty", "empty", help);
        }
        if let Some(beyond) = entries.get(MOST_MEMBERS) {
            return self.wrong(
                beyond.key.place,
                format!(
                    "`baggage` has {} members ({MOST_MEMBERS} allowed)",
                    entries.len()
                ),
                format!("member {}", MOST_MEMBERS + 1),
                "remove members: services are free to drop those beyond the limit",
            );
        }
        let members = self.all(entries, |entry| self.baggage_member(entry))?;
        let mut baggage = String::new();
        for (member, entry) in members.iter().zip(entries) {
            if !baggage.is_empty() {
                baggage.push(',');
            }
            baggage.push_str(member);
            if baggage.len() > MOST_BYTES {
                let bytes: usize = members.iter().map(|member| member.len() + 1).sum();
                return self.wrong(
                    entry.value.place,
                    format!(
                        "`baggage` has {} bytes when it is encoded ({} allowed)",
                        count(bytes as u64 - 1),
                        count(MOST_BYTES as u64)
                    ),
                    "exceeds the limit",
                    "shorten the values: services are free to drop baggage beyond the limit",
                );
            }
        }
        Some(baggage)
    }

    /// `tenant=acme%20inc`.
    fn baggage_member(&self, entry: &Entry) -> Option<String> {
        let key = self.key(entry)?;
        if http::HeaderName::from_bytes(key.as_bytes()).is_err() {
            return self.wrong(
                entry.key.place,
                format!("invalid key `{key}` of `baggage`"),
                "here",
                "use letters, digits and `-._`, as in `user.id`; a value can have any characters",
            );
        }
        let value = self.text(&entry.value, "a value of `baggage`")?;
        let value = value.unwrap_or_default();
        Some(format!("{key}={}", utf8_percent_encode(&value, ENCODED)))
    }
}
