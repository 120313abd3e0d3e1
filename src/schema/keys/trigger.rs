//! The keys of `request` and `run`.

use super::{Key, key};

pub(in crate::schema) const METHODS: [Key; 7] = [
    key("get", "text", "The URL to GET."),
    key("post", "text", "The URL to POST to."),
    key("put", "text", "The URL to PUT to."),
    key("patch", "text", "The URL to PATCH."),
    key("delete", "text", "The URL to DELETE."),
    key("head", "text", "The URL to ask for its HEAD."),
    key("options", "text", "The URL to ask for its OPTIONS."),
];

pub(in crate::schema) const REQUEST: [Key; 14] = [
    key(
        "method",
        "text",
        "The method, together with `url`, where it is none that has a key of its own.",
    ),
    key("url", "text", "The URL, together with `method`."),
    key(
        "headers",
        "fields",
        "Headers. A list sends the header several times.",
    ),
    key(
        "query",
        "fields",
        "Added to the query that the URL has. A list repeats the name.",
    ),
    key(
        "json",
        "anything",
        "A body of JSON, with `content-type: application/json` unless `headers` says otherwise.",
    ),
    key("body", "text", "A body of text, as written."),
    key(
        "body_file",
        "text",
        "A body from a file; the path is relative to the spec.",
    ),
    key("form", "fields", "A body of form fields, URL-encoded."),
    key("multipart", "parts", "A body of form parts with files."),
    key(
        "timeout",
        "duration",
        "Until the whole response was read; 30 s unless given here or in the project file.",
    ),
    key(
        "redirects",
        "whole",
        "How many redirects are followed; 0 unless given.",
    ),
    key("tls", "tls", "Certificates."),
    key(
        "sampled",
        "flag",
        "`false` clears the sampled flag of the trace context: the request should leave no spans.",
    ),
    key("tracestate", "text", "The W3C `tracestate` header."),
];

pub(in crate::schema) const PART: [Key; 5] = [
    key("name", "text", "The field's name."),
    key("text", "text", "What it holds, as text."),
    key(
        "file",
        "text",
        "What it holds, from a file; the path is relative to the spec.",
    ),
    key(
        "content_type",
        "text",
        "Its type; of a file `application/octet-stream` unless given.",
    ),
    key(
        "file_name",
        "text",
        "The name that the server is told; the file's own unless given.",
    ),
];

pub(in crate::schema) const TLS: [Key; 4] = [
    key("verify", "flag", "`false` accepts any certificate."),
    key(
        "ca",
        "text",
        "A PEM file with authorities to trust besides the system's.",
    ),
    key(
        "cert",
        "text",
        "A PEM file with the client's own certificate; goes together with `key`.",
    ),
    key("key", "text", "A PEM file with the key of `cert`."),
];

pub(in crate::schema) const COMMAND: [Key; 6] = [
    key(
        "command",
        "words",
        "A text, split into words as a shell would, or a list of words. No shell sees it.",
    ),
    key(
        "env",
        "texts_by_name",
        "Added to spanspec's own environment.",
    ),
    key(
        "dir",
        "text",
        "Where it runs; the folder of the spec unless given.",
    ),
    key(
        "timeout",
        "duration",
        "After it the command and what it started are ended; 10 min unless given.",
    ),
    key(
        "sampled",
        "flag",
        "`false` clears the sampled flag of the trace context.",
    ),
    key("tracestate", "text", "What TRACESTATE holds."),
];
