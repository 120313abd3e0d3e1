//! Projects begin with `init`; editors, shells and man pages learn what there is.

use std::path::Path;

use super::system::Project;

/// A folder without a project.
async fn nothing() -> Project {
    let project = Project::with(&[]).await;
    std::fs::remove_file(project.path().join("spanspec.yaml")).unwrap();
    project
}

/// The services that are a comment, as they are once the `# ` is taken away.
fn uncommented(text: &str) -> String {
    let at = text.find("# services:").unwrap();
    let services = text[at..]
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("# ").unwrap()));
    format!("{}{}", &text[..at], services.collect::<String>())
}

#[tokio::test]
async fn a_new_project_has_no_mistake_and_is_never_overwritten() {
    let project = nothing().await;
    let said = project.spanspec(&["init"]).await;
    said.expect(
        0,
        &[
            "created  spanspec.yaml",
            "created  specs/first.yaml",
            "created  .github/workflows/spanspec.yaml",
            "spanspec run --verbose",
        ],
    );
    project
        .spanspec(&["lint"])
        .await
        .expect(0, &["1 spec in 1 file: no errors"]);
    project.write("spanspec.yaml", "specs: [specs]\n");
    let said = project.spanspec(&["init"]).await;
    said.expect(
        0,
        &[
            "kept     spanspec.yaml",
            "kept     specs/first.yaml",
            "kept     .github/workflows/spanspec.yaml",
        ],
    );
    assert!(!said.out.contains("created"), "{}", said.out);
    assert_eq!(project.read("spanspec.yaml"), "specs: [specs]\n");
}

#[tokio::test]
async fn a_first_spec_is_written_only_where_there_is_none() {
    let project = nothing().await;
    project.write(
        "specs/mine.yaml",
        "request: GET http://127.0.0.1/\nexpect: { errors: 0 }\n",
    );
    project
        .spanspec(&["init", "--ci", "none"])
        .await
        .expect(0, &["omitted  specs/first.yaml   there are specs already"]);
    assert!(!project.path().join("specs/first.yaml").exists());
    assert!(!project.path().join(".github").exists());
}

#[tokio::test]
async fn what_is_found_becomes_a_service_that_only_has_to_be_uncommented() {
    let java = "java -javaagent:opentelemetry-javaagent.jar -jar";
    let node = "node --require @opentelemetry/auto-instrumentations-node/register";
    for (file, text, expected) in [
        ("package.json", r#"{"name": "@shop/Order_Service", "main": "app.js"}"#, format!("order-service:\n    # npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\n    run: {node} app.js")),
        ("requirements.txt", "flask==3.1\n", "run: opentelemetry-instrument flask --app app run --port".to_owned()),
        ("pyproject.toml", "[project]\nname = \"pay\"\ndependencies = [\"fastapi\"]\n", "pay:\n    # pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http\n    # opentelemetry-bootstrap -a install\n    run: opentelemetry-instrument uvicorn app:app --port ${services.pay.http}".to_owned()),
        ("go.mod", "module example.com/shop/order\n", "build: go build -o bin/order .".to_owned()),
        ("Cargo.toml", "[package]\nname = \"order\"\n[[bin]]\nname = \"order\"\n", "run: target/debug/order".to_owned()),
        ("pom.xml", "<project/>", format!("run: {java} target/")),
        ("build.gradle.kts", "", format!("run: {java} build/libs/")),
        ("README.md", "", "app:".to_owned()),
    ] {
        let project = nothing().await;
        project.write(file, text);
        project.spanspec(&["init"]).await.expect(0, &["created  spanspec.yaml"]);
        let services = uncommented(&project.read("spanspec.yaml"));
        assert!(services.contains(&expected), "{file}:\n{services}");
        project.write("spanspec.yaml", &services);
        project.spanspec(&["lint"]).await.expect(0, &["no errors"]);
    }
}

#[tokio::test]
async fn the_services_of_a_repository_are_found_in_its_folders() {
    let project = nothing().await;
    project.write("services/order/go.mod", "module a/order\n");
    project.write("services/pay/package.json", "{}");
    project.write("web/package.json", r#"{"name": "pay"}"#);
    project.write("node_modules/x/package.json", "{}");
    project
        .spanspec(&["init", "--ci", "gitlab"])
        .await
        .expect(0, &["created  .gitlab-ci.yml"]);
    let services = uncommented(&project.read("spanspec.yaml"));
    for expected in [
        "  order:",
        "  pay:",
        "  pay-3:",
        "dir: services/order",
        "dir: web",
    ] {
        assert!(services.contains(expected), "{services}");
    }
    assert!(!services.contains("node_modules/x"), "{services}");
    project.write("spanspec.yaml", &services);
    for dir in ["services/order", "services/pay", "web"] {
        assert!(project.path().join(dir).is_dir());
    }
    project.spanspec(&["lint"]).await.expect(0, &["no errors"]);
}

#[tokio::test]
async fn all_services_of_a_large_repository_are_found() {
    let project = nothing().await;
    project.write("package.json", r#"{"workspaces": ["apps/*"]}"#);
    project.write(
        "pom.xml",
        "<project><modules><module>java/a</module></modules></project>",
    );
    for number in 1..=12 {
        project.write(
            &format!("apps/group/s{number}/go.mod"),
            &format!("module a/s{number}\n"),
        );
    }
    let pom = "<project><parent><artifactId>all</artifactId><version>2.1</version></parent><artifactId>billing</artifactId></project>";
    project.write("java/a/pom.xml", pom);
    project.write("apps/group/tests/go.mod", "module a/tests\n");
    let said = project.spanspec(&["init", "--ci", "none"]).await;
    said.expect(0, &["spanspec init DIR"]);
    let services = uncommented(&project.read("spanspec.yaml"));
    for number in 1..=12 {
        assert!(
            services.contains(&format!("\n  s{number}:\n")),
            "{services}"
        );
    }
    for expected in [
        "\n  billing:\n",
        "-jar target/billing-2.1.jar",
        "`services: [a, b]` starts only these",
    ] {
        assert!(services.contains(expected), "{expected}:\n{services}");
    }
    assert_eq!(services.matches("    run: ").count(), 13, "{services}");
    project.write("spanspec.yaml", &services);
    project.spanspec(&["lint"]).await.expect(0, &["no errors"]);
}

#[tokio::test]
async fn services_of_docker_compose_can_share_their_source() {
    let project = nothing().await;
    project.write("shop/package.json", r#"{"name": "shop"}"#);
    let compose = "
services:
  worker: { build: shop, environment: { MODE: worker }, depends_on: [web] }
  web: { build: shop, ports: [\"8081:3000\"], environment: { HTTP_PORT: 3000 } }
";
    project.write("compose.yaml", compose);
    let said = project.spanspec(&["init", "--ci", "none"]).await;
    said.expect(0, &["created"]);
    let services = uncommented(&project.read("spanspec.yaml"));
    for expected in [
        // Both are addresses of the same service.
        "BASE_URL: http://127.0.0.1:8081\n",
        "BASE_URL: http://127.0.0.1:${services.web.http}\n",
        "# Found shop/package.json. The rest is guessed:",
        "\n  worker:\n",
        "      # in Docker Compose also: MODE\n",
        "    depends_on: [web]\n",
        "\n  web:\n",
        "      HTTP_PORT: ${services.web.http}\n",
    ] {
        assert!(services.contains(expected), "{expected}:\n{services}");
    }
    assert_eq!(services.matches("    dir: shop\n").count(), 2, "{services}");
    project.write("spanspec.yaml", &services);
    project.spanspec(&["lint"]).await.expect(0, &["no errors"]);
}

#[tokio::test]
async fn the_port_variable_of_docker_compose_is_set_for_each_language() {
    let project = nothing().await;
    project.write("pay/build.gradle", "");
    project.write(
        "ship/pom.xml",
        "<project><artifactId>ship</artifactId></project>",
    );
    project.write("stock/requirements.txt", "flask");
    let names = ["pay", "ship", "stock"];
    let each = names.map(|name| {
        format!(
            "  {name}: {{ build: {name}, ports: [\"80\"], environment: {{ HTTP_PORT: 80 }} }}\n"
        )
    });
    project.write("compose.yaml", &format!("services:\n{}", each.concat()));
    let said = project.spanspec(&["init", "--ci", "none"]).await;
    said.expect(0, &["created"]);
    let services = uncommented(&project.read("spanspec.yaml"));
    for name in names {
        let variable = format!("      HTTP_PORT: ${{services.{name}.http}}\n");
        assert!(services.contains(&variable), "{variable}:\n{services}");
    }
}

#[tokio::test]
async fn docker_compose_gives_names_ports_and_dependencies() {
    let project = nothing().await;
    project.write("shop/package.json", r#"{"name": "@acme/web"}"#);
    project.write("legacy/Dockerfile", "");
    let compose = "
x-common: &common { restart: always }
services:
  storefront:
    build: ./shop
    ports: [\"8081:3000\"]
    environment: { HTTP_PORT: 3000, DB_URL: \"postgres://db:5432/\" }
    depends_on: { db: { condition: service_healthy } }
  db:
    image: postgres:17
    environment: [POSTGRES_PASSWORD=x]
    ports: [\"5432\"]
  legacy: { build: legacy }
";
    project.write("compose.yaml", compose);
    project
        .spanspec(&["init", "--ci", "none"])
        .await
        .expect(0, &["created"]);
    let services = uncommented(&project.read("spanspec.yaml"));
    for expected in [
        "BASE_URL: http://127.0.0.1:8081",
        "BASE_URL: http://127.0.0.1:${services.storefront.http}",
        "# Found shop/package.json, compose.yaml. The rest is guessed:",
        "only a Dockerfile says how they start: legacy of compose.yaml.",
        "\n  storefront:\n",
        "      HTTP_PORT: ${services.storefront.http}\n",
        "      # in Docker Compose also: DB_URL\n",
        "    depends_on: [db]\n",
        "    run: [docker, run, \"--rm\", \"-p\", \"127.0.0.1:${services.db.tcp}:5432\", \"-e\", \"POSTGRES_PASSWORD=x\", \"postgres:17\"]\n",
    ] {
        assert!(services.contains(expected), "{expected}:\n{services}");
    }
    project.write("spanspec.yaml", &services);
    project.spanspec(&["lint"]).await.expect(0, &["no errors"]);
}

#[tokio::test]
async fn a_workflow_stands_at_the_root_of_the_repository() {
    let project = nothing().await;
    std::fs::create_dir(project.path().join(".git")).unwrap();
    project.spanspec(&["init", "tests/traces"]).await.expect(
        0,
        &["created  tests/traces/spanspec.yaml", "  cd tests/traces"],
    );
    let workflow = project.read(".github/workflows/spanspec.yaml");
    assert!(
        workflow.contains("working-directory: tests/traces"),
        "{workflow}"
    );
    assert!(
        workflow.contains("uses: spanspec/spanspec@v0"),
        "{workflow}"
    );
}

#[tokio::test]
async fn a_file_in_place_of_the_folder_is_told() {
    let project = nothing().await;
    project.write("here", "");
    project
        .spanspec(&["init", "here"])
        .await
        .expect(2, &["here cannot be a folder"]);
    project.write("specs", "");
    project.spanspec(&["init"]).await.expect(
        3,
        &["created  spanspec.yaml", "cannot write specs/first.yaml"],
    );
}

#[tokio::test]
async fn a_schema_is_that_of_the_documentation() {
    let project = nothing().await;
    for name in ["spec", "project"] {
        let said = project.spanspec(&["schema", name]).await;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/{name}.schema.json"));
        assert_eq!(said.out, std::fs::read_to_string(path).unwrap());
        said.expect(0, &[]);
    }
    project
        .spanspec(&["schema", "specs"])
        .await
        .expect(2, &["possible values: spec, project"]);
}

#[tokio::test]
async fn every_shell_gets_completions() {
    let project = nothing().await;
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        project
            .spanspec(&["completions", shell])
            .await
            .expect(0, &["spanspec", "junit-granularity"]);
    }
}

/// The completions of bash for the last of these words.
#[cfg(unix)]
fn offered(script: &Path, words: &[&str]) -> Vec<String> {
    let asked = "source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); \
        entry=$(complete -p spanspec); [[ $entry =~ -F\\ ([_a-z]+) ]] || exit 7; \
        \"${BASH_REMATCH[1]}\" spanspec \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; \
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", asked, "bash"])
        .arg(script)
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[cfg(unix)]
#[tokio::test]
async fn a_real_bash_completes_commands_flags_and_values() {
    let project = nothing().await;
    let said = project.spanspec(&["completions", "bash"]).await;
    let script = project.write("spanspec.bash", &said.out);
    assert_eq!(offered(&script, &["spanspec", "ru"]), ["run"]);
    assert_eq!(
        offered(&script, &["spanspec", "run", "--fail"]),
        ["--fail-flaky", "--fail-fast"]
    );
    assert_eq!(offered(&script, &["spanspec", "schema", "p"]), ["project"]);
    assert_eq!(
        offered(&script, &["spanspec", "run", "--color", "al"]),
        ["always"]
    );
}

#[tokio::test]
async fn every_command_has_a_man_page() {
    let project = nothing().await;
    project.spanspec(&["man"]).await.expect(
        0,
        &[".TH spanspec 1", "Tests a distributed system by its traces"],
    );
    project
        .spanspec(&["man", "pages"])
        .await
        .expect(0, &["pages in pages"]);
    for command in [
        "run",
        "lint",
        "show",
        "watch",
        "record",
        "init",
        "schema",
        "completions",
        "man",
    ] {
        let page = project.read(&format!("pages/spanspec-{command}.1"));
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(
        project
            .read("pages/spanspec-run.1")
            .contains("SPANSPEC_RETRIES")
    );
    project.write("taken", "");
    project
        .spanspec(&["man", "taken"])
        .await
        .expect(3, &["cannot write man pages to taken"]);
}
