//! `POST /judge`: judges a trace against a spec.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::watch;

use super::problem::Problem;
use super::query;
use super::state::{Api, ApiState};
use super::traces::DEFAULT_WAIT;
use crate::report::json::render_judgement;
use crate::run::run;
use crate::source::{Follow, SourceDiagnostics, TraceSource};
use crate::spec::{Context, Globals, NamedFiles, Source, Spec, Wait};
use crate::step::Options;
use crate::trace::{LogsWithoutTrace, Origin, TraceId, TraceRef};

/// Maximum length of a spec in bytes. It bounds the number of checks: the shortest has about 16 bytes.
const LONGEST_SPEC: usize = 256 << 10;

/// The body of a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JudgeRequest {
    /// A trace id, or a `traceparent`.
    trace: String,
    /// YAML: a spec, or the content of its `expect`.
    spec: String,
    /// Maximum wait for the trace.
    wait: Option<String>,
    /// Variables of the spec.
    #[serde(default)]
    vars: BTreeMap<String, String>,
}

/// The store of the API, as a source of traces.
#[derive(Debug)]
struct StoreSource {
    api: Api,
    state: Arc<ApiState>,
}

impl TraceSource for StoreSource {
    fn follow(&self, trace: TraceId, origin: Origin) -> Follow {
        self.api.store().follow(trace, origin)
    }

    fn diagnostics(&self, since: Instant) -> BoxFuture<'_, SourceDiagnostics> {
        std::future::ready(self.api.store().diagnostics(since)).boxed()
    }

    fn logs_without_trace(
        &self,
        since: Option<Instant>,
    ) -> BoxFuture<'_, Option<LogsWithoutTrace>> {
        let logs = self.api.store().logs_without_trace(since);
        std::future::ready(Some(logs)).boxed()
    }

    fn addresses(&self) -> &[SocketAddr] {
        &self.state.known.listened
    }
}

/// Answers with the verdict and with each check.
pub(super) async fn judge(
    State(api): State<Api>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    query::none(&uri)?;
    let body = body.map_err(|wrong| Problem::unread(wrong.status(), &wrong.body_text()))?;
    let request = read(&headers, &body)?;
    let judged = api.clone();
    let judged = api.judging().run(|| judge_trace(judged, request)).await;
    let judgement = judged.unwrap_or_else(|why| Err(Problem::no_judgement(why)))?;
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    Ok((content_type, judgement).into_response())
}

async fn judge_trace(api: Api, request: JudgeRequest) -> Result<String, Problem> {
    let trace = query::trace(&request.trace)?;
    let wait = request.wait.as_deref();
    let wait = wait.map(|text| query::duration("wait", text)).transpose()?;
    let state = api.state();
    let context = context(&state.known.context, request.vars);
    let source = Source::new("spec", request.spec);
    let read = |trace| {
        Spec::about(&source, trace, &context).map_err(|errors| Problem::wrong_spec(&errors))
    };
    // Errors of the spec first, without a wait for the trace.
    let mut spec = read(trace)?;
    let named = with_caller(&api, &state, trace, wait).await;
    if named != trace {
        spec = read(named)?;
    }
    for step in &mut spec.steps {
        step.wait.timeout = Some(wait.or(step.wait.timeout).unwrap_or(DEFAULT_WAIT));
    }
    let options = Options {
        flush: state.known.flush,
        log_flush: state.known.log_flush,
        services: state.known.services,
        secrets: context.globals.hidden.clone(),
        shared: state.settler.shared(),
        ..Options::default()
    };
    let source = StoreSource { api, state };
    // It is dropped when the client disconnects, and needs no other stop.
    let (_running, stop) = watch::channel(None);
    let report = run(&[spec], &source, &options, stop, |_| {}).await;
    Ok(report
        .specs
        .first()
        .map(render_judgement)
        .unwrap_or_default())
}

/// Adds the caller to a trace that is named by its id only: the parent of its first span.
async fn with_caller(
    api: &Api,
    state: &ApiState,
    trace: TraceRef,
    wait: Option<Duration>,
) -> TraceRef {
    if trace.span_id.is_some() {
        return trace;
    }
    let wait = Wait {
        timeout: Some(wait.unwrap_or(DEFAULT_WAIT)),
        ..Wait::default()
    };
    let mut follow = api.store().follow(trace.trace_id, trace.origin());
    let settled = state.settler.settle(&mut follow, wait).await;
    let span_id = match settled.snapshot.trace.origin() {
        Origin::Injected(caller) => Some(caller),
        Origin::Foreign => None,
    };
    TraceRef { span_id, ..trace }
}

fn read(headers: &HeaderMap, body: &[u8]) -> Result<JudgeRequest, Problem> {
    let content_type = headers.get(header::CONTENT_TYPE);
    let is_json = content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        let found = content_type.map_or_else(|| "missing".to_owned(), |value| format!("{value:?}"));
        return Err(Problem::wrong_content_type(&found));
    }
    let request: JudgeRequest = serde_json::from_slice(body).map_err(|error| {
        Problem::bad_request(
            format!("the body cannot be read: {error}"),
            "it looks like { \"trace\": \"4bf9…\", \"spec\": \"errors: 0\" }, and may have `wait` and `vars`",
        )
    })?;
    match request.spec.len() {
        length if length > LONGEST_SPEC => Err(Problem::long_spec(length, LONGEST_SPEC)),
        _ => Ok(request),
    }
}

/// The context of the project, with variables that take precedence.
fn context(known: &Context, vars: BTreeMap<String, String>) -> Context {
    let mut globals = Globals::clone(&known.globals);
    globals.arguments.extend(vars);
    globals.files = NamedFiles::default();
    Context {
        globals: Arc::new(globals),
        defaults: known.defaults.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message as _;
    use serde_json::Value as Json;

    use super::*;
    use crate::source::Store;
    use crate::step::{Flush, Services};

    fn span(number: u8, name: &str) -> Span {
        Span {
            trace_id: vec![1; 16],
            span_id: vec![number; 8],
            name: name.to_owned(),
            start_time_unix_nano: 1_790_000_000_000_000_000,
            end_time_unix_nano: 1_790_000_000_000_001_000,
            ..Span::default()
        }
    }

    fn request(spans: Vec<Span>) -> Vec<u8> {
        let scope_spans = vec![ScopeSpans {
            spans,
            ..ScopeSpans::default()
        }];
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans,
                ..ResourceSpans::default()
            }],
        };
        request.encode_to_vec()
    }

    fn trace() -> TraceId {
        TraceId::from_bytes([1; 16]).unwrap()
    }

    /// The verdict about a trace with these spans, of which the store keeps three, and the text report.
    async fn judged(spans: Vec<Span>, spec: &str) -> (String, String) {
        let store = Store::keeping_spans(3);
        let _follow = store.follow(trace(), Origin::Foreign);
        store.ingest(&request(spans)).unwrap();
        judged_in(store, spec).await
    }

    async fn judged_in(store: Store, spec: &str) -> (String, String) {
        let api = Api::new(store);
        let flush = Flush::Known(Duration::ZERO);
        api.ready(crate::api::SystemInfo {
            listened: Vec::new(),
            scheme: "http",
            flush,
            log_flush: flush,
            metric_flush: flush,
            services: Services::Theirs,
            ports: BTreeMap::new(),
            context: Context::default(),
        });
        let judged = judge_trace(
            api,
            JudgeRequest {
                trace: trace().to_string(),
                spec: spec.to_owned(),
                wait: None,
                vars: BTreeMap::new(),
            },
        );
        let judgement: Json = serde_json::from_str(&judged.await.unwrap()).unwrap();
        let text = |key: &str| judgement[key].as_str().unwrap().to_owned();
        (text("verdict"), text("text"))
    }

    #[test]
    fn files_that_clients_name_are_not_collected() {
        let files = NamedFiles::collected();
        let globals = Globals {
            files: files.clone(),
            ..Globals::default()
        };
        let of_project = Context {
            globals: Arc::new(globals),
            ..Context::default()
        };
        let spec = "request: GET http://127.0.0.1/\nexpect: { shape: shapes/a.txt }\n";
        let read = |context: &Context| {
            let source = Source::new("spec", spec);
            Spec::read_all(&source, Path::new("specs"), context).unwrap();
            files.take().into_iter().collect::<Vec<_>>()
        };
        assert_eq!(read(&of_project), [Path::new("specs/shapes/a.txt")]);
        assert!(read(&context(&of_project, BTreeMap::new())).is_empty());
    }

    #[tokio::test]
    async fn a_trace_above_a_limit_passes_nothing_that_a_discarded_span_could_contradict() {
        let kept = || vec![span(1, "paid"), span(2, "paid"), span(3, "paid")];
        let mut too_many = kept();
        too_many.push(span(4, "refund"));
        for spec in [
            "span_count: 3",
            "span_count: ..3",
            "errors: 0",
            "trace_duration: < 1h",
            "spans: [{ find: refund, count: 0 }]",
            "spans: [{ find: paid, attributes: { refund.id: absent } }]",
            "spans: [{ find: paid, count: 3 }]",
            "spans: [{ find: paid, count: 1.., duration: < 1h }]",
        ] {
            let (verdict, text) = judged(kept(), spec).await;
            assert_eq!(verdict, "passed", "{spec}: {text}");
            let (verdict, text) = judged(too_many.clone(), spec).await;
            assert_eq!(verdict, "errored", "{spec}: {text}");
            assert!(text.contains("this trace has more than 3 spans"), "{text}");
        }
        // Neither does a check fail because of them.
        let (verdict, _) = judged(too_many.clone(), "spans: [{ find: refund }]").await;
        assert_eq!(verdict, "errored");
        // What was found stays found.
        let (verdict, _) = judged(too_many, "spans: [{ find: paid }]").await;
        assert_eq!(verdict, "passed");
    }

    #[tokio::test]
    async fn a_trace_that_made_room_for_later_ones_is_not_said_to_have_never_arrived() {
        let store = Store::remembering(1 << 20);
        store.ingest(&request(vec![span(1, "paid")])).unwrap();
        let other = Span {
            trace_id: vec![2; 16],
            ..span(1, "other")
        };
        let later = request(vec![other; 1000]);
        for _ in 0..20 {
            store.ingest(&later).unwrap();
        }
        let (verdict, text) = judged_in(store, "spans: [{ find: paid }]").await;
        assert_eq!(verdict, "errored");
        let told: Vec<&str> = text.lines().skip(1).take(8).collect();
        let expected = [
            "  there is no span of this trace, and some may have been lost",
            "  --> spec:1:1",
            " 1 | spans: [{ find: paid }]",
            "   | ^",
            "   │ spans of this trace were discarded to make room for later ones: the receiver keeps the last 1",
            "   │ MiB",
            "   │ spans of unrelated traces: unknown_service (20001 spans)",
            "   help: ask for the trace right after its request",
        ];
        assert_eq!(told, expected);
    }
}
