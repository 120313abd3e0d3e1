//! Limits of what is kept of traces under test. What is over a limit is discarded, and is a hole in its trace.

use crate::number::count;
use crate::trace::{Hole, Sender};

/// The limits of a store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Maximum number of spans of one trace.
    pub(super) spans: usize,
    /// Maximum size of the spans of one trace, in bytes.
    pub(super) bytes: usize,
    /// Maximum size of the spans of all kept traces, in bytes.
    pub(super) all_bytes: usize,
    /// Maximum number of traces that are kept because of links with one trace.
    pub(super) ties: usize,
    /// Maximum size of the log records of all kept traces, in bytes.
    pub(super) log_bytes: usize,
}

/// A hundred times the largest traces that tests usually have. The memory of the spans includes their digests.
impl Default for Limits {
    fn default() -> Self {
        Self {
            spans: 1_000_000,
            bytes: 512 << 20,
            all_bytes: 2 << 30,
            ties: 10_000,
            log_bytes: 16 << 20,
        }
    }
}

/// The limit that a span would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    Spans,
    Bytes,
    AllBytes,
}

impl Limits {
    /// The hole in a trace of which a span was discarded.
    pub(super) fn hole(&self, excess: Excess) -> Hole {
        let (reason, remedy) = match excess {
            Excess::Spans => (
                format!(
                    "this trace has more than {} spans, and the further ones were discarded",
                    count(self.spans)
                ),
                ONE_TRACE,
            ),
            Excess::Bytes => (
                format!(
                    "the spans of this trace have more than {}, and the further ones were discarded",
                    mebibytes(self.bytes)
                ),
                ONE_TRACE,
            ),
            Excess::AllBytes => (
                format!(
                    "spans of this trace were discarded: spanspec keeps {} for all traces that are followed",
                    mebibytes(self.all_bytes)
                ),
                "run fewer specs at the same time (`--jobs`), or send fewer requests (`repeat`)",
            ),
        };
        hole(reason, remedy)
    }

    /// The hole in a trace with links to or from too many others.
    pub(super) fn too_many_ties(&self) -> Hole {
        let reason = format!(
            "links tie more than {} traces to this one, and the spans of the further ones were not kept",
            count(self.ties)
        );
        let remedy = "find out why so many traces are linked with one: link only to the spans that caused the work";
        hole(reason, remedy)
    }

    /// The hole in a trace for whose log records there is no room.
    pub(super) fn no_room_for_logs(&self) -> Hole {
        let reason = format!(
            "log records of this trace were discarded: the receiver keeps {} for all traces that are followed",
            mebibytes(self.log_bytes)
        );
        let remedy =
            "run fewer specs at the same time (`--jobs`), or let the services write fewer records";
        hole(reason, remedy)
    }
}

const ONE_TRACE: &str = "find out why one trace has so many: a loop that creates spans, or a worker that never begins a new trace";

fn hole(reason: String, remedy: &str) -> Hole {
    Hole {
        reason,
        sender: Sender::default(),
        remedy: remedy.to_owned(),
    }
}

fn mebibytes(bytes: usize) -> String {
    format!("{} MiB", count(bytes >> 20))
}
