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
use crate::spec::{Context, Globals, Source, Spec, Wait};
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
    // Nobody stops it: it is dropped when the client is gone.
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
    Context {
        globals: Arc::new(globals),
        defaults: known.defaults.clone(),
    }
}
