//! The keys of `expect`, and those of a matcher.

use super::{Key, key};

pub(in crate::schema) const EXPECT_RESPONSE: [Key; 5] = [
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

pub(in crate::schema) const EXPECT_COMMAND: [Key; 3] = [
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

pub(in crate::schema) const EXPECT_TRACE: [Key; 8] = [
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

pub(in crate::schema) const MATCHER: [Key; 17] = [
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
        "A structure, or a string that is JSON, with paths into it and what must be there.",
    ),
    key(
        "number",
        "matcher",
        "A number, or a string that is one, which matches this.",
    ),
    key(
        "same_items",
        "anything",
        "An array with exactly these elements, in any order.",
    ),
];
