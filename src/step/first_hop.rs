//! The first service of a request: the evidence that it began another trace.

use super::sent_context::SentContext;
use crate::check::RestartedRequest;
use crate::instrumentation::lost;
use crate::number::counted;
use crate::result::Trouble;
use crate::spec::{Called, Location};
use crate::trace::{
    NamedContext, Response, Span, Trace, TraceId, Value, ends_with_route, named_context,
    server_roots,
};

/// A request, and the other traces that arrived since.
#[derive(Clone, Copy)]
pub(super) struct FirstHop<'a> {
    pub(super) called: &'a Called,
    pub(super) sent: Option<&'a SentContext>,
    pub(super) trace: Option<TraceId>,
    pub(super) response: Option<&'a Response>,
    pub(super) others: &'a [Trace],
}

impl FirstHop<'_> {
    /// The SERVER span that began another trace with this request, as far as it is known.
    pub(super) fn restarted(&self) -> Option<RestartedRequest> {
        if matches!(self.called, Called::Nothing | Called::Found | Called::Sent) {
            return None;
        }
        let roots = server_roots(self.others);
        let found = roots.filter_map(|root| {
            let evidence = self.evidence(root);
            (evidence.ties() || evidence.is_same_request).then_some((root, evidence))
        });
        let (root, evidence) = found.max_by_key(|(_, evidence)| evidence.strength())?;
        Some(RestartedRequest {
            root: root.clone(),
            evidence: vec![evidence.in_words()],
            assumption: (!evidence.ties())
                .then_some("this assumes that no other client sent this request meanwhile"),
        })
    }

    fn evidence(&self, root: &Span) -> Evidence {
        let is_named = self
            .named()
            .is_some_and(|named| named.trace_id == root.trace_id);
        let mut links = root.links.iter();
        let is_linked = links.any(|link| Some(link.trace_id) == self.trace);
        let baggage = self.sent.map_or(&[][..], |sent| &sent.baggage);
        let has = |(key, value): &&(String, String)| {
            let found = root.attributes.get(key).and_then(Value::as_str);
            found == Some(value)
        };
        Evidence {
            header: self.named().filter(|_| is_named).map(|named| named.header),
            is_linked,
            member: baggage.iter().find(has).map(|(key, _)| key.clone()),
            is_same_request: match self.called {
                Called::Path(path) => handles(root, path),
                Called::Method(service, method) => is_of_method(root, service, method),
                _ => false,
            },
        }
    }

    fn named(&self) -> Option<NamedContext> {
        self.response.and_then(named_context)
    }

    /// The reason why no span of the trace arrived, as far as other traces or the response show it.
    pub(super) fn trouble(&self, at: Option<&Location>) -> Option<Trouble> {
        let named = self.named();
        let other = named
            .as_ref()
            .filter(|named| Some(named.trace_id) != self.trace);
        let trouble = other
            .map(|named| self.named_elsewhere(named))
            .or_else(|| self.cut())
            .or_else(|| self.other_header())
            .or_else(|| self.restarted().map(|restarted| began(&restarted)))
            .or_else(|| named.as_ref().map(named_and_missing))?;
        Some(trouble.with_location(at.cloned()))
    }

    /// The response names another trace.
    fn named_elsewhere(&self, named: &NamedContext) -> Trouble {
        let other = self
            .others
            .iter()
            .find(|other| other.id() == named.trace_id);
        let first = other.and_then(|other| Some((other, other.spans().first()?)));
        let (what, detail, who) = match first {
            Some((other, span)) => (
                format!(
                    "no span of this trace arrived: `{}` of {} began a new trace instead",
                    span.name,
                    span.service()
                ),
                format!(
                    "evidence: the header `{}` of the response names trace {}, which has {}",
                    named.header,
                    named.trace_id,
                    counted(other.len(), "span")
                ),
                span.service().to_owned(),
            ),
            None => (
                "no span of this trace arrived: a service began a new trace instead".to_owned(),
                format!(
                    "evidence: the header `{}` of the response names trace {}, of which no span arrived either",
                    named.header, named.trace_id
                ),
                "the service that answers".to_owned(),
            ),
        };
        Trouble::new(&what).with_details([detail]).with_help([
            format!("let {who} take over `traceparent`: OTEL_PROPAGATORS=tracecontext,baggage; a gateway has a setting of its own, such as `otel_trace_context propagate` of NGINX").as_str(),
            "a front gate that may begin a new trace: `propagation: { restarted: [gateway] }`, and a step with `trace_id` to check the trace that the response names",
        ])
    }

    fn cut(&self) -> Option<Trouble> {
        let cut = lost::cut_id(self.trace?, self.others)?;
        let what = format!("no span of this trace arrived: {cut}");
        Some(Trouble::new(&what).with_help([lost::WHOLE_IDS]))
    }

    /// The trigger itself sent the id of another trace in a second header.
    fn other_header(&self) -> Option<Trouble> {
        let sent = self.sent?.others.iter();
        let mut won = sent.filter_map(|(header, id)| {
            let trace = self.others.iter().find(|trace| trace.id() == *id)?;
            Some((header, trace.spans().first()?))
        });
        let (header, span) = won.next()?;
        let what = format!(
            "no span of this trace arrived: {} took the header `{header}` in place of `traceparent`",
            span.service()
        );
        Some(
            Trouble::new(&what)
                .with_details([format!(
                    "evidence: its span `{}` has trace {}, which the request sent in `{header}`",
                    span.name, span.trace_id
                )])
                .with_help([
                    "of several propagators, the last one in OTEL_PROPAGATORS that finds a header wins: put `tracecontext` last, or remove the other header from the request",
                ]),
        )
    }
}

/// The evidence that a SERVER span handled a request.
struct Evidence {
    header: Option<&'static str>,
    is_linked: bool,
    member: Option<String>,
    is_same_request: bool,
}

impl Evidence {
    /// Returns `true` if the system itself ties the span to the request.
    fn ties(&self) -> bool {
        self.strength() > 1
    }

    fn strength(&self) -> u8 {
        let strong = [self.header.is_some(), self.is_linked, self.member.is_some()];
        let strong = strong.into_iter().filter(|&is| is).count();
        u8::try_from(strong).unwrap_or(u8::MAX) * 2 + u8::from(self.is_same_request)
    }

    fn in_words(&self) -> String {
        let header = self
            .header
            .map(|header| format!("the response names its trace in `{header}`"));
        let linked = "it has a link to this trace".to_owned();
        let member = self
            .member
            .as_ref()
            .map(|key| format!("its attribute `{key}` has the value of the baggage that was sent"));
        let request = "it handled the same path or method after the request was sent".to_owned();
        let all = [
            header,
            self.is_linked.then_some(linked),
            member,
            self.is_same_request.then_some(request),
        ];
        let all: Vec<String> = all.into_iter().flatten().collect();
        format!("evidence: {}", all.join(", and "))
    }
}

fn began(restarted: &RestartedRequest) -> Trouble {
    let root = &restarted.root;
    let what = format!(
        "no span of this trace arrived: `{}` of {} began a new trace instead",
        root.name,
        root.service()
    );
    let mut details = vec![format!("its trace is {}", root.trace_id)];
    details.extend(restarted.evidence.iter().cloned());
    details.extend(restarted.assumption.map(str::to_owned));
    Trouble::new(&what).with_details(details).with_help([
        "the service ignores `traceparent`: set OTEL_PROPAGATORS=tracecontext,baggage, and instrument its HTTP server",
    ])
}

/// The response names this trace, so a service continued it.
fn named_and_missing(named: &NamedContext) -> Trouble {
    let what = format!(
        "no span of this trace arrived, although the header `{}` of the response names it",
        named.header
    );
    let (detail, help) = match named.is_sampled {
        true => (
            "evidence: a service continued the trace and sampled it",
            "look at its exporter: its spans were dropped, or are exported elsewhere",
        ),
        false => (
            "evidence: a service continued the trace, and its flags say that it was not sampled",
            "set OTEL_TRACES_SAMPLER=parentbased_always_on for this service; a proxy before it may have removed the sampled flag",
        ),
    };
    Trouble::new(&what)
        .with_details([detail.to_owned()])
        .with_help([help])
}

/// Returns `true` for the server span of a gRPC call, in the current conventions or older ones.
fn is_of_method(root: &Span, service: &str, method: &str) -> bool {
    let full = format!("{service}/{method}");
    let said = |key: &str| root.attributes.get(key).and_then(Value::as_str);
    root.name.trim_start_matches('/') == full
        || said("rpc.method") == Some(&full)
        || (said("rpc.service"), said("rpc.method")) == (Some(service), Some(method))
}

/// Returns `true` if a SERVER span handles a request for this path. Other specs run concurrently, and
/// their requests explain nothing here.
fn handles(root: &Span, path: &str) -> bool {
    let said = |key: &str| root.attributes.get(key).and_then(Value::as_str);
    let is_path = |key: &&str| said(key).is_some_and(|said| said.split('?').next() == Some(path));
    let has_path = said("url.path").or(said("http.target")).is_some();
    ["url.path", "http.target", "http.route"]
        .iter()
        .any(is_path)
        || root.name.split(' ').any(|word| word == path)
        || !has_path && said("http.route").is_some_and(|route| ends_with_route(path, route))
}
