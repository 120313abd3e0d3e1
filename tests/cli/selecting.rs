//! Which specs run.

use std::collections::BTreeSet;

use super::system::{Project, said};

async fn twenty() -> Project {
    let spec = |n: usize| {
        let tags = if n.is_multiple_of(2) {
            "tags: [even]\n"
        } else {
            ""
        };
        format!(
            "name: spec {n}\n{tags}request: GET http://127.0.0.1:1/\nexpect: {{ status: 200 }}\n"
        )
    };
    let specs: Vec<String> = (0..20).map(spec).collect();
    Project::with(&[("a.yaml", &specs.join("---\n"))]).await
}

async fn listed(project: &Project, arguments: &[&str]) -> BTreeSet<String> {
    let all: Vec<&str> = ["run", "--list"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    project
        .spanspec(&all)
        .await
        .out
        .lines()
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn shards_are_disjoint_and_together_complete() {
    let project = twenty().await;
    let all = listed(&project, &[]).await;
    assert_eq!(all.len(), 20);
    let mut together = BTreeSet::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let part = listed(&project, &["--shard", shard]).await;
        assert!(together.is_disjoint(&part), "{shard}");
        together.extend(part);
    }
    assert_eq!(together, all);
}

#[tokio::test]
async fn filters_look_at_file_and_name_and_tags_at_tags() {
    let project = twenty().await;
    assert_eq!(listed(&project, &["--filter", "SPEC 7"]).await.len(), 1);
    assert_eq!(
        listed(&project, &["--filter", "spec 7", "--filter", "spec 8"])
            .await
            .len(),
        2
    );
    assert_eq!(
        listed(&project, &["--filter", "a.yaml › spec 3"])
            .await
            .len(),
        1
    );
    assert_eq!(listed(&project, &["--tag", "even"]).await.len(), 10);
    assert_eq!(
        listed(&project, &["--tag", "!even", "--filter", "spec 1"])
            .await
            .len(),
        6
    );
}

#[tokio::test]
async fn where_nothing_is_selected_the_exit_code_is_4() {
    let project = twenty().await;
    let said = project.run(&["--filter", "no such thing"]).await;
    said.expect(4, &["none of 20 specs was selected"]);
}

#[tokio::test]
async fn arguments_that_make_no_sense_are_refused_with_what_would() {
    let project = twenty().await;
    for (arguments, help) in [
        (vec!["--shard", "4/3"], "write 2/5"),
        (vec!["--report", "xml=a"], "use html, junit, json or md"),
        (vec!["--timeout", "30"], "write `30ms` or `30s`"),
        (vec!["--listen", "here"], "write `127.0.0.1:4317`"),
        (vec!["--jobs", "0"], "must be at least 1"),
        (vec!["--var", "novalue"], "NAME=VALUE"),
    ] {
        project.run(&arguments).await.expect(2, &[help]);
    }
}

#[tokio::test]
async fn filters_and_shards_select_the_same_specs_in_every_folder() {
    let project = twenty().await;
    for (arguments, count) in [
        (["--filter", "specs/a.yaml › spec 7"], Some(1)),
        (["--shard", "2/3"], None),
    ] {
        let here = listed(&project, &arguments).await;
        assert!(count.is_none_or(|count| here.len() == count), "{here:?}");
        let mut command = project.command(&["run", "--list"]);
        command.args(arguments);
        command.current_dir(project.path().join("specs"));
        let there = said(command).await;
        assert_eq!(
            there
                .out
                .lines()
                .map(str::to_owned)
                .collect::<BTreeSet<_>>(),
            here
        );
    }
}
