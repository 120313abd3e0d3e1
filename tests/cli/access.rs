//! Access to the receiver and to what is written: TLS, and modes of files.

use std::path::Path;

use crate::system::{Project, SPANSPEC, said};

/// Copies a file of `tests/tls` into the project.
fn copy(project: &Project, name: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name);
    std::fs::copy(from, project.path().join(name)).unwrap();
}

/// A project whose receiver has these settings of TLS.
async fn with_tls(settings: &str) -> Project {
    let ok = "request: GET ${URL}/ok\nexpect: { status: 200 }\n";
    let project = Project::with(&[("ok.yaml", ok)]).await;
    for name in [
        "server.pem",
        "server.key",
        "authority.pem",
        "expired.pem",
        "self.key",
        "encrypted.key",
    ] {
        copy(&project, name);
    }
    let receiver = format!("receiver:\n  listen: [0]\n  tls: {settings}\n");
    let file = project.read("spanspec.yaml") + &receiver;
    project.write("spanspec.yaml", &file);
    project
}

const OURS: &str = "{ cert: server.pem, key: server.key, ca: authority.pem }";

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_exporters_scripts_and_spanspec_reach_the_receiver_of_exec() {
    let project = with_tls(OURS).await;
    let export = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"sent with TLS"}]}]}]}"#;
    let script = format!(
        r#"set -e
curl -sS --cacert "$OTEL_EXPORTER_OTLP_CERTIFICATE" "$OTEL_EXPORTER_OTLP_ENDPOINT/v1/traces" -H 'content-type: application/json' -d '{export}'
curl -sS --cacert "$SPANSPEC_RECEIVER_CERTIFICATE" "$SPANSPEC_RECEIVER/api/traces/4bf92f3577b34da6a3ce929d0e0e4736?format=flat&wait=1ms"
{SPANSPEC} run"#
    );
    let exec = ["exec", "--", "sh", "-c", &script];
    let said = project.spanspec(&exec).await;
    said.expect(0, &["sent with TLS", "1 passed"]);
    for (change, error) in [
        (
            "unset SPANSPEC_RECEIVER_CERTIFICATE",
            "set SPANSPEC_RECEIVER_CERTIFICATE to the file of its",
        ),
        (
            "SPANSPEC_RECEIVER_CERTIFICATE=server.key",
            "server.key has no certificate",
        ),
        (
            "SPANSPEC_RECEIVER=$(echo $SPANSPEC_RECEIVER | sed s/https/http/)",
            "this receiver requires TLS",
        ),
    ] {
        let script = format!("{change}; {SPANSPEC} run");
        let said = project.spanspec(&["exec", "--", "sh", "-c", &script]).await;
        said.expect(3, &[error]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_with_an_authority_of_clients_admits_spanspec_with_a_certificate() {
    let settings =
        "{ cert: server.pem, key: server.key, ca: authority.pem, client_ca: authority.pem }";
    let project = with_tls(settings).await;
    let identity = "export SPANSPEC_RECEIVER_CLIENT_CERTIFICATE=server.pem SPANSPEC_RECEIVER_CLIENT_KEY=server.key";
    let script = format!("{identity}; {SPANSPEC} run");
    let with = project.spanspec(&["exec", "--", "sh", "-c", &script]).await;
    with.expect(0, &["1 passed"]);
    let without = project.spanspec(&["exec", "--", SPANSPEC, "run"]).await;
    without.expect(3, &["set SPANSPEC_RECEIVER_CLIENT_CERTIFICATE and"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_https_for_a_receiver_without_tls_the_message_says_so() {
    let project = Project::with(&[("ok.yaml", "request: GET ${URL}/ok\n")]).await;
    let script =
        format!("SPANSPEC_RECEIVER=$(echo $SPANSPEC_RECEIVER | sed s/http/https/) {SPANSPEC} run");
    let exec = ["exec", "--listen", "0", "--", "sh", "-c", &script];
    let said = project.spanspec(&exec).await;
    said.expect(3, &["use http:// if the receiver has no `tls`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_the_files_of_tls_are_shown_at_their_names() {
    for (settings, error, place) in [
        (
            "{ cert: nowhere.pem, key: server.key }",
            "nowhere.pem",
            "5:16",
        ),
        (
            "{ cert: server.pem, key: self.key }",
            "self.key is not the key of",
            "5:33",
        ),
        (
            "{ cert: server.pem, key: encrypted.key }",
            "encrypted.key is encrypted",
            "5:33",
        ),
        (
            "{ cert: server.pem, key: server.key, client_ca: server.key }",
            "server.key has no certificate in PEM format",
            "5:56",
        ),
        (
            "{ cert: server.pem }",
            "requires a certificate and its key",
            "5:8",
        ),
        (
            "{ cert: server.pem, key: server.key, client: x }",
            "unknown key `client`",
            "5:45",
        ),
    ] {
        let project = with_tls(settings).await;
        let said = project.spanspec(&["lint"]).await;
        said.expect(2, &[error, &format!("spanspec.yaml:{place}")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_warned_of_and_used() {
    let project = with_tls("{ cert: expired.pem, key: self.key }").await;
    let warning = "expired.pem has expired on 2021-01-01T00:00:00Z";
    project.spanspec(&["lint"]).await.expect(0, &[warning]);
    let run = project.command(&["exec", "--", "true"]);
    said(run).await.expect(0, &["warning: ", warning]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn traces_that_were_not_asked_for_and_the_token_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let wrong = "request: GET ${URL}/ok\nexpect: { span_count: 7 }\n";
    let project = Project::with(&[("wrong.yaml", wrong)]).await;
    let mode = |folder: &str| {
        let mut files = std::fs::read_dir(project.path().join(folder)).unwrap();
        let file = files.next().unwrap().unwrap();
        file.metadata().unwrap().permissions().mode() & 0o777
    };
    let usual = project.write("usual/file", "");
    let usual = usual.metadata().unwrap().permissions().mode() & 0o777;
    project.run(&[]).await.expect(1, &["trace saved: "]);
    assert_eq!(mode("target/spanspec"), 0o600);
    let asked = ["--save-traces", "traces", "--report", "json=reports/a.json"];
    project.run(&asked).await.expect(1, &[]);
    assert_eq!((mode("traces"), mode("reports")), (usual, usual));
}
