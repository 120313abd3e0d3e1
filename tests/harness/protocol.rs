//! The protocol of cargo and nextest.

use libtest_mimic::Trial;

use crate::project::{PAY, Project, WRONG};
use crate::test;

const SKIPPED: &str = "\
name: refunds
skip: waits for the new API
request: GET ${URL}/pay/refund
expect: { spans: [{ find: refund }] }
";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "a_list_has_a_line_for_each_spec_and_nothing_else_and_starts_no_service",
            a_list_has_a_line_for_each_spec_and_nothing_else_and_starts_no_service,
        ),
        test(
            "only_the_file_that_an_exact_name_tells_is_read",
            only_the_file_that_an_exact_name_tells_is_read,
        ),
        test(
            "a_file_with_mistakes_is_a_test_that_fails_beside_the_others",
            a_file_with_mistakes_is_a_test_that_fails_beside_the_others,
        ),
        test(
            "what_cannot_be_read_at_all_is_a_test_that_fails",
            what_cannot_be_read_at_all_is_a_test_that_fails,
        ),
        test(
            "tags_are_selected_by_the_variable_that_the_command_has",
            tags_are_selected_by_the_variable_that_the_command_has,
        ),
        test(
            "a_broken_file_fails_every_filter_that_names_it_or_a_spec_of_it",
            a_broken_file_fails_every_filter_that_names_it_or_a_spec_of_it,
        ),
        test(
            "errors_of_the_project_and_of_variables_fail_under_every_filter",
            errors_of_the_project_and_of_variables_fail_under_every_filter,
        ),
        test(
            "tags_that_select_nothing_fail_and_a_filter_that_selects_nothing_does_not",
            tags_that_select_nothing_fail_and_a_filter_that_selects_nothing_does_not,
        ),
        test("zero_threads_are_refused", zero_threads_are_refused),
        test(
            "a_file_of_two_paths_is_tested_once",
            a_file_of_two_paths_is_tested_once,
        ),
        test(
            "a_name_is_on_one_line_whatever_the_spec_says",
            a_name_is_on_one_line_whatever_the_spec_says,
        ),
    ]
}

fn a_list_has_a_line_for_each_spec_and_nothing_else_and_starts_no_service() {
    let matrix = PAY.replace("name: a card", "matrix: { n: [1, 2] }\nname: a card");
    let project = Project::with(&[("b/pay.yaml", &matrix), ("skipped.yaml", SKIPPED)]);
    let all = project.run(&["--list", "--format", "terse"]);
    assert_eq!(
        (all.code, all.out.as_str(), all.err.as_str()),
        (
            Some(0),
            "specs/b/pay.yaml::a card is charged [n=1]: test\n\
             specs/b/pay.yaml::a card is charged [n=2]: test\n\
             specs/skipped.yaml::refunds: test\n",
            ""
        )
    );
    let ignored = project.run(&["--list", "--format", "terse", "--ignored"]);
    assert_eq!(ignored.out, "specs/skipped.yaml::refunds: test\n");
    assert_eq!(project.pids(), [""; 0]);
}

fn only_the_file_that_an_exact_name_tells_is_read() {
    let project = Project::with(&[("pay.yaml", PAY), ("broken.yaml", "expct: 1\n")]);
    let name = "specs/pay.yaml::a card is charged";
    let said = project.run(&["--exact", name, "--nocapture"]);
    said.expect(
        0,
        &["1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"],
    );
    let none = project.run(&["--exact", "specs/pay.yaml::no such name"]);
    none.expect(0, &["0 passed"]);
    let skipped = project.run(&["--skip", "broken", "charged"]);
    skipped.expect(0, &["1 passed"]);
}

fn a_file_with_mistakes_is_a_test_that_fails_beside_the_others() {
    let project = Project::with(&[
        ("broken.yaml", "request: GET http://x\nexpct: 1\n"),
        ("pay.yaml", PAY),
    ]);
    let list = project.run(&["--list", "--format", "terse"]);
    assert_eq!(
        list.out,
        "specs/broken.yaml::errors: test\n\
         specs/broken.yaml::broken: test\n\
         specs/pay.yaml::a card is charged: test\n"
    );
    assert_eq!(list.code, Some(0));
    let said = project.run(&[]);
    said.expect(
        101,
        &[
            "1 passed; 1 failed",
            "specs/broken.yaml:2:1",
            "did you mean `expect`?",
            "nothing of it was run",
        ],
    );
}

fn what_cannot_be_read_at_all_is_a_test_that_fails() {
    let empty = Project::with(&[]);
    empty.run(&[]).expect(
        101,
        &["specs::errors", "no file, folder or match for `specs`"],
    );
    empty.write("specs/readme.txt", "");
    empty.run(&[]).expect(101, &["there is no spec in"]);
    let project = Project::with(&[("pay.yaml", PAY)]);
    project
        .run_with(&[], &[("SPANSPEC_TIMEOUT", "soon")])
        .expect(101, &["the environment::errors", "SPANSPEC_TIMEOUT: "]);
    project.write("spanspec.yaml", "servces: {}\n");
    let list = project.run(&["--list", "--format", "terse"]);
    assert_eq!(list.out, "spanspec.yaml::errors: test\n");
    project
        .run(&[])
        .expect(101, &["did you mean `services`?", "spanspec.yaml:1:1"]);
}

fn tags_are_selected_by_the_variable_that_the_command_has() {
    let tagged = format!("tags: [slow]\n{PAY}");
    let project = Project::with(&[("slow.yaml", &tagged), ("wrong.yaml", WRONG)]);
    let list = |tag| {
        let arguments = ["--list", "--format", "terse"];
        project.run_with(&arguments, &[("SPANSPEC_TAG", tag)]).out
    };
    assert_eq!(list("slow"), "specs/slow.yaml::a card is charged: test\n");
    assert_eq!(list("!slow"), "specs/wrong.yaml::paypal is no card: test\n");
}

fn a_broken_file_fails_every_filter_that_names_it_or_a_spec_of_it() {
    let shipped = "name: an order is shipped\nmatrix: { n: [1] }\nrequest: GET ${URL}/pay/card\nexpect: { eror: 0 }\n";
    let no_yaml = "name: \"returned\nrequest: GET http://x\n";
    let project = Project::with(&[
        ("pay.yaml", PAY),
        ("ship.yaml", shipped),
        ("returns.yaml", no_yaml),
    ]);
    for arguments in [
        &["shipped"][..],
        &["ship.yaml"],
        &["shipped [n=1]"],
        &["--exact", "specs/ship.yaml::an order is shipped [n=1]"],
        &["--skip", "shipped", "--skip", "errors", "ship.yaml"],
        &["--ignored", "shipped"],
        &["returned"],
    ] {
        let said = project.run(arguments);
        said.expect(101, &["0 passed; 1 failed", "::errors"]);
    }
    let list = project.run(&["--list", "--format", "terse", "--ignored"]);
    assert_eq!(list.out, "");
    // nextest filters this list: the spec must be in it, and fails.
    let list = project.run(&["--list", "--format", "terse", "shipped"]);
    assert_eq!(
        list.out,
        "specs/ship.yaml::errors: test\nspecs/ship.yaml::an order is shipped [n=1]: test\n"
    );
    for arguments in [
        &["charged"][..],
        &["specs/pay.yaml"],
        &["--exact", "specs/pay.yaml::a card is charged"],
    ] {
        project.run(arguments).expect(0, &["1 passed; 0 failed"]);
    }
}

fn errors_of_the_project_and_of_variables_fail_under_every_filter() {
    let project = Project::with(&[("pay.yaml", PAY)]);
    let filters = [
        &["charged"][..],
        &["--exact", "specs/pay.yaml::a card is charged"],
        &["--skip", "errors", "--skip", "spanspec"],
        &["--ignored"],
    ];
    for (name, value) in [("SPANSPEC_TIMEOUT", "soon"), ("SPANSPEC_TAG", "smoke,!")] {
        for filter in filters {
            let said = project.run_with(filter, &[(name, value)]);
            said.expect(101, &["0 passed; 1 failed", name]);
        }
    }
    project.write("spanspec.yaml", "servces: {}\n");
    for filter in filters {
        let said = project.run(filter);
        said.expect(101, &["0 passed; 1 failed", "did you mean `services`?"]);
    }
}

fn tags_that_select_nothing_fail_and_a_filter_that_selects_nothing_does_not() {
    let tagged = format!("tags: [slow]\n{PAY}");
    let project = Project::with(&[("slow.yaml", &tagged), ("wrong.yaml", WRONG)]);
    for filter in [
        &[][..],
        &["no such name"],
        &["--exact", "specs/slow.yaml::a card is charged"],
    ] {
        let said = project.run_with(filter, &[("SPANSPEC_TAG", "slwo")]);
        said.expect(
            101,
            &[
                "the environment::errors",
                "error: SPANSPEC_TAG=slwo selects none of 2 specs\n   help: the tags of these specs are slow",
            ],
        );
    }
    // The spec has another tag, and there are specs with this one.
    let other = ["--exact", "specs/wrong.yaml::paypal is no card"];
    let said = project.run_with(&other, &[("SPANSPEC_TAG", "slow")]);
    said.expect(0, &["0 passed; 0 failed"]);
    project.run(&["no such name"]).expect(0, &["0 passed"]);
}

fn zero_threads_are_refused() {
    let project = Project::with(&[("pay.yaml", PAY)]);
    for arguments in [
        &["--test-threads", "0"][..],
        &["--test-threads=0", "--list"],
    ] {
        project
            .run(arguments)
            .expect(101, &["error: no test can run on 0 threads"]);
    }
    project
        .run_with(&[], &[("RUST_TEST_THREADS", "0")])
        .expect(101, &["RUST_TEST_THREADS"]);
}

fn a_file_of_two_paths_is_tested_once() {
    let project = Project::with(&[("pay.yaml", PAY)]);
    let list = ["--list", "--format", "terse"];
    let paths = [(crate::project::PATHS, "specs,specs/pay.yaml")];
    let said = project.run_with(&list, &paths);
    assert_eq!(said.out, "specs/pay.yaml::a card is charged: test\n");
    // The error of a path that does not exist is no error of another path's file.
    let paths = [(crate::project::PATHS, "specs,more")];
    let exact = ["--exact", "specs/pay.yaml::a card is charged"];
    project.run_with(&exact, &paths).expect(0, &["1 passed"]);
    project
        .run_with(&["charged"], &paths)
        .expect(101, &["1 passed; 1 failed", "more::errors"]);
}

fn a_name_is_on_one_line_whatever_the_spec_says() {
    let spec = PAY.replace("a card is charged", "\"two\\n  lines\"");
    let project = Project::with(&[("pay.yaml", &spec)]);
    let list = project.run(&["--list", "--format", "terse"]);
    assert_eq!(list.out, "specs/pay.yaml::two lines: test\n");
}
