//! The keys of every place in a spec or project file, and what each of them means.

use serde_json::{Value, json};

/// A key, the shape of what it holds, and what an editor says of it.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// The name of a definition in `shapes`.
    shape: &'static str,
    description: &'static str,
}

impl Key {
    pub(super) fn schema(&self) -> Value {
        json!({
            "description": self.description,
            "$ref": format!("#/$defs/{}", self.shape),
        })
    }
}

const fn key(name: &'static str, shape: &'static str, description: &'static str) -> Key {
    Key {
        name,
        shape,
        description,
    }
}

/// Several tables as one.
pub(super) fn joined(tables: &[&[Key]]) -> Vec<Key> {
    tables.concat()
}

/// Everything that may stand at the top of a spec.
pub(super) fn all_of_spec() -> Vec<Key> {
    joined(&[&SPEC, &TRIGGERS, &OF_TEST])
}

const SPEC: [Key; 10] = [
    key(
        "name",
        "text",
        "What reports call this spec; unique within the file. Without it, the file's name.",
    ),
    key("description", "text", "Free text."),
    key("tags", "texts", "Words for `--tag`."),
    key(
        "skip",
        "text",
        "A reason. The spec is not run, and reported as skipped.",
    ),
    key(
        "vars",
        "anything_by_name",
        "Variables of this spec, for `${name}`. A function such as `${uuid()}` gives one value for all uses.",
    ),
    key(
        "matrix",
        "matrix",
        "The same spec with several values: a map of lists for each combination, or a list of maps for each case.",
    ),
    key(
        "setup",
        "steps_around",
        "Steps before; they may check the response only. If one does not pass, the spec is errored.",
    ),
    key(
        "teardown",
        "steps_around",
        "Steps after, which run in any case. They may check the response only.",
    ),
    key(
        "steps",
        "steps",
        "Several requests one after the other, in place of a trigger and `expect`; each with a trace of its own.",
    ),
    key(
        "lock",
        "text",
        "Specs with the same `lock` never run at the same time.",
    ),
];

pub(super) const TRIGGERS: [Key; 3] = [
    key(
        "request",
        "request",
        "The HTTP request to fire: `GET http://…`, or a map.",
    ),
    key(
        "run",
        "command",
        "A command that makes requests itself; it finds the trace context in TRACEPARENT.",
    ),
    key(
        "trace_id",
        "text",
        "Fires nothing, and waits for the trace with this id that something else makes.",
    ),
];

const OF_TEST: [Key; 3] = [
    key(
        "capture",
        "capture",
        "Values of the response or of spans, as variables for `expect` and for later steps.",
    ),
    key(
        "expect",
        "expect",
        "What must hold of the response and of the trace.",
    ),
    key("wait", "wait", "How long to wait for the trace."),
];

pub(super) const STEP_NAME: [Key; 1] = [key("name", "text", "What reports call this step.")];

pub(super) fn step() -> Vec<Key> {
    joined(&[&STEP_NAME, &TRIGGERS, &OF_TEST])
}

/// A step of `setup` or `teardown`.
pub(super) fn step_around() -> Vec<Key> {
    let expect = key("expect", "expect_around", "What must hold of the response.");
    step()
        .into_iter()
        .map(|key| if key.name == "expect" { expect } else { key })
        .collect()
}

pub(super) const METHODS: [Key; 7] = [
    key("get", "text", "The URL to GET."),
    key("post", "text", "The URL to POST to."),
    key("put", "text", "The URL to PUT to."),
    key("patch", "text", "The URL to PATCH."),
    key("delete", "text", "The URL to DELETE."),
    key("head", "text", "The URL to ask for its HEAD."),
    key("options", "text", "The URL to ask for its OPTIONS."),
];

pub(super) const REQUEST: [Key; 14] = [
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

pub(super) const PART: [Key; 5] = [
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

pub(super) const TLS: [Key; 4] = [
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

pub(super) const COMMAND: [Key; 6] = [
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

pub(super) const CAPTURE: [Key; 9] = [
    key(
        "json",
        "json_path",
        "A path in the JSON body; beside `find`, in the attribute, which then holds JSON.",
    ),
    key("header", "text", "The value of a header."),
    key(
        "cookie",
        "text",
        "The value of a cookie that the response sets.",
    ),
    key("status", "flag", "`true` takes the status code."),
    key(
        "body",
        "regex",
        "The first group of an expression in the body, or the whole match.",
    ),
    key("stdout", "regex", "The same in the output of a command."),
    key(
        "find",
        "selector",
        "The span that has the value in an attribute.",
    ),
    key(
        "attribute",
        "text",
        "The attribute of the span that `find` chooses.",
    ),
    key(
        "secret",
        "flag",
        "`true` masks the value in everything that is written.",
    ),
];

pub(super) const WAIT: [Key; 3] = [
    key(
        "timeout",
        "duration",
        "The verdict comes at the latest this long after the response; 30 s unless given.",
    ),
    key(
        "tail",
        "duration",
        "How long work goes on after the response; 0 s unless given.",
    ),
    key(
        "flush",
        "duration",
        "How long a service may keep a span before it exports it; computed for services that spanspec starts.",
    ),
];

pub(super) const EXPECT_RESPONSE: [Key; 5] = [
    key(
        "status",
        "status_codes",
        "The status code of the response: 201, 2xx, [200, 201], 200..299, { not: 500 }.",
    ),
    key(
        "headers",
        "matchers",
        "Headers of the response, and what each must be like.",
    ),
    key("body", "matcher", "The body of the response, as text."),
    key(
        "json",
        "paths",
        "JSONPath into the body, and what must be there.",
    ),
    key(
        "response_time",
        "durations",
        "From sending the request to the end of the response: < 800ms.",
    ),
];

pub(super) const EXPECT_COMMAND: [Key; 3] = [
    key(
        "exit_code",
        "matcher",
        "The exit code of the command; 0 unless given.",
    ),
    key(
        "stdout",
        "matcher",
        "What the command wrote to standard output.",
    ),
    key(
        "stderr",
        "matcher",
        "What the command wrote to standard error.",
    ),
];

pub(super) const EXPECT_TRACE: [Key; 8] = [
    key(
        "errors",
        "count",
        "The number of spans with status error, anywhere in the trace.",
    ),
    key(
        "orphans",
        "count",
        "The number of spans whose parent never arrived.",
    ),
    key("span_count", "count", "The number of spans."),
    key(
        "trace_duration",
        "durations",
        "From the first start to the last end.",
    ),
    key(
        "services",
        "list",
        "Services (`service.name`), each of which has a span; there may be more.",
    ),
    key(
        "edges",
        "list",
        "Calls, `caller -> callee`; there may be more.",
    ),
    key(
        "sequence",
        "selectors",
        "Spans in this order: all of one entry have started when the first of the next starts.",
    ),
    key("spans", "span_entries", "Expectations of single spans."),
];

pub(super) const SPAN_ENTRY: [Key; 3] = [
    key(
        "find",
        "selector",
        "Which spans this is about: a name, or a map. The keys beside it are checks that each of them must pass.",
    ),
    key(
        "count",
        "count",
        "How many spans; at least one unless given.",
    ),
    key(
        "id",
        "text",
        "A name for the spans found, for relations of other entries: `after: $id`.",
    ),
];

pub(super) const SPAN: [Key; 20] = [
    key("name", "matcher", "The span's name."),
    key("service", "matcher", "`service.name` of its resource."),
    key("scope", "matcher", "The name of its instrumentation scope."),
    key(
        "kind",
        "kinds",
        "Its kind: a word, a list of words, or { not: word }.",
    ),
    key(
        "type",
        "types",
        "What it is about: a word, a list of words, or { not: word }.",
    ),
    key(
        "status",
        "statuses",
        "Its status. Instrumentation mostly leaves success unset; { not: error } accepts both.",
    ),
    key("status_message", "matcher", "The message of its status."),
    key(
        "attributes",
        "matchers",
        "Its attributes, and what each must be like.",
    ),
    key(
        "resource",
        "matchers",
        "Attributes of its resource, and what each must be like.",
    ),
    key(
        "duration",
        "durations",
        "From its start to its end: < 600ms.",
    ),
    key(
        "self_time",
        "durations",
        "Its duration without what its direct children cover.",
    ),
    key(
        "events",
        "events",
        "Its events. Each must be there, at least once unless `count` says otherwise.",
    ),
    key(
        "links",
        "links",
        "Its links: a number, or a list of what must be there.",
    ),
    key("below", "relation", "Has an ancestor like this."),
    key("above", "relation", "Has a descendant like this."),
    key("child_of", "relation", "Has a parent like this."),
    key("parent_of", "relation", "Has a child like this."),
    key(
        "after",
        "relation",
        "Starts when all spans like this have ended; there must be some.",
    ),
    key(
        "before",
        "relation",
        "Has ended when the first span like this starts; there must be some.",
    ),
    key(
        "linked_to",
        "relation",
        "Belongs to a trace that a link ties to such a span.",
    ),
];

pub(super) const TAKE: [Key; 1] = [key(
    "take",
    "take",
    "Only the `first`, the `last`, or the n-th of the spans that match, by start time.",
)];

pub(super) const COUNT: [Key; 1] = [key(
    "count",
    "count",
    "How many there must be; at least one unless given.",
)];

pub(super) const EVENT: [Key; 2] = [
    key("name", "matcher", "The event's name."),
    key(
        "attributes",
        "matchers",
        "Its attributes, and what each must be like.",
    ),
];

pub(super) const LINK: [Key; 2] = [
    key(
        "to",
        "selector",
        "The span that it leads to: a name, a map, or `$id` of an entry.",
    ),
    key(
        "attributes",
        "matchers",
        "Attributes of the link itself, and what each must be like.",
    ),
];

pub(super) const MATCHER: [Key; 15] = [
    key(
        "equals",
        "anything",
        "Equal to this, whatever it looks like.",
    ),
    key("not", "matcher", "There, and does not match this."),
    key(
        "contains",
        "anything",
        "A text that contains this text, or an array with an element equal to this.",
    ),
    key("starts_with", "text", "A text that starts so."),
    key("ends_with", "text", "A text that ends so."),
    key(
        "includes",
        "anything",
        "A structure of which this is a part.",
    ),
    key(
        "length",
        "count",
        "How many characters, bytes, elements or entries it has.",
    ),
    key("type", "value_type", "The type of the value."),
    key("gt", "number", "A number greater than this."),
    key("gte", "number", "This number or a greater one."),
    key("lt", "number", "A number less than this."),
    key("lte", "number", "This number or a smaller one."),
    key(
        "any",
        "matcher",
        "An array with an element that matches this.",
    ),
    key(
        "all",
        "matcher",
        "An array that is not empty, and every element matches this.",
    ),
    key(
        "json",
        "paths",
        "A text that is JSON, with paths into it and what must be there.",
    ),
];

pub(super) const PROJECT: [Key; 6] = [
    key(
        "specs",
        "texts",
        "Files, folders and globs of specs; [specs] unless given.",
    ),
    key("vars", "anything_by_name", "Variables for all specs."),
    key(
        "secrets",
        "texts",
        "Names of variables whose values are masked in everything that is written.",
    ),
    key("receiver", "receiver", "Where spans are received."),
    key(
        "services",
        "services",
        "What to start before the first spec, and to stop after the last.",
    ),
    key("defaults", "defaults", "What specs need not say."),
];

pub(super) const RECEIVER: [Key; 2] = [
    key(
        "listen",
        "list",
        "Addresses such as 127.0.0.1:4317, or ports on loopback; port 0 is any free one.",
    ),
    key(
        "cors",
        "texts",
        "Origins of web pages that may send spans; `*` for all.",
    ),
];

pub(super) const SERVICE: [Key; 9] = [
    key("build", "words", "A command that runs to its end first."),
    key("run", "words", "The command that keeps running."),
    key(
        "shell",
        "flag",
        "`true` gives `run` and `build` to a shell.",
    ),
    key(
        "ports",
        "ports",
        "Names and numbers; `auto` takes a free one. `${services.NAME.PORT}` is its number.",
    ),
    key(
        "env",
        "texts_by_name",
        "Variables added to the environment, such as OTEL_SERVICE_NAME.",
    ),
    key(
        "ready",
        "ready",
        "When it can be used: http://… answers with 2xx, tcp://host:port accepts, or { log: =~ … } was written.",
    ),
    key(
        "depends_on",
        "list",
        "Services that must be ready before this one starts.",
    ),
    key(
        "dir",
        "text",
        "Where it is built and runs; the folder of the project file unless given.",
    ),
    key(
        "start_timeout",
        "duration",
        "How long it may take to become ready; 60 s unless given.",
    ),
];

pub(super) const DEFAULTS: [Key; 2] = [
    key(
        "wait",
        "wait",
        "How long to wait for the trace, for every spec.",
    ),
    key("request", "request_defaults", "For every request."),
];

pub(super) const REQUEST_DEFAULTS: [Key; 1] = [key(
    "timeout",
    "duration",
    "Until the whole response was read; 30 s unless given.",
)];
