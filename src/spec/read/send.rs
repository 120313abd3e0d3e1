//! `send`.

use std::time::Duration;

use super::grpc::is_reserved;
use super::trigger::{TriggerDefaults, parse_url, unknown_url};
use super::{Reader, Refusal};
use crate::spec::expect::{Check, Condition, Expect};
use crate::spec::keys;
use crate::spec::metric::MetricAsk;
use crate::spec::send::{EventToSend, OtlpProtocol, SendTelemetry, SpanToSend};
use crate::spec::{Tls, Wait};
use crate::trace::{NoTrace, SpanKind, Status, StatusCode, TraceId, TraceRef, Value};
use crate::yaml::{Entry, Kind, Node};

/// The endpoint of a pipeline.
#[derive(Clone)]
struct Endpoint {
    /// Its scheme is `http` or `https`.
    url: url::Url,
    protocol: OtlpProtocol,
}

const EXAMPLE: &str =
    "write `{ traces: traces/checkout.json, to: \"http://127.0.0.1:${services.collector.otlp}\" }`";

/// Default duration of a span without children.
const SHORT: Duration = Duration::from_millis(1);

/// Most levels of `children`.
const DEEPEST: usize = 64;

/// The service of a marker without one.
const MARKER_SERVICE: &str = "spanspec";

/// The name of a marker without one.
const MARKER_NAME: &str = "spanspec.marker";

/// The keys with the input. At least one is needed.
const INPUTS: [&str; 4] = ["traces", "spans", "logs", "metrics"];

impl Reader<'_> {
    pub(super) fn send(&self, node: &Node, defaults: &TriggerDefaults) -> Option<SendTelemetry> {
        if !matches!(node.kind, Kind::Map(_)) {
            let what = format!("`send` must be a map, found {}", node.describe());
            return self.wrong(node.place, what, "not a map", EXAMPLE);
        }
        self.map(node, "`send`", keys::SEND)?;
        let input = self.input_place(node);
        let files = |key: &str| {
            let read = self.optional(node, key, |files| self.input_files(files));
            read.map(Option::unwrap_or_default)
        };
        let (traces, logs, metrics) = (files("traces"), files("logs"), files("metrics"));
        let spans = self.optional(node, "spans", |spans| self.sent_spans(spans, 1));
        let trace = self.optional(node, "trace", |id| self.trace_to_send(id));
        let to = match node.get("to") {
            Some(to) => self.endpoint(to),
            None => self.wrong(
                node.place,
                "this `send` has no `to`",
                "missing `to`",
                EXAMPLE,
            ),
        };
        let protocol = to.as_ref().map_or(OtlpProtocol::Http, |to| to.protocol);
        let headers = self.optional(node, "headers", |map| self.export_headers(map, protocol));
        let tls = self.optional(node, "tls", |map| self.tls(map));
        let timeout = self.optional(node, "timeout", |value| self.duration(value, "a timeout"));
        let markers = match node.get("marker") {
            Some(marker) => self.markers(marker),
            None => Some(vec![marker_without_keys()]),
        };
        let at = self.at(input?);
        let Endpoint { url, protocol } = to?;
        Some(SendTelemetry {
            traces: traces?,
            spans: spans?.unwrap_or_default(),
            logs: logs?,
            metrics: metrics?,
            trace: trace?,
            to: without_signal(url),
            protocol,
            headers: headers?.unwrap_or_default(),
            tls: tls?.unwrap_or_else(Tls::default),
            timeout: timeout?.or(defaults.timeout),
            markers: markers?,
            at,
        })
    }

    /// The place of the input. `traces` and `spans` exclude each other.
    fn input_place(&self, node: &Node) -> Option<crate::yaml::Place> {
        let mut given = INPUTS.iter().filter_map(|key| node.get(key));
        let Some(first) = given.next() else {
            return self.wrong(
                node.place,
                "this `send` has nothing to send",
                "missing `traces`, `spans`, `logs` or `metrics`",
                EXAMPLE,
            );
        };
        match (node.get("traces"), node.get("spans"), node.get("trace")) {
            (Some(_), Some(spans), _) => self.wrong(
                spans.place,
                "`traces` and `spans` exclude each other",
                "second input",
                "remove one of them",
            ),
            (_, Some(_), Some(trace)) => self.wrong(
                trace.place,
                "`trace` selects a trace of a file, and `spans` has one trace",
                "nothing to select",
                "remove `trace`",
            ),
            _ => Some(first.place),
        }
    }

    fn endpoint(&self, node: &Node) -> Option<Endpoint> {
        let awaited = Endpoint {
            url: unknown_url(),
            protocol: OtlpProtocol::Http,
        };
        self.refuse_altered_url(node, str::trim)?;
        self.parse(node, "a URL", awaited, parse_endpoint)
    }

    /// Headers of exports: over gRPC, some names are reserved.
    fn export_headers(
        &self,
        node: &Node,
        protocol: OtlpProtocol,
    ) -> Option<Vec<(http::HeaderName, http::HeaderValue)>> {
        let headers = self.headers(node)?;
        if let (OtlpProtocol::Grpc, Kind::Map(entries)) = (protocol, &node.kind)
            && let Some(reserved) = entries.iter().find(|entry| is_reserved(&entry.key.text))
        {
            return self.wrong(
                reserved.key.place,
                format!("`{}` cannot be set: gRPC reserves it", reserved.key.text),
                "reserved",
                "remove it",
            );
        }
        Some(headers)
    }

    fn input_files(&self, node: &Node) -> Option<Vec<std::path::PathBuf>> {
        match &node.kind {
            Kind::Scalar(_) => Some(vec![self.file(node, "a file")?]),
            _ => self.all(self.not_empty(node, "the list of files")?, |item| {
                self.file(item, "a file")
            }),
        }
    }

    fn trace_to_send(&self, node: &Node) -> Option<TraceId> {
        self.parse(node, "a trace id", TraceId::random(), |text| {
            text.parse().map_err(|error: crate::trace::InvalidId| {
                Refusal::new(
                    error.to_string(),
                    "write the id of a trace of the file: `spanspec show FILE` lists them",
                )
            })
        })
    }

    fn sent_spans(&self, node: &Node, level: usize) -> Option<Vec<SpanToSend>> {
        if level > DEEPEST {
            return self.wrong(
                node.place,
                format!("`children` are nested more than {DEEPEST} levels deep"),
                "too deep",
                "write the trace to a file, and name it under `traces`",
            );
        }
        let items = self.not_empty(node, "the list of spans")?;
        self.all(items, |item| self.sent_span(item, level))
    }

    fn sent_span(&self, node: &Node, level: usize) -> Option<SpanToSend> {
        if let Kind::Scalar(_) = node.kind {
            let name = self.named(node, "the name of a span")?;
            return Some(SpanToSend {
                name,
                ..blank(SHORT)
            });
        }
        if let Some(parent) = node.get("parent") {
            return self.wrong(
                parent.place,
                "the parent of a span is the span around it",
                "not available",
                "write this span under `children` of its parent",
            );
        }
        self.map(node, "a span of `send`", keys::SENT_SPAN)?;
        let children = self.optional(node, "children", |list| self.sent_spans(list, level + 1));
        let name = match node.get("name") {
            Some(name) => self.named(name, "the name of a span"),
            None => self.wrong(
                node.place,
                "this span has no name",
                "missing `name`",
                "add `name: POST /orders`",
            ),
        };
        let children = children?.unwrap_or_default();
        let needed = children.iter().map(|child| child.start + child.duration);
        let shortest = needed.max().unwrap_or(SHORT);
        let span = self.span_fields(node, name?, shortest)?;
        Some(SpanToSend { children, ..span })
    }

    /// `none`, a marker, or a list of markers.
    fn markers(&self, node: &Node) -> Option<Vec<SpanToSend>> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "none" => Some(Vec::new()),
            Kind::Map(_) => self.marker(node).map(|marker| vec![marker]),
            Kind::List(_) => self.all(self.not_empty(node, "`marker`")?, |item| self.marker(item)),
            Kind::Scalar(_) => self.wrong(
                node.place,
                format!("`marker` must be a map, a list of maps or `none`, found {}", node.describe()),
                "not a marker",
                "write `marker: { attributes: { keep: true } }` for a marker that the pipeline lets through",
            ),
        }
    }

    /// Refuses `marker: none` without a known flush bound: nothing would show that the output is complete.
    pub(crate) fn refuse_unproven_end(&self, trigger: Option<&Entry>, wait: Wait) -> Option<()> {
        let send = trigger.filter(|trigger| trigger.key.text == "send");
        let marker = send.and_then(|send| send.value.get("marker"));
        let is_none = |node: &Node| node.scalar().is_some_and(|scalar| scalar.text == "none");
        match marker.filter(|node| is_none(node)) {
            Some(node) if wait.flush.is_none() => self.wrong(
                node.place,
                "without a marker, the longest delay of the pipeline must be known",
                "missing `wait.flush`",
                "add `wait: { flush: 2s }`: the time after which nothing more comes out; or remove this",
            ),
            _ => Some(()),
        }
    }

    /// Refuses checks that do not fit what is sent, and would pass or fail for another reason.
    pub(crate) fn refuse_unfit_checks(
        &self,
        trigger: Option<&Entry>,
        expect: &Expect,
    ) -> Option<()> {
        if trigger.is_some_and(|trigger| trigger.key.text == "observe") {
            return Some(());
        }
        let sends_metrics = trigger.is_some_and(sends_metrics);
        let of_spans =
            |check: &&Check| matches!(check.ask, Condition::Lost(_) | Condition::Duplicated(_));
        if sends_metrics && let Some(check) = expect.checks.iter().find(of_spans) {
            return self.wrong(
                check.at.place,
                "`lost` and `duplicated` compare spans by their ids, and this `send` has metrics, which have none",
                "not of metrics",
                "count data points instead: `metrics: [{ find: …, points: 3 }]`; send spans in a step of their own",
            );
        }
        let mut asked = expect.metrics.iter().flat_map(|entry| &entry.asks);
        let unfit = asked.find(|condition| match condition.ask {
            MetricAsk::Change(_) => sends_metrics,
            MetricAsk::Points(_) => !sends_metrics,
            _ => false,
        });
        match unfit {
            Some(condition) if sends_metrics => self.wrong(
                condition.at.place,
                "`change` compares with the time before a request, and the data points of `send` are all there is",
                "nothing to compare with",
                "check `value`, or `count` and `sum` of a histogram",
            ),
            Some(condition) => self.wrong(
                condition.at.place,
                "`points` counts data points that were sent, and this step sends none",
                "nothing to count",
                "check `change`, `value` or `count`; or send a file: `send: { metrics: … }`",
            ),
            None => Some(()),
        }
    }

    fn marker(&self, node: &Node) -> Option<SpanToSend> {
        self.map(node, "a marker", keys::MARKER)?;
        let name = match node.get("name") {
            Some(name) => self.named(name, "the name of a marker")?,
            None => MARKER_NAME.to_owned(),
        };
        let mut marker = self.span_fields(node, name, SHORT)?;
        let resource = marker.resource.get_or_insert_default();
        if !resource.iter().any(|(key, _)| key == "service.name") {
            resource.push(("service.name".to_owned(), Value::from(MARKER_SERVICE)));
        }
        Some(marker)
    }

    /// The fields that spans and markers have.
    fn span_fields(&self, node: &Node, name: String, shortest: Duration) -> Option<SpanToSend> {
        let text =
            |key: &str| self.optional(node, key, |value| self.named(value, &format!("`{key}`")));
        let time =
            |key: &str| self.optional(node, key, |value| self.duration(value, &format!("`{key}`")));
        let kinds = SpanKind::ALL.map(|kind| (kind.as_str(), kind));
        let codes = StatusCode::ALL.map(|code| (code.as_str(), code));
        let kind = self.optional(node, "kind", |value| self.word(value, "a kind", &kinds));
        let code = self.optional(node, "status", |value| self.word(value, "a status", &codes));
        let attributes = self.optional(node, "attributes", |map| self.values(map, "`attributes`"));
        let resource = self.optional(node, "resource", |map| self.values(map, "`resource`"));
        let (service, scope, message) = (text("service"), text("scope"), text("status_message"));
        let events = self.optional(node, "events", |list| {
            self.all(self.list(list, "`events`")?, |event| self.sent_event(event))
        });
        let links = self.optional(node, "links", |list| {
            self.all(self.list(list, "`links`")?, |link| self.sent_link(link))
        });
        let (start, duration) = (time("start"), time("duration"));
        Some(SpanToSend {
            name,
            kind: kind?.unwrap_or(SpanKind::Internal),
            attributes: attributes?.unwrap_or_default(),
            resource: with_service(resource?, service?),
            scope: scope?.unwrap_or_default(),
            status: Status {
                code: code?.unwrap_or_default(),
                message: message?.unwrap_or_default(),
            },
            events: events?.unwrap_or_default(),
            links: links?.unwrap_or_default(),
            start: start?.unwrap_or_default(),
            duration: duration?.unwrap_or(shortest),
            children: Vec::new(),
        })
    }

    fn sent_event(&self, node: &Node) -> Option<EventToSend> {
        if let Kind::Scalar(_) = node.kind {
            return Some(EventToSend {
                name: self.named(node, "the name of an event")?,
                attributes: Vec::new(),
                at: Duration::ZERO,
            });
        }
        self.map(node, "an event of `send`", keys::SENT_EVENT)?;
        let name = match node.get("name") {
            Some(name) => self.named(name, "the name of an event"),
            None => self.wrong(
                node.place,
                "this event has no name",
                "missing `name`",
                "add `name: exception`",
            ),
        };
        let attributes = self.optional(node, "attributes", |map| self.values(map, "`attributes`"));
        let at = self.optional(node, "at", |value| self.duration(value, "`at`"));
        Some(EventToSend {
            name: name?,
            attributes: attributes?.unwrap_or_default(),
            at: at?.unwrap_or_default(),
        })
    }

    fn sent_link(&self, node: &Node) -> Option<TraceRef> {
        let awaited = TraceRef::from(TraceId::random());
        let link = self.parse(node, "a link", awaited, |text| {
            text.parse()
                .map_err(|error: NoTrace| Refusal::new(error.to_string(), NoTrace::HELP))
        })?;
        match link.span_id {
            None if self.text(node, "a link")?.is_some() => self.wrong(
                node.place,
                "a link leads to a span, and this names only a trace",
                "no span id",
                "write a whole traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ),
            _ => Some(link),
        }
    }

    fn values(&self, node: &Node, what: &str) -> Option<Vec<(String, Value)>> {
        self.all(self.any_map(node, what)?, |entry| {
            Some((self.key(entry)?, self.value(&entry.value)?))
        })
    }

    /// One of these words.
    fn word<T: Copy>(&self, node: &Node, what: &str, all: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        self.parse(node, what, all[0].1, |text| {
            let found = all.iter().find(|(name, _)| *name == text);
            found.map(|(_, value)| *value).ok_or_else(|| {
                Refusal::new(
                    format!("{what} cannot be `{text}`"),
                    crate::yaml::suggest(text, &names),
                )
            })
        })
    }
}

/// Returns `true` for a `send` with metrics.
pub(in crate::spec) fn sends_metrics(trigger: &Entry) -> bool {
    trigger.key.text == "send" && trigger.value.get("metrics").is_some()
}

/// The span without any key.
fn blank(duration: Duration) -> SpanToSend {
    SpanToSend {
        name: String::new(),
        kind: SpanKind::Internal,
        attributes: Vec::new(),
        resource: None,
        scope: String::new(),
        status: Status::default(),
        events: Vec::new(),
        links: Vec::new(),
        start: Duration::ZERO,
        duration,
        children: Vec::new(),
    }
}

fn marker_without_keys() -> SpanToSend {
    SpanToSend {
        name: MARKER_NAME.to_owned(),
        resource: Some(vec![(
            "service.name".to_owned(),
            Value::from(MARKER_SERVICE),
        )]),
        ..blank(SHORT)
    }
}

fn with_service(
    resource: Option<Vec<(String, Value)>>,
    service: Option<String>,
) -> Option<Vec<(String, Value)>> {
    let Some(service) = service else {
        return resource;
    };
    let mut all = vec![("service.name".to_owned(), Value::from(service.as_str()))];
    let others = resource.unwrap_or_default().into_iter();
    all.extend(others.filter(|(key, _)| key != "service.name"));
    Some(all)
}

/// The endpoint without the path of a signal, which each export adds.
fn without_signal(mut url: url::Url) -> url::Url {
    let path = url.path().trim_end_matches('/').to_owned();
    let signals = ["/v1/traces", "/v1/logs", "/v1/metrics"];
    let base = signals.iter().find_map(|signal| path.strip_suffix(signal));
    let base = base.unwrap_or(&path).to_owned();
    url.set_path(&base);
    url
}

/// `http://127.0.0.1:4318`, `grpc://127.0.0.1:4317`, or the same with TLS.
fn parse_endpoint(text: &str) -> Result<Endpoint, Refusal> {
    let (scheme, rest) = match text.split_once("://") {
        Some(("grpc", rest)) => ("http", rest),
        Some(("grpcs", rest)) => ("https", rest),
        _ => {
            return Ok(Endpoint {
                url: parse_url(text)?,
                protocol: OtlpProtocol::Http,
            });
        }
    };
    let url = parse_url(&format!("{scheme}://{rest}"))?;
    let has_port = rest.trim_end_matches('/').contains(&format!(
        ":{}",
        url.port_or_known_default().unwrap_or_default()
    ));
    if !has_port {
        return Err(Refusal::new(
            format!("`{text}` has no port"),
            "add the port of OTLP over gRPC, which is usually 4317",
        ));
    }
    if url.path() != "/" || url.query().is_some() {
        return Err(Refusal::new(
            format!("`{text}` has a path, and gRPC has paths of its own"),
            "write only host and port: `grpc://127.0.0.1:4317`",
        ));
    }
    Ok(Endpoint {
        url,
        protocol: OtlpProtocol::Grpc,
    })
}
