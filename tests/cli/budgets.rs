//! The commands `baseline` and `ab`: effects, messages and errors.

use super::system::{Project, Said};

const SPEC: &str = "
name: placing an order
request: GET ${BASE_URL}/ok
repeat: { times: 20 }
budgets: [{ find: work, p50: < 1s }]
expect: { status: 2xx }
";

/// A baseline with one run of this version.
fn baseline(version: &str, micros: u64) -> String {
    use spanspec::internal::budget::baseline::{
        Baseline, Budget, Case, Fingerprint, LoadModel, ReceivedBy, Run, render,
    };
    let samples = (0..100).map(|at| micros + at).collect();
    let start = jiff::Timestamp::from_second(1_700_000_000 + i64::try_from(micros).unwrap());
    let run = Run::new(start.unwrap(), Some(version.to_owned()), samples).unwrap();
    let budget = Budget {
        runs: vec![run],
        ..Budget::default()
    };
    let fingerprint = Fingerprint {
        cores: 4,
        cpu: "AMD EPYC 7763".to_owned(),
        load: LoadModel::Concurrency(1),
        machine: None,
        memory_mib: 16_000,
        os: "Linux 6.8".to_owned(),
        probe: 41_000,
        received_by: ReceivedBy::Itself,
        spanspec: "0.1".to_owned(),
        spec_hash: "9f3c".to_owned(),
    };
    let case = Case {
        fingerprint,
        budgets: [("work".to_owned(), budget)].into(),
    };
    render(&Baseline {
        cases: [("placing an order".to_owned(), case)].into(),
    })
}

/// A project with a baseline of version 2.3.0 and a proposal of version 2.4.0.
async fn pending() -> Project {
    let project = Project::with(&[("order.yaml", SPEC)]).await;
    project.write(OLD, &baseline("2.3.0", 120_000));
    project.write(NEW, &baseline("2.4.0", 350_000));
    project
}

const OLD: &str = "specs/baselines/order.yaml.json";
const NEW: &str = "specs/baselines/order.yaml.json.new";

async fn run(project: &Project, arguments: &[&str]) -> Said {
    project.spanspec(arguments).await
}

fn exists(project: &Project, path: &str) -> bool {
    project.path().join(path).exists()
}

#[tokio::test]
async fn an_accepted_baseline_replaces_the_old_one() {
    let project = pending().await;
    let said = run(&project, &["baseline", "accept"]).await;
    said.expect(0, &["accepted  specs/baselines/order.yaml.json\n"]);
    assert_eq!(project.read(OLD), baseline("2.4.0", 350_000));
    assert!(!exists(&project, NEW));
    let said = run(&project, &["baseline", "accept"]).await;
    said.expect(
        0,
        &["nothing to accept: no baseline or shape of the project's specs is pending"],
    );
}

#[tokio::test]
async fn a_proposal_that_is_older_than_the_baseline_is_marked_and_accepted() {
    let project = pending().await;
    project.write(OLD, &baseline("2.5.0", 400_000));
    let said = run(&project, &["baseline", "review"]).await;
    said.expect(
        0,
        &[
            "work: 1 new run, replaces 1\n",
            "work: the new runs (2023-11-18",
            "are older than the accepted ones (2023-11-19",
            "13:20:00Z (v2.5.0))",
        ],
    );
    let said = run(&project, &["baseline", "accept"]).await;
    said.expect(0, &["accepted  specs/baselines/order.yaml.json\n"]);
    assert_eq!(project.read(OLD), baseline("2.4.0", 350_000));
    assert!(!exists(&project, NEW));
}

#[tokio::test]
async fn a_rejected_baseline_is_deleted() {
    let project = pending().await;
    let said = run(&project, &["baseline", "reject", "specs/order.yaml"]).await;
    said.expect(0, &["rejected  specs/baselines/order.yaml.json.new\n"]);
    assert_eq!(project.read(OLD), baseline("2.3.0", 120_000));
    assert!(!exists(&project, NEW));
    let said = run(&project, &["baseline", "reject", "specs/order.yaml"]).await;
    said.expect(
        2,
        &["error: there is no specs/baselines/order.yaml.json.new to accept or reject; `spanspec run` writes it"],
    );
}

#[tokio::test]
async fn a_review_shows_the_proposal_and_changes_nothing() {
    let project = pending().await;
    let said = run(&project, &["baseline", "review"]).await;
    said.expect(
        0,
        &[
            "specs/baselines/order.yaml.json.new\n  placing an order\n",
            "v2.3.0 (accepted, n=100)",
            "v2.4.0 (new, n=100)",
            "p50=120 ms p95=120 ms     p50=350 ms p95=350 ms",
            "work: 1 new run, replaces 1",
            "accept it with `spanspec baseline accept specs/baselines/order.yaml.json`, or delete it with `spanspec baseline reject specs/baselines/order.yaml.json`",
        ],
    );
    assert!(exists(&project, NEW));
    run(&project, &["baseline", "reject"]).await;
    run(&project, &["baseline", "review"]).await.expect(
        0,
        &["nothing to review: no baseline or shape of the project's specs is pending"],
    );
}

#[tokio::test]
async fn a_review_of_a_damaged_proposal_is_an_error_with_its_name() {
    let project = pending().await;
    project.write(NEW, "{");
    let said = run(&project, &["baseline", "review"]).await;
    said.expect(3, &["specs/baselines/order.yaml.json.new is damaged"]);
}

#[tokio::test]
async fn show_reports_a_damaged_proposal_and_shows_the_rest() {
    let project = pending().await;
    project.write(NEW, "{");
    let said = run(&project, &["baseline", "show"]).await;
    said.expect(
        3,
        &["2.3.0", "specs/baselines/order.yaml.json.new is damaged"],
    );
    assert!(!said.out.contains("is pending"), "{}", said.out);
}

#[tokio::test]
async fn a_proposal_is_found_after_its_spec_was_deleted() {
    let project = pending().await;
    project.write("specs/other.yaml", SPEC);
    std::fs::remove_file(project.path().join("specs/order.yaml")).unwrap();
    let said = run(&project, &["baseline", "show"]).await;
    said.expect(
        0,
        &["a new one is pending in specs/baselines/order.yaml.json.new"],
    );
    for name in ["specs/order.yaml", OLD, NEW] {
        project.write(OLD, &baseline("2.3.0", 120_000));
        project.write(NEW, &baseline("2.4.0", 350_000));
        let said = run(&project, &["baseline", "accept", name]).await;
        said.expect(0, &["accepted  specs/baselines/order.yaml.json\n"]);
    }
}

#[tokio::test]
async fn a_baseline_is_shown_with_its_runs() {
    let project = pending().await;
    run(&project, &["baseline", "show"]).await.expect(
        0,
        &[
            "specs/baselines/order.yaml.json\n  placing an order\n    1 at a time on AMD EPYC 7763, 4 cores",
            "2023-11-16 07:33:20Z   2.3.0     100       120 ms   120 ms\n",
            "  a new one is pending in specs/baselines/order.yaml.json.new: `spanspec baseline review` shows the changes\n",
        ],
    );
    let project = Project::with(&[("order.yaml", SPEC)]).await;
    run(&project, &["baseline", "show"]).await.expect(
        4,
        &["there is no baseline yet: `spanspec run` proposes one"],
    );
}

#[tokio::test]
async fn a_damaged_baseline_is_kept_and_the_others_are_accepted() {
    let project = pending().await;
    project.write("specs/pay.yaml", SPEC);
    project.write("specs/baselines/pay.yaml.json", "{ damaged");
    project.write(
        "specs/baselines/pay.yaml.json.new",
        &baseline("2.4.0", 350_000),
    );
    let said = run(&project, &["baseline", "accept"]).await;
    said.expect(
        3,
        &[
            "error: the baseline specs/baselines/pay.yaml.json is damaged",
            "accepted  specs/baselines/order.yaml.json\n",
        ],
    );
    assert_eq!(project.read("specs/baselines/pay.yaml.json"), "{ damaged");
    assert!(exists(&project, "specs/baselines/pay.yaml.json.new"));
}

#[tokio::test]
async fn baselines_in_a_common_folder_have_the_paths_of_their_specs() {
    let project = Project::with(&[("order.yaml", SPEC)]).await;
    let new = "kept/specs/order.yaml.json.new";
    project.write(new, &baseline("2.4.0", 350_000));
    let said = run(&project, &["baseline", "accept", "--baseline", "kept"]).await;
    said.expect(0, &["accepted  kept/specs/order.yaml.json\n"]);
    let said = run(&project, &["baseline", "show", "--baseline", "nowhere"]).await;
    said.expect(2, &["error: there is no folder nowhere"]);
}

#[tokio::test]
async fn a_name_without_a_match_is_an_error() {
    let project = pending().await;
    let said = run(&project, &["baseline", "accept", "specs/odrer.yaml"]).await;
    said.expect(
        2,
        &["error: no file, folder or match for `specs/odrer.yaml`"],
    );
}

#[tokio::test]
async fn four_runs_are_too_few_for_a_calibration() {
    let project = pending().await;
    let said = run(&project, &["baseline", "calibrate", "--runs", "4"]).await;
    said.expect(
        2,
        &[
            "'4' for '--runs <N>'",
            "must be at least 5: fewer prove nothing",
        ],
    );
}

#[tokio::test]
async fn a_spec_without_budgets_has_nothing_to_calibrate_or_compare() {
    let project = Project::with(&[(
        "a.yaml",
        "request: GET ${URL}/ok\nexpect: { status: 2xx }\n",
    )])
    .await;
    let said = run(&project, &["baseline", "calibrate"]).await;
    said.expect(
        4,
        &["specs/a.yaml › a cannot be calibrated, because it has no `repeat`: add `repeat: { times: 200 }` and `budgets:"],
    );
    let said = run(&project, &["ab", "http://a", "http://b"]).await;
    said.expect(
        4,
        &["specs/a.yaml › a cannot be compared, because it has no `repeat`: add"],
    );
}

#[tokio::test]
async fn a_reason_why_no_spec_can_be_measured_has_its_remedy() {
    let skipped = format!("skip: later\n{}", SPEC.trim_start());
    let project = Project::with(&[("a.yaml", &skipped)]).await;
    let profiles = "vars: { BASE_URL: \"http://a\" }\nprofiles: { prod: { vars: { X: 1 } } }\n";
    project.write("spanspec.yaml", profiles);
    run(&project, &["baseline", "calibrate"]).await.expect(
        4,
        &["a.yaml › placing an order cannot be calibrated, because it has `skip`: remove `skip`\n"],
    );
    let elsewhere = format!("profiles: [prod]\n{}", SPEC.trim_start());
    project.write("specs/a.yaml", &elsewhere);
    let said = run(&project, &["ab", "http://a", "http://b"]).await;
    said.expect(
        4,
        &["placing an order cannot be compared, because it runs under other profiles: choose one with `--profile`\n"],
    );
    project.write("specs/b.yaml", &skipped);
    project.write("specs/c.yaml", &skipped);
    let said = run(&project, &["ab", "http://a", "http://b"]).await;
    said.expect(
        4,
        &["none of 3 specs can be compared, because 1 runs under other profiles, 2 have `skip`: choose one with `--profile`, or remove `skip`\n"],
    );
}

#[tokio::test]
async fn the_reason_why_nothing_is_compared_is_given_for_both_projects() {
    let project = Project::with(&[]).await;
    let skipped = format!("skip: later\n{}", SPEC.trim_start());
    for (folder, spec) in [
        ("old", skipped.as_str()),
        ("new", "request: GET http://a/\nexpect: { status: 200 }\n"),
    ] {
        let vars = "vars: { BASE_URL: \"http://a\" }\n";
        project.write(&format!("{folder}/spanspec.yaml"), vars);
        project.write(&format!("{folder}/specs/a.yaml"), spec);
    }
    let said = run(&project, &["ab", "old/spanspec.yaml", "new/spanspec.yaml"]).await;
    said.expect(
        4,
        &[
            "old/spanspec.yaml: specs/a.yaml › placing an order cannot be compared, because it has `skip`: remove `skip`; new/spanspec.yaml: specs/a.yaml › a cannot be compared, because it has no `repeat`: add",
        ],
    );
}

/// Runs `ab` with invalid arguments.
async fn compared(project: &Project, arguments: &[&str], expected: &[&str]) {
    let all = [&["ab"], arguments].concat();
    run(project, &all).await.expect(2, expected);
}

#[tokio::test]
async fn a_and_b_are_two_project_files_or_two_urls() {
    let project = pending().await;
    let url = "http://me:pw@127.0.0.1:8080";
    compared(
        &project,
        &["spanspec.yaml", url],
        &["error: spanspec.yaml is a project file and http://127.0.0.1:8080 is a URL; use two project files or two URLs"],
    )
    .await;
    compared(
        &project,
        &["v1.yaml", "v2.yaml"],
        &["error: there is no project file v1.yaml; A and B are two project files that start a version each, or two URLs"],
    )
    .await;
    compared(
        &project,
        &["127.0.0.1:8080", "127.0.0.1:8081"],
        &["error: there is no project file 127.0.0.1:8080; for an address, write http://127.0.0.1:8080"],
    )
    .await;
    compared(
        &project,
        &["specs", "v2.yaml"],
        &["error: specs is a folder without spanspec.yaml: name a project file"],
    )
    .await;
    compared(
        &project,
        &["ftp://a", "ftp://b"],
        &["error: `ftp://a` is not an HTTP URL: write http://127.0.0.1:8080, or a project file"],
    )
    .await;
}

#[tokio::test]
async fn flags_that_contradict_a_and_b_are_errors() {
    let project = pending().await;
    let files = ["spanspec.yaml", "spanspec.yaml"];
    let with = |flags: &[&'static str]| [&files, flags].concat();
    compared(
        &project,
        &with(&["--listen", "4317"]),
        &["error: --listen is for two URLs; two project files have a receiver each"],
    )
    .await;
    compared(
        &project,
        &with(&["--url-variable", "URL"]),
        &["error: --url-variable is for two URLs, and A and B are project files: remove it"],
    )
    .await;
    compared(
        &project,
        &with(&["--config", "spanspec.yaml"]),
        &["error: A and B are the project files, and --config names a third, spanspec.yaml: remove it"],
    )
    .await;
    compared(
        &project,
        &["http://a", "http://b", "--var", "BASE_URL=http://c"],
        &["error: the values of BASE_URL are A and B: remove --var BASE_URL"],
    )
    .await;
    compared(
        &project,
        &["http://a", "http://b", "--pairs", "3"],
        &[
            "'3' for '--pairs <N>'",
            "must be at least 5: fewer prove nothing",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_spec_that_does_not_use_the_url_is_an_error() {
    let project = pending().await;
    project.write("specs/order.yaml", &SPEC.replace("BASE_URL", "URL"));
    compared(
        &project,
        &["http://a", "http://b"],
        &["error: the spec specs/order.yaml › placing an order sends the same request to both URLs: write ${BASE_URL} into it, or name its variable with --url-variable; nothing was run"],
    )
    .await;
}

/// A second project beside the first one.
fn second(project: &Project, project_file: &str, spec: &str) {
    project.write("v2/spanspec.yaml", project_file);
    project.write("v2/specs/order.yaml", spec);
}

const VARS: &str = "vars: { BASE_URL: \"http://127.0.0.1:1\" }\n";

#[tokio::test]
async fn both_projects_need_the_same_specs_and_different_ports() {
    let project = pending().await;
    project.write("spanspec.yaml", VARS);
    let files = ["spanspec.yaml", "v2/spanspec.yaml"];
    second(
        &project,
        VARS,
        &SPEC.replace("placing an order", "ordering"),
    );
    compared(
        &project,
        &files,
        &["error: the spec specs/order.yaml › placing an order exists in spanspec.yaml and not in v2/spanspec.yaml: both projects need the same specs; nothing was run"],
    )
    .await;
    second(&project, VARS, &SPEC.replace("find: work", "find: pay"));
    compared(
        &project,
        &files,
        &["error: the spec specs/order.yaml › placing an order measures work in spanspec.yaml, and pay in v2/spanspec.yaml: its budgets must be the same; nothing was run"],
    )
    .await;
    second(&project, VARS, SPEC);
    compared(
        &project,
        &files,
        &["error: spanspec.yaml and v2/spanspec.yaml both listen for OTLP on 127.0.0.1:4317: give one of them `receiver: { listen: [127.0.0.1:0] }`, or another port; nothing was run"],
    )
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_comparison_prints_its_results_so_far() {
    let project = Project::with(&[("order.yaml", &SPEC.replace("/ok", "/hang"))]).await;
    let port = project.system.url.rsplit(':').next().unwrap();
    let urls = ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{port}"));
    let listen = project.system.otlp.to_string();
    let child = project
        .command(&["ab", &urls[0], &urls[1], "--listen", &listen])
        .spawn()
        .unwrap();
    let requests = || {
        project
            .system
            .requests
            .load(std::sync::atomic::Ordering::SeqCst)
    };
    super::system::eventually(|| requests() > 0).await;
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let verdict = format!(
        "B ({}) against A ({}): 1 spec interrupted\n",
        urls[1], urls[0]
    );
    assert!(
        said.contains("0 of 5 pairs") && said.ends_with(&verdict),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(130));
}

/// Checks the output of `calibrate` for a spec, with the system's receiver.
async fn calibrated(spec: &str, code: i32, expected: &[&str]) {
    let project = Project::with(&[("order.yaml", &spec.replace("BASE_URL", "URL"))]).await;
    let listen = project.system.otlp.to_string();
    let arguments = [
        "baseline",
        "calibrate",
        "--pause",
        "0s",
        "--listen",
        &listen,
    ];
    run(&project, &arguments).await.expect(code, expected);
    assert!(!exists(&project, OLD));
}

#[tokio::test]
async fn requests_that_fail_calibrate_nothing() {
    calibrated(
        &SPEC.replace("2xx", "404"),
        1,
        &[
            "20 of 20 requests failed",
            "no baseline was written because a run did not pass",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_budget_that_finds_nothing_calibrates_nothing() {
    calibrated(
        &SPEC.replace("find: work", "find: wrok"),
        1,
        &[
            "expected durations to measure",
            "found no span that matches in 20 traces",
            "back › work",
            "no baseline was written because a run did not pass",
        ],
    )
    .await;
}

/// The same with a secret in its name and in what it measures.
fn with_secret(find: &str) -> String {
    SPEC.replace("placing an order", "placing ${TOKEN}")
        .replace("find: work", &format!("find: '{find} ${{TOKEN}}'"))
}

const TOKEN: [&str; 4] = ["--var", "TOKEN=hunter2", "--secret", "TOKEN"];

#[tokio::test]
async fn no_secret_is_shown_where_versions_are_compared() {
    let spec = with_secret("work").replace("times: 20", "times: 5");
    let project = Project::with(&[("order.yaml", &spec)]).await;
    let port = project.system.url.rsplit(':').next().unwrap();
    let urls = ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{port}"));
    let listen = project.system.otlp.to_string();
    let flags = ["--listen", &listen, "--requests", "5"];
    let all = [&["ab", &urls[0], &urls[1]][..], &flags, &TOKEN].concat();
    let said = run(&project, &all).await;
    let nothing = "expected durations to measure, found no span that matches in 5 traces";
    said.expect(1, &["placing [masked]", "p50 of work [masked]", nothing]);
    assert!(!said.out.contains("hunter2"), "{}", said.out);

    let alike = spec.replace("${BASE_URL}", "${URL}");
    project.write("specs/order.yaml", &alike);
    let all = [&["ab", &urls[0], &urls[1]][..], &TOKEN].concat();
    let said = run(&project, &all).await;
    let shown =
        "error: the spec specs/order.yaml › placing [masked] sends the same request to both URLs";
    said.expect(2, &[shown]);
}

#[tokio::test]
async fn no_secret_is_shown_where_nothing_is_calibrated() {
    let spec = with_secret("work").replace("BASE_URL", "URL");
    let project = Project::with(&[("order.yaml", &spec)]).await;
    let listen = project.system.otlp.to_string();
    let flags = [
        "baseline",
        "calibrate",
        "--pause",
        "0s",
        "--listen",
        &listen,
    ];
    let said = run(&project, &[&flags[..], &TOKEN].concat()).await;
    said.expect(1, &["placing [masked]", "work [masked]"]);
    assert!(!said.out.contains("hunter2"), "{}", said.out);
}

#[cfg(unix)]
#[tokio::test]
async fn a_version_whose_service_dies_is_named_and_not_the_one_that_ran_then() {
    let spec = "
name: placing an order
request: GET ${URL}/${WHAT}
repeat: { times: 5 }
budgets: [{ measure: response_time, p50: < 9s }]
expect: { status: 2xx }
";
    let project = Project::with(&[("order.yaml", spec)]).await;
    let url = &project.system.url;
    // The second version takes its time, so that the first one dies meanwhile.
    let file = |what: &str| {
        format!(
            "vars: {{ URL: \"{url}\", WHAT: {what} }}
services:
  shop:
    run: sh -c 'echo up; until [ -e {what}.stop ]; do sleep 0.02; done; exit 9'
    ready: {{ log: =~ up }}
"
        )
    };
    project.write("spanspec.yaml", &file("ok"));
    second(&project, &file("company"), spec);
    let files = ["spanspec.yaml", "v2/spanspec.yaml"];
    let mut command = project.command(&[&["ab"], &files[..], &["--requests", "5"]].concat());
    let said = tokio::spawn(async move { command.output().await.unwrap() });
    let requests = &project.system.requests;
    super::system::eventually(|| requests.load(std::sync::atomic::Ordering::SeqCst) > 5).await;
    project.write("ok.stop", "");
    let output = said.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let blamed = "run 2 of A did not pass:";
    assert!(said.contains(blamed), "{said}");
    assert!(
        said.contains("service `shop` ended with exit code 9"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(3), "{said}");
}

#[tokio::test]
async fn a_budget_with_a_secret_in_its_name_fails_without_it_and_with_the_slowest_trace() {
    let spec = "
name: placing an order
request: { method: POST, url: \"${URL}/ok\", body: \"${TOKEN}\" }
repeat: { times: 20 }
budgets: [{ find: { name: work, attributes: { request.body: \"${TOKEN}\" } }, p50: < 1ms }]
expect: { status: 2xx }
";
    let project = Project::with(&[("order.yaml", spec)]).await;
    let reports = ["junit=j.xml", "json=r.json", "html=r.html"];
    let reports = reports.iter().flat_map(|one| ["--report", one]);
    let arguments: Vec<&str> = TOKEN.into_iter().chain(reports).collect();
    let said = project.run(&arguments).await;
    said.expect(
        1,
        &["OVER LIMIT", "[masked]", "slowest of", "the slowest of all"],
    );
    let files = ["j.xml", "r.json", "r.html"].map(|file| project.read(file));
    for text in [&said.out, &said.err].into_iter().chain(&files) {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_calibration_that_cannot_be_written_is_told_all_the_same() {
    use std::os::unix::fs::PermissionsExt;
    let spec = SPEC.replace("BASE_URL", "URL").replace(
        "find: work, p50: < 1s",
        "measure: response_time, regression: 20%",
    );
    let project = Project::with(&[("order.yaml", &spec)]).await;
    let listen = project.system.otlp.to_string();
    let calibrate = [
        "baseline",
        "calibrate",
        "--pause",
        "0s",
        "--listen",
        &listen,
    ];
    let text = baseline("2.3.0", 120_000);
    let path = project.write(OLD, &text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    run(&project, &calibrate).await.expect(
        3,
        &[
            "p50 of 5 runs of one version varies by",
            "failed to write the baseline specs/baselines/order.yaml.json",
            "permission denied",
        ],
    );
    assert_eq!(project.read(OLD), text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    project.write(OLD, "{");
    run(&project, &calibrate).await.expect(
        3,
        &[
            "p50 of 5 runs of one version varies by",
            "the baseline specs/baselines/order.yaml.json is damaged",
        ],
    );
    assert_eq!(project.read(OLD), "{");
}

#[tokio::test]
async fn files_of_other_kinds_are_recognized() {
    let project = Project::with(&[
        ("order.yaml", SPEC),
        (
            "a.yaml",
            "request: GET http://a/\nexpect: { status: 200 }\n",
        ),
    ])
    .await;
    project.write("README.md", "# shop\n");
    project.write("trace.json", "{ \"resourceSpans\": [] }\n");
    project.write("empty/.keep", "");
    for (arguments, code, expected) in [
        (
            &["baseline", "show", "README.md"][..],
            2,
            "README.md is neither a spec nor a baseline",
        ),
        (
            &["baseline", "show", "trace.json"],
            2,
            "trace.json is a saved trace, not a spec, a baseline or a shape: `spanspec show trace.json` draws it",
        ),
        (
            &["baseline", "accept", "spanspec.yaml"],
            2,
            "spanspec.yaml is a project file, not a spec, a baseline or a shape",
        ),
        (
            &["baseline", "show", "specs/a.yaml"],
            2,
            "the spec specs/a.yaml has no baseline, because it has no budgets",
        ),
        (
            &["baseline", "show", "specs/order.yaml"],
            4,
            "there is no baseline specs/baselines/order.yaml.json",
        ),
        (
            &["baseline", "show", "empty"],
            4,
            "there is no baseline for empty",
        ),
        (
            &["baseline", "calibrate", "trace.json"],
            2,
            "trace.json is a saved trace, not a spec",
        ),
        (
            &["baseline", "calibrate", "empty"],
            4,
            "no spec was found in empty: name a spec file, or a folder",
        ),
        (
            &[
                "baseline",
                "calibrate",
                "--filter",
                "zzz",
                "--var",
                "BASE_URL=http://a",
            ],
            4,
            "none of 2 specs was selected by --filter",
        ),
        (
            &["ab", "specs/a.yaml", "specs/a.yaml"],
            2,
            "specs/a.yaml is a spec, not a project file: write `spanspec ab A B specs/a.yaml`",
        ),
        (
            &["ab", "README.md", "README.md"],
            2,
            "README.md is not a project file",
        ),
        (
            &["ab", "trace.json", "spanspec.yaml"],
            2,
            "trace.json is a saved trace, not a project file",
        ),
        (
            &["run", "spanspec.yaml"],
            2,
            "spanspec.yaml is a project file, not a spec",
        ),
        (&["lint", "empty"], 4, "no spec was found in empty"),
    ] {
        run(&project, arguments).await.expect(code, &[expected]);
    }
}
