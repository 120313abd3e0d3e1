//! Specs that need others.

use super::system::Project;

/// A spec that appends its name to a file.
fn noting(name: &str, more: &str) -> String {
    format!(
        "name: {name}\n{more}run: [sh, -c, \"echo {name} >> ../order\"]\nexpect: {{ exit_code: 0 }}\n"
    )
}

const PASSES: &str = "request: GET ${URL}/ok\nexpect: { status: 200 }\n";
const FAILS: &str = "request: GET ${URL}/ok\nexpect: { status: 418 }\n";
const IS_ERRORED: &str = "request: GET http://127.0.0.1:1/\nexpect: { status: 200 }\n";

#[cfg(unix)]
#[tokio::test]
async fn a_spec_runs_after_those_that_it_needs_by_name_or_file() {
    let c = noting("last", "needs: [middle, first.yaml]\n");
    let b = noting("middle", "needs: case\n")
        + "---\n"
        + &noting("case", "matrix: { n: [1, 2] }\nneeds: first\n");
    let a = noting("first", "");
    let project = Project::with(&[("a-last.yaml", &c), ("b.yaml", &b), ("first.yaml", &a)]).await;
    project.run(&[]).await.expect(0, &["5 passed"]);
    assert_eq!(project.read("order"), "first\ncase\ncase\nmiddle\nlast\n");
}

#[cfg(unix)]
#[tokio::test]
async fn specs_that_run_alone_keep_the_order_too() {
    let alone = "name: measured\nneeds: first\nrequest: GET ${URL}/ok\nrepeat: { times: 2 }\nexpect: { status: 200 }\n";
    let specs = [
        noting("last", "needs: measured\n"),
        alone.to_owned(),
        noting("first", ""),
    ]
    .join("---\n");
    let project = Project::with(&[("a.yaml", &specs)]).await;
    project.run(&["--jobs", "1"]).await.expect(0, &["3 passed"]);
    assert_eq!(project.read("order"), "first\nlast\n");
}

#[tokio::test]
async fn a_spec_is_skipped_with_the_reason_if_one_that_it_needs_did_not_pass() {
    let of = |need: &str, body: &str| {
        format!(
            "name: needed\n{body}---\nname: second\nneeds: {need}\n{PASSES}---\nname: third\nneeds: second\n{PASSES}"
        )
    };
    let project = Project::with(&[("a.yaml", &of("needed", FAILS))]).await;
    let said = project
        .run(&["--report", "junit=out.xml", "--report", "json=out.json"])
        .await;
    let why = "needs `needed`, which failed";
    said.expect(
        1,
        &[
            "FAIL  needed",
            why,
            "1 failed",
            "2 skipped",
            "needs `second`, which was skipped",
        ],
    );
    for file in ["out.xml", "out.json"] {
        assert!(project.read(file).contains(why), "{file}");
    }

    project.write("specs/a.yaml", &of("needed", IS_ERRORED));
    let said = project.run(&[]).await;
    said.expect(
        3,
        &["needs `needed`, which errored", "1 errored", "2 skipped"],
    );

    let skipped = format!("skip: until the bank is back\n{PASSES}");
    project.write(
        "specs/a.yaml",
        &of("a.yaml", &skipped).replace("needs: a.yaml", "needs: needed"),
    );
    let said = project.run(&[]).await;
    said.expect(
        0,
        &[
            "needs `needed`, which was skipped: until the bank is back",
            "3 skipped",
        ],
    );
}

#[tokio::test]
async fn a_filter_also_selects_the_specs_that_are_needed() {
    let specs = format!(
        "name: base\n{PASSES}---\nname: other\n{FAILS}---\nname: needs base\nneeds: base\n{PASSES}---\nname: dependent\nneeds: needs base\n{PASSES}"
    );
    let project = Project::with(&[("a.yaml", &specs)]).await;
    let said = project
        .spanspec(&["run", "--list", "--filter", "dependent"])
        .await;
    let listed: Vec<&str> = said.out.lines().collect();
    assert_eq!(
        listed,
        [
            "specs/a.yaml › base",
            "specs/a.yaml › needs base",
            "specs/a.yaml › dependent"
        ]
    );
    project
        .run(&["--filter", "dependent"])
        .await
        .expect(0, &["3 passed"]);
}

#[tokio::test]
async fn needs_that_cannot_be_met_are_errors_before_anything_runs() {
    let with = |needs: &str| {
        format!(
            "name: placing an order\nmatrix: {{ n: [1] }}\n{PASSES}---\nname: paying\nneeds: {needs}\n{PASSES}"
        )
    };
    let project = Project::with(&[("a.yaml", &with("placing an ordre"))]).await;
    let cases = [
        ("placing an ordre", "did you mean `placing an order`?"),
        (
            "nothing alike",
            "no spec of this run has the name `nothing alike`",
        ),
        ("b.yml", "no spec of this run is in the file specs/b.yml"),
        ("paying", "a spec cannot need itself"),
        ("a.yaml", "a spec cannot need itself"),
        (
            "{ name: paying }",
            "`needs` must be the name of a spec or its file",
        ),
    ];
    for (needs, expected) in cases {
        project.write("specs/a.yaml", &with(needs));
        project
            .run(&[])
            .await
            .expect(2, &["specs/a.yaml:7:8", expected]);
    }

    let cycle = format!(
        "name: a\nneeds: b\n{PASSES}---\nname: b\nneeds: c\n{PASSES}---\nname: c\nneeds: a\n{PASSES}"
    );
    project.write("specs/a.yaml", &cycle);
    let said = project.run(&[]).await;
    said.expect(
        2,
        &[
            "specs/a.yaml:2:8",
            "these specs need each other: `a` → `b` → `c` → `a`",
        ],
    );

    let same = format!("name: same\n{PASSES}");
    project.write("specs/b.yaml", &same);
    project.write("specs/c.yaml", &same);
    project.write("specs/a.yaml", &format!("name: x\nneeds: same\n{PASSES}"));
    let said = project.run(&[]).await;
    said.expect(
        2,
        &["several files have a spec `same`: specs/b.yaml, specs/c.yaml"],
    );
}

#[tokio::test]
async fn captures_do_not_pass_from_one_spec_to_another() {
    let specs = format!(
        "name: base\n{PASSES}capture: {{ order: {{ header: x-order }} }}\n---\nname: later\nneeds: base\nrequest: GET ${{URL}}/${{order}}\nexpect: {{ status: 200 }}\n"
    );
    let project = Project::with(&[("a.yaml", &specs)]).await;
    let said = project.run(&[]).await;
    said.expect(
        2,
        &[
            "undefined variable `order`",
            "a spec does not get the captures of those in `needs`",
        ],
    );
}
