//! References to traces that spanspec did not start.

use std::fmt;
use std::str::FromStr;

use super::{Origin, SpanId, TraceId};

/// A trace id, or a W3C `traceparent`, which also contains a span id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceRef {
    /// The trace id.
    pub trace_id: TraceId,
    /// The span id of a `traceparent`. In a request it is the caller, which never arrives; in a
    /// response it is the span that wrote it.
    pub span_id: Option<SpanId>,
    /// The sampled flag; `true` for an id alone.
    pub sampled: bool,
}

/// A string that is neither a trace id nor a `traceparent`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no trace")]
pub struct NoTrace {
    text: String,
}

impl NoTrace {
    /// The remedy.
    pub const HELP: &str = "write a trace id, which has 32 hex digits, or a whole traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
}

impl TraceRef {
    /// The origin of the trace.
    #[must_use]
    pub fn origin(self) -> Origin {
        self.span_id.map_or(Origin::Foreign, Origin::Injected)
    }
}

impl From<TraceId> for TraceRef {
    fn from(trace_id: TraceId) -> Self {
        Self {
            trace_id,
            span_id: None,
            sampled: true,
        }
    }
}

impl fmt::Display for TraceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.span_id {
            Some(span) => {
                let flags = u8::from(self.sampled);
                write!(f, "00-{}-{span}-{flags:02x}", self.trace_id)
            }
            None => self.trace_id.fmt(f),
        }
    }
}

impl FromStr for TraceRef {
    type Err = NoTrace;

    fn from_str(text: &str) -> Result<Self, NoTrace> {
        let text = text.trim();
        let found = match text.contains('-') {
            true => traceparent(text),
            false => text.parse().ok().map(|id: TraceId| Self::from(id)),
        };
        found.ok_or_else(|| NoTrace {
            text: text.chars().take(80).collect(),
        })
    }
}

/// Later versions can have more parts; `ff` is invalid.
fn traceparent(text: &str) -> Option<TraceRef> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_whole = version != "00" || parts.next().is_none();
    let is_known = is_hex(version) && !version.eq_ignore_ascii_case("ff") && is_hex(flags);
    (is_whole && is_known).then_some(())?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some(TraceRef {
        trace_id: trace.parse().ok()?,
        span_id: Some(span.parse().ok()?),
        sampled: flags & 1 == 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn an_id_and_a_traceparent_name_the_same_trace() {
        let id: TraceRef = ID.parse().unwrap();
        let parent: TraceRef = format!(" 00-{ID}-00f067aa0ba902b7-01").parse().unwrap();
        assert_eq!(id.trace_id, parent.trace_id);
        assert_eq!(id.origin(), Origin::Foreign);
        let span = "00f067aa0ba902b7".parse().unwrap();
        assert_eq!(parent.origin(), Origin::Injected(span));
    }

    #[test]
    fn the_last_bit_of_the_flags_says_whether_it_is_sampled() {
        let sampled = |flags: &str| {
            let text = format!("00-{ID}-00f067aa0ba902b7-{flags}");
            text.parse::<TraceRef>().unwrap().sampled
        };
        assert!(sampled("01") && sampled("03") && !sampled("00"));
    }

    #[test]
    fn what_is_neither_names_none() {
        let zeros = "0".repeat(32);
        for text in [
            "",
            "abc",
            &zeros,
            &format!("00-{ID}-00f067aa0ba902b7"),
            &format!("00-{ID}-0000000000000000-01"),
            &format!("ff-{ID}-00f067aa0ba902b7-01"),
            &format!("00-{ID}-00f067aa0ba902b7-01-more"),
        ] {
            assert!(text.parse::<TraceRef>().is_err(), "{text}");
        }
    }
}
