//! Keys of `conformance`.

use super::{Key, Keys, key};

/// `conformance`, if it is a map.
pub(crate) const CONFORMANCE: Keys = Keys(&[CONFORMANCE_TABLE]);

const CONFORMANCE_TABLE: &[Key] = &[
    key(
        "url",
        "text",
        "The URL to request. `{echo}` in its path or query stands for the URL of the echo, `{id}` for an id of the request.",
    ),
    key(
        "echo",
        "text",
        "The path on which the service calls the URL in the header `x-spanspec-echo`; it replaces that of `url`.",
    ),
    key(
        "echo_header",
        "text",
        "The name of this header; default `x-spanspec-echo`.",
    ),
    key(
        "level",
        "conformance_level",
        "The level of W3C Trace Context: 1 or 2; default 2.",
    ),
    key(
        "strict",
        "flag",
        "`true` also fails cases that violate a SHOULD; default `false`.",
    ),
    key(
        "baggage",
        "flag",
        "`false` leaves out the cases of W3C Baggage, which need the echo.",
    ),
    key(
        "formats",
        "conformance_formats",
        "Other formats that are sent beside `traceparent`: b3, b3multi, jaeger, xray.",
    ),
    key(
        "allow",
        "list",
        "Names of cases that are known not to conform. A note says when one does.",
    ),
    key(
        "headers",
        "fields",
        "Headers of all requests. A list repeats the header.",
    ),
    key("tls", "tls", "Certificates."),
    key(
        "timeout",
        "duration",
        "Maximum time of a request; default 10 s.",
    ),
];
