//! `matrix` with cases from a file.

use super::system::Project;

const SPEC: &str = "name: stock
matrix: { file: ../FILE, label: \"${case}\" }
request: GET ${URL}/${path}
expect: { status: \"${want}\" }
";

async fn project(file: &str, text: &str) -> Project {
    let project = Project::with(&[("a.yaml", &SPEC.replace("FILE", file))]).await;
    project.write(file, text);
    project
}

#[tokio::test]
async fn cases_come_from_csv_json_and_yaml_files_with_their_labels() {
    let files = [
        (
            "cases.csv",
            "case,path,want\n\"fine, as ever\",fine,200\nout of order,broken,500\n",
        ),
        (
            "cases.json",
            r#"[{ "case": "fine, as ever", "path": "fine", "want": 200 },
                { "case": "out of order", "path": "broken", "want": 500 }]"#,
        ),
        (
            "cases.yml",
            "- { case: \"fine, as ever\", path: fine, want: 200 }\n- { case: out of order, path: broken, want: 500 }\n",
        ),
    ];
    for (file, text) in files {
        let project = project(file, text).await;
        let said = project.run(&[]).await;
        said.expect(
            0,
            &["stock [fine, as ever]", "stock [out of order]", "2 passed"],
        );
        let list = project.spanspec(&["run", "--list"]).await;
        list.expect(0, &["stock [fine, as ever]"]);
    }
}

#[tokio::test]
async fn mistakes_in_a_file_of_cases_have_their_place_there() {
    let mistakes: [(&str, &str, &[&str]); 10] = [
        (
            "cases.csv",
            "case,path, case\na,fine,b\n",
            &[
                "cases.csv:1:11",
                "duplicate column `case`",
                "rename or remove this column",
            ],
        ),
        (
            "cases.csv",
            "case,path,want\nfine,fine\n",
            &[
                "cases.csv:2:1",
                "this line has 2 values, but the first line has 3 names",
            ],
        ),
        (
            "cases.csv",
            "case;path;want\n1;2;3\n",
            &["save it with commas as separators"],
        ),
        (
            "cases.csv",
            "case,path,want\n\"a,b,c\n",
            &["cases.csv:2:1", "this quote is never closed"],
        ),
        (
            "cases.csv",
            "case,path,want\na,${nowhere},200\n",
            &["cases.csv:2:3", "undefined variable `nowhere`"],
        ),
        (
            "cases.csv",
            "case,path,want\nsame,fine,200\nsame,fine,200\n",
            &[
                "specs/a.yaml:2:",
                "cases 1 and 2 have the same label `same`",
            ],
        ),
        (
            "cases.csv",
            "case,path,want\n",
            &["this matrix has no case"],
        ),
        (
            "cases.yaml",
            "- { case: a, path: 010, want: 200 }\n",
            &["cases.yaml:1:20", "`010` is ambiguous"],
        ),
        (
            "cases.json",
            "{ \"case\": 1 }",
            &["cases.json:1:11", "must be a list"],
        ),
        (
            "cases.txt",
            "",
            &[
                "come from a CSV, JSON or YAML file",
                "use a file with the extension `.csv`",
            ],
        ),
    ];
    for (file, text, expected) in mistakes {
        let project = project(file, text).await;
        project.spanspec(&["lint"]).await.expect(2, expected);
    }
    let project = Project::with(&[("a.yaml", &SPEC.replace("FILE", "none.csv"))]).await;
    project
        .spanspec(&["lint"])
        .await
        .expect(2, &["/specs/../none.csv"]);
    let bare = SPEC
        .replace("FILE", "cases.csv")
        .replace("\"${case}\"", "case");
    let project = Project::with(&[("a.yaml", &bare)]).await;
    project.write("cases.csv", "case,path,want\na,fine,200\n");
    let said = project.spanspec(&["lint"]).await;
    said.expect(
        2,
        &[
            "all cases would have the label `case`",
            "write `\"${case}\"`",
        ],
    );
}

#[tokio::test]
async fn secret_columns_are_masked_also_in_mistakes() {
    let project = project("cases.csv", "case,path,want\nfirst,hidden-path,abc\n").await;
    let url = &project.system.url;
    project.write(
        "spanspec.yaml",
        &format!("vars: {{ URL: \"{url}\" }}\nsecrets: [path]\n"),
    );
    let said = project.spanspec(&["lint"]).await;
    said.expect(2, &["a status code cannot be `abc`"]);
    let mistakes = [
        (
            "first,hidden-path,200\nsecond,hidden-path\n",
            "this line has 2 values",
        ),
        ("hidden-path,200\n", "this line has 2 values"),
        ("first,a,hidden-path,200\n", "this line has 4 values"),
        (
            "first,\"hidden-path\"\"${nowhere}\",200\n",
            "undefined variable `nowhere`",
        ),
        ("first,hidden-path,\"200\n", "this quote is never closed"),
        ("hidden-path,first,\"200\"x\n", "this quote is never closed"),
    ];
    for (lines, said) in mistakes {
        project.write("cases.csv", &format!("case,path,want\n{lines}"));
        expect_masked(&project, said).await;
    }
}

#[tokio::test]
async fn secrets_are_masked_also_in_a_file_that_cannot_be_parsed() {
    let mistakes = [
        (
            "cases.json",
            "[{ \"path\": \"hidden-path\", \"want\": [ }]",
            "cases.json:1:",
        ),
        (
            "cases.json",
            "[{\n  \"path\": [\n    \"hidden-path\", &\n",
            "cases.json:3:",
        ),
        (
            "cases.yaml",
            "- { path: hidden-path, want: 200, want: 201 }\n",
            "duplicate key `want`",
        ),
        (
            "cases.yaml",
            "- path: |\n    1\n   hidden-path: [\n",
            "cases.yaml:",
        ),
        (
            "cases.yaml",
            "all: [{ path: hidden-path }]\nmore: hidden-path\n",
            "must be a list",
        ),
        (
            "cases.yaml",
            "- { path: 'hidden-path ${nowhere}', want: 200 }\n",
            "undefined variable `nowhere`",
        ),
    ];
    for (file, text, said) in mistakes {
        let project = project(file, text).await;
        let url = &project.system.url;
        project.write(
            "spanspec.yaml",
            &format!("vars: {{ URL: \"{url}\" }}\nsecrets: [path]\n"),
        );
        expect_masked(&project, said).await;
    }
}

#[tokio::test]
async fn a_syntax_error_is_the_only_error_of_its_file() {
    let project = project("cases.json", "[{ \"case\": ").await;
    let said = project.spanspec(&["lint"]).await;
    said.expect(2, &["cases.json:1:"]);
    assert!(!said.err.contains("this file is empty"), "{}", said.err);
}

async fn expect_masked(project: &Project, text: &str) {
    let said = project.spanspec(&["lint"]).await;
    said.expect(2, &[text, "[masked]"]);
    let all = format!("{}{}", said.out, said.err);
    assert!(!all.contains("hidden-path"), "{all}");
}
