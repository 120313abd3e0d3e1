//! Parts of drafts for single spans, records and values, of which a caller makes checks.

use std::sync::Arc;

use super::part::Execution;
use super::request::{Payload, Protocol, Request};
use super::spans::{self, GroupSpans, SpanGroup};
use super::varies::Varies;
use super::{logs, response, yaml};
use crate::trace::{LogRecord, Response, SpanKind, Trace, Value};

/// Parts of a draft of one execution.
pub(crate) struct Sketches {
    seen: [Execution; 1],
    varies: Varies,
}

/// The form of a check that a draft writes for an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttributeForm {
    /// With its value.
    Constant,
    /// Its value is specific to the execution: only that there is one.
    Varies,
    /// Not at all: it is specific to the machine or the connection, content, or told by another one.
    LeftOut,
}

/// A value of a JSON body.
pub(crate) struct JsonLeaf {
    /// Its JSONPath.
    pub(crate) path: String,
    /// The keys of the path.
    pub(crate) keys: Vec<String>,
    /// The line of a draft under `json`, without indentation.
    pub(crate) line: Option<String>,
    /// The line expects the value, and not only that there is one.
    pub(crate) is_constant: bool,
}

impl Sketches {
    /// Sketches for a trace. Values in `spec`, the text of its spec, do not vary.
    pub(crate) fn new(spec: &str, trace: Arc<Trace>) -> Self {
        let request = Request {
            name: None,
            protocol: Protocol::Http("GET".to_owned()),
            url: String::new(),
            headers: Vec::new(),
            payload: Payload::Text(spec.to_owned()),
        };
        let response = Response::None;
        let seen = [Execution { response, trace }];
        let varies = Varies::new(&request, &seen);
        Self { seen, varies }
    }

    /// The trace.
    pub(crate) fn shared_trace(&self) -> Arc<Trace> {
        Arc::clone(&self.seen[0].trace)
    }

    fn trace(&self) -> &Trace {
        &self.seen[0].trace
    }

    fn group(&self, span: usize) -> SpanGroup<'_> {
        SpanGroup::of(&self.trace().spans()[span])
    }

    fn found(&self, span: usize) -> GroupSpans<'_> {
        self.group(span).find(self.trace())
    }

    /// Returns `true` if a draft would have an entry for this span, and it is not internal work of an
    /// instrumentation library.
    pub(crate) fn is_telling(&self, at: usize) -> bool {
        let span = &self.trace().spans()[at];
        // `@opentelemetry/instrumentation-graphql`, `opentelemetry.instrumentation.flask`.
        let is_of_library =
            span.kind == SpanKind::Internal && span.scope.name.contains("instrumentation");
        spans::is_telling(self.trace(), at) && !self.varies.text(&span.name) && !is_of_library
    }

    /// `find`, and perhaps `service`, on lines of their own.
    pub(crate) fn find(&self, span: usize) -> Vec<String> {
        let text = spans::find(self.group(span), &self.seen);
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// `{ name: …, service: … }` with a further condition.
    pub(crate) fn find_with(&self, span: usize, condition: &str) -> String {
        let span = &self.trace().spans()[span];
        format!(
            "find: {{ name: {}, service: {}, {condition} }}",
            yaml::flow_name(&span.name),
            yaml::flow_name(span.service())
        )
    }

    /// `{ name: …, service: … }`.
    pub(crate) fn selector(&self, span: usize) -> String {
        let span = &self.trace().spans()[span];
        format!(
            "{{ name: {}, service: {} }}",
            yaml::flow_name(&span.name),
            yaml::flow_name(span.service())
        )
    }

    /// The number of spans that `find` selects.
    pub(crate) fn number(&self, span: usize) -> usize {
        self.found(span).spans.len()
    }

    /// The service above these spans: `{ service: order }`.
    pub(crate) fn place(&self, span: usize) -> Option<String> {
        let place = spans::place(&[self.found(span)], &[])?;
        place.strip_prefix("below: ").map(str::to_owned)
    }

    /// The form of a check that a draft writes for an attribute of a span.
    pub(crate) fn form_of(&self, span: usize, key: &str) -> AttributeForm {
        let span = &self.trace().spans()[span];
        let value = span.attributes.get(key);
        if spans::is_left_out(key, span) {
            AttributeForm::LeftOut
        } else if value.is_none_or(|value| self.varies.value(value)) {
            AttributeForm::Varies
        } else {
            AttributeForm::Constant
        }
    }

    /// Returns `true` if the name of an attribute shows that its value varies.
    pub(crate) fn is_named_to_vary(key: &str) -> bool {
        Varies::key(key)
    }

    /// Returns `true` if a value is specific to the execution.
    pub(crate) fn value_varies(&self, value: &Value) -> bool {
        self.varies.value(value)
    }

    /// `key: value`; `None` if the value has no notation.
    pub(crate) fn attribute(key: &str, value: &Value) -> Option<String> {
        let written = yaml::equal(value)?;
        Some(format!(
            "{}: {written}",
            yaml::key_text(&yaml::escaped(key))
        ))
    }

    /// `key: exists`.
    pub(crate) fn any_attribute(key: &str) -> String {
        format!("{}: exists", yaml::key_text(&yaml::escaped(key)))
    }

    /// `$.path: exists`.
    pub(crate) fn any_path(path: &str) -> String {
        format!("{}: exists", response::path_key(path))
    }

    /// An entry of `events`.
    pub(crate) fn event(name: &str) -> String {
        spans::event(name)
    }

    /// A text in quotes.
    pub(crate) fn quoted(text: &str) -> String {
        yaml::quoted(&yaml::escaped(text))
    }

    /// `service: name` inside braces.
    pub(crate) fn in_service(name: &str) -> String {
        format!("service: {}", yaml::flow_name(name))
    }

    /// The entry of `logs` for a record, without indentation; `None` if a draft would have none.
    pub(crate) fn log(&self, record: &LogRecord) -> Option<String> {
        let entry = logs::entry_of(record, &self.seen[0], &self.varies)?;
        Some(entry.trim().to_owned())
    }

    /// Identifies records that would have the same entry of `logs`; `None` if a draft would have none.
    pub(crate) fn log_group(record: &LogRecord) -> Option<String> {
        logs::group_name(record)
    }

    /// The values of a body, and those that a draft would check.
    pub(crate) fn leaves(&self, body: &Value) -> Vec<JsonLeaf> {
        let mut found = Vec::new();
        if let Value::Map(_) = body {
            response::leaves(body, "$".to_owned(), &mut Vec::new(), &mut found);
        }
        let bodies = std::slice::from_ref(body);
        let all = found.into_iter().map(|leaf| {
            let line = response::line(&leaf, bodies, &self.varies);
            let line = line.map(|line| line.trim().to_owned());
            JsonLeaf {
                is_constant: line
                    .as_ref()
                    .is_some_and(|line| !line.ends_with(": exists")),
                line,
                path: leaf.path,
                keys: leaf.keys,
            }
        });
        all.collect()
    }
}
