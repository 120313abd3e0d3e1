//! Holds the documentation against the code: every example is read, every message that is shown
//! is the one that users get, every key and flag that exists is written about, every link leads
//! somewhere.
//!
//! A fenced block says what it is:
//!
//! - `yaml spec`: a file of specs;
//! - `yaml part`: keys of a spec; where `request` or `expect` is missing, one is added;
//! - `yaml expect`: what stands under `expect`;
//! - `yaml project`: a project file;
//! - `yaml spec wrong`, `yaml project wrong`: the same with mistakes, and the block after it is
//!   what spanspec says to them;
//! - `yaml other`: something else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::Regex;
use spanspec::internal::project::Project;
use spanspec::internal::report::{Diagnostic, snippet};
use spanspec::{Context, Globals, Look, Source, Spec, SpecErrors, Value, Variables};

/// Ports that examples use.
const PORTS: [&str; 4] = [
    "services.shop.http",
    "services.collector.otlp",
    "receivers.eu.otlp",
    "receivers.us.otlp",
];

/// Variables that examples use, in addition to BASE_URL.
const VARIABLES: [(&str, &str); 6] = [
    ("TOKEN", "t0ken"),
    ("USER", "ada"),
    ("TRACE_ID", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ("order_id", "ord-1"),
    ("sku", "A1"),
    ("most", "3"),
];

/// A fenced block of a page.
struct Block {
    page: String,
    line: usize,
    info: String,
    text: String,
    /// The text of the block that follows it.
    next: Option<String>,
}

impl Block {
    fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page that users read, with its path from the repository's root.
fn pages() -> Vec<(String, String)> {
    let root = repository();
    let mut paths: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .iter()
        .map(|name| root.join(name))
        .collect();
    for pattern in ["docs/*.md", "examples/*/README.md"] {
        let pattern = root.join(pattern);
        let found = glob::glob(&pattern.to_string_lossy()).unwrap();
        paths.extend(found.map(Result::unwrap));
    }
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(root).unwrap();
            (name.to_string_lossy().replace('\\', "/"), text)
        })
        .collect()
}

fn page(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).unwrap()
}

fn blocks() -> Vec<Block> {
    pages()
        .iter()
        .flat_map(|(name, text)| blocks_of(name, text))
        .collect()
}

fn blocks_of(page: &str, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<(usize, String, Vec<&str>)> = None;
    for (at, line) in text.lines().enumerate() {
        open = match (open.take(), line.strip_prefix("```")) {
            (None, Some(info)) => Some((at + 1, info.trim().to_owned(), Vec::new())),
            (None, None) => None,
            (Some((line, info, lines)), Some(_)) => {
                let text = lines.iter().map(|line| format!("{line}\n")).collect();
                if let Some(before) = blocks.last_mut() {
                    before.next = Some(String::clone(&text));
                }
                blocks.push(Block {
                    page: page.to_owned(),
                    line,
                    info,
                    text,
                    next: None,
                });
                None
            }
            (Some((first, info, mut lines)), None) => {
                lines.push(line);
                Some((first, info, lines))
            }
        };
    }
    blocks
}

fn context() -> Context {
    let globals = Globals {
        arguments: BTreeMap::from([("BASE_URL".to_owned(), "http://127.0.0.1:8080".to_owned())]),
        // A capture may have the name of a variable of the environment, and of no other.
        environment: VARIABLES
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        services: PORTS
            .map(|port| (port.to_owned(), Some(Value::Int(8080))))
            .into(),
        project: Variables::default(),
        ..Globals::default()
    };
    Context {
        globals: Arc::new(globals),
        ..Context::default()
    }
}

fn read_spec(text: &str) -> Result<Vec<Spec>, SpecErrors> {
    let source = Source::new("specs/place-order.yaml", text);
    // Files that examples name are there.
    Spec::read_all(
        &source,
        &repository().join("tests/fixtures/docs"),
        &context(),
    )
}

/// Reads a project file to its end, with a number for each of its ports.
fn read_project(text: &str) -> Result<(), SpecErrors> {
    let source = Source::new("spanspec.yaml", text);
    let project = Project::read(&source, repository())?;
    let ports = project.ports.iter().map(|port| port.variable());
    let receivers = project.receivers.iter();
    let receivers = receivers.map(|(name, _)| format!("receivers.{name}.otlp"));
    let globals = Globals {
        services: ports
            .chain(receivers)
            .map(|port| (port, Some(Value::Int(8080))))
            .collect(),
        project: project.vars.clone(),
        ..Globals::clone(&context().globals)
    };
    project.services(&Arc::new(globals)).map(drop)
}

fn with_what_a_spec_needs(part: &str) -> String {
    let has = |key: &str| {
        part.lines().any(|line| {
            line.strip_prefix(key)
                .is_some_and(|rest| rest.starts_with(':'))
        })
    };
    let mut text = part.to_owned();
    if !["request", "graphql", "grpc", "run", "trace_id", "steps"]
        .iter()
        .any(|key| has(key))
    {
        text.push_str("request: GET ${BASE_URL}/orders\n");
    }
    if !has("expect") && !has("steps") {
        text.push_str("expect: { errors: 0 }\n");
    }
    text
}

fn under_expect(text: &str) -> String {
    let is_of_command = ["exit_code", "stdout", "stderr"]
        .iter()
        .any(|key| text.lines().any(|line| line.starts_with(key)));
    let is_of_grpc = ["messages", "trailers", "status: NOT"]
        .iter()
        .any(|key| text.lines().any(|line| line.starts_with(key)));
    let trigger = if is_of_command {
        "run: date"
    } else if is_of_grpc {
        "grpc: 127.0.0.1:50051/shop.v1.Payment/Charge"
    } else {
        "request: GET ${BASE_URL}/orders"
    };
    let indented: String = text.lines().map(|line| format!("  {line}\n")).collect();
    format!("{trigger}\nexpect:\n{indented}")
}

fn shown(errors: &SpecErrors) -> String {
    let diagnostics: Vec<Diagnostic> = errors.0.iter().map(Diagnostic::from).collect();
    snippet::diagnostics(&diagnostics, &Look::plain())
}

#[test]
fn every_example_can_be_read() {
    let mut read = 0;
    for block in blocks() {
        let Some(kind) = block.info.strip_prefix("yaml") else {
            continue;
        };
        let result = match kind.trim() {
            "spec" => read_spec(&block.text).map(drop),
            "part" => block
                .text
                .split("---\n")
                .try_for_each(|part| read_spec(&with_what_a_spec_needs(part)).map(drop)),
            "expect" => read_spec(&under_expect(&block.text)).map(drop),
            "project" => read_project(&block.text),
            "spec wrong" | "project wrong" | "other" => continue,
            kind => panic!("{}: what is `yaml {kind}`?", block.place()),
        };
        if let Err(errors) = result {
            panic!("{}:\n{}", block.place(), shown(&errors));
        }
        read += 1;
    }
    assert!(read > 40, "{read} examples were found");
}

#[test]
fn every_other_example_is_yaml_all_the_same() {
    let mut parsed = 0;
    for block in blocks() {
        if block.info == "yaml other" {
            let events: Result<Vec<_>, _> =
                granit_parser::Parser::new_from_str(&block.text).collect();
            assert!(events.is_ok(), "{}: {events:?}", block.place());
            parsed += 1;
        }
    }
    assert!(parsed > 4, "{parsed} examples were found");
}

#[test]
fn every_mistake_shown_is_told_so() {
    for block in blocks() {
        let result = match block.info.as_str() {
            "yaml spec wrong" => read_spec(&block.text).map(drop),
            "yaml project wrong" => read_project(&block.text),
            _ => continue,
        };
        let said = shown(&result.expect_err(&block.place()));
        let expected = block.next.as_deref().unwrap_or_default();
        assert_eq!(
            said.trim_end(),
            expected.trim_end(),
            "{}:\n{said}",
            block.place()
        );
    }
}

/// The keys, and the words of closed sets, in a schema of this folder.
fn words_of_schema(path: &str) -> BTreeSet<String> {
    fn collect(schema: &serde_json::Value, words: &mut BTreeSet<String>) {
        if let Some(keys) = schema["properties"].as_object() {
            words.extend(keys.keys().cloned());
        }
        let closed = schema["enum"].as_array().into_iter().flatten();
        words.extend(closed.filter_map(|word| word.as_str().map(str::to_owned)));
        match schema {
            serde_json::Value::Object(parts) => {
                parts.values().for_each(|part| collect(part, words))
            }
            serde_json::Value::Array(parts) => parts.iter().for_each(|part| collect(part, words)),
            _ => {}
        }
    }
    let mut words = BTreeSet::new();
    collect(&serde_json::from_str(&page(path)).unwrap(), &mut words);
    words.retain(|word| !matches!(word.as_str(), "true" | "false"));
    words
}

#[test]
fn every_key_is_in_the_reference() {
    for (schema, pages) in [
        (
            "docs/spec.schema.json",
            [
                "docs/spec.md",
                "docs/budgets.md",
                "docs/mutate.md",
                "docs/lint.md",
            ]
            .as_slice(),
        ),
        (
            "docs/project.schema.json",
            &[
                "docs/project.md",
                "docs/backends.md",
                "docs/spec.md",
                "docs/mutate.md",
                "docs/lint.md",
            ],
        ),
    ] {
        let reference: String = pages.iter().map(|path| page(path)).collect();
        let words = words_of_schema(schema);
        assert!(words.len() > 20, "{schema}: {words:?}");
        let is_missing = |word: &&String| !reference.contains(&format!("`{word}`"));
        let missing: Vec<&String> = words.iter().filter(is_missing).collect();
        assert_eq!(
            missing,
            Vec::<&String>::new(),
            "{schema} has them, {pages:?} do not"
        );
    }
}

#[cfg(feature = "cli")]
mod command {
    use super::*;

    fn help(arguments: &[&str]) -> String {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_spanspec"))
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The help of a command and of all commands below it.
    fn help_below(command: &[&str]) -> String {
        let mut text = help(&[command, &["--help"]].concat());
        let list = text.split("Commands:\n").nth(1).unwrap_or_default();
        let names = list.lines().take_while(|line| !line.is_empty());
        // Continuation lines are indented more.
        let names = names.filter_map(|line| line.strip_prefix("  "));
        let names: Vec<String> = names
            .filter(|line| !line.starts_with(' '))
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .filter(|name| name != "help")
            .collect();
        for name in names {
            text += &help_below(&[command, &[&name]].concat());
        }
        text
    }

    fn words(text: &str, pattern: &str) -> BTreeSet<String> {
        let pattern = Regex::new(pattern).unwrap();
        pattern
            .find_iter(text)
            .map(|found| found.as_str().to_owned())
            .collect()
    }

    #[test]
    fn every_flag_and_its_twin_is_written_about_and_no_other() {
        let help = help_below(&[]);
        assert!(help.contains("spanspec baseline calibrate"), "{help}");
        let reference = page("docs/cli.md");
        for pattern in [r"--[a-z][a-z-]+", "SPANSPEC_[A-Z_]+"] {
            assert_eq!(words(&reference, pattern), words(&help, pattern));
        }
    }
}

#[test]
fn every_dependency_is_explained() {
    let manifest = page("Cargo.toml");
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
    let section = section.split("\n[dev-dependencies]").next().unwrap();
    let readme = page("README.md");
    let dependencies = section
        .lines()
        .filter(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "));
    for (name, _) in dependencies {
        assert!(
            readme.contains(&format!("`{name}`")),
            "README.md does not explain {name}"
        );
    }
}

/// The parts of a message that are the same whatever it is about.
fn fixed_parts(heading: &str) -> Vec<String> {
    heading
        .split('…')
        .map(|part| part.trim().to_owned())
        .filter(|part| part.len() > 3)
        .collect()
}

/// Every text that the code holds, as users see it.
fn messages() -> String {
    let pattern = repository().join("src/**/*.rs");
    let continued = Regex::new(r"\\\n\s*").unwrap();
    let source: String = glob::glob(&pattern.to_string_lossy())
        .unwrap()
        .map(|path| std::fs::read_to_string(path.unwrap()).unwrap())
        .collect();
    continued
        .replace_all(&source, "")
        .replace("\\\"", "\"")
        .replace("{{", "{")
        .replace("}}", "}")
}

#[test]
fn every_message_that_is_explained_exists() {
    let messages = messages();
    let quoted = Regex::new("``? ?(.+?) ?``?$").unwrap();
    let mut explained = 0;
    for line in page("docs/troubleshooting.md").lines() {
        let Some(heading) = line.strip_prefix("### ") else {
            continue;
        };
        let Some(message) = quoted.captures(heading) else {
            continue;
        };
        for part in fixed_parts(&message[1]) {
            assert!(
                messages.contains(&part),
                "no message has {part:?} ({heading})"
            );
        }
        explained += 1;
    }
    assert!(explained > 20, "{explained} messages are explained");
}

/// The anchor that GitHub gives to a heading.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    for (name, text) in pages() {
        let folder = repository().join(&name);
        let folder = folder.parent().unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
            let linked = if path.is_empty() {
                text.clone()
            } else {
                let path = folder.join(path);
                assert!(path.exists(), "{name}: {target} leads nowhere");
                std::fs::read_to_string(path).unwrap_or_default()
            };
            let leads = fragment.is_empty() || anchors(&linked).contains(fragment);
            assert!(leads, "{name}: {target} has no such heading");
        }
    }
}
