//! Masks secrets in responses and traces.

use std::sync::Arc;

use crate::secret::{MASK, Secrets, is_credential_header};
use crate::trace::{
    Attributes, CommandResponse, ConformanceResponse, Event, GrpcResponse, Hole, HttpResponse,
    Link, LogRecord, MessageResponse, Resource, Response, Scope, ServiceEdge, Span, SpanExemplar,
    Status, Trace, Traffic, Undecoded, Value,
};

impl Secrets {
    pub(super) fn mask_response(&self, response: &mut Response) {
        match response {
            Response::Http(http) => self.mask_http(http),
            Response::Grpc(grpc) => self.mask_grpc(grpc),
            Response::Command(CommandResponse {
                exit_code: _,
                signal: _,
                stdout,
                stdout_dropped: _,
                stderr,
                stderr_dropped: _,
                time: _,
            }) => self.mask_each([stdout, stderr]),
            Response::Message(MessageResponse {
                broker,
                place,
                receipt,
                note,
                time: _,
            }) => {
                self.mask_each([broker, place, receipt]);
                note.iter_mut().for_each(|note| self.mask(note));
            }
            Response::Sent(sent) => sent.note.iter_mut().for_each(|note| self.mask(note)),
            Response::Conformance(conformance) => {
                let ConformanceResponse {
                    level: _,
                    is_strict: _,
                    cases,
                    notes,
                    time: _,
                } = &mut **conformance;
                notes.iter_mut().for_each(|note| self.mask(note));
                for case in cases {
                    self.mask_each([&mut case.sent, &mut case.expected, &mut case.found]);
                }
            }
            Response::Traffic(traffic) => self.mask_traffic(traffic),
            Response::None => {}
        }
    }

    fn mask_traffic(&self, traffic: &mut Traffic) {
        let Traffic {
            observed: _,
            longest: _,
            services,
            other_records: _,
            edges,
            forgotten_spans: _,
            refused,
        } = traffic;
        let all = std::mem::take(services).into_iter();
        *services = all.map(|(name, of)| (self.text(&name), of)).collect();
        let all = std::mem::take(edges).into_iter();
        let masked = all.map(|(edge, number)| {
            let ServiceEdge { from, to, by } = edge;
            let (from, to) = (self.text(&from), self.text(&to));
            (ServiceEdge { from, to, by }, number)
        });
        *edges = masked.collect();
        for export in refused {
            export.hole = export.hole.with_texts(|text| self.text(text));
        }
    }

    fn mask_grpc(&self, grpc: &mut GrpcResponse) {
        let GrpcResponse {
            code: _,
            status_message,
            ending: _,
            metadata,
            trailers,
            messages,
            is_stream: _,
            details,
            unknown_details,
            bytes: _,
            time: _,
        } = grpc;
        self.mask(status_message);
        for (name, value) in metadata.iter_mut().chain(trailers) {
            if is_credential_header(name) {
                *value = MASK.to_owned();
            }
            self.mask(name);
            self.mask(value);
        }
        for value in messages.iter_mut().chain(details) {
            *value = self.value(value);
        }
        for name in unknown_details {
            self.mask(name);
        }
    }

    fn mask_http(&self, http: &mut HttpResponse) {
        let HttpResponse {
            status: _,
            headers,
            body,
            undecoded,
            is_open: _,
            time: _,
        } = http;
        if let Some(Undecoded::Encoding(name) | Undecoded::Charset(name)) = undecoded {
            self.mask(name);
        }
        for (name, value) in headers {
            if is_credential_header(name) {
                *value = MASK.to_owned();
            }
            self.mask(name);
            self.mask(value);
        }
        *body = self.bytes(std::mem::take(body));
    }

    /// Copies the trace only if there are secrets, since it may be large.
    pub(super) fn mask_trace(&self, trace: &mut Arc<Trace>) {
        if !self.is_empty() {
            *trace = Arc::new(self.trace(trace));
        }
    }

    fn trace(&self, trace: &Trace) -> Trace {
        let linked = trace.linked().iter();
        let linked = linked.map(|linked| self.trace(linked)).collect();
        let spans = trace.spans().iter().map(|span| self.span(span));
        let logs = trace.logs().iter();
        let logs = logs.map(|record| Arc::new(self.log_record(record)));
        let hole = |hole: &Hole| hole.with_texts(|text| self.text(text));
        Trace::assemble(trace.id(), trace.origin(), spans)
            .with_linked(linked)
            .with_losses(trace.losses().clone())
            .with_holes(trace.holes().iter().map(hole))
            .with_logs(Arc::new(logs.collect()))
            .with_log_holes(trace.log_holes().iter().map(hole))
    }

    fn log_record(&self, record: &LogRecord) -> LogRecord {
        let mut masked = record.clone();
        let LogRecord {
            trace_id: _,
            span_id: _,
            time: _,
            severity: _,
            severity_text,
            body,
            event_name,
            attributes,
            resource,
            scope,
            is_repeated: _,
        } = &mut masked;
        self.mask_each([severity_text, event_name]);
        *body = self.value(body);
        self.mask_attributes(attributes);
        self.mask_resource(resource);
        self.mask_scope(scope);
        masked
    }

    fn span(&self, span: &Span) -> Span {
        let mut masked = span.clone();
        let Span {
            trace_id: _,
            span_id: _,
            parent_id: _,
            name,
            kind: _,
            start: _,
            end: _,
            status,
            attributes,
            events,
            links,
            dropped_events: _,
            dropped_links: _,
            resource,
            scope,
            trace_state,
            flags: _,
        } = &mut masked;
        self.mask(name);
        let Status { code: _, message } = status;
        self.mask(message);
        self.mask_attributes(attributes);
        for Event {
            name,
            time: _,
            attributes,
        } in events
        {
            self.mask(name);
            self.mask_attributes(attributes);
        }
        for Link {
            trace_id: _,
            span_id: _,
            trace_state,
            attributes,
        } in links
        {
            self.mask(trace_state);
            self.mask_attributes(attributes);
        }
        self.mask_resource(resource);
        self.mask_scope(scope);
        self.mask(trace_state);
        masked
    }

    pub(super) fn mask_exemplar(&self, exemplar: &mut SpanExemplar) {
        let SpanExemplar {
            span_id: _,
            metric,
            unit,
            value: _,
            attributes,
        } = exemplar;
        self.mask_each([metric, unit]);
        self.mask_attributes(attributes);
    }

    /// Spans share their resource and scope. Copies them only if they contain a secret.
    fn mask_resource(&self, resource: &mut Arc<Resource>) {
        let mut masked = Resource::clone(resource);
        let Resource { attributes } = &mut masked;
        self.mask_attributes(attributes);
        if masked != **resource {
            *resource = Arc::new(masked);
        }
    }

    fn mask_scope(&self, scope: &mut Arc<Scope>) {
        let mut masked = Scope::clone(scope);
        let Scope {
            name,
            version,
            attributes,
        } = &mut masked;
        self.mask_each([name, version]);
        self.mask_attributes(attributes);
        if masked != **scope {
            *scope = Arc::new(masked);
        }
    }

    fn mask_attributes(&self, attributes: &mut Attributes) {
        let masked = attributes.all_sent().map(|(key, value)| {
            let value = self.value(value);
            (self.text(key), value)
        });
        let dropped = attributes.dropped();
        *attributes = masked.collect::<Attributes>().with_dropped(dropped);
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.value(item)).collect())
            }
            Value::Map(entries) => {
                let entries = entries.iter();
                let masked = entries.map(|(key, value)| (self.text(key), self.value(value)));
                Value::Map(masked.collect())
            }
            Value::Bytes(bytes) => Value::Bytes(self.bytes(bytes.clone())),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Number(_) => {
                let text = value.to_text();
                match self.text(&text) == text {
                    true => value.clone(),
                    false => Value::from(MASK),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_records_are_masked_with_their_trace() {
        let [trace_id, span_id] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
        let (trace_id, span_id) = (trace_id.parse().unwrap(), span_id.parse().unwrap());
        let record = LogRecord {
            body: Value::Map(vec![("msg".to_owned(), Value::from("key is hunter2"))]),
            attributes: [("password".to_owned(), Value::from("hunter2"))]
                .into_iter()
                .collect(),
            ..LogRecord::new(trace_id, span_id)
        };
        let trace = Trace::assemble(trace_id, crate::trace::Origin::Foreign, []);
        let mut trace = Arc::new(trace.with_logs(Arc::new(vec![Arc::new(record)])));
        Secrets::new(["hunter2".to_owned()]).mask_trace(&mut trace);
        let record = &trace.logs()[0];
        assert_eq!(record.body.to_string(), r#"{"msg":"key is [masked]"}"#);
        assert_eq!(record.attributes.get("password"), Some(&Value::from(MASK)));
    }

    #[test]
    fn a_number_that_is_a_secret_is_masked_in_attributes_too() {
        let secrets = Secrets::new(["4242".to_owned()]);
        assert_eq!(secrets.value(&Value::Int(4242)), Value::from(MASK));
        assert_eq!(secrets.value(&Value::Int(7)), Value::Int(7));
    }
}
