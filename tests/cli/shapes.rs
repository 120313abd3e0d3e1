//! Shapes of traces: proposed, reviewed, accepted and compared.

use super::system::{Project, Said, said};

const SPEC: &str =
    "name: it works\nrequest: GET ${URL}/ok\nexpect: { status: 200, shape: shapes/ok.txt }\n";

/// What was said, without the line breaks of long lines.
fn flat(said: Said) -> Said {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Said {
        out: flat(&said.out),
        err: flat(&said.err),
        ..said
    }
}

const SHAPE: &str = "front › GET /it (server)\n  back › work (internal)\n";

#[tokio::test]
async fn a_shape_is_proposed_reviewed_accepted_and_then_compared() {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    let missing = flat(project.run(&[]).await);
    missing.expect(
        3,
        &[
            "there is no shape to compare with: specs/shapes/ok.txt does not exist",
            "`spanspec baseline accept specs/shapes/ok.txt`",
            "the shape of `specs/a.yaml › it works` is in specs/shapes/ok.txt.new",
        ],
    );
    assert_eq!(project.read("specs/shapes/ok.txt.new"), SHAPE);
    let lint = project.spanspec(&["lint"]).await;
    lint.expect(0, &["there is no shape in specs/shapes/ok.txt yet"]);

    let review = project.spanspec(&["baseline", "review"]).await;
    review.expect(
        0,
        &["specs/shapes/ok.txt.new\n  + front › GET /it (server)\n"],
    );
    let accepted = project.spanspec(&["baseline", "accept"]).await;
    accepted.expect(0, &["accepted  specs/shapes/ok.txt\n"]);
    assert_eq!(project.read("specs/shapes/ok.txt"), SHAPE);
    assert!(!project.path().join("specs/shapes/ok.txt.new").exists());
    project.run(&[]).await.expect(0, &["1 passed"]);

    project.write(
        "specs/shapes/ok.txt",
        "front › GET /it (server)\n  back › rest (internal)\n",
    );
    let differs = flat(project.run(&[]).await);
    differs.expect(
        1,
        &[
            "expected the shape in specs/shapes/ok.txt found 2 differences",
            "specs/shapes/ok.txt:2",
            "expected `back › rest (internal)`, found nothing",
            "below specs/shapes/ok.txt:1",
            "expected nothing, found `back › work (internal)`",
        ],
    );
    let review = project
        .spanspec(&["baseline", "review", "specs/a.yaml"])
        .await;
    review.expect(
        0,
        &["  -   back › rest (internal)\n  +   back › work (internal)\n"],
    );
    let rejected = project
        .spanspec(&["baseline", "reject", "specs/shapes/ok.txt"])
        .await;
    rejected.expect(0, &["rejected  specs/shapes/ok.txt.new\n"]);
    let nothing = project
        .spanspec(&["baseline", "accept", "specs/shapes/ok.txt"])
        .await;
    nothing.expect(
        2,
        &["there is no specs/shapes/ok.txt.new to accept or reject"],
    );

    let always = flat(project.run(&["--update-baselines", "always"]).await);
    always.expect(
        1,
        &["wrote the shape of `specs/a.yaml › it works` to specs/shapes/ok.txt"],
    );
    project.run(&[]).await.expect(0, &["1 passed"]);
    let shown = project
        .spanspec(&["baseline", "show", "specs/a.yaml"])
        .await;
    shown.expect(0, &["specs/shapes/ok.txt\n  front › GET /it (server)\n"]);
}

#[tokio::test]
async fn no_shape_is_written_in_ci_or_if_another_check_fails_or_two_specs_disagree() {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    let file = project.path().join("specs/shapes/ok.txt.new");
    let mut in_ci = project.run_command(&[]);
    in_ci.env("CI", "true");
    said(in_ci).await.expect(3, &["does not exist"]);
    assert!(!file.exists());

    project.write("specs/a.yaml", &SPEC.replace("status: 200", "status: 201"));
    let failing = flat(project.run(&[]).await);
    failing.expect(
        1,
        &["its shape is not proposed for specs/shapes/ok.txt: other checks did not pass"],
    );
    assert!(!file.exists());

    project.write("specs/a.yaml", SPEC);
    project.write(
        "specs/b.yaml",
        &SPEC
            .replace("/ok", "/graphql")
            .replace("shapes/graphql", "shapes/ok"),
    );
    let same = flat(project.run(&[]).await);
    same.expect(3, &["is in specs/shapes/ok.txt.new"]);
    std::fs::remove_file(&file).unwrap();
    project.write("specs/b.yaml", &SPEC.replace("/ok\n", "/logs-strayed\n"));
    let other = flat(project.run(&[]).await);
    other.expect(3, &[]);
    assert!(!file.exists(), "{}", other.out);
}

#[tokio::test]
async fn a_shape_without_a_spec_is_a_warning() {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    project.write("specs/shapes/ok.txt", SHAPE);
    project.write("specs/shapes/old.txt", SHAPE);
    project.write("specs/shapes/notes.txt", "other text");
    let lint = project.spanspec(&["lint"]).await;
    lint.expect(0, &["no spec uses the shape specs/shapes/old.txt"]);
    assert!(!lint.err.contains("notes"), "{}", lint.err);
    project.write("specs/shapes/ok.txt", "front GET\n");
    let broken = project.spanspec(&["lint"]).await;
    broken.expect(2, &["specs/shapes/ok.txt:1:1", "no `›` after the service"]);
}
