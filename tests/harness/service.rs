//! A service that exports real OTLP, and does what its path says.

use std::process::ExitCode;
use std::sync::Mutex;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

/// Makes this program the service, on the port that it names.
pub(crate) const PORT: &str = "FIXTURE_PORT";

/// Spans that are exported at the end.
static KEPT: Mutex<Vec<Value>> = Mutex::new(Vec::new());

/// A file that gets the process's id when the service starts.
pub(crate) const PID_FILE: &str = "FIXTURE_PID_FILE";

pub(crate) fn serve(port: u16) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
        let app = router(std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap());
        if let Ok(file) = std::env::var(PID_FILE) {
            append(&file, &format!("{}\n", std::process::id()));
        }
        let terminated = async {
            #[cfg(unix)]
            let _ = signal(SignalKind::terminate()).unwrap().recv().await;
            #[cfg(not(unix))]
            std::future::pending::<()>().await;
        };
        tokio::select! {
            served = axum::serve(listener.unwrap(), app) => served.unwrap(),
            () = terminated => {
                let endpoint = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap();
                let kept = std::mem::take(&mut *KEPT.lock().unwrap());
                export(&endpoint, kept).await;
            }
        }
    });
    ExitCode::SUCCESS
}

/// The routes of the service. It exports the spans of a request to this endpoint before it responds.
pub(crate) fn router(endpoint: String) -> Router {
    Router::new()
        .route("/health", get(|| async { "up" }))
        .route("/pay/{method}", get(pay))
        .route("/orphan", get(orphan))
        .route("/late", get(late))
        .route("/die", get(die))
        .with_state(endpoint)
}

fn append(file: &str, text: &str) {
    use std::io::Write;
    let mut options = std::fs::File::options();
    let mut file = options.create(true).append(true).open(file).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn context(headers: &HeaderMap) -> Vec<&str> {
    headers["traceparent"]
        .to_str()
        .unwrap()
        .split('-')
        .collect()
}

async fn orphan(State(endpoint): State<String>, headers: HeaderMap) -> StatusCode {
    let parts = context(&headers);
    let entry = span(parts[1], "a1", parts[2], "GET /orphan", 2);
    let orphan = span(parts[1], "a2", "00000000000000ff", "work", 1);
    export(&endpoint, vec![entry, orphan]).await;
    StatusCode::OK
}

/// Its second span, which has an error, is exported when the service is asked to end.
async fn late(State(endpoint): State<String>, headers: HeaderMap) -> StatusCode {
    let parts = context(&headers);
    let entry = span(parts[1], "a1", parts[2], "GET /late", 2);
    let mut work = span(parts[1], "a2", "00000000000000a1", "refund", 1);
    work["status"] = json!({ "code": 2 });
    KEPT.lock().unwrap().push(work);
    export(&endpoint, vec![entry]).await;
    StatusCode::OK
}

async fn pay(
    State(endpoint): State<String>,
    Path(method): Path<String>,
    headers: HeaderMap,
) -> StatusCode {
    let parts = context(&headers);
    let entry = span(parts[1], "a1", parts[2], "GET /pay", 2);
    let mut work = span(parts[1], "a2", "00000000000000a1", "process_payment", 1);
    work["attributes"] = json!([{ "key": "payment.method", "value": { "stringValue": method } }]);
    export(&endpoint, vec![entry, work]).await;
    StatusCode::OK
}

fn span(trace: &str, own: &str, parent: &str, name: &str, kind: u8) -> Value {
    json!({
        "traceId": trace,
        "spanId": format!("{own:0>16}"),
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": "1790000000000000000",
        "endTimeUnixNano": "1790000000005000000",
    })
}

async fn export(endpoint: &str, spans: Vec<Value>) {
    let service = json!([{ "key": "service.name", "value": { "stringValue": "payment" } }]);
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": service },
        "scopeSpans": [{ "spans": spans }],
    }] });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("{endpoint}/v1/traces"))
        .header("content-type", "application/json")
        .body(body.to_string());
    request.send().await.unwrap().error_for_status().unwrap();
}

async fn die() -> &'static str {
    std::process::exit(9)
}
