use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use regex::Regex;
use serde_json::Value as Json;

use crate::project::Project;
use crate::spec::{
    Context, Entry, ErrorList, Globals, Kind, Node, Quantile, Source, Spec, SpecErrors,
    parse_documents,
};
use crate::trace::Value;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read_spec(text: &str) -> Result<(), SpecErrors> {
    let source = Source::new("a.yaml", text);
    Spec::read_all(&source, repository(), &Context::default()).map(drop)
}

fn read_project(text: &str) -> Result<(), SpecErrors> {
    let project = Project::read(&Source::new("spanspec.yaml", text), repository())?;
    let globals = Globals {
        project: project.vars.clone(),
        ..Globals::default()
    };
    let globals = Arc::new(globals);
    project.ignored_faults(&globals)?;
    project.services(&globals).map(drop)
}

/// The accepted keys in the help of an unknown one.
fn accepted(read: impl Fn(&str) -> Result<(), SpecErrors>, text: &str) -> BTreeSet<String> {
    let errors = read(text).expect_err(text);
    let quoted = Regex::new("`([a-z_]+)`").unwrap();
    let help = errors.0.iter().filter_map(|error| error.help.as_deref());
    let lists = help.filter_map(|help| help.strip_prefix("accepted here: "));
    let keys: BTreeSet<String> = lists
        .flat_map(|list| quoted.captures_iter(list).map(|found| found[1].to_owned()))
        .collect();
    assert!(!keys.is_empty(), "{text}{errors}");
    keys
}

/// The keys of a map in a schema.
fn described(schema: &Json, place: &str) -> BTreeSet<String> {
    let at = schema
        .pointer(place)
        .unwrap_or_else(|| panic!("{place} does not exist"));
    let map = std::iter::once(at)
        .chain(at["anyOf"].as_array().into_iter().flatten())
        .find_map(|shape| shape["properties"].as_object());
    let keys = map.unwrap_or_else(|| panic!("{place} is not a map")).keys();
    keys.cloned().collect()
}

const EXPECT: &str = "request: GET http://x\nexpect: { spans: [{ find: a, HERE }] }\n";

#[test]
fn the_schema_of_specs_has_exactly_the_keys_that_the_reader_accepts() {
    let schema = super::spec();
    let in_expect = |within: &str| EXPECT.replace("HERE", within);
    let places = [
        ("zzzzzzzzzz: 1\n".to_owned(), ""),
        ("steps: [{ zzzzzzzzzz: 1 }]\n".to_owned(), "/$defs/step"),
        (
            "setup: [{ zzzzzzzzzz: 1 }]\n".to_owned(),
            "/$defs/setup_step",
        ),
        (
            "request: { zzzzzzzzzz: 1 }\nexpect: { errors: 0 }\n".to_owned(),
            "/$defs/request",
        ),
        (
            "request: { get: http://x, tls: { zzzzzzzzzz: 1 } }\nexpect: { errors: 0 }\n"
                .to_owned(),
            "/$defs/tls",
        ),
        (
            "request: { get: http://x, multipart: [{ zzzzzzzzzz: 1 }] }\nexpect: { errors: 0 }\n"
                .to_owned(),
            "/$defs/parts/items",
        ),
        (
            "run: { zzzzzzzzzz: 1 }\nexpect: { errors: 0 }\n".to_owned(),
            "/$defs/command",
        ),
        (
            "wait: { zzzzzzzzzz: 1 }\nrun: x\nexpect: { errors: 0 }\n".to_owned(),
            "/$defs/wait",
        ),
        (in_expect("zzzzzzzzzz: 1"), "/$defs/span_entry"),
        (
            "run: x\nexpect: { spans: [{ find: { zzzzzzzzzz: 1 } }] }\n".to_owned(),
            "/$defs/selector",
        ),
        (in_expect("below: { zzzzzzzzzz: 1 }"), "/$defs/relation"),
        (
            in_expect("events: [{ zzzzzzzzzz: 1 }]"),
            "/$defs/events/items",
        ),
        (
            in_expect("links: [{ zzzzzzzzzz: 1 }]"),
            "/$defs/links/anyOf/0/items",
        ),
        (
            in_expect("attributes: { a: { zzzzzzzzzz: 1 } }"),
            "/$defs/matcher/anyOf/2",
        ),
        (
            in_expect("duration: { zzzzzzzzzz: 1 }"),
            "/$defs/durations/anyOf/2",
        ),
        (
            "run: x\nexpect: { errors: { zzzzzzzzzz: 1 } }\n".to_owned(),
            "/$defs/count/anyOf/3",
        ),
        (
            "run: x\nrepeat: { zzzzzzzzzz: 1 }\nexpect: { errors: 0 }\n".to_owned(),
            "/$defs/repeat",
        ),
        (
            "run: x\nrepeat: { times: 9 }\nbudgets: [{ zzzzzzzzzz: 1 }]\n".to_owned(),
            "/$defs/budget",
        ),
    ];
    for (text, place) in places {
        let mut described = described(&schema, place);
        // Quantiles are an open set, which the reader does not list.
        described.retain(|key| key.parse::<Quantile>().is_err());
        assert_eq!(described, accepted(read_spec, &text), "{place}");
    }
}

#[test]
fn captures_and_expectations_have_the_keys_of_all_their_variants() {
    let schema = super::spec();
    let of = |text| accepted(read_spec, text);
    let of_request = of("request: GET http://x\nexpect: { zzzzzzzzzz: 1 }\n");
    let of_graphql =
        of("graphql: { url: http://x, query: \"{ a }\" }\nexpect: { zzzzzzzzzz: 1 }\n");
    let of_command = of("run: x\nexpect: { zzzzzzzzzz: 1 }\n");
    let of_trace = of("trace_id: 4bf92f3577b34da6a3ce929d0e0e4736\nexpect: { zzzzzzzzzz: 1 }\n");
    let of_grpc = of("grpc: h:1/a.B/C\nexpect: { zzzzzzzzzz: 1 }\n");
    let send = "send: { spans: [a], to: http://x }\nexpect: { zzzzzzzzzz: 1 }\n";
    let of_window = of("observe: 1s\nexpect: { zzzzzzzzzz: 1 }\n");
    let all = &(&(&of_request | &of_graphql) | &of_command) | &of_grpc;
    assert_eq!(
        described(&schema, "/$defs/expect"),
        &(&all | &of(send)) | &of_window
    );
    assert_eq!(described(&schema, "/$defs/setup_expect"), &all - &of_trace);
    let from_response = of("run: x\ncapture: { x: { zzzzzzzzzz: 1 } }\nexpect: { errors: 0 }\n");
    let from_span =
        of("run: x\ncapture: { x: { find: a, zzzzzzzzzz: 1 } }\nexpect: { errors: 0 }\n");
    assert_eq!(
        described(&schema, "/$defs/capture/additionalProperties/anyOf/1"),
        &from_response | &from_span
    );
}

#[test]
fn the_schema_of_the_project_file_has_exactly_the_keys_that_the_reader_accepts() {
    let schema = super::project();
    let places = [
        ("zzzzzzzzzz: 1\n", ""),
        ("receiver: { zzzzzzzzzz: 1 }\n", "/$defs/receiver"),
        ("defaults: { zzzzzzzzzz: 1 }\n", "/$defs/defaults"),
        ("defaults: { wait: { zzzzzzzzzz: 1 } }\n", "/$defs/wait"),
        (
            "defaults: { request: { zzzzzzzzzz: 1 } }\n",
            "/$defs/request_defaults",
        ),
        (
            "defaults: { run: { zzzzzzzzzz: 1 } }\n",
            "/$defs/run_defaults",
        ),
        (
            "services: { x: { run: x, zzzzzzzzzz: 1 } }\n",
            "/$defs/services/additionalProperties",
        ),
        (
            "services: { x: { run: x, ready: { zzzzzzzzzz: 1 } } }\n",
            "/$defs/ready/anyOf/1",
        ),
        ("mutate: { zzzzzzzzzz: 1 }\n", "/$defs/mutate"),
        (
            "mutate: { ignore: [{ reason: x, zzzzzzzzzz: 1 }] }\n",
            "/$defs/ignored_faults/items",
        ),
    ];
    for (text, place) in places {
        assert_eq!(
            described(&schema, place),
            accepted(read_project, text),
            "{place}"
        );
    }
}

#[test]
fn every_key_has_a_description() {
    fn undescribed(schema: &Json, at: &str, found: &mut Vec<String>) {
        if let Some(properties) = schema["properties"].as_object() {
            let silent = properties
                .iter()
                .filter(|(_, key)| !key["description"].is_string());
            found.extend(silent.map(|(name, _)| format!("{at}/{name}")));
        }
        let parts: Vec<(String, &Json)> = match schema {
            Json::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), value))
                .collect(),
            Json::Array(list) => list.iter().map(|value| ("-".to_owned(), value)).collect(),
            _ => Vec::new(),
        };
        for (key, part) in parts {
            undescribed(part, &format!("{at}/{key}"), found);
        }
    }
    for schema in [super::spec(), super::project()] {
        let mut found = Vec::new();
        undescribed(&schema, "", &mut found);
        assert_eq!(found, Vec::<String>::new());
    }
}

#[test]
fn the_published_schemas_are_current() {
    for (name, schema) in [("spec", super::spec()), ("project", super::project())] {
        let path = repository().join(format!("docs/{name}.schema.json"));
        let text = super::text(&schema);
        if std::env::var_os("UPDATE_GOLDENS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            published,
            text,
            "UPDATE_GOLDENS=1 writes {}",
            path.display()
        );
    }
}

/// A JSON Schema validator.
struct Validator {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Validator {
    fn new(schema: &Json) -> Self {
        let mut schemas = boon::Schemas::new();
        let mut compiler = boon::Compiler::new();
        compiler
            .add_resource("schema.json", schema.clone())
            .unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    /// The errors of the invalid documents in a YAML text.
    fn refused(&self, text: &str) -> Vec<String> {
        let source = Source::new("a.yaml", text);
        let errors = ErrorList::new(&source);
        let documents = parse_documents(&errors);
        assert!(errors.is_empty(), "{text}");
        documents
            .iter()
            .filter_map(|document| {
                self.schemas
                    .validate(&as_json(document), self.index)
                    .err()
                    .map(|error| format!("{error:#}"))
            })
            .collect()
    }
}

/// The document as an editor reads it.
fn as_json(node: &Node) -> Json {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.value().unwrap_or(Value::Null).to_json(),
        Kind::List(items) => items.iter().map(as_json).collect(),
        Kind::Map(entries) => entries
            .iter()
            .map(|Entry { key, value }| (key.text.clone(), as_json(value)))
            .collect(),
    }
}

fn files(pattern: &str) -> Vec<(String, String)> {
    let pattern = repository().join(pattern);
    let paths = glob::glob(&pattern.to_string_lossy()).unwrap();
    let files: Vec<(String, String)> = paths
        .map(|path| path.unwrap())
        .filter(|path| !path.to_string_lossy().contains("node_modules"))
        .map(|path| {
            (
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    assert!(!files.is_empty(), "{}", pattern.display());
    files
}

/// Fenced blocks of the documentation with exactly this info string.
fn blocks(info: &str) -> Vec<(String, String)> {
    let fenced = Regex::new(&format!("(?ms)^```{info}\n(.*?)^```$")).unwrap();
    let pages = files("docs/*.md").into_iter().chain(files("README.md"));
    pages
        .flat_map(|(name, page)| {
            let found = fenced
                .captures_iter(&page)
                .map(|found| (name.clone(), found[1].to_owned()));
            found.collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_spec_and_project_file_of_the_repository_is_valid() {
    let (specs, projects) = (
        Validator::new(&super::spec()),
        Validator::new(&super::project()),
    );
    let parts = blocks("yaml expect").into_iter().map(|(name, text)| {
        let text: String = text.lines().map(|line| format!("  {line}\n")).collect();
        (name, format!("run: x\nexpect:\n{text}"))
    });
    let all_specs = files("specs/*.yaml")
        .into_iter()
        .chain(files("examples/*/specs/*.yaml"))
        .chain(files("tests/failures/*/spec.yaml"))
        .chain(blocks("yaml spec"))
        .chain(parts);
    let all_projects = files("spanspec.yaml")
        .into_iter()
        .chain(files("examples/*/spanspec.yaml"))
        .chain(blocks("yaml project"));
    for (name, text) in all_specs {
        assert_eq!(
            specs.refused(&text),
            Vec::<String>::new(),
            "{name}:\n{text}"
        );
    }
    for (name, text) in all_projects {
        assert_eq!(
            projects.refused(&text),
            Vec::<String>::new(),
            "{name}:\n{text}"
        );
    }
}

#[test]
fn texts_that_the_reader_refuses_for_their_keys_are_not_valid() {
    let specs = Validator::new(&super::spec());
    for (name, text) in files("tests/language/unknown_keys.yaml") {
        assert!(!specs.refused(&text).is_empty(), "{name}");
    }
    for text in [
        "run: x\nexpect: { statsu: 200 }\n",
        "run: x\nexpect: { spans: [{ find: a, atributes: { a: 1 } }] }\n",
        "run: x\nexpect: { spans: [{ find: a, kind: sever }] }\n",
        "run: x\nexpect: { spans: [{ find: a, duration: 600 }] }\n",
        "run: x\nexpect: { errors: none }\n",
        "request: GET http://x\nrun: x\nexpect: { errors: 0 }\n",
        "request: GET http://x\n",
        "run: x\nexpect: {}\n",
        "run: x\nrepeat: { times: 200, for: 30s, rate: 5 }\nexpect: { errors: 0 }\n",
        "run: x\nrepeat: { rate: 50 rps, for: 30s }\nexpect: { errors: 0 }\n",
        "run: x\nrepeat: { times: 9 }\nbudgets: [{ find: a, p50: 150ms }]\n",
        "run: x\nrepeat: { times: 9 }\nbudgets: [{ find: a, p50: \"> 5ms\" }]\n",
        "run: x\nrepeat: { times: 9 }\nbudgets: [{ p50: < 150ms }]\n",
        "run: x\nrepeat: { times: 9 }\nbudgets: [{ find: a, regression: 0.2 }]\n",
    ] {
        assert!(read_spec(text).is_err(), "{text}");
        assert_eq!(specs.refused(text).len(), 1, "{text}");
    }
    let load = "run: x\nrepeat: { rate: 0.5/s, for: 1m, failures: 1% }\nbudgets:\n  - { find: a, p99.9: <= 1.5s, p75: { lt: 1s }, regression: { p99.9: 50% } }\n  - { measure: response_time, regression: none, p50: ..2s }\n";
    assert!(read_spec(load).is_ok());
    assert_eq!(specs.refused(load), Vec::<String>::new());
    let projects = Validator::new(&super::project());
    for text in [
        "service: {}\n",
        "services: { a: { run: x, port: 1 } }\n",
        "services: { a: { ready: tcp://127.0.0.1:1 } }\n",
        "services: { a: { run: x, ports: { http: any } } }\n",
    ] {
        assert!(read_project(text).is_err(), "{text}");
        assert_eq!(projects.refused(text).len(), 1, "{text}");
    }
    let valid = specs.refused("run: x\nexpect: { spans: [{ find: a, count: \"${most}\" }] }\n");
    assert_eq!(valid, Vec::<String>::new());
}
