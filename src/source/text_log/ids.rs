//! Ids in the spellings of logging libraries and backends.

use crate::trace::{SpanId, TraceId};

/// Keys of the trace id.
pub(super) const TRACE_KEYS: [&str; 14] = [
    "trace_id",
    "traceId",
    "trace.id",
    "TraceId",
    "traceID",
    "traceid",
    "otelTraceID",
    DATADOG_TRACE,
    "logging.googleapis.com/trace",
    "xray_trace_id",
    "AWS-XRAY-TRACE-ID",
    "X-Amzn-Trace-Id",
    "X-B3-TraceId",
    "@tr",
];

/// Keys of the span id.
pub(super) const SPAN_KEYS: [&str; 11] = [
    "span_id",
    "spanId",
    "span.id",
    "SpanId",
    "spanID",
    "spanid",
    "otelSpanID",
    DATADOG_SPAN,
    "logging.googleapis.com/spanId",
    "X-B3-SpanId",
    "@sp",
];

const DATADOG_TRACE: &str = "dd.trace_id";
const DATADOG_SPAN: &str = "dd.span_id";

/// A trace id in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrittenTrace {
    Whole(TraceId),
    /// The lower 64 bits.
    Half(u64),
}

/// Reads the value of one of these keys as a trace id.
pub(super) fn trace(key: &str, value: &str) -> Option<WrittenTrace> {
    if key == DATADOG_TRACE
        && let Some(half) = decimal(value)
    {
        return Some(WrittenTrace::Half(half));
    }
    hex(value)?.parse().ok().map(WrittenTrace::Whole)
}

/// Reads the value of one of these keys as a span id.
pub(super) fn span(key: &str, value: &str) -> Option<SpanId> {
    if key == DATADOG_SPAN
        && let Some(id) = decimal(value)
    {
        return SpanId::from_bytes(id.to_be_bytes());
    }
    value.to_lowercase().parse().ok()
}

/// 64 bits in decimal, other than zero.
fn decimal(value: &str) -> Option<u64> {
    let is_decimal = value.len() <= 20 && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_decimal.then(|| value.parse().ok())?;
    number.filter(|number| *number != 0)
}

/// The hex digits of a trace id, which can be a UUID, a resource name of Google Cloud, or an id of X-Ray.
fn hex(value: &str) -> Option<String> {
    let value = match value.strip_prefix("projects/") {
        Some(name) => name.split_once("/traces/")?.1,
        None => value,
    };
    let value = value.strip_prefix("Root=").unwrap_or(value);
    // X-Ray adds the segment, or other fields.
    let value = value.split(['@', ';']).next()?;
    let parts = |lengths: &[usize]| {
        let mut parts = value.split('-');
        let fit = lengths
            .iter()
            .all(|length| parts.next().is_some_and(|part| part.len() == *length));
        fit && parts.next().is_none()
    };
    let digits = if parts(&[8, 4, 4, 4, 12]) {
        value.replace('-', "")
    } else if parts(&[1, 8, 24]) {
        value.strip_prefix('1')?.replace('-', "")
    } else {
        value.to_owned()
    };
    Some(digits.to_lowercase())
}

/// The first valid ids after the keys of a line that is no JSON.
pub(super) fn in_text(line: &str) -> (Option<WrittenTrace>, Option<SpanId>) {
    let spans = all(line, &["pan", "@sp"], &SPAN_KEYS, span);
    (first(traces(line)), first(spans))
}

/// The trace ids after the keys of a line, with their places.
fn traces(line: &str) -> Vec<(usize, WrittenTrace)> {
    all(
        line,
        &["race", "RACE", "Trace-I", "@tr"],
        &TRACE_KEYS,
        trace,
    )
}

fn first<T>(found: Vec<(usize, T)>) -> Option<T> {
    let first = found.into_iter().min_by_key(|(at, _)| *at);
    first.map(|(_, id)| id)
}

/// The valid values of keys, with their places. Each key contains one of the parts; most lines contain none.
fn all<T>(
    line: &str,
    parts: &[&str],
    keys: &[&str],
    read: impl Fn(&str, &str) -> Option<T>,
) -> Vec<(usize, T)> {
    if !parts.iter().any(|part| line.contains(part)) {
        return Vec::new();
    }
    let found = keys.iter().flat_map(|key| {
        let values = line.match_indices(key);
        let values = values.filter(|(at, _)| begins_name(&line[..*at]));
        values.filter_map(|(at, _)| Some((at, *key, value(&line[at + key.len()..])?)))
    });
    let read = found.filter_map(|(at, key, value)| Some((at, read(key, value)?)));
    read.collect()
}

/// The id of a trace that is kept, without a key, and the span id after it: `[shop,TRACE,SPAN]`, `00-TRACE-SPAN-01`.
pub(super) fn of_kept_trace(
    line: &str,
    kept: impl Fn(WrittenTrace) -> Option<TraceId>,
) -> Option<(TraceId, Option<SpanId>)> {
    let is_separator = |c: char| !c.is_ascii_alphanumeric();
    let mut words = line.split(is_separator).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let id = (word.len() == 32).then(|| word.to_lowercase().parse().ok());
        if let Some(id) = id.flatten().and_then(|id| kept(WrittenTrace::Whole(id))) {
            let span = words
                .next()
                .and_then(|word| word.to_lowercase().parse().ok());
            return Some((id, span));
        }
    }
    None
}

/// Returns `true` if a line has the ids of several traces, under keys or kept, and one of them is kept.
pub(super) fn is_joined(line: &str, kept: impl Fn(WrittenTrace) -> Option<TraceId>) -> bool {
    let is_separator = |c: char| !c.is_ascii_alphanumeric();
    let words = line.split(is_separator).filter(|word| word.len() == 32);
    let words = words.filter_map(|word| word.to_lowercase().parse().ok());
    let of_kept: Vec<TraceId> = words
        .filter(|id| kept(WrittenTrace::Whole(*id)).is_some())
        .collect();
    let Some(first) = of_kept.first() else {
        return false;
    };
    let keyed = traces(line).into_iter().filter_map(|(_, id)| match id {
        WrittenTrace::Whole(id) => Some(id),
        WrittenTrace::Half(_) => None,
    });
    of_kept.iter().copied().chain(keyed).any(|id| id != *first)
}

/// Returns `true` if a key after this text is not the end of a longer name.
fn begins_name(before: &str) -> bool {
    let last = before.chars().next_back();
    last.is_none_or(|last| !last.is_alphanumeric() && !"_.-/".contains(last))
}

/// The value after a key: `=` or `:`, perhaps quotes.
fn value(after: &str) -> Option<&str> {
    let after = after.strip_prefix('"').unwrap_or(after).trim_start();
    let after = after.strip_prefix(['=', ':'])?.trim_start();
    let after = after.strip_prefix(['"', '\'']).unwrap_or(after);
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_/.@;=".contains(c);
    let end = after.find(|c| !is_part(c)).unwrap_or(after.len());
    // A full stop ends a sentence.
    Some(after[..end].trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn a_trace_id_is_read_in_each_spelling() {
        let whole = WrittenTrace::Whole(TRACE.parse().unwrap());
        for value in [
            TRACE,
            &TRACE.to_uppercase(),
            "0AF76519-16CD-43DD-8448-EB211C80319C",
            "1-0af76519-16cd43dd8448eb211c80319c",
            "1-0af76519-16cd43dd8448eb211c80319c@b7ad6b7169203331",
            "Root=1-0af76519-16cd43dd8448eb211c80319c;Sampled=1",
            "projects/shop/traces/0af7651916cd43dd8448eb211c80319c",
        ] {
            for key in TRACE_KEYS {
                assert_eq!(trace(key, value), Some(whole), "{key} {value}");
                let line = format!("order placed {key}={value}, {}: {value}", "other");
                assert_eq!(in_text(&line).0, Some(whole), "{line}");
            }
        }
        let half = Some(WrittenTrace::Half(9_532_127_138_774_266_268));
        assert_eq!(trace("dd.trace_id", "9532127138774266268"), half);
        assert_eq!(
            in_text("[dd.service=shop dd.trace_id=9532127138774266268 dd.span_id=1] x").0,
            half
        );
        for value in [
            "",
            "0",
            &"0".repeat(32),
            &TRACE[1..],
            "x",
            "1-0af76519",
            "projects/x",
        ] {
            for key in TRACE_KEYS {
                assert_eq!(trace(key, value), None, "{key} {value}");
            }
        }
    }

    #[test]
    fn a_span_id_is_read_in_each_spelling() {
        let id: SpanId = SPAN.parse().unwrap();
        for value in [SPAN, &SPAN.to_uppercase()] {
            for key in SPAN_KEYS {
                assert_eq!(span(key, value), Some(id), "{key} {value}");
                assert_eq!(in_text(&format!("{key}: \"{value}\"")).1, Some(id), "{key}");
            }
        }
        let decimal = u64::from_str_radix(SPAN, 16).unwrap().to_string();
        assert_eq!(span("dd.span_id", &decimal), Some(id));
        assert_eq!(span("span_id", &decimal), None);
    }

    #[test]
    fn the_first_valid_id_of_a_line_counts() {
        let line = format!(
            "trace_id= trace.id=0 traceId={TRACE} trace_id={}",
            "1".repeat(32)
        );
        assert_eq!(
            in_text(&line).0,
            Some(WrittenTrace::Whole(TRACE.parse().unwrap()))
        );
    }
}
