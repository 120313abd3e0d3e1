//! Services as real processes.
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::error::Error;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use spanspec::internal::service::{
    CommandLine, ExitReason, Ready, Service, ServiceEvent, StartError, System, TelemetryTarget,
    UnexpectedExit, free_port, start,
};
use support::{ClosedPort, eventually, runs};

fn telemetry() -> TelemetryTarget {
    TelemetryTarget {
        token: None,
        certificate: None,
        endpoint: "http://127.0.0.1:4318".to_owned(),
    }
}

fn shell(name: &str, line: &str) -> Service {
    Service::new(name, CommandLine::Shell(line.to_owned()))
}

fn log(pattern: &str) -> Option<Ready> {
    Some(Ready::Log(regex::Regex::new(pattern).unwrap()))
}

fn in_folder(folder: &Path, mut service: Service) -> Service {
    service.dir = folder.to_owned();
    service
}

fn after(depends_on: &[&str], mut service: Service) -> Service {
    service.depends_on = depends_on.iter().map(|name| (*name).to_owned()).collect();
    service
}

fn ready_by(ready: Option<Ready>, mut service: Service) -> Service {
    service.ready = ready;
    service
}

async fn start_quietly(services: Vec<Service>) -> Result<System, StartError> {
    tokio::time::timeout(support::DEADLINE, start(services, &telemetry(), |_| {}))
        .await
        .expect("a start ends in time")
}

async fn refusal(services: Vec<Service>) -> StartError {
    start_quietly(services).await.expect_err("the start fails")
}

async fn death(system: &System) -> UnexpectedExit {
    tokio::time::timeout(support::DEADLINE, system.died())
        .await
        .expect("the death is noticed in time")
}

/// The pid that a service wrote into a file.
async fn pid_in(folder: &Path, file: &str) -> String {
    let path = folder.join(file);
    let written = || std::fs::read_to_string(&path).ok();
    let whole = || written().filter(|text| text.ends_with('\n'));
    eventually("a pid is written", whole).await
}

async fn ends(pid: &str) {
    eventually("the process ends", || (!runs(pid)).then_some(())).await;
}

/// Collects events as short texts.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    fn listener(&self) -> impl Fn(ServiceEvent) + Send + Sync + 'static {
        let events = self.clone();
        move |event| {
            let text = match event {
                ServiceEvent::BuildStarted { service, command } => {
                    format!("build {service}: {command}")
                }
                ServiceEvent::BuildOutput { service, line } => format!("build {service}> {line}"),
                ServiceEvent::BuildFinished { service, .. } => format!("built {service}"),
                ServiceEvent::Started { service, .. } => format!("start {service}"),
                ServiceEvent::Output { service, line, .. } => format!("{service}> {line}"),
                ServiceEvent::Ready { service, .. } => format!("ready {service}"),
                ServiceEvent::Stopped { service } => format!("stopped {service}"),
                other => format!("{other:?}"),
            };
            events.0.lock().unwrap().push(text);
        }
    }

    fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// This test binary again, as a web server: every machine that can run the test has it.
fn http_server() -> CommandLine {
    let this = std::env::current_exe().unwrap();
    let words = ["--exact", "answer_until_ended", "--ignored", "--nocapture"];
    let words = std::iter::once(this.to_str().unwrap()).chain(words);
    CommandLine::Words(words.map(str::to_owned).collect())
}

/// Answers on `$PORT` with the status `$STATUS`, and prints the trace context it was asked with.
#[test]
#[ignore = "no test of its own: others start it as a service"]
fn answer_until_ended() {
    use std::io::{BufRead, BufReader, Write};
    let variable = |name: &str| std::env::var(name).ok();
    let Some(port) = variable("PORT").and_then(|port| port.parse::<u16>().ok()) else {
        return;
    };
    let status = variable("STATUS").unwrap_or_else(|| "200".to_owned());
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    for mut stream in listener.incoming().map_while(Result::ok) {
        let head = BufReader::new(stream.try_clone().unwrap())
            .lines()
            .map_while(Result::ok);
        for line in head.take_while(|line| !line.is_empty()) {
            if let Some(context) = line.to_lowercase().strip_prefix("traceparent: ") {
                writeln!(std::io::stdout(), "asked with {context}").unwrap();
            }
        }
        let answer =
            format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        // A client that only probed the port is gone.
        let _ = stream.write_all(answer.as_bytes());
    }
}

/// A command without a shell.
fn words(words: &[&str]) -> CommandLine {
    CommandLine::Words(words.iter().map(|&word| word.to_owned()).collect())
}

/// A web server on a free port.
fn web(name: &str) -> (Service, u16) {
    let port = free_port().unwrap();
    let mut service = Service::new(name, http_server());
    service.env = vec![("PORT".to_owned(), port.to_string())];
    service.ports = vec![("http".to_owned(), port)];
    let url = format!("http://127.0.0.1:{port}/").parse().unwrap();
    service.ready = Some(Ready::Http(url));
    (service, port)
}

#[tokio::test]
async fn a_service_answers_once_it_is_started_and_no_longer_once_it_is_stopped() {
    let (service, port) = web("shop");
    let system = start_quietly(vec![service]).await.unwrap();
    tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    system.stop().await;
    let error = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_port_that_accepts_is_ready() {
    let (mut service, port) = web("shop");
    service.ready = Some(Ready::Tcp(format!("localhost:{port}")));
    start_quietly(vec![service]).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_line_of_either_output_is_ready() {
    for line in [
        "echo listening on 80; sleep 600",
        "echo listening on 80 >&2; sleep 600",
    ] {
        let service = ready_by(log("listening on [0-9]+"), shell("shop", line));
        start_quietly(vec![service]).await.unwrap().stop().await;
    }
}

#[tokio::test]
async fn the_environment_is_inherited_with_telemetry_and_env() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = in_folder(
        folder.path(),
        shell(
            "shop",
            "env > env.tmp; mv env.tmp env; echo written; sleep 600",
        ),
    );
    service.ready = log("written");
    service.env = vec![
        ("OTEL_BSP_SCHEDULE_DELAY".to_owned(), "10".to_owned()),
        ("GREETING".to_owned(), "good day".to_owned()),
    ];
    let system = start_quietly(vec![service]).await.unwrap();
    assert_eq!(
        system.effective_schedule_delay(),
        Some(Duration::from_millis(10))
    );
    let text = std::fs::read_to_string(folder.path().join("env")).unwrap();
    let env: BTreeMap<_, _> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "500"),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
        ("OTEL_PROPAGATORS", "tracecontext,baggage"),
        ("GREETING", "good day"),
        ("PATH", &std::env::var("PATH").unwrap()),
    ] {
        assert_eq!(env.get(name), Some(&value), "{name}");
    }
    for name in HOSTILE.map(|(name, _)| name) {
        assert!(!env.contains_key(name), "{name}");
    }
    system.stop().await;
}

/// Variables that a traced CI system may have set.
const HOSTILE: [(&str, &str); 4] = [
    ("OTEL_SDK_DISABLED", "true"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "http://collector.invalid",
    ),
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret"),
    (
        "TRACEPARENT",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
];

#[test]
fn the_exporter_settings_of_a_ci_do_not_reach_a_service() {
    let mut hostile = HOSTILE.to_vec();
    hostile.push(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.invalid"));
    hostile.push(("OTEL_TRACES_SAMPLER", "always_off"));
    let test = "the_environment_is_inherited_with_telemetry_and_env";
    support::again_with(&hostile, &[test]);
}

#[tokio::test]
async fn the_slowest_service_sets_the_schedule_delay() {
    let mut slow = shell("slow", "sleep 600");
    slow.env = vec![("OTEL_BSP_SCHEDULE_DELAY".to_owned(), "2000".to_owned())];
    let system = start_quietly(vec![shell("quick", "sleep 600"), slow])
        .await
        .unwrap();
    assert_eq!(
        system.effective_schedule_delay(),
        Some(Duration::from_secs(2))
    );
    system.stop().await;

    let nothing = start_quietly(Vec::new()).await.unwrap();
    assert_eq!(nothing.effective_schedule_delay(), None);
    assert_eq!(nothing.starting_until(), None);
}

#[tokio::test]
async fn only_a_service_without_a_readiness_check_may_still_be_starting() {
    let before = Instant::now();
    let sure = ready_by(log("up"), shell("sure", "echo up; sleep 600"));
    let system = start_quietly(vec![sure.clone()]).await.unwrap();
    assert_eq!(system.starting_until(), None);
    system.stop().await;

    let mut unsure = shell("unsure", "sleep 600");
    unsure.start_timeout = Duration::from_secs(7);
    let system = start_quietly(vec![sure, unsure]).await.unwrap();
    assert!(system.starting_until().unwrap() >= before + Duration::from_secs(7));
    system.stop().await;
}

#[tokio::test]
async fn a_service_starts_when_those_it_depends_on_are_ready_and_stops_before_them() {
    let events = Events::default();
    let line = "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done";
    let up = |name: &str| ready_by(log("up"), shell(name, line));
    let services = vec![
        after(&["order"], up("gateway")),
        after(&["db"], up("order")),
        up("db"),
    ];
    let system = start(services, &telemetry(), events.listener())
        .await
        .unwrap();
    system.stop().await;
    let mut seen = events.seen();
    seen.retain(|event| !event.contains('>'));
    assert_eq!(
        seen,
        [
            "start db",
            "ready db",
            "start order",
            "ready order",
            "start gateway",
            "ready gateway",
            "stopped gateway",
            "stopped order",
            "stopped db",
        ]
    );
}

#[tokio::test]
async fn services_that_do_not_depend_on_each_other_start_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    // Each is ready only when the other has started.
    let meet = |own: &str, other: &str| {
        let line =
            format!("touch {own}; until [ -e {other} ]; do sleep 0.01; done; echo met; sleep 600");
        ready_by(log("met"), in_folder(folder.path(), shell(own, &line)))
    };
    let services = vec![meet("a", "b"), meet("b", "a")];
    start_quietly(services).await.unwrap().stop().await;
}

#[tokio::test]
async fn builds_run_first_and_shared_ones_once() {
    let folder = tempfile::tempdir().unwrap();
    let events = Events::default();
    let built = |name: &str| {
        let run = "cat artifact; exec sleep 600";
        let mut service = in_folder(folder.path(), shell(name, run));
        service.build = Some(CommandLine::Shell(
            "echo compiling; echo done > artifact".to_owned(),
        ));
        service.start_timeout = Duration::from_secs(30);
        ready_by(log("done"), service)
    };
    let services = vec![built("a"), after(&["a"], built("b"))];
    let system = start(services, &telemetry(), events.listener())
        .await
        .unwrap();
    let mut seen = events.seen();
    seen.retain(|event| event.starts_with("buil") || event.starts_with("start"));
    assert_eq!(
        seen,
        [
            "build a: echo compiling; echo done > artifact",
            "build a> compiling",
            "built a",
            "start a",
            "start b",
        ]
    );
    system.stop().await;
}

#[tokio::test]
async fn a_failing_build_shows_the_end_of_its_output() {
    let mut service = shell("shop", "sleep 600");
    service.build = Some(CommandLine::Shell(
        "echo one; echo two >&2; exit 101".to_owned(),
    ));
    let error = refusal(vec![service]).await.to_string();
    let head = "the build of service `shop` (echo one; echo two >&2; exit 101) ended with exit \
                code 101; the end of its output:\n";
    let head = head.replace('(', "(`").replace(") ended", "`) ended");
    assert!(error.starts_with(&head), "{error}");
    // The two outputs are two pipes, so either line may come first.
    for line in ["\n  one", "\n  two"] {
        assert!(error.contains(line), "{error}");
    }
}

#[tokio::test]
async fn a_service_that_ends_before_it_is_ready_is_reported_at_once() {
    let line = "echo cannot read config; exit 3";
    let (mut service, _) = web("shop");
    service.run = CommandLine::Shell(line.to_owned());
    let before = Instant::now();
    let error = refusal(vec![service]).await;
    assert!(before.elapsed() < Duration::from_secs(30));
    assert_eq!(
        error.to_string(),
        "service `shop` ended with exit code 3; the end of its output:\n  cannot read config"
    );
}

fn frank(status: u16) -> (Service, u16) {
    let (mut service, port) = web("shop");
    service.env.push(("STATUS".to_owned(), status.to_string()));
    (service, port)
}

#[tokio::test]
async fn a_service_that_is_not_ready_in_time_is_reported_with_the_last_attempt() {
    let closed = ClosedPort::reserve();
    let refusing = format!("127.0.0.1:{}", closed.number());
    for (ready, tried) in [
        (
            Ready::Http(format!("http://{refusing}/").parse().unwrap()),
            format!("GET http://{refusing}/: connection refused"),
        ),
        (
            Ready::Tcp(refusing.clone()),
            format!("connecting to {refusing}: connection refused"),
        ),
        (
            log("listening").unwrap(),
            "no line of its output matches `listening`".to_owned(),
        ),
    ] {
        let mut service = ready_by(Some(ready), shell("shop", "echo starting; sleep 600"));
        service.start_timeout = Duration::from_secs(1);
        assert_eq!(
            refusal(vec![service]).await.to_string(),
            format!(
                "service `shop` was not ready within 1 s ({tried}); the end of its output:\n  \
                 starting"
            )
        );
    }
}

#[tokio::test]
async fn the_port_on_which_a_service_listens_instead_is_named() {
    let closed = ClosedPort::reserve().number();
    // A slow machine gets more time, until the server listens.
    for seconds in [2, 10, 50] {
        let (service, port) = web("shop");
        let mut service = ready_by(Some(Ready::Tcp(format!("127.0.0.1:{closed}"))), service);
        service.start_timeout = Duration::from_secs(seconds);
        let help = refusal(vec![service]).await.help().join("\n");
        if help.contains("listens on no port") {
            continue;
        }
        let named = format!(":{port}, not on port {closed}: pass the port to it");
        return assert!(help.contains(&named), "{help}");
    }
    panic!("the server never listened");
}

#[tokio::test]
async fn a_service_that_ends_at_once_has_the_remedy_for_its_error() {
    let line = "echo 'Error: connect ECONNREFUSED 127.0.0.1:5432'; exit 1";
    let service = ready_by(log("up"), shell("shop", line));
    let help = refusal(vec![service]).await.help();
    assert!(
        help[0].starts_with("it cannot reach another service: "),
        "{help:?}"
    );
    let service = ready_by(log("up"), shell("shop", "no-such-program-here"));
    let help = refusal(vec![service]).await.help();
    assert!(
        help[0].starts_with("a program of the command was not found"),
        "{help:?}"
    );
}

#[tokio::test]
async fn a_status_that_is_no_success_is_not_ready() {
    // A slow machine gets more time, until the server was there to be asked.
    for seconds in [2, 10, 50] {
        let (mut service, port) = frank(503);
        service.start_timeout = Duration::from_secs(seconds);
        let error = refusal(vec![service]).await.to_string();
        if error.contains("connection refused") {
            continue;
        }
        let tried = format!("(GET http://127.0.0.1:{port}/ answered 503)");
        return assert!(error.contains(&tried), "{error}");
    }
    panic!("the server never answered");
}

#[tokio::test]
async fn the_readiness_check_records_no_spans() {
    let (service, _) = frank(204);
    let events = Events::default();
    let system = start(vec![service], &telemetry(), events.listener())
        .await
        .unwrap();
    let asked = || {
        let asked = |event: &String| event.contains("asked with 00-");
        events.seen().into_iter().find(asked)
    };
    let asked = eventually("the server tells what it was asked", asked).await;
    assert!(asked.ends_with("-00"), "{asked}");
    system.stop().await;
}

#[tokio::test]
async fn a_failed_start_stops_all_services() {
    let folder = tempfile::tempdir().unwrap();
    let good = in_folder(
        folder.path(),
        shell("good", "echo $$ > pid; echo up; exec sleep 600"),
    );
    let bad = ready_by(log("never"), shell("bad", "exit 1"));
    let services = vec![ready_by(log("up"), good), after(&["good"], bad)];
    let error = refusal(services).await;
    assert!(matches!(error, StartError::Died(_)), "{error}");
    ends(&pid_in(folder.path(), "pid").await).await;
}

#[tokio::test]
async fn an_unexpected_end_is_reported_with_the_last_lines() {
    let folder = tempfile::tempdir().unwrap();
    let line = "echo up; until [ -e die ]; do sleep 0.01; done; echo out of cheese; exit 7";
    let service = in_folder(folder.path(), ready_by(log("up"), shell("shop", line)));
    let system = start_quietly(vec![service]).await.unwrap();
    std::fs::write(folder.path().join("die"), "").unwrap();
    let expected = UnexpectedExit {
        service: "shop".to_owned(),
        ending: ExitReason::Code(7),
        tail: vec!["up".to_owned(), "out of cheese".to_owned()],
    };
    assert_eq!(death(&system).await, expected);
    assert_eq!(death(&system).await, expected, "asked again");
    system.stop().await;
}

#[tokio::test]
async fn a_stop_is_not_an_unexpected_end() {
    let service = ready_by(log("up"), shell("shop", "echo up; exec sleep 600"));
    let system = start_quietly(vec![service]).await.unwrap();
    let died = tokio::spawn(system.died());
    system.stop().await;
    assert!(!died.is_finished());
    died.abort();
}

#[tokio::test]
async fn a_service_that_asks_for_it_gets_time_to_flush() {
    let folder = tempfile::tempdir().unwrap();
    let line = "trap 'sleep 0.2; echo flushed > flushed; exit 0' TERM; echo up; \
                while :; do sleep 0.01; done";
    let service = in_folder(folder.path(), ready_by(log("up"), shell("shop", line)));
    start_quietly(vec![service]).await.unwrap().stop().await;
    assert!(folder.path().join("flushed").exists());
}

/// The leader ends at SIGTERM; what it started does not.
const STUBBORN_CHILD: &str = "sh -c 'trap \"\" TERM; echo $$ > child; echo up; \
    while :; do sleep 1; done' & trap 'exit 0' TERM; wait";

#[tokio::test]
async fn a_grandchild_that_ignores_sigterm_is_gone_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let service = in_folder(folder.path(), shell("shop", STUBBORN_CHILD));
    let system = start_quietly(vec![ready_by(log("up"), service)])
        .await
        .unwrap();
    let child = pid_in(folder.path(), "child").await;
    assert!(runs(&child));
    system.stop().await;
    ends(&child).await;
}

#[tokio::test]
async fn dropping_the_system_kills_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let service = in_folder(folder.path(), shell("shop", STUBBORN_CHILD));
    let system = start_quietly(vec![ready_by(log("up"), service)])
        .await
        .unwrap();
    let child = pid_in(folder.path(), "child").await;
    drop(system);
    ends(&child).await;
}

#[tokio::test]
async fn dropping_a_start_kills_services_and_builds() {
    let folder = tempfile::tempdir().unwrap();
    let line = "echo $$ > service; exec sleep 600";
    let mut slow = in_folder(folder.path(), shell("slow", line));
    slow.ready = log("never");
    let starting = tokio::spawn(start_quietly(vec![slow.clone()]));
    let service = pid_in(folder.path(), "service").await;
    starting.abort();
    ends(&service).await;

    slow.build = Some(CommandLine::Shell(
        "echo $$ > build; exec sleep 600".to_owned(),
    ));
    let building = tokio::spawn(start_quietly(vec![slow]));
    let build = pid_in(folder.path(), "build").await;
    building.abort();
    ends(&build).await;
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_owner_before_anything_starts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut service = shell("shop", "sleep 600");
    service.build = Some(CommandLine::Shell("exit 1".to_owned()));
    service.ports = vec![("http".to_owned(), port)];
    let error = refusal(vec![service.clone()]).await.to_string();
    let head = format!("port {port} of service `shop` is taken");
    assert!(error.starts_with(&head), "{error}");
    #[cfg(feature = "cli")]
    assert!(
        error.contains(&format!("(pid {})", std::process::id())),
        "{error}"
    );

    service.ports.clear();
    service.ready = Some(Ready::Tcp(format!("127.0.0.1:{port}")));
    let error = refusal(vec![service]).await.to_string();
    assert!(error.starts_with(&head), "{error}");
}

#[tokio::test]
async fn two_services_cannot_have_one_port() {
    let port = free_port().unwrap();
    let with_port = |name: &str| {
        let mut service = shell(name, "sleep 600");
        service.ports = vec![("http".to_owned(), port)];
        service
    };
    assert_eq!(
        refusal(vec![with_port("a"), with_port("b")])
            .await
            .to_string(),
        format!("service `a` and service `b` both have port {port}: write `auto` for one of them")
    );
}

#[tokio::test]
async fn a_program_that_is_missing_is_the_cause_of_the_error() {
    let missing = words(&["target/no-such-program", "--serve"]);
    let error = refusal(vec![Service::new("shop", missing)]).await;
    assert_eq!(error.to_string(), "failed to start service `shop`");
    let cause = error.source().unwrap().to_string();
    assert!(
        cause.starts_with("`target/no-such-program` was not found at /"),
        "{cause}"
    );
}

#[tokio::test]
async fn a_program_with_a_slash_is_looked_for_from_the_services_folder() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("bin/serve");
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    std::os::unix::fs::symlink("/bin/echo", &program).unwrap();
    let run = words(&["bin/serve", "it", "runs"]);
    let service = in_folder(folder.path(), Service::new("shop", run));
    let error = refusal(vec![ready_by(log("never"), service)]).await;
    assert_eq!(
        error.to_string(),
        "service `shop` ended with exit code 0, but a service has to stay in the foreground; the \
         end of its output:\n  it runs"
    );
}

#[test]
fn starting_can_be_spawned() {
    fn is_send(_: impl Future + Send) {}
    is_send(start(Vec::new(), &telemetry(), |_| {}));
}
