//! The trace that a response names in its headers: `traceresponse` and `server-timing`.
//!
//! Drafts of the W3C: a service that begins a new trace names it there.

use super::{Response, SpanId, TraceId};

/// A trace context in a header of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedContext {
    /// The header.
    pub(crate) header: &'static str,
    /// The trace.
    pub(crate) trace_id: TraceId,
    /// The span that handled the request, if it is named.
    pub(crate) span_id: Option<SpanId>,
    /// The sampled flag.
    pub(crate) is_sampled: bool,
}

/// The first trace that a response names.
pub(crate) fn named_context(response: &Response) -> Option<NamedContext> {
    let headers = match response {
        Response::Http(http) => http.headers.iter().chain(&[]),
        Response::Grpc(grpc) => grpc.metadata.iter().chain(&grpc.trailers),
        _ => return None,
    };
    let values = headers.filter_map(|(name, value)| {
        let is = |header: &str| name.eq_ignore_ascii_case(header);
        match () {
            () if is("traceresponse") => read(value).map(|found| found.of("traceresponse")),
            () if is("server-timing") => of_timing(value),
            () => None,
        }
    });
    let mut values = values;
    values.next()
}

/// The context in one of the metrics of `server-timing`: `traceparent;desc="00-…"`.
fn of_timing(value: &str) -> Option<NamedContext> {
    let mut metrics = value.split(',');
    metrics.find_map(|metric| {
        let mut parts = metric.split(';').map(str::trim);
        let name = parts.next()?;
        if !["trace", "traceparent", "traceresponse"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
        {
            return None;
        }
        let text = parts.find_map(|part| {
            let (key, text) = part.split_once('=')?;
            key.trim().eq_ignore_ascii_case("desc").then(|| text.trim())
        })?;
        read(text.trim_matches('"')).map(|found| found.of("server-timing"))
    })
}

/// The fields of a context without the name of its header.
struct Fields(TraceId, Option<SpanId>, bool);

impl Fields {
    fn of(self, header: &'static str) -> NamedContext {
        NamedContext {
            header,
            trace_id: self.0,
            span_id: self.1,
            is_sampled: self.2,
        }
    }
}

/// `00-<trace>-<span>-<flags>`, of which the span can be empty.
fn read(value: &str) -> Option<Fields> {
    let mut fields = value.trim().split('-');
    let (_version, trace) = (fields.next()?, fields.next()?);
    let (span, flags) = (fields.next()?, fields.next()?);
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some(Fields(
        trace.parse().ok()?,
        span.parse().ok(),
        flags & 1 != 0,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::HttpResponse;

    const CONTEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn named(header: &str, value: &str) -> Option<(&'static str, bool)> {
        let response = Response::Http(HttpResponse {
            headers: vec![
                ("content-type".to_owned(), "text/plain".to_owned()),
                (header.to_owned(), value.to_owned()),
            ],
            ..HttpResponse::default()
        });
        let named = named_context(&response)?;
        assert_eq!(
            named.trace_id.to_string(),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        Some((named.header, named.is_sampled))
    }

    #[test]
    fn the_trace_is_read_from_traceresponse_and_from_server_timing() {
        assert_eq!(
            named("traceresponse", CONTEXT),
            Some(("traceresponse", true))
        );
        let timing = |name: &str| format!("db;dur=53, {name};desc=\"{CONTEXT}\"");
        let of_timing = Some(("server-timing", true));
        assert_eq!(named("server-timing", &timing("traceparent")), of_timing);
        assert_eq!(named("Server-Timing", &timing("trace")), of_timing);
        let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736--00";
        assert_eq!(
            named("traceresponse", unsampled),
            Some(("traceresponse", false))
        );
    }

    #[test]
    fn other_values_name_no_trace() {
        assert_eq!(named("server-timing", "cache;desc=\"00-1\";dur=2.4"), None);
        assert_eq!(named("traceresponse", "00-0000-01"), None);
        assert_eq!(named("traceparent", CONTEXT), None);
    }
}
