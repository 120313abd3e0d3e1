//! A system under test in the test's own process, and the command that tests it.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Segment, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use spanspec::internal::service::free_port;
use tokio::sync::watch;

/// The command.
pub(crate) const SPANSPEC: &str = env!("CARGO_BIN_EXE_spanspec");

/// Longer than anything here takes on the slowest machine; reached only by a test that fails.
const DEADLINE: Duration = Duration::from_secs(120);

/// Maximum time that a request waits for a concurrent one.
const COMPANY: Duration = Duration::from_millis(500);

/// Some moment in 2026, in nanoseconds.
const THEN: u64 = 1_790_000_000_000_000_000;

/// A folder with specs, and a system that runs for as long as the test's runtime lives.
pub(crate) struct Project {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) system: System,
}

/// State shared by the handlers.
#[derive(Clone)]
pub(crate) struct System {
    pub(crate) url: String,
    /// The port on which the command listens for OTLP.
    pub(crate) otlp: u16,
    pub(crate) requests: Arc<AtomicUsize>,
    /// Requests for company: how many there are, and how many there were at once at the most.
    company: Arc<watch::Sender<(usize, usize)>>,
    /// Spans that are exported only when `/flush` is asked for, each with its service.
    kept: Arc<Mutex<Vec<(&'static str, Value)>>>,
    /// The same for log records.
    kept_logs: Arc<Mutex<Vec<(&'static str, Value)>>>,
}

/// Output and exit code of a command.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Project {
    /// A project whose specs are these files of `specs/`.
    pub(crate) async fn with(specs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let system = System::start().await;
        let project = Self { folder, system };
        let url = &project.system.url;
        project.write(
            "spanspec.yaml",
            &format!(
                "vars: {{ URL: \"{url}\" }}\ndefaults: {{ wait: {{ flush: 100ms, timeout: 60s }} }}\n"
            ),
        );
        for (name, text) in specs {
            project.write(&format!("specs/{name}"), text);
        }
        project
    }

    /// Writes a file at once: a file that is watched is never seen empty.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let written = self.folder.path().join("written.part");
        std::fs::write(&written, text).unwrap();
        std::fs::rename(&written, &path).unwrap();
        path
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    /// The command with these arguments, in the project's folder and a clean environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        self.command_of(SPANSPEC, arguments)
    }

    /// Any program as [`command`](Self::command) starts ours.
    pub(crate) fn command_of(&self, program: &str, arguments: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let is_read = ["SPANSPEC_", "OTEL_", "GITHUB_"]
                .iter()
                .any(|start| name.starts_with(start));
            if is_read || name == "CI" {
                command.env_remove(&*name);
            }
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// `spanspec run` with these arguments, listening where the system exports to.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        said(self.run_command(arguments)).await
    }

    pub(crate) fn run_command(&self, arguments: &[&str]) -> tokio::process::Command {
        let listen = format!("127.0.0.1:{}", self.system.otlp);
        let all: Vec<&str> = ["run", "--confirm-pause", "0s", "--listen", &listen]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        self.command(&all)
    }

    /// `spanspec` with these arguments.
    pub(crate) async fn spanspec(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments)).await
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

pub(crate) async fn said(mut command: tokio::process::Command) -> Said {
    let output = tokio::time::timeout(DEADLINE, command.output())
        .await
        .expect("it ends in time");
    let output = output.unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Said {
    /// Panics with everything that was said unless all of these were, on either stream.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, texts: &[&str]) {
        let all = format!("{}{}", self.out, self.err);
        for text in texts {
            assert!(all.contains(text), "`{text}` is missing in:\n{all}");
        }
        assert_eq!(self.code, Some(code), "{all}");
    }
}

impl System {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let system = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            otlp: free_port().unwrap(),
            requests: Arc::default(),
            company: Arc::new(watch::Sender::new((0, 0))),
            kept: Arc::default(),
            kept_logs: Arc::default(),
        };
        let app = Router::new()
            .route("/{what}", any(answer))
            .with_state(system.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        system
    }

    /// Sends spans to the command's receiver, as an exporter would.
    pub(crate) async fn export(&self, content_type: &str, body: String) {
        self.export_to("/v1/traces", content_type, body).await;
    }

    async fn export_to(&self, path: &str, content_type: &str, body: String) {
        let url = format!("http://127.0.0.1:{}{path}", self.otlp);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client
            .post(url)
            .header("content-type", content_type)
            .body(body);
        // The export fails if no receiver listens, for example for a verdict that needs no span.
        let _ = request.send().await;
    }

    /// Returns `together` if another request arrived at the same time, else `alone`.
    async fn company(&self) -> &'static str {
        self.company.send_modify(|(now, most)| {
            *now += 1;
            *most = (*most).max(*now);
        });
        let mut company = self.company.subscribe();
        let together = company.wait_for(|(_, most)| *most > 1);
        let has_company = tokio::time::timeout(COMPANY, together).await.is_ok();
        self.company.send_modify(|(now, _)| *now -= 1);
        if has_company { "together" } else { "alone" }
    }

    async fn export_logs(&self, records: Vec<(&str, Value)>) {
        let resources: Vec<Value> = records
            .into_iter()
            .map(|(service, record)| {
                json!({
                    "resource": { "attributes": [text("service.name", service)] },
                    "scopeLogs": [{ "logRecords": [record] }],
                })
            })
            .collect();
        let body = json!({ "resourceLogs": resources }).to_string();
        self.export_to("/v1/logs", "application/json", body).await;
    }

    async fn export_spans(&self, spans: Vec<(&str, Value)>) {
        let resources: Vec<Value> = spans
            .into_iter()
            .map(|(service, span)| {
                json!({
                    "resource": { "attributes": [text("service.name", service)] },
                    "scopeSpans": [{ "spans": [span] }],
                })
            })
            .collect();
        let body = json!({ "resourceSpans": resources });
        self.export("application/json", body.to_string()).await;
    }
}

/// Answers a request and exports the spans that its path selects.
async fn answer(
    State(system): State<System>,
    Segment(what): Segment<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    system.requests.fetch_add(1, Ordering::SeqCst);
    let context = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let mut parts = context.split('-').skip(1);
    let (trace, parent) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let entry = || span(trace, "a1", parent, "GET /it", 2, (0, 100));
    let other = "00000000000000000000000000000bad";
    match what.as_str() {
        "ok" => {
            let secret = String::from_utf8_lossy(&body).into_owned();
            let work = with(span(trace, "a2", &id("a1"), "work", 1, (10, 60)), &secret);
            system
                .export_spans(vec![("front", entry()), ("back", work)])
                .await;
            return (
                [("set-cookie", "session=cookie-value-1; Path=/")],
                "{\"id\":\"order-7\"}",
            )
                .into_response();
        }
        "graphql" => {
            let work = span(trace, "a2", &id("a1"), "work", 1, (10, 60));
            let spans = vec![("front", entry()), ("back", work)];
            system.export_spans(spans).await;
            return r#"{"data":{"order":{"id":"order-7"}}}"#.into_response();
        }
        // Both services log; `back` writes its exception as a log record.
        "logs" => {
            let work = span(trace, "a2", &id("a1"), "work", 1, (10, 60));
            let spans = vec![("front", entry()), ("back", work)];
            system.export_spans(spans).await;
            let mut failed = log(trace, "a2", 17, "charge failed", 40);
            failed["eventName"] = json!("exception");
            failed["attributes"] = json!([text("exception.type", "CardDeclined")]);
            let answered = log(trace, "a1", 9, "answered", 90);
            let records = vec![("front", answered), ("back", failed)];
            system.export_logs(records).await;
        }
        // `back` writes a record without the context of its span.
        "logs-uncorrelated" => {
            let work = span(trace, "a2", &id("a1"), "work", 1, (10, 60));
            let spans = vec![("front", entry()), ("back", work)];
            system.export_spans(spans).await;
            let with_id = log(trace, "a2", 9, "working", 20);
            let without = log("", "", 9, "stock is low", 40);
            let outside = log("", "", 9, "tick", 5_000);
            let mut before = log("", "", 9, "started", 0);
            before["timeUnixNano"] = json!((THEN - 5_000_000_000).to_string());
            let records = [with_id, without, outside, before].map(|record| ("back", record));
            system.export_logs(records.into()).await;
        }
        // `back` keeps a log record.
        "kept-log" => {
            system.export_spans(vec![("front", entry())]).await;
            let record = log(trace, "a1", 17, "lost the order", 40);
            system.kept_logs.lock().unwrap().push(("front", record));
        }
        // `front` keeps a log record without the context of its span.
        "kept-uncorrelated" => {
            system.export_spans(vec![("front", entry())]).await;
            let with_id = log(trace, "a1", 9, "working", 20);
            system.export_logs(vec![("front", with_id)]).await;
            let record = log("", "", 9, "stock is low", 40);
            system.kept_logs.lock().unwrap().push(("front", record));
        }
        // `front` keeps a log record without a trace id that it wrote after the request.
        "kept-outside" => {
            system.export_spans(vec![("front", entry())]).await;
            let with_id = log(trace, "a1", 9, "working", 20);
            system.export_logs(vec![("front", with_id)]).await;
            let record = log("", "", 9, "tick", 5_000);
            system.kept_logs.lock().unwrap().push(("front", record));
        }
        // A record whose trace id is cut off.
        "logs-invalid" => {
            system.export_spans(vec![("front", entry())]).await;
            let record = log(&trace[1..], "a1", 17, "lost the order", 40);
            system.export_logs(vec![("front", record)]).await;
        }
        // A record with the trace id of another request.
        "logs-strayed" => {
            system.export_spans(vec![("front", entry())]).await;
            let record = log(other, "a1", 9, "order placed", 40);
            system.export_logs(vec![("front", record)]).await;
        }
        // A record with the ids of another request, of which nothing else arrives.
        "logs-foreign" => {
            system.export_spans(vec![("front", entry())]).await;
            let with_id = log(trace, "a1", 9, "working", 20);
            let record = log(other, "b1", 9, "order placed", 40);
            let outside = log(other, "b2", 9, "tick", 5_000);
            let records = [with_id, record, outside].map(|record| ("front", record));
            system.export_logs(records.into()).await;
        }
        // A record with the ids of another request, whose span arrives.
        "logs-of-others" => {
            let poll = span(other, "b1", "", "poll", 1, (0, 100));
            system
                .export_spans(vec![("front", entry()), ("front", poll)])
                .await;
            let with_id = log(trace, "a1", 9, "working", 20);
            let record = log(other, "b1", 9, "polled", 40);
            system
                .export_logs(vec![("front", with_id), ("front", record)])
                .await;
        }
        // A record with the ids of a span of another request that is over.
        "logs-kept-context" => {
            let poll = span(other, "b1", "", "poll", 1, (0, 20));
            system
                .export_spans(vec![("front", entry()), ("front", poll)])
                .await;
            let with_id = log(trace, "a1", 9, "working", 20);
            let record = log(other, "b1", 9, "order placed", 40);
            system
                .export_logs(vec![("front", with_id), ("front", record)])
                .await;
        }
        // A record of a span that never arrives.
        "logs-orphan" => {
            system.export_spans(vec![("front", entry())]).await;
            let record = log(trace, "fe", 9, "working", 40);
            system.export_logs(vec![("front", record)]).await;
        }
        // An exception that is sent later than the span.
        "logs-exception" => {
            system.export_spans(vec![("front", entry())]).await;
            let mut failed = log(trace, "a1", 17, "failed", 40);
            failed["eventName"] = json!("exception");
            system.export_logs(vec![("front", failed)]).await;
        }
        // An export of logs that cannot be read.
        "logs-unreadable" => {
            system.export_spans(vec![("front", entry())]).await;
            let body = "{".to_owned();
            system.export_to("/v1/logs", "application/json", body).await;
        }
        // `payment` keeps its span, which has an error.
        "kept-error" => {
            let mut charge = span(trace, "a3", &id("a1"), "charge", 1, (10, 60));
            charge["status"] = json!({ "code": 2, "message": "declined" });
            system.kept.lock().unwrap().push(("payment", charge));
            system.export_spans(vec![("front", entry())]).await;
        }
        "kept-work" => {
            let work = span(trace, "a2", &id("a1"), "work", 1, (10, 60));
            system.kept.lock().unwrap().push(("back", work));
            system.export_spans(vec![("front", entry())]).await;
        }
        // `back` keeps a span whose id is invalid.
        "kept-invalid" => {
            let mut work = span(trace, "a2", &id("a1"), "work", 1, (10, 60));
            work["spanId"] = json!("0000000000000000");
            system.kept.lock().unwrap().push(("back", work));
            system.export_spans(vec![("front", entry())]).await;
        }
        // `back` keeps an export that cannot be read.
        "kept-unreadable" => {
            system.kept.lock().unwrap().push(("back", json!("work")));
            system.export_spans(vec![("front", entry())]).await;
        }
        // `back` keeps a span whose parent is lost.
        "kept-orphan" => {
            let orphan = span(trace, "a2", &id("ff"), "work", 1, (10, 60));
            system.kept.lock().unwrap().push(("back", orphan));
            system.export_spans(vec![("front", entry())]).await;
        }
        // `front` keeps a copy of its span that ends later, with an error.
        "kept-copy" => {
            let mut copy = span(trace, "a1", parent, "GET /it", 2, (0, 200));
            copy["status"] = json!({ "code": 2 });
            system.kept.lock().unwrap().push(("front", copy));
            system.export_spans(vec![("front", entry())]).await;
        }
        // `middle` keeps its half of the call, whose id is that of the half of `front`.
        "kept-half" => {
            let half = |kind| span(trace, "a2", &id("a1"), "call", kind, (10, 90));
            system.kept.lock().unwrap().push(("middle", half(2)));
            let work = span(trace, "a3", &id("a2"), "work", 2, (20, 60));
            let spans = vec![("front", entry()), ("front", half(3)), ("back", work)];
            system.export_spans(spans).await;
        }
        // `back` keeps a second span of the same name.
        "kept-twin" => {
            let work = |own| with(span(trace, own, &id("a1"), "work", 1, (10, 60)), "");
            system.kept.lock().unwrap().push(("back", work("a3")));
            let spans = vec![("front", entry()), ("back", work("a2"))];
            system.export_spans(spans).await;
        }
        "flush" => {
            let kept = std::mem::take(&mut *system.kept.lock().unwrap());
            system.export_spans(kept).await;
            let kept = std::mem::take(&mut *system.kept_logs.lock().unwrap());
            system.export_logs(kept).await;
        }
        "orphan" => {
            let orphan = span(trace, "a2", &id("ff"), "work", 1, (10, 60));
            system
                .export_spans(vec![("front", entry()), ("back", orphan)])
                .await;
        }
        "lost" => {
            let call = span(trace, "a2", &id("a1"), "GET", 3, (10, 90));
            let root = span(other, "a3", "", "GET /back", 2, (20, 80));
            system
                .export_spans(vec![("front", entry()), ("front", call), ("back", root)])
                .await;
        }
        // `back` begins a trace with the request of `front`.
        "restarted" => {
            let call = span(trace, "a2", &id("a1"), "GET", 3, (10, 90));
            let call = http(call, "url.full", "http://back:80/back");
            let root = span(other, "a3", "", "GET /back", 2, (20, 80));
            let root = http(root, "url.path", "/back");
            system
                .export_spans(vec![("front", entry()), ("front", call), ("back", root)])
                .await;
        }
        // `front` calls with a context of its own.
        "inside" => {
            let call = span(other, "a2", "", "GET /back", 3, (10, 90));
            let spans = vec![("front", entry()), ("front", call)];
            system.export_spans(spans).await;
        }
        "refused" => {
            let mut call = span(trace, "a2", &id("a1"), "GET /mail", 3, (10, 90));
            call["status"] = json!({ "code": 2, "message": "connection refused" });
            let spans = vec![("front", entry()), ("front", call)];
            system.export_spans(spans).await;
        }
        // `back` keeps the last 64 bits of the trace id.
        "cut" => {
            let cut = format!("{:0>32}", &trace[16..]);
            let half = span(&cut, "a3", &id("a2"), "GET /back", 2, (20, 80));
            let spans = vec![("front", entry()), ("back", half)];
            system.export_spans(spans).await;
        }
        "cut-first" => {
            let cut = format!("{:0>32}", &trace[16..]);
            let half = span(&cut, "a1", parent, "GET /it", 2, (20, 80));
            system.export_spans(vec![("front", half)]).await;
        }
        "first" => {
            let mut root = span(other, "a3", "", "GET", 2, (20, 80));
            root["attributes"] = json!([text("url.path", "/first")]);
            system.export_spans(vec![("front", root)]).await;
        }
        "other" => {
            let root = span(other, "a3", "", "tick", 1, (20, 80));
            system.export_spans(vec![("clock", root)]).await;
        }
        "undecodable" => {
            let mut entry = entry();
            let amount = json!({ "key": "amount", "value": { "intValue": "a lot" } });
            entry["attributes"] = json!([text("note", "kept"), amount]);
            system.export_spans(vec![("front", entry)]).await;
        }
        "stray" => {
            let root = span(trace, "a3", "", "tick", 1, (20, 80));
            system.export_spans(vec![("clock", root)]).await;
        }
        // The exporter keeps the spans for longer than expected, and the last one longest.
        "late" => {
            let mut failed = span(trace, "a2", &id("a1"), "work", 1, (10, 60));
            failed["status"] = json!({ "code": 2 });
            let entry = entry();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(400)).await;
                system.export_spans(vec![("front", entry)]).await;
                tokio::time::sleep(Duration::from_millis(150)).await;
                system.export_spans(vec![("back", failed)]).await;
            });
        }
        // Two calls of a service of which only one has a SERVER span.
        "unserved" => {
            let call = |own| {
                let mut call = span(trace, own, &id("a1"), "GET /part", 3, (10, 90));
                call["attributes"] = json!([
                    text("http.request.method", "GET"),
                    text("server.address", "back"),
                    { "key": "http.response.status_code", "value": { "intValue": "200" } },
                ]);
                call
            };
            let mut served = span(trace, "b1", &id("a2"), "GET /part", 2, (20, 80));
            served["attributes"] = json!([text("http.request.method", "GET")]);
            let calls = [("front", call("a2")), ("front", call("a3"))];
            let mut spans = vec![("front", entry()), ("back", served)];
            spans.extend(calls);
            system.export_spans(spans).await;
        }
        // A gate that begins a new trace, and names it in the response.
        "gate" | "gate-broken" => {
            let root = http(
                span(other, "b1", "", "GET", 2, (5, 95)),
                "url.path",
                "/gate",
            );
            let url = "http://back:80/part";
            let call = http(
                span(other, "b2", &id("b1"), "GET", 3, (10, 90)),
                "url.full",
                url,
            );
            let (trace, parent) = match what.as_str() {
                "gate" => (other, id("b2")),
                _ => ("00000000000000000000000000000bac", String::new()),
            };
            let part = span(trace, "b3", &parent, "GET /part", 2, (20, 80));
            let part = http(part, "url.path", "/part");
            system
                .export_spans(vec![("gate", root), ("gate", call), ("back", part)])
                .await;
            let named = format!("00-{other}-{}-01", id("b1"));
            return ([("traceresponse", named)], "fine").into_response();
        }
        // A call whose SERVER span arrives after the response.
        "served-later" => {
            let call = http(
                span(trace, "a2", &id("a1"), "GET", 3, (10, 90)),
                "url.full",
                "http://back:80/part",
            );
            let served = span(trace, "a3", &id("a2"), "GET /part", 2, (20, 80));
            system
                .export_spans(vec![("front", entry()), ("front", call)])
                .await;
            tokio::spawn(async move { system.export_spans(vec![("back", served)]).await });
        }
        "half" => {
            system.export_spans(vec![("front", entry())]).await;
            let cut_off = r#"{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "back"}}]}"#;
            system.export("application/json", cut_off.to_owned()).await;
        }
        "malformed" => {
            system
                .export("application/x-protobuf", "garbage".to_owned())
                .await
        }
        "company" => return system.company().await.into_response(),
        "cookie" => {
            let cookie = headers.get("cookie").and_then(|value| value.to_str().ok());
            return cookie.unwrap_or("none").to_owned().into_response();
        }
        "hang" => std::future::pending::<()>().await,
        "third" => {
            let number = system.requests.load(Ordering::SeqCst);
            let work = span(trace, "a2", &id("a1"), "work", 1, (10, 60));
            let early = (number < 3).then_some(("back", work));
            let spans = std::iter::once(("front", entry())).chain(early);
            system.export_spans(spans.collect()).await;
            let status = match number {
                3 => StatusCode::OK,
                _ => StatusCode::ACCEPTED,
            };
            return (status, format!("{{\"number\":{number}}}")).into_response();
        }
        "once" => match system.requests.load(Ordering::SeqCst) {
            1 => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            _ => std::future::pending::<()>().await,
        },
        "events" => {
            let event = Event::default().data("1");
            let events = stream::iter([Ok::<_, Infallible>(event)]);
            return Sse::new(events.chain(stream::pending())).into_response();
        }
        "broken" => return (StatusCode::INTERNAL_SERVER_ERROR, "out of order").into_response(),
        _ => {}
    }
    "fine".into_response()
}

fn id(end: &str) -> String {
    format!("{end:0>16}")
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// A span of OTLP/JSON; times are milliseconds after some moment.
fn span(
    trace: &str,
    own: &str,
    parent: &str,
    name: &str,
    kind: u8,
    (start, end): (u64, u64),
) -> Value {
    json!({
        "traceId": trace,
        "spanId": id(own),
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": (THEN + start * 1_000_000).to_string(),
        "endTimeUnixNano": (THEN + end * 1_000_000).to_string(),
    })
}

/// The span as that of a GET request, with its URL or path.
fn http(mut span: Value, key: &str, place: &str) -> Value {
    span["attributes"] = json!([
        text("http.request.method", "GET"),
        text(key, place),
        { "key": "http.response.status_code", "value": { "intValue": "200" } },
    ]);
    span
}

/// A log record of OTLP/JSON, at some milliseconds.
fn log(trace: &str, on: &str, severity: u8, body: &str, at: u64) -> Value {
    let span = if on.is_empty() { String::new() } else { id(on) };
    json!({
        "traceId": trace,
        "spanId": span,
        "timeUnixNano": (THEN + at * 1_000_000).to_string(),
        "severityNumber": severity,
        "body": { "stringValue": body },
    })
}

/// The span with the attributes that specs ask for.
fn with(mut span: Value, body: &str) -> Value {
    span["attributes"] = json!([
        text("payment.method", "card"),
        { "key": "attempts", "value": { "intValue": "1" } },
        text("request.body", body),
    ]);
    span
}

/// Looks again until it is so.
pub(crate) async fn eventually(mut is_so: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "it never came so far");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
