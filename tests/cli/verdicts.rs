//! Output of a run about budgets and baselines, and the files that it writes.

use std::path::Path;

use spanspec::internal::budget::baseline::{Run, read, write};

use super::system::{Project, SPANSPEC, Said, said};

const SPEC: &str = "
name: placing an order
request: GET ${URL}/ok
repeat: { times: 20, concurrency: 2 }
budgets:
  - find: work
    regression: { p50: 20% }
";

const BASELINE: &str = "specs/baselines/order.yaml.json";
const PENDING: &str = "specs/baselines/order.yaml.json.new";

/// On a machine with a name, for others use this one at the same time.
async fn run(project: &Project, arguments: &[&str]) -> Said {
    let all = [&["--machine", "mine"], arguments].concat();
    project.run(&all).await
}

fn exists(project: &Project, path: &str) -> bool {
    project.path().join(path).exists()
}

/// A project with a baseline of this duration.
async fn with_baseline(micros: u64) -> Project {
    let project = Project::with(&[("order.yaml", SPEC)]).await;
    run(&project, &["--update-baselines", "always"])
        .await
        .expect(0, &["wrote this run to specs/baselines/order.yaml.json"]);
    let path = project.path().join(BASELINE);
    let mut baseline = read(&path).unwrap().unwrap();
    let case = baseline.cases.get_mut("placing an order").unwrap();
    let budget = case.budgets.get_mut("work").unwrap();
    let start = budget.runs[0].start();
    let samples = (0..20).map(|at| micros + at).collect();
    budget.runs = vec![Run::new(start, None, samples).unwrap()];
    write(&path, &baseline).unwrap();
    project
}

/// Removes what other processes did during the runs of a baseline.
fn forget_disturbance(path: &Path) {
    let mut baseline = read(path).unwrap().unwrap();
    for case in baseline.cases.values_mut() {
        for run in case
            .budgets
            .values_mut()
            .flat_map(|budget| &mut budget.runs)
        {
            *run = run.clone().on(None);
        }
    }
    write(path, &baseline).unwrap();
}

#[tokio::test]
async fn a_first_run_proposes_a_baseline_and_once_it_is_accepted_the_next_one_holds() {
    let project = Project::with(&[("order.yaml", SPEC)]).await;
    let said = run(&project, &[]).await;
    said.expect(0, &["no baseline for p50 of work: wrote"]);
    assert!(exists(&project, PENDING) && !exists(&project, BASELINE));
    project
        .spanspec(&["baseline", "accept"])
        .await
        .expect(0, &[]);
    // Beside other tests the machine may be busy, and an OK would not be proven for that reason.
    forget_disturbance(&project.path().join(BASELINE));
    let said = run(&project, &["--strict"]).await;
    said.expect(0, &["PASS  placing an order"]);
    assert!(exists(&project, BASELINE) && !exists(&project, PENDING));
}

#[tokio::test]
async fn what_became_slower_fails_and_is_proposed() {
    let project = with_baseline(20_000).await;
    run(&project, &[]).await.expect(
        1,
        &[
            "work   p50=20 ms",
            "p50=5",
            "REGRESSED in 3 of 3 runs: at least 2.",
            "specs/order.yaml:7:24",
            "expected at most 1.2x of the 20 ms of the baseline (n=20)",
            "x slower at p50 (2.",
            "if the change is intended",
        ],
    );
    assert!(exists(&project, PENDING));
}

#[tokio::test]
async fn in_ci_nothing_is_written_unless_asked() {
    let project = Project::with(&[("order.yaml", SPEC)]).await;
    let strict = run_in_ci(&project, &["--strict"]).await;
    strict.expect(
        1,
        &[
            "expected a baseline to compare with",
            "found none in specs/baselines/order.yaml.json",
            "this run writes none, because `CI` is set",
        ],
    );
    assert!(!exists(&project, "specs/baselines"));
    let asked = run_in_ci(&project, &["--update-baselines", "always"]).await;
    asked.expect(0, &["wrote this run to specs/baselines/order.yaml.json"]);
    assert!(exists(&project, BASELINE));
}

async fn run_in_ci(project: &Project, arguments: &[&str]) -> Said {
    let mut command = project.run_command(arguments);
    command.env("CI", "true");
    said(command).await
}

#[tokio::test]
async fn a_damaged_baseline_is_an_error_that_names_it_and_it_is_kept() {
    let project = with_baseline(20_000).await;
    project.write(BASELINE, "{ \"cases\": {");
    for update in ["auto", "always", "never"] {
        run(&project, &["--update-baselines", update]).await.expect(
            3,
            &[
                "the baseline specs/baselines/order.yaml.json is damaged",
                "restore it, or delete it and record a new one",
                "specs/order.yaml:7:24",
            ],
        );
        assert_eq!(project.read(BASELINE), "{ \"cases\": {");
    }
}

#[tokio::test]
async fn lint_reads_baselines_and_knows_which_are_of_no_spec_any_more() {
    let project = with_baseline(20_000).await;
    let said = project.spanspec(&["lint"]).await;
    said.expect(0, &["no errors"]);
    assert!(!said.err.contains("warning"), "{}", said.err);
    let renamed = SPEC.replace("name: placing", "name: taking");
    project.write("specs/order.yaml", &renamed);
    project.spanspec(&["lint"]).await.expect(
        0,
        &[
            "warning: the baseline specs/baselines/order.yaml.json is of `placing an order`, and no spec in specs/order.yaml is called so",
            "no errors",
        ],
    );
    project.write(BASELINE, "<<<<<<< HEAD\n");
    let said = project.spanspec(&["lint"]).await;
    said.expect(
        3,
        &["the baseline specs/baselines/order.yaml.json is damaged"],
    );
}

#[tokio::test]
async fn lint_takes_no_baseline_for_idle_whose_case_a_run_called_otherwise() {
    let spec = SPEC.replace(
        "request: GET ${URL}/ok",
        "matrix: { token: [sesame-opens-1, sesame-opens-2] }\nrequest: { get: \"${URL}/ok\", headers: { Authorization: \"Bearer ${token}\" } }",
    );
    let project = Project::with(&[("order.yaml", &spec)]).await;
    run(&project, &["--update-baselines", "always"])
        .await
        .expect(0, &["2 passed"]);
    assert!(project.read(BASELINE).contains("[masked]"));
    let said = project.spanspec(&["lint"]).await;
    said.expect(0, &["no errors"]);
    assert!(!said.err.contains("warning"), "{}", said.err);
}

#[tokio::test]
async fn a_budget_that_finds_nothing_shows_what_comes_closest() {
    let spec = SPEC.replace("find: work", "find: wrok");
    let project = Project::with(&[("order.yaml", &spec)]).await;
    run(&project, &[]).await.expect(
        1,
        &[
            "expected durations to measure",
            "found no span that matches in 20 traces",
            "specs/order.yaml:6:5",
            "back › work (span 00000000000000a2)",
            "name is \"work\", not \"wrok\"",
        ],
    );
    assert!(!exists(&project, "specs/baselines"));
}

#[tokio::test]
async fn baselines_are_beside_specs_and_in_one_folder_wherever_the_user_stands() {
    let project = Project::with(&[("order.yaml", SPEC)]).await;
    std::fs::create_dir(project.path().join("elsewhere")).unwrap();
    let from_elsewhere = async |arguments: &[&str]| {
        let all = [&["--config", "../spanspec.yaml"], arguments].concat();
        let mut command = project.run_command(&all);
        command.current_dir(project.path().join("elsewhere"));
        said(command).await
    };
    let beside = from_elsewhere(&[]).await;
    beside.expect(0, &["specs/baselines/order.yaml.json.new;"]);
    assert!(exists(&project, PENDING));
    let kept = from_elsewhere(&["--baseline", "kept"]).await;
    kept.expect(
        0,
        &[
            "wrote this run to kept/specs/order.yaml.json.new",
            "`spanspec baseline accept --baseline kept`",
        ],
    );
    assert!(exists(&project, "elsewhere/kept/specs/order.yaml.json.new"));
}

const CROWD: &str = "
name: a crowd
request: GET ${URL}/fine
expect: { status: 200 }
repeat: { times: 600, concurrency: 300 }
";

/// A run in a shell that gives it few open files; `limit` is how `ulimit` is called.
#[cfg(unix)]
async fn run_within(project: &Project, limit: &str) -> Said {
    let script = format!("ulimit {limit} && exec \"$0\" run --listen 127.0.0.1:0");
    said(project.command_of("sh", &["-c", &script, SPANSPEC])).await
}

#[cfg(unix)]
#[tokio::test]
async fn a_shell_that_gives_few_open_files_keeps_nobody_from_many_connections() {
    let project = Project::with(&[("crowd.yaml", CROWD)]).await;
    let said = run_within(&project, "-Sn 100").await;
    said.expect(0, &["PASS  a crowd", "600 requests, 300 at a time"]);
}

#[cfg(unix)]
#[tokio::test]
async fn where_no_more_files_may_be_opened_the_limit_is_named() {
    let project = Project::with(&[("crowd.yaml", CROWD)]).await;
    let said = run_within(&project, "-n 100").await;
    said.expect(
        3,
        &[
            "too many open files for another connection",
            "reduce `concurrency`, or raise the limit: `ulimit -n 8192`",
            "specs/crowd.yaml:3:10",
        ],
    );
}
