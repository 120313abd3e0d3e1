//! Texts in reports: the places for texts from outside, encodings of secrets, and a search for them that is independent
//! of the masking code. For tests and fuzz targets.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use regex::Regex;

use crate::check::{Outcome, Unjudged};
use crate::result::{EarlierTrace, Report, StepReport, Verdict};
use crate::spec::Source;
use crate::trace::{
    Attributes, CommandResponse, Event, HttpResponse, Link, Response, Scope, Span, Trace, Value,
};

/// Encodings in which a system under test may write a value.
pub(crate) const ENCODINGS: [fn(&str) -> String; 15] = [
    str::to_owned,
    str::to_lowercase,
    str::to_uppercase,
    |text| serde_json::Value::from(text).to_string(),
    |text| serde_json::json!(serde_json::json!({ "a": text }).to_string()).to_string(),
    |text| percent(text, |byte| format!("%{byte:02X}")),
    |text| percent(text, |byte| format!("%25{byte:02x}")),
    |text| url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
    |text| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&#34;")
    },
    |text| format!("'{}'", text.replace('\'', r"'\''")),
    |text| text.replace('\\', r"\u005c"),
    |text| STANDARD.encode(format!("user:{text}")),
    |text| URL_SAFE.encode(format!("me:{text}!")),
    |text| STANDARD_NO_PAD.encode(format!("{text}, and more")),
    |text| text.bytes().map(|byte| format!("{byte:02x}")).collect(),
];

/// Places of a report that may contain a value.
pub(crate) const PLACES: [fn(&mut Report, String); 25] = [
    |report, text| report.specs[1].name = text,
    |report, text| report.specs[1].tags.push(text),
    |report, text| report.specs[4].verdict = Verdict::Skipped(text),
    |report, text| report.notices.push(text),
    |report, text| report.telemetry.refused.push(text),
    |report, text| report.trouble.push(crate::result::Trouble::new(&text)),
    |report, text| step(report).trigger = text,
    |report, text| step(report).name = Some(text),
    |report, text| step(report).notices.push(text),
    |report, text| step(report).checks[0].what = text,
    |report, text| {
        let source = Source::new("a.yaml", format!("key: {text}\nerrors: 0\n"));
        let end = source.text().len();
        step(report).checks[0].at = source.at(crate::spec::Place { start: 5, end });
    },
    |report, text| {
        step(report).checks[0].outcome = Outcome::Unjudged(Unjudged::NotCaptured(text));
    },
    |report, text| failing(report).found = text,
    |report, text| failing(report).expected = text,
    |report, text| failing(report).hints.push(text),
    |report, text| step(report).response = Some(http(&[], text.into_bytes())),
    |report, text| {
        let mut body = text.into_bytes();
        body.insert(0, 0xff);
        step(report).response = Some(http(&[], body));
    },
    |report, text| step(report).response = Some(http(&[("x-a", &text)], Vec::new())),
    |report, text| {
        step(report).response = Some(Response::Command(CommandResponse {
            stderr: text,
            ..CommandResponse::default()
        }));
    },
    |report, text| change_span(report, |span| span.name.push_str(&text)),
    |report, text| {
        change_span(report, |span| {
            span.attributes = [(text.as_str(), Value::Int(1))].into_iter().collect();
        });
    },
    |report, text| {
        change_span(report, |span| {
            span.attributes = attributes(Value::Bytes(text.clone().into_bytes()));
        });
    },
    |report, text| {
        change_span(report, |span| {
            let value = Value::Map(vec![(text.clone(), vec_of(&text))]);
            span.events.push(Event {
                attributes: attributes(value),
                ..Event::default()
            });
        });
    },
    |report, text| {
        change_span(report, |span| {
            span.scope = Arc::new(Scope {
                name: text.clone(),
                version: text.clone(),
                ..Scope::default()
            });
        });
    },
    |report, text| {
        change_span(report, |span| {
            span.links.push(Link {
                trace_id: span.trace_id,
                span_id: span.span_id,
                trace_state: text.clone(),
                attributes: attributes(Value::from(text.as_str())),
            });
        });
        let trace = step(report).trace.clone().unwrap();
        step(report).earlier = Some(EarlierTrace {
            trace,
            path: "a.json".into(),
            started: jiff::Timestamp::UNIX_EPOCH,
        });
    },
];

fn step(report: &mut Report) -> &mut StepReport {
    &mut report.specs[1].attempts[0].steps[0]
}

fn failing(report: &mut Report) -> &mut crate::check::Failure {
    let checks = step(report).checks.iter_mut();
    let failures = checks.filter_map(|judged| match &mut judged.outcome {
        Outcome::Fail(failure) => Some(&mut **failure),
        _ => None,
    });
    failures.last().unwrap()
}

fn http(headers: &[(&str, &str)], body: Vec<u8>) -> Response {
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Response::Http(HttpResponse {
        status: 500,
        headers: headers.collect(),
        body,
        ..HttpResponse::default()
    })
}

fn attributes(value: Value) -> Attributes {
    [("key", value)].into_iter().collect()
}

fn vec_of(text: &str) -> Value {
    Value::Array(vec![Value::from(text)])
}

fn change_span(report: &mut Report, change: impl Fn(&mut Span)) {
    let trace = step(report).trace.clone().unwrap();
    let mut spans = trace.spans().to_vec();
    change(&mut spans[0]);
    let trace = Trace::assemble(trace.id(), trace.origin(), spans);
    step(report).trace = Some(Arc::new(trace));
}

fn percent(text: &str, encoded: impl Fn(u8) -> String) -> String {
    let bytes = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => encoded(byte),
    });
    bytes.collect()
}

/// Returns `true` if the text contains the secret in any encoding. Independent of the masking code.
pub(crate) fn leaks(text: &str, secret: &str) -> bool {
    let secret = secret.to_lowercase();
    let is_in = |text: &str| text.to_lowercase().contains(&secret);
    // Encoded once or twice, in any order: formats differ in their escapes. Few decoders change a text.
    let decoders: [fn(&str) -> String; 3] = [escapes, entities, percents];
    let mut texts = BTreeSet::from([text.to_owned()]);
    for decoders in [&decoders[..], &decoders, &decoders[..1]] {
        let decoded: Vec<String> = texts
            .iter()
            .flat_map(|text| decoders.iter().map(|decode| decode(text)))
            .collect();
        texts.extend(decoded);
    }
    texts.insert(hex(text));
    texts.extend(base64s(text));
    texts.iter().any(|text| is_in(text))
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

fn entities(text: &str) -> String {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern("&#([0-9]+);"));
    let text = NUMBER.replace_all(text, |found: &regex::Captures<'_>| {
        let code = found[1].parse().unwrap();
        char::from_u32(code).unwrap().to_string()
    });
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let text = text.replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

fn percents(text: &str) -> String {
    let pair = format!("a={}", text.replace('&', "%26"));
    let (_, decoded) = url::form_urlencoded::parse(pair.as_bytes()).next().unwrap();
    decoded.into_owned()
}

fn escapes(text: &str) -> String {
    text.replace("\\\"", "\"").replace("\\\\", "\\")
}

fn hex(text: &str) -> String {
    static DIGITS: LazyLock<Regex> = LazyLock::new(|| pattern("[0-9a-fA-F]{8,}"));
    let bytes = DIGITS.find_iter(text).flat_map(|found| {
        let pairs = found.as_str().as_bytes().chunks_exact(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
        pairs.map(|pair| byte(pair).unwrap()).collect::<Vec<_>>()
    });
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}

fn base64s(text: &str) -> Vec<String> {
    static DIGITS: LazyLock<Regex> = LazyLock::new(|| pattern("[A-Za-z0-9+/_-]{8,}"));
    let decoded = DIGITS.find_iter(text).flat_map(|found| {
        let found = found.as_str().replace('-', "+").replace('_', "/");
        (0..4).filter_map(move |from| {
            let bytes = STANDARD_NO_PAD.decode(found.get(from..)?);
            let whole = from + (found.len() - from) / 4 * 4;
            let bytes = bytes.or_else(|_| STANDARD_NO_PAD.decode(&found[from..whole]));
            Some(String::from_utf8_lossy(&bytes.ok()?).into_owned())
        })
    });
    decoded.collect()
}

/// The sample that texts are written to.
#[cfg(feature = "_fuzzing")]
pub(crate) fn report() -> Report {
    super::sample::report()
}

/// Each report as it is written, apart from those of the command line.
#[cfg(feature = "_fuzzing")]
pub(crate) fn written_in_memory(report: &Report) -> Vec<(&'static str, String)> {
    use super::{Detail, Granularity, Look, json, junit, text};
    use crate::secret::Format;
    use crate::source::otlp::write_json_with;

    let write = |format, text: String| report.secrets.written(format, &text);
    let look = Look::plain();
    let specs = report.specs.iter();
    let specs: String = specs
        .map(|spec| text::spec(spec, &look, Detail::Verbose))
        .collect();
    let summary = text::summary(report, &look, Detail::Verbose);
    let trace = report.specs[1].attempts[0].steps[0].trace.clone();
    let mut all = vec![
        ("text", write(Format::Text, specs + &summary)),
        ("json", write(Format::Json, json::render(report))),
    ];
    all.extend(trace.map(|trace| {
        let trace = write_json_with(&trace, "a", &1);
        ("trace", write(Format::Json, trace))
    }));
    for granularity in [Granularity::Spec, Granularity::Check] {
        let rendered = junit::render(report, granularity);
        all.push(("junit", write(Format::Markup, rendered)));
    }
    all
}
