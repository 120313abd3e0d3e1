//! Limits of a request, so that a small one does not become a large structure.
//!
//! The bytes of a request are limited by the receiver. An empty message has two bytes in protobuf and three in
//! JSON, and would take a hundred times that as a structure.

use super::error::Malformed;

/// Maximum number of resources and scopes. Each takes up to 48 bytes while a request is walked.
const MOST_OWNERS: usize = 1 << 20;

/// Maximum number of spans, attributes, events, links, log records, data points, and items of values. Requests of 64 MiB have 2 million
/// if they are dense.
const MOST_PARTS: usize = 4 << 20;

/// Maximum number of spans that are rejected and have a valid trace id. Each is recorded as a loss.
pub(super) const MOST_REJECTED: usize = 1 << 16;

/// Counts the parts of a request in protobuf.
#[derive(Debug, Default)]
pub(super) struct Parts {
    owners: usize,
    parts: usize,
}

impl Parts {
    /// Counts a resource or scope, or a piece of one.
    pub(super) fn add_owner(&mut self) -> Result<(), Malformed> {
        self.owners += 1;
        match self.owners > MOST_OWNERS {
            true => Err(Malformed::TooMany(MOST_OWNERS, "resources and scopes")),
            false => Ok(()),
        }
    }

    /// Counts a message that spans, records and metrics consist of.
    pub(super) fn add(&mut self) -> Result<(), Malformed> {
        self.parts += 1;
        match self.parts > MOST_PARTS {
            true => Err(Malformed::TooMany(
                MOST_PARTS,
                "spans, attributes, records and data points",
            )),
            false => Ok(()),
        }
    }
}
