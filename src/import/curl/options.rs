//! The options of curl.

/// The meaning of an option for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is a part of the request, or of the expected response.
    Request,
    /// It is about output, and has no effect on the request.
    Output,
    /// It has no equivalent. The text is the help.
    Lost(&'static str),
}

/// An option: its long and its short name.
#[derive(Clone, Copy, Debug)]
pub(super) struct CurlOption {
    pub(super) long: &'static str,
    short: Option<char>,
    pub(super) has_value: bool,
    pub(super) effect: Effect,
}

const fn flag(long: &'static str, short: Option<char>, effect: Effect) -> CurlOption {
    CurlOption {
        long,
        short,
        has_value: false,
        effect,
    }
}

const fn value(long: &'static str, short: Option<char>, effect: Effect) -> CurlOption {
    CurlOption {
        long,
        short,
        has_value: true,
        effect,
    }
}

const NONE: Effect = Effect::Lost("");
const PROTOCOL: Effect = Effect::Lost("the protocol is negotiated");
const PROXY: Effect = Effect::Lost("set HTTP_PROXY, HTTPS_PROXY and NO_PROXY");
const LOGIN: Effect = Effect::Lost("only basic and bearer authentication are supported");
const ADDRESS: Effect =
    Effect::Lost("write the address into the URL, and the name into the header `Host`");
const RETRY: Effect = Effect::Lost(
    "`poll` sends a request again until its response meets a condition; `--retries` runs a spec again",
);

use Effect::{Output, Request};

const OPTIONS: &[CurlOption] = &[
    value("request", Some('X'), Request),
    value("header", Some('H'), Request),
    value("data", Some('d'), Request),
    value("data-ascii", None, Request),
    value("data-raw", None, Request),
    value("data-binary", None, Request),
    value("data-urlencode", None, Request),
    value("json", None, Request),
    value("form", Some('F'), Request),
    value("form-string", None, Request),
    value("user", Some('u'), Request),
    value("oauth2-bearer", None, Request),
    value("cookie", Some('b'), Request),
    value("user-agent", Some('A'), Request),
    value("referer", Some('e'), Request),
    value("range", Some('r'), Request),
    value("url", None, Request),
    value("url-query", None, Request),
    value("upload-file", Some('T'), Request),
    value("cert", Some('E'), Request),
    value("key", None, Request),
    value("pass", None, Request),
    value("cacert", None, Request),
    value("max-time", Some('m'), Request),
    value("max-redirs", None, Request),
    flag("get", Some('G'), Request),
    flag("head", Some('I'), Request),
    flag("location", Some('L'), Request),
    flag("location-trusted", None, Request),
    flag("insecure", Some('k'), Request),
    flag("compressed", None, Request),
    flag("fail", Some('f'), Request),
    flag("fail-with-body", None, Request),
    flag("globoff", Some('g'), Request),
    flag("basic", None, Request),
    value("output", Some('o'), Output),
    value("output-dir", None, Output),
    value("write-out", Some('w'), Output),
    value("dump-header", Some('D'), Output),
    value("stderr", None, Output),
    value("trace", None, Output),
    value("trace-ascii", None, Output),
    value("cookie-jar", Some('c'), Output),
    flag("remote-name", Some('O'), Output),
    flag("remote-name-all", None, Output),
    flag("remote-header-name", Some('J'), Output),
    flag("create-dirs", None, Output),
    flag("include", Some('i'), Output),
    flag("show-headers", None, Output),
    flag("silent", Some('s'), Output),
    flag("show-error", Some('S'), Output),
    flag("verbose", Some('v'), Output),
    flag("progress-bar", Some('#'), Output),
    flag("progress-meter", None, Output),
    flag("no-progress-meter", None, Output),
    flag("no-buffer", Some('N'), Output),
    flag("buffer", None, Output),
    flag("styled-output", None, Output),
    flag("no-styled-output", None, Output),
    flag("trace-time", None, Output),
    flag("fail-early", None, Output),
    flag("disable", Some('q'), Output),
    flag("parallel", Some('Z'), Output),
    flag("http1.0", Some('0'), PROTOCOL),
    flag("http1.1", None, PROTOCOL),
    flag("http2", None, PROTOCOL),
    flag("http2-prior-knowledge", None, PROTOCOL),
    flag("http3", None, PROTOCOL),
    flag("http3-only", None, PROTOCOL),
    flag("tlsv1", Some('1'), PROTOCOL),
    flag("tlsv1.0", None, PROTOCOL),
    flag("tlsv1.1", None, PROTOCOL),
    flag("tlsv1.2", None, PROTOCOL),
    flag("tlsv1.3", None, PROTOCOL),
    value("tls-max", None, PROTOCOL),
    value("ciphers", None, PROTOCOL),
    flag("ipv4", Some('4'), PROTOCOL),
    flag("ipv6", Some('6'), PROTOCOL),
    value("proxy", Some('x'), PROXY),
    value("proxy-user", Some('U'), PROXY),
    value("proxy-header", None, PROXY),
    value("preproxy", None, PROXY),
    value("socks5", None, PROXY),
    value("socks5-hostname", None, PROXY),
    value("noproxy", None, PROXY),
    flag("proxytunnel", Some('p'), PROXY),
    flag("proxy-insecure", None, PROXY),
    flag("digest", None, LOGIN),
    flag("ntlm", None, LOGIN),
    flag("negotiate", None, LOGIN),
    flag("anyauth", None, LOGIN),
    flag("netrc", Some('n'), LOGIN),
    flag("netrc-optional", None, LOGIN),
    value("netrc-file", None, LOGIN),
    value("aws-sigv4", None, LOGIN),
    value("delegation", None, LOGIN),
    value("resolve", None, ADDRESS),
    value("connect-to", None, ADDRESS),
    value("unix-socket", None, ADDRESS),
    value("abstract-unix-socket", None, ADDRESS),
    value("interface", None, ADDRESS),
    value("dns-servers", None, ADDRESS),
    value("local-port", None, ADDRESS),
    value("retry", None, RETRY),
    value("retry-delay", None, RETRY),
    value("retry-max-time", None, RETRY),
    flag("retry-connrefused", None, RETRY),
    flag("retry-all-errors", None, RETRY),
    value(
        "connect-timeout",
        None,
        Effect::Lost("`timeout` limits the whole request"),
    ),
    value(
        "config",
        Some('K'),
        Effect::Lost("add the options of the file to the command"),
    ),
    value("limit-rate", None, NONE),
    value("speed-limit", Some('Y'), NONE),
    value("speed-time", Some('y'), NONE),
    value("cert-type", None, NONE),
    value("key-type", None, NONE),
    value("capath", None, NONE),
    value("pinnedpubkey", None, NONE),
    value("continue-at", Some('C'), NONE),
    value("time-cond", Some('z'), NONE),
    value("keepalive-time", None, NONE),
    value("expect100-timeout", None, NONE),
    value("max-filesize", None, NONE),
    value("proto", None, NONE),
    value("proto-default", None, NONE),
    value("proto-redir", None, NONE),
    value("rate", None, NONE),
    value("variable", None, NONE),
    value("expand-url", None, NONE),
    value("expand-data", None, NONE),
    value("expand-header", None, NONE),
    value("etag-save", None, NONE),
    value("etag-compare", None, NONE),
    value("parallel-max", None, NONE),
    value("quote", Some('Q'), NONE),
    flag("path-as-is", None, NONE),
    flag("tr-encoding", None, NONE),
    flag("raw", None, NONE),
    flag("no-keepalive", None, NONE),
    flag("tcp-nodelay", None, NONE),
    flag("ssl-reqd", None, NONE),
    flag("crlf", None, NONE),
    flag("ignore-content-length", None, NONE),
];

/// The option with a long name, without its dashes.
pub(super) fn long(name: &str) -> Option<CurlOption> {
    OPTIONS.iter().find(|option| option.long == name).copied()
}

/// The option with a short name.
pub(super) fn short(letter: char) -> Option<CurlOption> {
    OPTIONS
        .iter()
        .find(|option| option.short == Some(letter))
        .copied()
}

/// The names of all options.
pub(super) fn names() -> Vec<&'static str> {
    OPTIONS.iter().map(|option| option.long).collect()
}
