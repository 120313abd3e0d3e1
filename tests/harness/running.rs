//! Execution of tests, their output, and processes after them.

use std::io::Read;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::project::{PAY, Project, WRONG};
use crate::test;

/// Longer than anything here takes on the slowest machine; reached only by a test that fails.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn tests() -> Vec<Trial> {
    let mut all = vec![
        test(
            "services_are_started_once_and_end_with_the_last_test",
            services_are_started_once_and_end_with_the_last_test,
        ),
        test(
            "what_failed_is_shown_as_the_command_shows_it",
            what_failed_is_shown_as_the_command_shows_it,
        ),
        test(
            "what_could_not_be_judged_is_called_an_error",
            what_could_not_be_judged_is_called_an_error,
        ),
        test(
            "services_that_do_not_start_fail_every_test_with_the_reason",
            services_that_do_not_start_fail_every_test_with_the_reason,
        ),
        test(
            "a_skipped_spec_is_ignored_and_runs_when_asked_for",
            a_skipped_spec_is_ignored_and_runs_when_asked_for,
        ),
        test(
            "processes_beside_a_receiver_share_it_and_its_services",
            processes_beside_a_receiver_share_it_and_its_services,
        ),
        test(
            "a_flaky_test_of_nextest_and_a_skipped_spec_are_one_case_each_in_merged_results",
            a_flaky_test_of_nextest_and_a_skipped_spec_are_one_case_each_in_merged_results,
        ),
        test(
            "a_receiver_that_is_not_there_is_told",
            a_receiver_that_is_not_there_is_told,
        ),
        test(
            "processes_side_by_side_do_not_meet",
            processes_side_by_side_do_not_meet,
        ),
    ];
    if cfg!(unix) {
        all.push(test(
            "a_test_process_fails_if_spans_that_come_at_the_end_contradict_a_test_that_passed",
            a_test_process_fails_if_spans_that_come_at_the_end_contradict_a_test_that_passed,
        ));
        all.push(test(
            "no_service_survives_a_test_process_that_is_killed",
            no_service_survives_a_test_process_that_is_killed,
        ));
    }
    all
}

fn services_are_started_once_and_end_with_the_last_test() {
    let matrix = PAY.replace(
        "name: a card",
        "matrix: { n: [1, 2, 3, 4, 5] }\nname: a card",
    );
    let project = Project::with(&[("pay.yaml", &matrix), ("wrong.yaml", WRONG)]);
    project.run(&[]).expect(101, &["5 passed; 1 failed"]);
    let pids = project.pids();
    assert_eq!(pids.len(), 1);
    assert!(!runs(&pids[0]));
    // One that no test needs is not started.
    project.run(&["no such name"]).expect(0, &["0 passed"]);
    assert_eq!(project.pids().len(), 1);
    let alone = "name: alone\nservices: []\nrun: \"true\"\nexpect: { exit_code: 0 }\n";
    project.write("specs/alone.yaml", alone);
    project.run(&["alone"]).expect(0, &["1 passed"]);
    assert_eq!(project.pids().len(), 1);
}

fn a_test_process_fails_if_spans_that_come_at_the_end_contradict_a_test_that_passed() {
    let late = "name: refunds\nrequest: GET ${URL}/late\nexpect: { errors: 0 }\n";
    let project = Project::with(&[("pay.yaml", PAY), ("late.yaml", late)]);
    let said = project.run(&[]);
    said.expect(
        101,
        &[
            "2 passed; 0 failed",
            "spans that arrived after the tests contradict 1 test that passed:",
            "ERROR refunds   specs/late.yaml",
            "passed at first, but 1 span of `payment`",
        ],
    );
}

fn what_failed_is_shown_as_the_command_shows_it() {
    let project = Project::with(&[("wrong.yaml", WRONG)]);
    project.run(&[]).expect(
        101,
        &[
            "---- specs/wrong.yaml::paypal is no card ----\nFAIL  paypal is no card   specs/wrong.yaml",
            "  attribute `payment.method` of span `process_payment`\n  --> specs/wrong.yaml:6:37\n",
            "^^^^ found \"paypal\"",
            "← payment.method = \"paypal\"",
        ],
    );
}

fn what_could_not_be_judged_is_called_an_error() {
    let nothing = "name: nothing comes\nrequest: GET ${URL}/health\nwait: { timeout: 300ms }\nexpect: { errors: 0 }\n";
    let project = Project::with(&[("nothing.yaml", nothing)]);
    let said = project.run(&[]);
    said.expect(
        101,
        &["---- specs/nothing.yaml::nothing comes ----\nERROR nothing comes"],
    );
    assert!(!said.out.contains("FAIL  "), "{}", said.out);
}

fn services_that_do_not_start_fail_every_test_with_the_reason() {
    let project = Project::with(&[("pay.yaml", PAY), ("wrong.yaml", WRONG)]);
    project.write(
        "spanspec.yaml",
        "vars: { URL: \"http://127.0.0.1:1\" }\nservices: { api: { run: ./no-such-program, ready: tcp://127.0.0.1:1 } }\n",
    );
    project.run(&[]).expect(
        101,
        &[
            "0 passed; 2 failed",
            "ERROR a card is charged   specs/pay.yaml",
            "`./no-such-program` was not found",
        ],
    );
}

fn a_skipped_spec_is_ignored_and_runs_when_asked_for() {
    let project = Project::with(&[("pay.yaml", &format!("skip: too slow\n{PAY}"))]);
    project
        .run(&[])
        .expect(0, &["0 passed; 0 failed; 1 ignored"]);
    assert_eq!(project.pids(), [""; 0]);
    project
        .run(&["--ignored"])
        .expect(0, &["1 passed; 0 failed; 0 ignored"]);
}

/// `spanspec exec -- cargo nextest run`, in short: each test is a process, and the shop runs once.
fn processes_beside_a_receiver_share_it_and_its_services() {
    let project = Project::with(&[("pay.yaml", PAY), ("wrong.yaml", WRONG)]);
    let program = std::env::current_exe().unwrap();
    let program = program.display();
    let script = format!(
        "'{program}' --exact 'specs/pay.yaml::a card is charged' > one & \
         '{program}' --exact 'specs/wrong.yaml::paypal is no card' > two; \
         code=$?; wait $! && exit $code"
    );
    let junit = "junit=merged.xml";
    let arguments = ["exec", "--report", junit, "--", "sh", "-c", &script];
    let spanspec = env!("CARGO_BIN_EXE_spanspec");
    let said = project.run_program(spanspec, &arguments, &[]);
    said.expect(101, &[]);
    let read = |name| std::fs::read_to_string(project.path().join(name)).unwrap();
    assert!(
        read("one").contains("1 passed; 0 failed"),
        "{}",
        read("one")
    );
    assert!(
        read("two").contains("FAIL  paypal is no card"),
        "{}",
        read("two")
    );
    assert_eq!(project.pids().len(), 1);
    let merged = read("merged.xml");
    for name in ["a card is charged", "paypal is no card"] {
        assert!(merged.contains(name), "{merged}");
    }
}

/// Repeats a failed test as nextest does.
fn a_flaky_test_of_nextest_and_a_skipped_spec_are_one_case_each_in_merged_results() {
    let skipped = format!("skip: too slow\n{}", PAY.replace("a card", "a bank"));
    let project = Project::with(&[("pay.yaml", WRONG), ("skipped.yaml", &skipped)]);
    let exact = ["--exact", "specs/pay.yaml::paypal is no card"];
    let attempt = |number| {
        let env = [
            ("SPANSPEC_RESULTS", "results"),
            ("NEXTEST_RUN_ID", "1c5d"),
            ("NEXTEST_ATTEMPT", number),
        ];
        project.run_with(&exact, &env)
    };
    let results = [("SPANSPEC_RESULTS", "results")];
    project
        .run_with(&["--list", "--format", "terse", "--ignored"], &results)
        .expect(0, &["specs/skipped.yaml"]);
    attempt("1").expect(101, &["0 passed; 1 failed"]);
    project.write("specs/pay.yaml", &WRONG.replace("pay/paypal", "pay/card"));
    attempt("2").expect(0, &["1 passed"]);
    // Another macro names the same file.
    project.run_with(&exact, &results).expect(0, &["1 passed"]);
    let merge = [
        "merge",
        "results",
        "--report",
        "junit=all.xml",
        "--report",
        "json=all.json",
    ];
    let spanspec = env!("CARGO_BIN_EXE_spanspec");
    project.run_program(spanspec, &merge, &[]).expect(0, &[]);
    let read = |name| std::fs::read_to_string(project.path().join(name)).unwrap();
    let junit = read("all.xml");
    assert_eq!(junit.matches("<testcase ").count(), 2, "{junit}");
    assert_eq!(junit.matches("<flakyFailure ").count(), 1, "{junit}");
    assert!(junit.contains("<skipped message=\"too slow\""), "{junit}");
    let json: serde_json::Value = serde_json::from_str(&read("all.json")).unwrap();
    let counts = serde_json::json!({
        "passed": 1, "failed": 0, "errored": 0, "skipped": 1, "not_run": 0, "flaky": 1,
    });
    assert_eq!((&json["counts"], &json["exit_code"]), (&counts, &0.into()));
    // A skipped spec that a test runs all the same is not skipped.
    project
        .run_with(&["--ignored"], &results)
        .expect(0, &["1 passed"]);
    project.run_program(spanspec, &merge, &[]).expect(0, &[]);
    assert_eq!(read("all.xml").matches("<skipped").count(), 0);
}

fn a_receiver_that_is_not_there_is_told() {
    let project = Project::with(&[("pay.yaml", PAY)]);
    let receiver = [("SPANSPEC_RECEIVER", "http://127.0.0.1:1")];
    project.run_with(&[], &receiver).expect(
        101,
        &[
            "the environment::errors",
            "there is no receiver at http://127.0.0.1:1",
        ],
    );
    let list = project.run_with(&["--list", "--format", "terse"], &receiver);
    assert_eq!(list.out, "specs/pay.yaml::a card is charged: test\n");
}

/// As nextest runs them: each test in a process that knows of no other.
fn processes_side_by_side_do_not_meet() {
    let project = Project::with(&[("pay.yaml", PAY)]);
    let start = || {
        let arguments = [
            "--exact",
            "specs/pay.yaml::a card is charged",
            "--nocapture",
        ];
        project.command(&arguments).spawn().unwrap()
    };
    let children: Vec<_> = (0..8).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
    }
    assert_eq!(project.pids().len(), 8);
}

fn no_service_survives_a_test_process_that_is_killed() {
    // The service answers without exporting, so the test waits for a long time.
    let waits = "request: GET ${URL}/health\nwait: { timeout: 10m }\nexpect: { errors: 0 }\n";
    let project = Project::with(&[("waits.yaml", waits)]);
    let mut child = project.command(&[]).spawn().unwrap();
    let pid = eventually("the service starts", || project.pids().pop());
    assert!(runs(&pid));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    // Nothing holds the output of a test process open when it is gone: nextest calls that a leak.
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut rest)
        .unwrap();
    eventually("the service ends", || (!runs(&pid)).then_some(()));
}

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Returns `true` if a process runs; a zombie does not.
fn runs(pid: &str) -> bool {
    let ps = std::process::Command::new("ps")
        .args(["-o", "stat=", "-p", pid.trim()])
        .output()
        .unwrap();
    let state = String::from_utf8(ps.stdout).unwrap();
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}
