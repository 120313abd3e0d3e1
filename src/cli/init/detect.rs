//! Which services a folder seems to have, by the files that their build tools need.
//!
//! Nothing is built or run for it, and each file is read as far as a name goes.

use std::fs;
use std::path::{Path, PathBuf};

/// More services than this are better written by hand.
const MOST: usize = 8;

/// Folders whose folders are looked at too.
const GROUPS: [&str; 4] = ["services", "apps", "packages", "cmd"];

/// Folders that hold no source of the project.
const SKIPPED: [&str; 7] = [
    "node_modules",
    "target",
    "vendor",
    "dist",
    "build",
    "venv",
    "specs",
];

/// A service that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) name: String,
    /// Its folder below the project's; empty for the project's own.
    pub(super) dir: String,
    /// The file that it was detected in.
    pub(super) file: &'static str,
    pub(super) kind: Kind,
}

/// The start of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rust,
    Node { script: String },
    Python(Server),
    Go,
    Maven,
    Gradle,
}

/// The server of a Python program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Flask { module: String },
    Uvicorn { module: String },
    Django,
    Script { module: String },
}

/// The services of a folder: its own, or else those of the folders in it.
pub(super) fn services(dir: &Path) -> Vec<Service> {
    let own: Vec<Service> = service(dir, "").into_iter().collect();
    if !own.is_empty() {
        return own;
    }
    let mut found: Vec<Service> = folders(dir)
        .iter()
        .flat_map(|name| below(dir, name))
        .take(MOST)
        .collect();
    number_same_names(&mut found);
    found
}

fn below(dir: &Path, name: &str) -> Vec<Service> {
    if !GROUPS.contains(&name) {
        return service(&dir.join(name), name).into_iter().collect();
    }
    let group = dir.join(name);
    folders(&group)
        .iter()
        .filter_map(|one| service(&group.join(one), &format!("{name}/{one}")))
        .collect()
}

/// Names of services are keys, and so each is there once.
fn number_same_names(services: &mut [Service]) {
    for at in 1..services.len() {
        let (before, rest) = services.split_at_mut(at);
        let one = &mut rest[0];
        if before.iter().any(|other| other.name == one.name) {
            one.name = format!("{}-{}", one.name, at + 1);
        }
    }
}

fn folders(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && !SKIPPED.contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

fn service(folder: &Path, below: &str) -> Option<Service> {
    const DETECTORS: [(&str, Detector); 7] = [
        ("Cargo.toml", rust),
        ("package.json", node),
        ("pyproject.toml", python),
        ("requirements.txt", python),
        ("go.mod", go),
        ("pom.xml", |_, _| Some((None, Kind::Maven))),
        ("build.gradle", |_, _| Some((None, Kind::Gradle))),
    ];
    let gradle = [(
        "build.gradle.kts",
        (|_: &Path, _: &str| Some((None, Kind::Gradle))) as Detector,
    )];
    let mut all = DETECTORS.iter().chain(&gradle);
    all.find_map(|(file, detect)| {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        let (name, kind) = detect(folder, &text)?;
        Some(Service {
            name: clean(name.as_deref().unwrap_or_default())
                .or_else(|| clean(&own_name(folder)))
                .unwrap_or_else(|| "app".to_owned()),
            dir: below.to_owned(),
            file,
            kind,
        })
    })
}

/// Reads the file of a build tool: the service's name, if it says one, and its kind.
type Detector = fn(&Path, &str) -> Option<(Option<String>, Kind)>;

fn rust(folder: &Path, text: &str) -> Option<(Option<String>, Kind)> {
    let is_program = folder.join("src/main.rs").is_file() || text.contains("[[bin]]");
    let name = toml_name(text, "[package]");
    is_program.then_some((name, Kind::Rust))
}

fn node(folder: &Path, text: &str) -> Option<(Option<String>, Kind)> {
    let package: serde_json::Value = serde_json::from_str(text).ok()?;
    let name = package["name"].as_str().map(|name| {
        let name = name.rsplit('/').next().unwrap_or(name);
        name.to_owned()
    });
    let is_script = |word: &&str| word.ends_with(".js") || word.ends_with(".mjs");
    let started = package["scripts"]["start"]
        .as_str()
        .and_then(|start| start.split_whitespace().rfind(is_script));
    let main = package["main"].as_str();
    let usual = [
        "server.js",
        "index.js",
        "app.js",
        "src/index.js",
        "dist/index.js",
    ];
    let there = usual.into_iter().find(|name| folder.join(name).is_file());
    let script = started.or(main).or(there).unwrap_or("server.js").to_owned();
    Some((name, Kind::Node { script }))
}

fn python(folder: &Path, text: &str) -> Option<(Option<String>, Kind)> {
    let all = fs::read_to_string(folder.join("requirements.txt")).unwrap_or_default();
    let needs = format!("{text}\n{all}").to_lowercase();
    let usual = ["app", "main", "wsgi", "asgi", "server"];
    let there = usual
        .into_iter()
        .find(|module| folder.join(format!("{module}.py")).is_file());
    let module = there.unwrap_or("app").to_owned();
    let server = if needs.contains("django") || folder.join("manage.py").is_file() {
        Server::Django
    } else if ["fastapi", "uvicorn", "starlette"]
        .iter()
        .any(|one| needs.contains(one))
    {
        Server::Uvicorn { module }
    } else if needs.contains("flask") {
        Server::Flask { module }
    } else {
        Server::Script { module }
    };
    Some((toml_name(text, "[project]"), Kind::Python(server)))
}

fn go(_: &Path, text: &str) -> Option<(Option<String>, Kind)> {
    let module = text.lines().find_map(|line| line.strip_prefix("module "));
    let name = module.and_then(|path| path.trim().rsplit('/').next());
    Some((name.map(str::to_owned), Kind::Go))
}

/// The `name` of a section of a TOML file.
fn toml_name(text: &str, section: &str) -> Option<String> {
    text.lines()
        .map(str::trim)
        .skip_while(|line| *line != section)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix("name")?.trim().strip_prefix('='))
        .map(|name| name.trim().trim_matches(['"', '\'']).to_owned())
}

fn own_name(folder: &Path) -> String {
    let full: PathBuf = folder.canonicalize().unwrap_or_default();
    let name = full.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A name that can be a key and a part of a variable's name.
fn clean(name: &str) -> Option<String> {
    let name: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let name = name.trim_matches('-');
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase());
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_toml_section_is_its_own() {
        let text = "[lib]\nname = \"no\"\n[package]\nedition = \"2024\"\nname = \"order\"\n";
        assert_eq!(toml_name(text, "[package]").as_deref(), Some("order"));
        assert_eq!(toml_name(text, "[project]"), None);
    }

    #[test]
    fn a_name_becomes_a_key_that_variables_can_use() {
        assert_eq!(
            clean("Order_Service.v2").as_deref(),
            Some("order-service-v2")
        );
        assert_eq!(clean("42"), None);
    }
}
