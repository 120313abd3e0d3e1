//! `spanspec exec` and `collect`: tests of any kind beside one receiver and the services.

use std::time::Duration;

use serde_json::Value;

use crate::system::{Project, SPANSPEC, Said, said};

const OK: &str = "request: GET ${URL}/ok\nexpect: { status: 200, services: [back, front] }\n";
const WRONG: &str = "request: GET ${URL}/ok\nexpect: { span_count: 7 }\n";

/// `spanspec exec` of a shell script, listening where the system exports to.
async fn exec(project: &Project, flags: &[&str], script: &str) -> Said {
    let listen = format!("127.0.0.1:{}", project.system.otlp);
    let all: Vec<&str> = ["exec", "--listen", &listen]
        .into_iter()
        .chain(flags.iter().copied())
        .chain(["--", "sh", "-c", script])
        .collect();
    project.spanspec(&all).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_finds_the_receiver_and_the_variables_in_its_environment() {
    let project = Project::with(&[("ok.yaml", OK)]).await;
    let receiver = format!("http://127.0.0.1:{}", project.system.otlp);
    let said = exec(&project, &["--var", "SKU=A1"], "env; cat").await;
    for line in [
        format!("SPANSPEC_RECEIVER={receiver}"),
        format!("OTEL_EXPORTER_OTLP_ENDPOINT={receiver}"),
        "OTEL_BSP_SCHEDULE_DELAY=100".to_owned(),
        format!("URL={}", project.system.url),
        "SKU=A1".to_owned(),
    ] {
        assert!(
            said.out.lines().any(|found| found == line),
            "{line}: {}",
            said.out
        );
    }
    said.expect(0, &["SPANSPEC_RESULTS="]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_as_the_command_does() {
    let project = Project::with(&[]).await;
    exec(&project, &[], "exit 7").await.expect(7, &[]);
    #[cfg(unix)]
    exec(&project, &[], "kill -TERM $$").await.expect(143, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_not_there_is_told_before_anything_starts() {
    let project = Project::with(&[]).await;
    let said = project.spanspec(&["exec", "--", "no-such-command"]).await;
    said.expect(
        2,
        &["`no-such-command` was not found in PATH", "nothing was run"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_it_from_starting_is_told_and_the_command_not_run() {
    let project = Project::with(&[]).await;
    let taken = std::net::TcpListener::bind(("127.0.0.1", project.system.otlp)).unwrap();
    let said = exec(&project, &[], "echo it ran").await;
    said.expect(3, &["is taken by", "--listen 127.0.0.1:0"]);
    assert!(!said.out.contains("it ran"));
    drop(taken);
    project.write(
        "spanspec.yaml",
        "services: { shop: { run: \"false\", ready: tcp://127.0.0.1:9 } }\n",
    );
    exec(&project, &[], "echo it ran")
        .await
        .expect(3, &["shop"]);
    project.write("spanspec.yaml", "vars: { A: \"${B}\" }\n");
    exec(&project, &[], "echo it ran").await.expect(2, &["`B`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn specs_within_follow_their_traces_over_http_and_become_one_report() {
    let project = Project::with(&[("ok.yaml", OK), ("wrong.yaml", WRONG)]).await;
    project.write(
        "theirs.xml",
        "<testsuite name='unit'><testcase name='adds' time='0.1'/></testsuite>",
    );
    let script = format!("{SPANSPEC} run specs/ok.yaml && {SPANSPEC} run specs/wrong.yaml");
    let flags = [
        "--report",
        "junit=all.xml",
        "--report",
        "json=all.json",
        "--merge",
        "theirs.xml",
    ];
    let said = exec(&project, &flags, &script).await;
    said.expect(1, &["1 passed", "1 failed", "number of spans"]);
    let junit = project.read("all.xml");
    for part in [
        "tests=\"3\"",
        "failures=\"1\"",
        "specs/ok.yaml",
        "specs/wrong.yaml",
        "\"adds\"",
        "expected exactly 7",
    ] {
        assert!(junit.contains(part), "{part}: {junit}");
    }
    let json: Value = serde_json::from_str(&project.read("all.json")).unwrap();
    assert_eq!(
        (&json["counts"]["passed"], &json["counts"]["failed"]),
        (&1.into(), &1.into())
    );
    assert_eq!(json["exit_code"], 1);
    assert_eq!(json["specs"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_of_another_receiver_proves_nothing() {
    let spec = "request: GET ${URL}/ok\nrepeat: { times: 10 }\nbudgets: [{ find: work, regression: { p50: 20% } }]\n";
    let project = Project::with(&[("order.yaml", spec)]).await;
    let run = ["--machine", "mine", "--update-baselines", "always"];
    project.run(&run).await.expect(0, &["wrote this run to"]);
    let script = "\"$0\" run --machine mine --update-baselines never";
    let script = script.replace("$0", SPANSPEC);
    exec(&project, &[], &script).await.expect(
        0,
        &[
            "ANOTHER ENVIRONMENT than the baseline's: receiver was the run itself, is",
            "PASS  order",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_a_traceparent_is_answered_within() {
    let project = Project::with(&[]).await;
    let script = "curl -s -H \"traceparent: $T\" $URL/ok; curl -s \"$SPANSPEC_RECEIVER/api/traces/$T?format=flat\"";
    let said = exec(
        &project,
        &[
            "--var",
            "T=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ],
        script,
    )
    .await;
    said.expect(0, &["\"complete\":true", "\"payment.method\":\"card\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn specs_that_are_sent_see_the_variables_of_the_project_and_not_the_environment() {
    let project = Project::with(&[]).await;
    let judge = |name: &str| {
        format!(
            "curl -s $SPANSPEC_RECEIVER/api/judge -H 'content-type: application/json' -d '{{\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"wait\":\"1ms\",\"spec\":\"services: [\\\"${{{name}}}\\\"]\"}}'"
        )
    };
    exec(&project, &[], &judge("URL"))
        .await
        .expect(0, &["\"verdict\":\"errored\""]);
    exec(&project, &[], &judge("PATH"))
        .await
        .expect(0, &["wrong-spec", "PATH"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_not_there_is_named() {
    let project = Project::with(&[("ok.yaml", OK)]).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let run = async |receiver: &str| {
        let mut command = project.command(&["run"]);
        command.env("SPANSPEC_RECEIVER", receiver);
        said(command).await
    };
    run(&format!("http://{closed}"))
        .await
        .expect(3, &["there is no receiver at", "SPANSPEC_RECEIVER"]);
    run(&project.system.url)
        .await
        .expect(3, &["is no receiver of"]);
    run("127.0.0.1:4318")
        .await
        .expect(3, &["not the URL of a receiver"]);
}

/// `spanspec collect` with what it wrote when it was ready.
pub(crate) async fn collect(project: &Project) -> (tokio::process::Child, Value) {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let listen = format!("127.0.0.1:{}", project.system.otlp);
    let mut command = project.command(&[
        "collect",
        "--listen",
        &listen,
        "--format",
        "json",
        "--ready-file",
        "ready.json",
    ]);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await;
    let line = line.expect("it is ready in time").unwrap().unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn collect_says_when_it_is_ready_and_what_to_set() {
    let project = Project::with(&[("ok.yaml", OK)]).await;
    let (child, ready) = collect(&project).await;
    let receiver = format!("http://127.0.0.1:{}", project.system.otlp);
    assert_eq!(ready["environment"]["SPANSPEC_RECEIVER"], receiver);
    assert_eq!(ready["environment"]["URL"], project.system.url);
    let file: Value = serde_json::from_str(&project.read("ready.json")).unwrap();
    assert_eq!(file, ready);
    #[cfg(unix)]
    {
        // It can have the token of the receiver.
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::metadata(project.path().join("ready.json")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    let mut run = project.command(&["run"]);
    run.env("SPANSPEC_RECEIVER", &receiver);
    said(run).await.expect(0, &["1 passed"]);
    #[cfg(unix)]
    {
        interrupt(&child);
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stderr).contains("2 spans received"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn record_uses_the_receiver_and_the_services_of_collect() {
    let project = Project::with(&[]).await;
    let (_child, ready) = collect(&project).await;
    let receiver = ready["environment"]["SPANSPEC_RECEIVER"].as_str().unwrap();
    let record = |receiver: &str| {
        let mut record = project.command(&["record", "-o", "specs/ok.yaml", "${URL}/ok"]);
        record.env("SPANSPEC_RECEIVER", receiver);
        said(record)
    };
    let gone = record("http://127.0.0.1:1").await;
    gone.expect(3, &["there is no receiver at", "SPANSPEC_RECEIVER"]);
    let requests = &project.system.requests;
    assert_eq!(requests.load(std::sync::atomic::Ordering::SeqCst), 0);
    record(receiver)
        .await
        .expect(0, &["written: specs/ok.yaml"]);
    let spec = project.read("specs/ok.yaml");
    assert!(spec.contains("    - find: work\n"), "{spec}");
}

#[cfg(unix)]
pub(crate) fn interrupt(child: &tokio::process::Child) {
    let id = i32::try_from(child.id().unwrap()).unwrap();
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(id),
        nix::sys::signal::Signal::SIGINT,
    )
    .unwrap();
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_goes_away_in_the_middle_makes_specs_errored() {
    let project = Project::with(&[(
        "slow.yaml",
        "request: GET ${URL}/hang\nexpect: { errors: 0 }\n",
    )])
    .await;
    let (mut child, ready) = collect(&project).await;
    let mut run = project.command(&["run"]);
    run.env(
        "SPANSPEC_RECEIVER",
        ready["environment"]["SPANSPEC_RECEIVER"].as_str().unwrap(),
    );
    let running = tokio::spawn(said(run));
    crate::system::eventually(|| {
        project
            .system
            .requests
            .load(std::sync::atomic::Ordering::SeqCst)
            > 0
    })
    .await;
    child.kill().await.unwrap();
    let said = running.await.unwrap();
    said.expect(3, &["which SPANSPEC_RECEIVER names, is gone"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_command_first_and_reports_are_written() {
    let project = Project::with(&[("ok.yaml", OK)]).await;
    let listen = format!("127.0.0.1:{}", project.system.otlp);
    let script = format!(
        "trap 'echo cleaned up; kill $!; exit 5' INT; {SPANSPEC} run --quiet; sleep 100 & echo waiting > started; wait"
    );
    let mut command = project.command(&[
        "exec",
        "--listen",
        &listen,
        "--report",
        "junit=all.xml",
        "--",
        "sh",
        "-c",
        &script,
    ]);
    let child = command.spawn().unwrap();
    crate::system::eventually(|| project.path().join("started").exists()).await;
    interrupt(&child);
    let output = child.wait_with_output().await.unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.contains("cleaned up"), "{out}");
    assert_eq!(output.status.code(), Some(130));
    assert!(project.read("all.xml").contains("tests=\"1\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_the_receiver_reaches_what_runs_within_and_no_output() {
    let spec = "request: GET ${URL}/ok\nexpect: { status: 200 }\n";
    let project = Project::with(&[("ok.yaml", spec)]).await;
    let settings = project.read("spanspec.yaml") + "receiver: { token: \"${TOKEN}\" }\n";
    project.write("spanspec.yaml", &settings);
    let flags = ["--var", "TOKEN=s3cr3t/=x"];
    let run = format!("test \"$SPANSPEC_RECEIVER_TOKEN\" = s3cr3t/=x && {SPANSPEC} run");
    let said = exec(&project, &flags, &run).await;
    said.expect(0, &["1 passed"]);
    assert!(!format!("{}{}", said.out, said.err).contains("s3cr3t"));
    let headers = "echo $OTEL_EXPORTER_OTLP_HEADERS | tr -d 3";
    let said = exec(&project, &flags, headers).await;
    said.expect(0, &["authorization=Bearer%20scrt%2F%Dx"]);
    let without = format!("unset SPANSPEC_RECEIVER_TOKEN; {SPANSPEC} run");
    let said = exec(&project, &flags, &without).await;
    said.expect(3, &["requires its token: set SPANSPEC_RECEIVER_TOKEN"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_others_can_use_is_warned_of() {
    let project = Project::with(&[]).await;
    let settings = project.read("spanspec.yaml") + "receiver: { cors: [\"*\"] }\n";
    project.write("spanspec.yaml", &settings);
    let open = ["exec", "--listen", "0.0.0.0:0", "--", "true"];
    project.spanspec(&open).await.expect(
        0,
        &[
            "warning: everyone who reaches 0.0.0.0:0 can send telemetry, and read traces",
            "warning: `receiver.cors` permits every web page",
        ],
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_command_need_not_be_text() {
    let project = Project::with(&[]).await;
    let script =
        format!("exec {SPANSPEC} exec --listen 0 -- printf '%s' \"$(printf 'a\\377b')\" | od -c");
    let said = said(project.command_of("sh", &["-c", &script])).await;
    said.expect(0, &["a 377   b"]);
}
