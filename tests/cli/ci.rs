//! Output that CI systems read: annotations and the summary of a run.

use super::system::{Project, said};

/// A system under test that writes workflow commands.
const HOSTILE: &str = "
name: the command behaves
run: echo '::error::from the system' '##[error]too'
expect: { stdout: { contains: fine } }
";
const WELL: &str = "
name: it is well
run: echo fine
expect: { stdout: { contains: fine } }
";

/// Standard output of `spanspec run` under these variables.
async fn told(project: &Project, env: &[(&str, &str)], arguments: &[&str]) -> String {
    let listen = ["run", "--listen", "127.0.0.1:0"];
    let arguments: Vec<&str> = listen.iter().chain(arguments).copied().collect();
    let mut command = project.command(&arguments);
    command.envs(env.iter().copied());
    said(command).await.out
}

/// The lines that the runner obeys: those before and after the part that is shut off.
fn obeyed(text: &str) -> Vec<&str> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let token = first.strip_prefix("::stop-commands::").expect(text);
    let end = format!("::{token}::");
    assert_eq!(text.matches(&end).count(), 1, "{text}");
    lines.skip_while(|line| *line != end).skip(1).collect()
}

#[tokio::test]
async fn on_github_the_text_is_shut_off_and_annotations_follow_it() {
    let project = Project::with(&[("a.yaml", HOSTILE), ("b.yaml", WELL)]).await;
    let text = told(&project, &[("GITHUB_ACTIONS", "true")], &[]).await;
    assert!(text.contains("FAIL  the command behaves"), "{text}");
    let obeyed = obeyed(&text);
    assert_eq!(obeyed.len(), 1, "{text}");
    let start = "::error file=specs/a.yaml,line=4,col=19,title=the command behaves::standard output of the command: expected ";
    assert!(obeyed[0].starts_with(start), "{text}");
}

#[tokio::test]
async fn without_annotations_the_text_is_shut_off_all_the_same() {
    let project = Project::with(&[("a.yaml", HOSTILE)]).await;
    for (name, value) in [("GITHUB_ACTIONS", "true"), ("SPANSPEC_FORMAT", "github")] {
        let text = told(&project, &[(name, value)], &["--no-annotations"]).await;
        assert!(text.contains("FAIL  the command behaves"), "{text}");
        assert_eq!(obeyed(&text), [""; 0], "{text}");
    }
}

#[tokio::test]
async fn elsewhere_and_in_other_formats_nothing_is_annotated() {
    let project = Project::with(&[("a.yaml", HOSTILE)]).await;
    let plain = told(&project, &[("GITHUB_ACTIONS", "")], &[]).await;
    let github = [("GITHUB_ACTIONS", "true")];
    let json = told(&project, &github, &["--format", "json"]).await;
    let tap = told(&project, &github, &["--format", "tap"]).await;
    for text in [&plain, &json, &tap] {
        assert!(!text.contains("::error file="), "{text}");
        assert!(!text.contains("stop-commands"), "{text}");
    }
    assert!(
        tap.starts_with("TAP version 14\n1..1\nnot ok 1 - specs/a.yaml › the command behaves\n"),
        "{tap}"
    );
    assert!(tap.ends_with("\n  ...\n"), "{tap}");
}

#[tokio::test]
async fn a_page_of_markdown_is_written() {
    let project = Project::with(&[("a.yaml", HOSTILE), ("b.yaml", WELL)]).await;
    told(&project, &[], &["--report", "md=out/summary.md"]).await;
    let page = project.read("out/summary.md");
    assert!(page.starts_with("## ❌ spanspec: 1 failed\n"), "{page}");
    let fold = "<details><summary><b>the command behaves</b> <code>specs/a.yaml:2</code>";
    assert!(page.contains(fold), "{page}");
}

#[tokio::test]
async fn a_spec_in_the_working_folder_runs_its_command_there() {
    let project = Project::with(&[]).await;
    project.write(
        "bare.yaml",
        "run: cat bare.yaml\nexpect: { stdout: { contains: bare } }\n",
    );
    let text = told(&project, &[], &["bare.yaml"]).await;
    assert!(text.contains("1 passed"), "{text}");
}

#[tokio::test]
async fn a_project_file_and_a_file_of_variables_may_be_empty() {
    let project = Project::with(&[("a.yaml", WELL)]).await;
    project.write("spanspec.yaml", "# to be written\n");
    project.write("vars.yaml", "");
    let text = told(&project, &[], &["--var-file", "vars.yaml"]).await;
    assert!(text.contains("1 passed"), "{text}");
}

#[tokio::test]
async fn errors_in_specs_are_in_all_reports_in_place_of_earlier_results() {
    let project = Project::with(&[("a.yaml", WELL)]).await;
    let reports = ["--report", "junit=a.xml", "--report", "json=a.json"];
    let run = |filter: &'static str| {
        let mut command = project.run_command(&[&reports[..], &["--filter", filter]].concat());
        command.env("GITHUB_ACTIONS", "true");
        said(command)
    };
    run("").await.expect(0, &["1 passed"]);
    assert!(project.read("a.xml").contains("it is well"));
    let nothing = run("other").await;
    nothing.expect(4, &["the only spec was not selected"]);
    assert_eq!(json(&project)["exit_code"], 4);
    let wrong = "run: echo fine\nexpect: { stdot: fine }\n";
    project.write("specs/a.yaml", wrong);
    let refused = run("").await;
    refused.expect(2, &["unknown key `stdot`", "1 error; nothing was run"]);
    let annotation = "::error file=specs/a.yaml,line=2,col=11,title=the run::unknown key `stdot`";
    assert!(obeyed(&refused.out).concat().starts_with(annotation));
    let junit = project.read("a.xml");
    assert!(junit.contains("errors=\"1\"") && junit.contains("unknown key `stdot`"));
    assert!(!junit.contains("it is well"), "{junit}");
    assert_eq!(json(&project)["exit_code"], 2);
}

fn json(project: &Project) -> serde_json::Value {
    serde_json::from_str(&project.read("a.json")).unwrap()
}

#[tokio::test]
async fn specs_of_a_part_of_a_repository_are_run_with_its_project() {
    let project = Project::with(&[]).await;
    for part in ["shop", "bank"] {
        let vars = format!("vars: {{ PART: {part} }}\n");
        project.write(&format!("parts/{part}/spanspec.yaml"), &vars);
        let spec = "name: part ${PART}\nrun: echo ${PART}\nexpect: { stdout: { contains: \"${PART}\" } }\n";
        project.write(&format!("parts/{part}/specs/a.yaml"), spec);
    }
    std::fs::rename(
        project.path().join("spanspec.yaml"),
        project.path().join("other.yaml"),
    )
    .unwrap();
    let (shop, bank) = ("parts/shop/specs/a.yaml", "parts/bank/specs");
    project.run(&[shop]).await.expect(0, &["1 passed"]);
    project.run(&[bank]).await.expect(0, &["1 passed"]);
    let both = project.run(&[shop, bank]).await;
    both.expect(2, &["the specs belong to two projects, parts/shop/spanspec.yaml and parts/bank/spanspec.yaml"]);
}
