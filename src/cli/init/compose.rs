//! Names, ports and dependencies of services from a file of Docker Compose.

use std::path::Path;

use regex::Regex;

use crate::spec::{ErrorList, Kind, Node, parse_documents};
use crate::workspace::read;

/// The names of the file, in the order in which Docker Compose looks for them.
const FILES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
];

/// A file of Docker Compose.
#[derive(Debug, Default)]
pub(super) struct Compose {
    pub(super) file: &'static str,
    pub(super) services: Vec<ComposeService>,
}

/// A service of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ComposeService {
    pub(super) name: String,
    /// The folder of its source, relative to the file.
    pub(super) context: Option<String>,
    pub(super) image: Option<String>,
    /// The first port inside the container.
    pub(super) port: Option<u16>,
    /// The port of this machine that leads to it.
    pub(super) published: Option<u16>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) depends_on: Vec<String>,
}

/// The file of a folder. What it cannot express here, such as anchors, is left out.
pub(super) fn compose(dir: &Path) -> Option<Compose> {
    let file = FILES.into_iter().find(|file| dir.join(file).is_file())?;
    let source = read(&dir.join(file)).ok()?;
    let documents = parse_documents(&ErrorList::new(&source));
    let services = documents.first()?.get("services")?;
    let Kind::Map(services) = &services.kind else {
        return None;
    };
    let services = services
        .iter()
        .map(|entry| service(&entry.key.text, &entry.value));
    Some(Compose {
        file,
        services: services.collect(),
    })
}

fn service(name: &str, node: &Node) -> ComposeService {
    let text = |node: &Node| node.scalar().map(|scalar| scalar.text.clone());
    let build = node.get("build");
    let context = build.and_then(|build| text(build).or_else(|| text(build.get("context")?)));
    let first = node.get("ports").and_then(|ports| ports.items().first());
    let (published, port) = first.map(ports).unwrap_or_default();
    let exposed = node.get("expose").and_then(|expose| expose.items().first());
    ComposeService {
        name: name.to_owned(),
        context: context.map(|context| normal(&context)),
        image: node.get("image").and_then(text),
        port: port.or_else(|| exposed?.scalar()?.text.parse().ok()),
        published,
        environment: node.get("environment").map(pairs).unwrap_or_default(),
        depends_on: node.get("depends_on").map(names).unwrap_or_default(),
    }
}

/// `./order/` is `order`, and the folder of the file is empty.
fn normal(context: &str) -> String {
    let parts = context.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
}

/// The published port and that of the container: of `8080:80`, `127.0.0.1:8080:80/tcp`, `80` or
/// `{ target: 80, published: 8080 }`.
fn ports(node: &Node) -> (Option<u16>, Option<u16>) {
    let number = |key| with_defaults(&node.get(key)?.scalar()?.text).parse().ok();
    let Some(scalar) = node.scalar() else {
        return (number("published"), number("target"));
    };
    let text = with_defaults(&scalar.text);
    let text = text.split('/').next().unwrap_or_default();
    let mut parts = text.rsplit(':').map(|part| part.parse().ok());
    let port = parts.next().flatten();
    (parts.next().flatten(), port)
}

/// The text with `${X:-8080}` and `${X-8080}` replaced by `8080`.
fn with_defaults(text: &str) -> String {
    let variable = Regex::new(r"\$\{[^}:-]*(?::?-)?([^}]*)\}").expect("a constant");
    variable.replace_all(text, "$1").into_owned()
}

/// A map, or a list of `NAME=value`.
fn pairs(node: &Node) -> Vec<(String, String)> {
    if let Kind::Map(entries) = &node.kind {
        let pair =
            |(key, value): (&str, &Node)| Some((key.to_owned(), value.scalar()?.text.clone()));
        let entries = entries.iter();
        return entries
            .filter_map(|entry| pair((entry.key.text.as_str(), &entry.value)))
            .collect();
    }
    let words = node.items().iter().filter_map(Node::scalar);
    let pairs = words.filter_map(|scalar| scalar.text.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A list of names, or a map by names.
fn names(node: &Node) -> Vec<String> {
    match &node.kind {
        Kind::Map(entries) => entries.iter().map(|entry| entry.key.text.clone()).collect(),
        _ => {
            let words = node.items().iter().filter_map(Node::scalar);
            words.map(|scalar| scalar.text.clone()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Source;

    fn of(text: &str) -> ComposeService {
        let source = Source::new("compose.yaml", text);
        let documents = parse_documents(&ErrorList::new(&source));
        service("shop", &documents[0])
    }

    #[test]
    fn each_way_to_write_a_port_is_read() {
        for (text, expected) in [
            ("\"8080:80\"", (Some(8080), Some(80))),
            ("127.0.0.1:8080:80/tcp", (Some(8080), Some(80))),
            ("\"${PORT:-9000}:80\"", (Some(9000), Some(80))),
            ("\"${PORT-9000}:80\"", (Some(9000), Some(80))),
            ("\"${PORT}:80\"", (None, Some(80))),
            ("80", (None, Some(80))),
            (
                "{ target: 80, published: \"8080\" }",
                (Some(8080), Some(80)),
            ),
            ("8000-8010:80-90", (None, None)),
        ] {
            let service = of(&format!("ports:\n  - {text}\n"));
            assert_eq!((service.published, service.port), expected, "{text}");
        }
        assert_eq!(of("expose: [\"5432\"]").port, Some(5432));
    }

    #[test]
    fn maps_and_lists_are_the_same() {
        let map = of(
            "build: { context: ./shop/ }\nenvironment: { PORT: 80 }\ndepends_on: { db: { condition: service_started } }\n",
        );
        let list = of("build: shop\nenvironment: [PORT=80]\ndepends_on: [db]\n");
        assert_eq!(map, list);
        assert_eq!(map.context.as_deref(), Some("shop"));
        assert_eq!(map.environment, [("PORT".to_owned(), "80".to_owned())]);
        assert_eq!(map.depends_on, ["db"]);
    }
}
