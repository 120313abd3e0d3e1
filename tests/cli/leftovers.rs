//! A run ends every process that it started, and reads every spec file.
#![cfg(unix)]

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::system::{Project, said};

const HANGS: (&str, &str) = (
    "a.yaml",
    "request: GET ${URL}/hang\nexpect: { status: 200 }\n",
);

#[cfg(target_os = "linux")]
/// A service with a child in its group, a daemon outside it, and a child that ignores SIGTERM.
const FAMILY: &str = "sleep 600 & echo $! >> pids
setsid sleep 600 >/dev/null 2>&1 & echo $! >> pids
(trap '' TERM INT HUP; exec sleep 600) & echo $! >> pids
echo $$ >> pids
wait
";

#[cfg(target_os = "linux")]
async fn family(signal: &str) -> Project {
    let project = Project::with(&[HANGS]).await;
    let url = project.system.url.clone();
    project.write("family.sh", FAMILY);
    project.write(
        "spanspec.yaml",
        &format!("vars: {{ URL: \"{url}\" }}\nservices: {{ app: {{ run: sh family.sh }} }}\n"),
    );
    // Without `env`, a test run below `nohup` would pass on that SIGHUP is ignored.
    let run = [
        "--default-signal=HUP",
        super::system::SPANSPEC,
        "run",
        "--report",
        "junit=j.xml",
    ];
    let mut child = project.command_of("env", &run).spawn().unwrap();
    let fired = || project.system.requests.load(Ordering::SeqCst) > 0;
    eventually("the request is fired", fired).await;
    assert_eq!(running(&project).await, 4);
    let pid = child.id().unwrap().to_string();
    said(project.command_of("kill", &[signal, &pid])).await;
    child.wait().await.unwrap();
    project
}

#[cfg(target_os = "linux")]
/// Number of processes that the service started and that still run.
async fn running(project: &Project) -> usize {
    let pids = project.read("pids");
    let list = pids.split_whitespace().collect::<Vec<_>>().join(",");
    let listed = said(project.command_of("ps", &["-o", "stat=", "-p", &list])).await;
    let states = listed.out.lines();
    states
        .filter(|state| !state.trim().starts_with('Z'))
        .count()
}

#[cfg(target_os = "linux")]
async fn all_end(project: &Project) {
    let start = Instant::now();
    while running(project).await > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "some run on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(target_os = "linux")]
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "still waiting: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_closed_terminal_ends_the_run_and_daemons_with_it_and_reports_are_written() {
    let project = family("-HUP").await;
    assert_eq!(running(&project).await, 0, "nothing is left when it ends");
    assert!(project.read("j.xml").contains("interrupted"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_was_started_ends_also_when_spanspec_is_killed() {
    let project = family("-KILL").await;
    all_end(&project).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_daemon_that_a_command_started_ends_with_the_run() {
    let project = Project::with(&[(
        "a.yaml",
        "run: [sh, -c, 'setsid sleep 600 >/dev/null 2>&1 & echo $! > ../pids']\nexpect: { exit_code: 0 }\n",
    )])
    .await;
    project.run(&[]).await.expect(0, &["1 passed"]);
    all_end(&project).await;
}

#[tokio::test]
async fn below_nohup_a_closed_terminal_ends_nothing() {
    let project = Project::with(&[(
        "a.yaml",
        "run: [sh, -c, 'kill -HUP $PPID; printf done']\nexpect: { stdout: done }\n",
    )])
    .await;
    let command = [
        "-c",
        "trap '' HUP; exec \"$0\" run --listen 127.0.0.1:0",
        super::system::SPANSPEC,
    ];
    let said = said(project.command_of("sh", &command)).await;
    assert!(said.out.contains("1 passed"), "{}{}", said.out, said.err);
}

#[tokio::test]
async fn a_variable_in_a_command_is_one_argument_with_a_shell_or_without() {
    let project = Project::with(&[(
        "a.yaml",
        "vars: { X: \"a  b; 'c'\" }\nrun: printf [%s] ${X} --y=${X}\nexpect: { stdout: { equals: \"[a  b; 'c'][--y=a  b; 'c']\" } }\n",
    )])
    .await;
    project.run(&[]).await.expect(0, &["1 passed"]);
    project.write(
        "spanspec.yaml",
        "vars: { X: \"a  b; 'c' $HOME\" }
services: { app: { shell: true, run: \"printf '<%s>' ${X} \\\"${X}\\\" > out; exec sleep 600\", ready: { log: =~ never }, start_timeout: 300ms } }\n",
    );
    project.spanspec(&["run"]).await.expect(
        3,
        &[
            "was not ready",
            "help: compare the expression with the output",
        ],
    );
    assert_eq!(project.read("out"), "<a  b; 'c' $HOME><a  b; 'c' $HOME>");
}

#[tokio::test]
async fn a_service_is_ready_by_a_line_without_an_end_and_in_colours() {
    for line in [r"listening on 8080", r"\033[32mlistening\033[0m on 8080\n"] {
        let project = Project::with(&[("a.yaml", "run: 'true'\nexpect: { exit_code: 0 }\n")]).await;
        project.write(
            "spanspec.yaml",
            &format!("services: {{ app: {{ run: [sh, -c, \"printf '{}'; exec sleep 600\"], ready: {{ log: =~ listening on }} }} }}\n", line.replace('\\', "\\\\")),
        );
        project.spanspec(&["run"]).await.expect(0, &["1 passed"]);
    }
}

#[tokio::test]
async fn a_link_to_nothing_or_a_pipe_among_the_specs_is_an_error() {
    let project = Project::with(&[HANGS]).await;
    let specs = project.path().join("specs");
    std::os::unix::fs::symlink("gone.yaml", specs.join("b.yaml")).unwrap();
    let said = project.spanspec(&["lint"]).await;
    said.expect(2, &["specs/b.yaml is a symbolic link to gone.yaml, which does not exist: correct or remove the link"]);
    std::fs::remove_file(specs.join("b.yaml")).unwrap();
    for (name, target) in [("orders", "../gone"), ("loop", "loop")] {
        std::os::unix::fs::symlink(target, specs.join(name)).unwrap();
        let said = project.spanspec(&["lint"]).await;
        said.expect(2, &[&format!("specs/{name}")]);
        std::fs::remove_file(specs.join(name)).unwrap();
    }
    for harmless in ["notes.txt", ".#a.yaml"] {
        std::os::unix::fs::symlink("gone", specs.join(harmless)).unwrap();
    }
    project.spanspec(&["lint"]).await.expect(0, &["1 spec"]);
    let pipe = specs.join("c.yaml");
    said_ok(&project, "mkfifo", pipe.to_str().unwrap()).await;
    for given in ["specs", "specs/*.yaml", "specs/c.yaml"] {
        let said = project.spanspec(&["lint", given]).await;
        said.expect(
            2,
            &["specs/c.yaml is a pipe, not a regular file: write the spec to a file"],
        );
    }
}

#[tokio::test]
async fn a_linked_folder_of_specs_is_read_and_a_circle_of_links_adds_nothing() {
    let project = Project::with(&[HANGS]).await;
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("b.yaml"), "request: {}\n").unwrap();
    let specs = project.path().join("specs");
    std::os::unix::fs::symlink("..", specs.join("up")).unwrap();
    project.spanspec(&["lint"]).await.expect(0, &["1 spec"]);
    std::os::unix::fs::symlink(elsewhere.path(), specs.join("shared")).unwrap();
    project
        .spanspec(&["lint"])
        .await
        .expect(2, &["specs/shared/b.yaml"]);
}

#[tokio::test]
async fn too_few_file_descriptors_are_an_error_and_no_empty_folder() {
    let project = Project::with(&[HANGS]).await;
    project.write("specs/1/2/3/4/5/6/7/8/deep.yaml", HANGS.1);
    let command = [
        "-c",
        "ulimit -n 7; exec \"$0\" lint",
        super::system::SPANSPEC,
    ];
    let said = said(project.command_of("sh", &command)).await;
    said.expect(2, &["cannot read specs/", "Too many open files"]);
}

#[tokio::test]
async fn a_pipe_as_baseline_or_as_report_to_merge_is_refused_and_does_not_block() {
    let budget = "request: GET ${URL}/ok\nrepeat: { times: 2 }\nbudgets: [{ measure: response_time, regression: { p50: 20% } }]\n";
    let project = Project::with(&[("a.yaml", budget)]).await;
    std::fs::create_dir(project.path().join("specs/baselines")).unwrap();
    std::fs::create_dir(project.path().join("results")).unwrap();
    let baseline = project.path().join("specs/baselines/a.yaml.json");
    said_ok(&project, "mkfifo", baseline.to_str().unwrap()).await;
    let said = project.run(&[]).await;
    said.expect(3, &["it is a pipe, not a regular file"]);
    let report = project.path().join("results/a.xml");
    said_ok(&project, "mkfifo", report.to_str().unwrap()).await;
    for given in ["results", "results/a.xml"] {
        let said = project
            .spanspec(&["merge", given, "--report", "junit=m.xml"])
            .await;
        said.expect(3, &["results/a.xml: it is a pipe, not a regular file"]);
    }
}

#[tokio::test]
async fn a_pipe_without_a_reader_or_writer_blocks_no_command() {
    let project = Project::with(&[("a.yaml", "run: 'true'\nexpect: { exit_code: 0 }\n")]).await;
    let pipe = project.path().join("pipe");
    said_ok(&project, "mkfifo", pipe.to_str().unwrap()).await;
    let said = project.run(&["--report", "json=pipe"]).await;
    said.expect(3, &["a pipe without a reader"]);
    for reading in [
        ["show", "pipe"].as_slice(),
        &["lint", "--config", "pipe"],
        &["lint", "--var-file", "pipe"],
    ] {
        let said = project.spanspec(reading).await;
        assert!(
            said.err.contains("a pipe, not a regular file"),
            "{}",
            said.err
        );
    }
}

async fn said_ok(project: &Project, program: &str, argument: &str) {
    let said = said(project.command_of(program, &[argument])).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_several_paths_lead_to_runs_once_by_its_real_path() {
    let spec = "run: echo fine\nexpect: { stdout: { contains: fine } }\n";
    let project = Project::with(&[("z/real.yaml", spec)]).await;
    let specs = project.path().join("specs");
    std::os::unix::fs::symlink("z", specs.join("a")).unwrap();
    std::os::unix::fs::symlink("z/real.yaml", specs.join("b.yaml")).unwrap();
    std::os::unix::fs::symlink("..", specs.join("z/loop")).unwrap();
    let listed = project.run(&["--list"]).await;
    listed.expect(0, &["specs/z/real.yaml"]);
    assert_eq!(listed.out.lines().count(), 1, "{}", listed.out);
}
