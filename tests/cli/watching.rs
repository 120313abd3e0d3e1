//! Specs run again when files change, until the user has seen enough.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use super::late::{NO_ERRORS, flushing};
use super::services;
use super::system::Project;

const DEADLINE: Duration = Duration::from_secs(120);

const PASSING: &str = "request: GET ${URL}/ok\nexpect: { status: 200 }\n";

/// A `spanspec watch` under way.
struct Watching {
    child: Child,
    input: ChildStdin,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Watching {
    fn start(project: &Project, arguments: &[&str]) -> Self {
        let listen = format!("127.0.0.1:{}", project.system.otlp);
        let all: Vec<&str> = ["watch", "--listen", &listen]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        let mut command = project.command(&all);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            out: BufReader::new(child.stdout.take().unwrap()).lines(),
            err: BufReader::new(child.stderr.take().unwrap()).lines(),
            child,
        }
    }

    /// Reads standard error until watching goes on; gives it.
    async fn told(&mut self) -> String {
        let mut all = String::new();
        let read = async {
            while let Some(line) = self.err.next_line().await.unwrap() {
                if line.starts_with("watching;") {
                    return;
                }
                all.push_str(&line);
                all.push('\n');
            }
            panic!("it ended");
        };
        tokio::time::timeout(DEADLINE, read)
            .await
            .expect("it goes on in time");
        all
    }

    /// The summary of the next run.
    async fn summary(&mut self) -> String {
        let read = async {
            loop {
                let line = self.out.next_line().await.unwrap().expect("it goes on");
                if line.contains(" in ") && line.contains("received") {
                    return line;
                }
            }
        };
        tokio::time::timeout(DEADLINE, read)
            .await
            .expect("it runs in time")
    }

    async fn types(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).await.unwrap();
    }

    async fn ends(mut self) -> Option<i32> {
        let status = tokio::time::timeout(DEADLINE, self.child.wait());
        status.await.expect("it ends in time").unwrap().code()
    }
}

#[tokio::test]
async fn one_changed_spec_runs_alone_and_enter_runs_all() {
    let project = Project::with(&[("a.yaml", PASSING), ("b.yaml", PASSING)]).await;
    let mut watching = Watching::start(&project, &[]);
    assert!(watching.summary().await.starts_with("2 passed"));
    watching.told().await;
    project.write("specs/a.yaml", &format!("{PASSING}# changed\n"));
    assert!(watching.summary().await.starts_with("1 passed"));
    assert_eq!(watching.told().await, "\nchanged: specs/a.yaml\n");
    watching.types("\n").await;
    assert!(watching.summary().await.starts_with("2 passed"));
    watching.told().await;
    project.write("specs/c.yaml", PASSING);
    assert!(watching.summary().await.starts_with("1 passed"));
    watching.told().await;
    std::fs::remove_file(project.path().join("specs/b.yaml")).unwrap();
    assert!(watching.summary().await.starts_with("2 passed"));
    watching.told().await;
    watching.types("q\n").await;
    assert_eq!(watching.ends().await, Some(0));
}

#[tokio::test]
async fn a_mistake_is_told_and_watching_goes_on() {
    let project = Project::with(&[("a.yaml", "request: GET ${URL}/ok\nexpekt: {}\n")]).await;
    let mut watching = Watching::start(&project, &[]);
    let told = watching.told().await;
    assert!(told.contains("unknown key `expekt` in a spec"), "{told}");
    project.write("specs/a.yaml", PASSING);
    assert!(watching.summary().await.starts_with("1 passed"));
    watching.told().await;
    let url = &project.system.url;
    project.write("spanspec.yaml", "vars: [URL]\n");
    let told = watching.told().await;
    assert!(
        told.contains("changed: spanspec.yaml") && told.contains("`vars` must be a map"),
        "{told}"
    );
    project.write("spanspec.yaml", &format!("vars: {{ URL: \"{url}\" }}\n"));
    assert!(watching.summary().await.starts_with("1 passed"));
}

#[tokio::test]
async fn specs_may_come_later_and_with_a_folder_of_their_own() {
    let project = Project::with(&[]).await;
    let mut watching = Watching::start(&project, &[]);
    let told = watching.told().await;
    assert!(
        told.contains("no file, folder or match for `specs`"),
        "{told}"
    );
    project.write("specs/orders/a.yaml", PASSING);
    assert!(watching.summary().await.starts_with("1 passed"));
    watching.told().await;
    project.write("specs/deep/er/b.yaml", PASSING);
    assert!(watching.summary().await.starts_with("1 passed"));
    assert_eq!(watching.told().await, "\nchanged: specs/deep/er/b.yaml\n");
    watching.types("\n").await;
    assert!(watching.summary().await.starts_with("2 passed"));
}

#[tokio::test]
async fn files_that_specs_name_are_watched_even_before_they_exist() {
    let spec =
        "request: { post: \"${URL}/ok\", body_file: ../body.json }\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec), ("b.yaml", PASSING)]).await;
    let mut watching = Watching::start(&project, &[]);
    let told = watching.told().await;
    assert!(told.contains("file not found"), "{told}");
    project.write("body.json", "{}");
    assert!(watching.summary().await.starts_with("2 passed"));
    assert_eq!(watching.told().await, "\nchanged: body.json\n");
    project.write("body.json", "[]");
    assert!(watching.summary().await.starts_with("2 passed"));
    assert_eq!(watching.told().await, "\nchanged: body.json\n");
    watching.types("q\n").await;
    assert_eq!(watching.ends().await, Some(0));
}

#[tokio::test]
async fn imports_are_watched_and_stay_so_after_an_error_in_them() {
    let spec = "skip: only read\ngrpc: { call: \"127.0.0.1:1/a.S/M\", proto: ../a.proto }\nexpect: { errors: 0 }\n";
    let project = Project::with(&[("a.yaml", spec), ("b.yaml", PASSING)]).await;
    let schema = "syntax = \"proto3\";\npackage a;\nimport \"b.proto\";\nservice S { rpc M(N) returns (N); }\n";
    project.write("a.proto", schema);
    let import = "syntax = \"proto3\";\npackage a;\nmessage N {}\n";
    project.write("b.proto", import);
    let mut watching = Watching::start(&project, &[]);
    assert!(watching.summary().await.starts_with("1 passed"));
    watching.told().await;
    project.write("b.proto", "message");
    let told = watching.told().await;
    let expected =
        "\nchanged: b.proto\nerror: b.proto: expected an identifier, but reached end of file\n";
    assert!(told.starts_with(expected), "{told}");
    project.write("b.proto", import);
    assert!(watching.summary().await.starts_with("1 passed"));
    assert_eq!(watching.told().await, "\nchanged: b.proto\n");
}

#[tokio::test]
async fn a_shape_that_a_run_replaces_starts_no_other_run() {
    let spec = "request: GET ${URL}/ok\nexpect: { status: 200, shape: shapes/ok.txt }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let mut watching = Watching::start(&project, &["--update-baselines", "always"]);
    watching.summary().await;
    watching.told().await;
    assert!(project.path().join("specs/shapes/ok.txt").exists());
    project.write("specs/a.yaml", &format!("{spec}# changed\n"));
    assert!(watching.summary().await.starts_with("1 passed"));
    assert_eq!(watching.told().await, "\nchanged: specs/a.yaml\n");
}

#[tokio::test]
async fn other_files_are_watched_if_they_are_named() {
    let project = Project::with(&[(
        "a.yaml",
        "request: GET ${URL}/${WHAT}\nexpect: { status: 200 }\n",
    )])
    .await;
    project.write("vars.yaml", "WHAT: broken\n");
    project.write("src/main.rs", "");
    let mut watching = Watching::start(&project, &["--var-file", "vars.yaml", "--also", "src"]);
    assert!(watching.summary().await.starts_with("1 failed"));
    watching.told().await;
    project.write("vars.yaml", "WHAT: ok\n");
    assert!(watching.summary().await.starts_with("1 passed"));
    assert_eq!(watching.told().await, "\nchanged: vars.yaml\n");
    project.write("README.md", "not watched");
    project.write("src/main.rs", "fn main() {}");
    assert!(watching.summary().await.starts_with("1 passed"));
    assert_eq!(watching.told().await, "\nchanged: src/main.rs\n");
}

#[tokio::test]
async fn services_stay_up_between_runs_and_end_with_ctrl_c() {
    let project = Project::with(&[("a.yaml", PASSING)]).await;
    let url = project.system.url.clone();
    let services = "services: { idle: { run: \"sh -c 'echo $$ >> pids; exec sleep 600'\", ready: { log: =~ x } } }";
    let services = services.replace("echo $$ >> pids;", "echo $$ >> pids; echo x;");
    let file = format!("vars: {{ URL: \"{url}\" }}\n{services}\n");
    project.write("spanspec.yaml", &file);
    let mut watching = Watching::start(&project, &[]);
    watching.summary().await;
    watching.told().await;
    project.write("specs/a.yaml", &format!("{PASSING}# changed\n"));
    watching.summary().await;
    watching.told().await;
    assert_eq!(project.read("pids").lines().count(), 1);
    project.write("spanspec.yaml", &format!("{file}# changed\n"));
    watching.summary().await;
    watching.told().await;
    let pids = project.read("pids");
    let pids: Vec<&str> = pids.lines().collect();
    assert_eq!(pids.len(), 2);
    let own = watching.child.id().unwrap().to_string();
    assert!(kill("-INT", &own));
    assert_eq!(watching.ends().await, Some(130));
    for pid in pids {
        assert!(!kill("-0", pid), "the service {pid} runs on");
    }
}

#[tokio::test]
async fn services_that_a_changed_spec_needs_are_started() {
    let needing = |services| format!("services: {services}\n{PASSING}");
    let project = services::project(&[("a.yaml", &needing("[db]"))]).await;
    let mut watching = Watching::start(&project, &[]);
    watching.summary().await;
    watching.told().await;
    assert_eq!(services::started(&project), ["db"]);
    project.write("specs/b.yaml", &needing("[mail]"));
    assert!(watching.summary().await.starts_with("1 passed"));
    watching.told().await;
    assert_eq!(services::started(&project), ["db", "mail"]);
    project.write("specs/b.yaml", &needing("[]"));
    assert!(watching.summary().await.starts_with("1 passed"));
    watching.told().await;
    assert_eq!(services::started(&project), [""; 0]);
    watching.types("q\n").await;
    assert_eq!(watching.ends().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn late_spans_of_the_last_run_are_judged_when_watching_ends() {
    let project = flushing(&[("a.yaml", NO_ERRORS)]).await;
    let mut watching = Watching::start(&project, &[]);
    assert!(watching.summary().await.starts_with("1 passed"));
    watching.told().await;
    watching.types("q\n").await;
    let read = async {
        while let Some(line) = watching.out.next_line().await.unwrap() {
            if line.starts_with("ERROR no errors") {
                return;
            }
        }
        panic!("nothing was printed");
    };
    tokio::time::timeout(DEADLINE, read).await.unwrap();
    watching.ends().await;
}

fn kill(signal: &str, pid: &str) -> bool {
    let mut kill = std::process::Command::new("kill");
    kill.args([signal, pid]).stderr(Stdio::null());
    kill.status().unwrap().success()
}

#[tokio::test]
async fn without_a_project_there_is_nothing_to_watch() {
    let project = Project::with(&[]).await;
    std::fs::remove_file(project.path().join("spanspec.yaml")).unwrap();
    project
        .spanspec(&["watch"])
        .await
        .expect(2, &["no spanspec.yaml in this folder"]);
}
