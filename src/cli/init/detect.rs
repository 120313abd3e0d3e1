//! Which services a folder seems to have, by the files that their build tools need.
//!
//! Nothing is built or run for it, and each file is read as far as a name goes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::compose::{Compose, ComposeService, compose};
use super::pom::Pom;

/// Depth of the search: `services/shop/order`.
const DEPTH: usize = 3;

/// Folders that hold no service of the project.
pub(super) const SKIPPED: [&str; 14] = [
    "node_modules",
    "target",
    "vendor",
    "dist",
    "build",
    "venv",
    "specs",
    "test",
    "tests",
    "testdata",
    "fixtures",
    "e2e",
    "docs",
    "examples",
];

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) services: Vec<Service>,
    /// The file of Docker Compose that was read.
    pub(super) compose: Option<&'static str>,
    /// Services of that file that are built from a folder without a known build tool.
    pub(super) omitted: Vec<String>,
}

/// A service that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) name: String,
    /// Its folder below the project's; empty for the project's own.
    pub(super) dir: String,
    /// The file that it was detected in.
    pub(super) file: &'static str,
    pub(super) kind: Kind,
    /// The variable with its port, if it is known.
    pub(super) port_variable: Option<String>,
    /// Its port on this machine, if it runs in Docker Compose.
    pub(super) published: Option<u16>,
    /// Names of other variables that it gets in Docker Compose.
    pub(super) variables: Vec<String>,
    pub(super) depends_on: Vec<String>,
}

/// The start of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rust,
    Node {
        script: String,
    },
    Python(Server),
    Go,
    /// With the path of its jar; `None` if the name depends on properties.
    Maven {
        jar: Option<String>,
    },
    Gradle,
    /// An image of Docker Compose, with the port inside the container.
    Image {
        image: String,
        port: Option<u16>,
        environment: Vec<(String, String)>,
    },
}

/// The server of a Python program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Flask { module: String },
    Uvicorn { module: String },
    Django,
    Script { module: String },
}

/// The services of a folder: its own, or else those of the folders in it, with what Docker Compose
/// adds to them.
pub(super) fn services(dir: &Path) -> Found {
    let mut services = Vec::new();
    search(dir, "", DEPTH, &mut services);
    let mut found = Found {
        services,
        ..Found::default()
    };
    if let Some(compose) = compose(dir) {
        found.add(compose);
    }
    number_same_names(&mut found.services);
    found
}

/// Adds the service in this folder, or else those in its folders.
fn search(folder: &Path, below: &str, depth: usize, found: &mut Vec<Service>) {
    if let Some(service) = service(folder, below) {
        return found.push(service);
    }
    if depth == 0 {
        return;
    }
    for name in folders(folder) {
        let below = match below {
            "" => name.clone(),
            _ => format!("{below}/{name}"),
        };
        search(&folder.join(name), &below, depth - 1, found);
    }
}

impl Found {
    fn add(&mut self, compose: Compose) {
        self.compose = Some(compose.file);
        // The names of the file become those of its services here.
        let mut names: Vec<(String, String)> = Vec::new();
        let mut refined = BTreeSet::new();
        for one in &compose.services {
            let Some(name) = clean(&one.name) else {
                continue;
            };
            names.push((one.name.clone(), name.clone()));
            let is_source = |service: &Service| {
                service.is_program() && one.context.as_deref() == Some(service.dir.as_str())
            };
            if let Some(at) = self.services.iter().position(is_source) {
                let mut service = self.services[at].clone();
                service.refine(name, one);
                // The same source can be two services.
                match refined.insert(at) {
                    true => self.services[at] = service,
                    false => self.services.push(service),
                }
            } else if let (None, Some(image)) = (&one.context, &one.image) {
                self.services
                    .push(Service::of_image(name, image, one, compose.file));
            } else {
                self.omitted.push(one.name.clone());
            }
        }
        let known: BTreeSet<String> = self.services.iter().map(|one| one.name.clone()).collect();
        for service in &mut self.services {
            let renamed = service.depends_on.iter().filter_map(|old| {
                let (_, name) = names.iter().find(|(of_file, _)| of_file == old)?;
                known.contains(name).then(|| name.clone())
            });
            service.depends_on = renamed.collect::<Vec<_>>();
        }
    }
}

impl Service {
    /// Returns `true` unless it is an image.
    pub(super) fn is_program(&self) -> bool {
        !matches!(self.kind, Kind::Image { .. })
    }

    /// Takes over what Docker Compose says about it.
    fn refine(&mut self, name: String, compose: &ComposeService) {
        let port = compose.port.map(|port| port.to_string());
        let mut variables = compose.environment.iter();
        let of_port = variables.find(|(_, value)| port.as_ref() == Some(value));
        self.port_variable = of_port.map(|(name, _)| name.clone());
        let names = compose.environment.iter().map(|(name, _)| name.clone());
        let is_other = |name: &String| Some(name) != self.port_variable.as_ref();
        self.published = compose.published;
        self.variables = names.filter(is_other).collect();
        self.depends_on.clone_from(&compose.depends_on);
        self.name = name;
    }

    fn of_image(name: String, image: &str, compose: &ComposeService, file: &'static str) -> Self {
        Self {
            name,
            dir: String::new(),
            file,
            kind: Kind::Image {
                image: image.to_owned(),
                port: compose.port,
                environment: compose.environment.clone(),
            },
            port_variable: None,
            published: compose.published,
            variables: Vec::new(),
            depends_on: compose.depends_on.clone(),
        }
    }
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
    const DETECTORS: [(&str, Detector); 8] = [
        ("Cargo.toml", rust),
        ("package.json", node),
        ("pyproject.toml", python),
        ("requirements.txt", python),
        ("go.mod", go),
        ("pom.xml", maven),
        ("build.gradle", gradle),
        ("build.gradle.kts", gradle),
    ];
    DETECTORS.iter().find_map(|(file, detect)| {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        let (name, kind) = detect(folder, &text)?;
        Some(Service {
            name: clean(name.as_deref().unwrap_or_default())
                .or_else(|| clean(&own_name(folder)))
                .unwrap_or_else(|| "app".to_owned()),
            dir: below.to_owned(),
            file,
            kind,
            port_variable: None,
            published: None,
            variables: Vec::new(),
            depends_on: Vec::new(),
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
    let is_aggregator = !package["workspaces"].is_null()
        || ["pnpm-workspace.yaml", "lerna.json"]
            .iter()
            .any(|file| folder.join(file).is_file());
    if is_aggregator {
        return None;
    }
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

fn maven(_: &Path, text: &str) -> Option<(Option<String>, Kind)> {
    let pom = Pom::read(text);
    if pom.is_aggregator() {
        return None;
    }
    let jar = pom.jar();
    Some((pom.artifact, Kind::Maven { jar }))
}

/// The root of a build with several projects has none of its own.
fn gradle(folder: &Path, _: &str) -> Option<(Option<String>, Kind)> {
    let settings = ["settings.gradle", "settings.gradle.kts"]
        .iter()
        .find_map(|file| fs::read_to_string(folder.join(file)).ok())
        .unwrap_or_default();
    let mut lines = settings.lines().map(str::trim);
    let includes = |line: &str| {
        line.strip_prefix("include")
            .is_some_and(|rest| rest.starts_with([' ', '(']))
    };
    (!lines.any(includes)).then_some((None, Kind::Gradle))
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
