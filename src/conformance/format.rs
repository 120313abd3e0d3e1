//! Formats of a trace context other than `traceparent`.

/// A trace context in another format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The header `b3`.
    B3,
    /// The headers `X-B3-…`.
    B3Multi,
    /// The header `uber-trace-id`.
    Jaeger,
    /// The header `X-Amzn-Trace-Id`.
    XRay,
}

impl Format {
    pub(crate) const ALL: [Self; 4] = [Self::B3, Self::B3Multi, Self::Jaeger, Self::XRay];

    /// Its name in `OTEL_PROPAGATORS`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
            Self::XRay => "xray",
        }
    }

    pub(super) fn case(self) -> &'static str {
        match self {
            Self::B3 => "format-b3",
            Self::B3Multi => "format-b3multi",
            Self::Jaeger => "format-jaeger",
            Self::XRay => "format-xray",
        }
    }

    /// The index of its context among the ids of a request. The first context is that of `traceparent`.
    pub(crate) fn context(self) -> usize {
        1 + self as usize
    }

    pub(super) fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::B3 => &[("b3", " {t2}-{p2}-1")],
            Self::B3Multi => &[
                ("X-B3-TraceId", " {t3}"),
                ("X-B3-SpanId", " {p3}"),
                ("X-B3-Sampled", " 1"),
            ],
            Self::Jaeger => &[("uber-trace-id", " {t4}:{p4}:0:1")],
            Self::XRay => &[("X-Amzn-Trace-Id", " Root={x5};Parent={p5};Sampled=1")],
        }
    }
}
