//! OTLP/JSON: text that is cut off, no JSON, deep, or of wrong types.

use crate::target::Target;

const HEADERS: &str = "content-type: application/json\r\n";

const WHOLE: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s\u00e9"}}]},"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"it","kind":2,"startTimeUnixNano":"1","attributes":[{"key":"a","value":{"intValue":"1"}}],"events":[{"name":"e"}],"links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b8"}],"status":{"code":2}}]}]}]}"#;

/// Values of any type.
const VALUES: [&str; 17] = [
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e999",
    "-1e-999",
    "18446744073709551616",
    "\"\"",
    "\"x\"",
    "\"\\ud83d\"",
    "[]",
    "[null]",
    "[[]]",
    "{}",
    "{\"a\":{}}",
    "[{},{\"key\":1}]",
];

/// Paths to all values of a span, of which each is replaced by each value.
const KEYS: [&str; 14] = [
    "resource",
    "scopeSpans",
    "spans",
    "traceId",
    "spanId",
    "name",
    "kind",
    "startTimeUnixNano",
    "attributes",
    "events",
    "links",
    "status",
    "code",
    "value",
];

/// Text with the value of the first key of this name replaced.
fn replaced(key: &str, value: &str) -> String {
    let begin = WHOLE.find(&format!("\"{key}\":")).unwrap() + key.len() + 3;
    let rest = &WHOLE[begin..];
    let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
    stream.next().unwrap().unwrap();
    format!(
        "{}{value}{}",
        &WHOLE[..begin],
        &rest[stream.byte_offset()..]
    )
}

fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let nested = |open: &str, times: usize| open.repeat(times).into_bytes();
    vec![
        ("nothing", Vec::new()),
        ("blanks", text("  \n\t ")),
        ("two values", text("{}{}")),
        ("a comma", text("{},")),
        ("a number", text("7")),
        ("a string", text("\"x\"")),
        ("an array", text("[]")),
        ("null", text("null")),
        ("single quotes", text("{'resourceSpans':[]}")),
        ("a comment", text("{/* x */}")),
        ("NaN", text("{\"resourceSpans\":NaN}")),
        (
            "a repeated key",
            text("{\"resourceSpans\":[],\"resourceSpans\":[]}"),
        ),
        (
            "a known key in another case",
            text("{\"ResourceSpans\":[]}"),
        ),
        ("NUL", text("{\"resourceSpans\":\"\0\"}")),
        ("no UTF-8", b"{\"resourceSpans\":\"\xff\xfe\"}".to_vec()),
        (
            "a byte order mark",
            [&b"\xef\xbb\xbf"[..], WHOLE.as_bytes()].concat(),
        ),
        (
            "UTF-16",
            WHOLE.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        ("a bad escape", text("{\"resourceSpans\":\"\\x41\"}")),
        ("a cut escape", text("{\"resourceSpans\":\"\\u12")),
        ("deep arrays", nested("[", 200_000)),
        ("deep objects", nested("{\"a\":", 200_000)),
        ("deep spans", nested("{\"resourceSpans\":[", 100_000)),
        (
            "a long number",
            [&b"{\"a\":"[..], &[b'9'; 300_000], b"}"].concat(),
        ),
        (
            "a long key",
            [&b"{\""[..], &[b'k'; 1 << 20], b"\":1}"].concat(),
        ),
        ("protobuf", crate::wire::export()),
    ]
}

/// A small text that would become a large structure.
fn bombs() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let bomb = |begin: &str, piece: &str, end: &str| {
        let times = (1 << 20) / piece.len();
        [begin, &piece.repeat(times), end].concat().into_bytes()
    };
    let spans = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{}"#;
    let resources = r#"{"resourceSpans":[{}"#;
    let attributes = r#"{"resourceSpans":[{"resource":{"attributes":[1"#;
    let values =
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[{}"#;
    let points = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{}"#;
    vec![
        ("spans", "/v1/traces", bomb(spans, ",{}", "]}]}]}")),
        ("resources", "/v1/traces", bomb(resources, ",{}", "]}")),
        ("attributes", "/v1/traces", bomb(attributes, ",1", "]}}]}")),
        ("values", "/v1/logs", bomb(values, ",{}", "]}}}]}]}]}")),
        ("points", "/v1/metrics", bomb(points, ",{}", "]}}]}]}]}")),
    ]
}

pub(crate) fn send(target: &Target) -> usize {
    let mut cases = 0;
    for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        let mut posts = target.posts(path, HEADERS);
        let mut expect = |body: &[u8], case: &str| {
            posts.expect(body, &[200, 400, 413], case);
            cases += 1;
        };
        for (name, text) in texts() {
            expect(&text, name);
        }
        for end in 0..WHOLE.len() {
            expect(
                &WHOLE.as_bytes()[..end],
                &format!("cut off after {end} bytes"),
            );
        }
        for key in KEYS {
            for value in VALUES {
                expect(replaced(key, value).as_bytes(), &format!("{key}: {value}"));
            }
        }
    }
    for (name, path, bomb) in bombs() {
        let mut posts = target.posts(path, HEADERS);
        posts.expect(&bomb, &[200, 400, 413], &format!("a bomb of {name}"));
        cases += 1;
    }
    cases
}
