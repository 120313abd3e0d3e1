//! The file with the recorded list: YAML with sorted entries.

use std::collections::{BTreeMap, BTreeSet};

use super::inventory::{Edge, Inventory, SpanFacts, SpanForm};
use crate::draft::yaml::{block, quoted};
use crate::trace::{SpanKind, Tie};
use crate::yaml::{Entry, ErrorList, Kind, Node, Source, SpecErrors, parse, suggest};

/// The first line of the file.
const TITLE: &str = "# Recorded by `spanspec coverage --accept`.";

/// The suffix of a link between services.
const LINK: &str = " (link)";

/// The text of the file.
pub(crate) fn render(list: &Inventory) -> String {
    let mut text = format!("{TITLE}\nservices:");
    if list.services.is_empty() {
        text.push_str(" {}");
    }
    text.push('\n');
    for (service, forms) in &list.services {
        text.push_str(&format!("  {}:\n", key(service)));
        for (form, facts) in forms {
            let name = key(&form.to_string());
            if facts.attributes.is_empty() {
                text.push_str(&format!("    {name}: []\n"));
                continue;
            }
            text.push_str(&format!("    {name}:\n"));
            for attribute in &facts.attributes {
                text.push_str(&format!("      - {}\n", block(attribute)));
            }
        }
    }
    match list.edges.is_empty() {
        true => text.push_str("edges: []\n"),
        false => text.push_str("edges:\n"),
    }
    for edge in &list.edges {
        text.push_str(&format!("  - {}\n", scalar(&edge.to_string())));
    }
    text
}

/// A key. Braces and dollar signs are values in other files of ours, so that they are quoted.
fn key(text: &str) -> String {
    match text.contains(['{', '}', '$', '#']) || text.len() > 500 {
        true => quoted(text),
        false => block(text),
    }
}

fn scalar(text: &str) -> String {
    match text.contains(['{', '}', '$', '#']) {
        true => quoted(text),
        // `>` begins a block only at the start of a scalar.
        false
            if text
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || " ->_.()/".contains(char)) =>
        {
            text.to_owned()
        }
        false => quoted(text),
    }
}

/// Reads the file.
///
/// # Errors
/// All errors with their places.
pub(crate) fn read(source: &Source) -> Result<Inventory, SpecErrors> {
    let errors = ErrorList::new(source);
    let documents = parse(&errors);
    let list = match documents.as_slice() {
        [root] => Reader(&errors).list(root),
        [] => errors.note(
            crate::yaml::Place::default(),
            "this file is empty",
            "empty",
            Some("record a list: `spanspec coverage PATH --accept`".to_owned()),
        ),
        [_, second, ..] => errors.note(
            second.place,
            "this file has several documents",
            "second document",
            Some("remove all but the first".to_owned()),
        ),
    };
    errors.check(list)
}

struct Reader<'e>(&'e ErrorList);

impl Reader<'_> {
    fn list(&self, root: &Node) -> Option<Inventory> {
        let mut list = Inventory::default();
        for entry in self.map(root, "the list")? {
            match entry.key.text.as_str() {
                "services" => list.services = self.services(&entry.value)?,
                "edges" => list.edges = self.edges(&entry.value)?,
                key => {
                    return self.0.note(
                        entry.key.place,
                        format!("unknown key `{key}`"),
                        "unknown key",
                        Some(suggest(key, &["services", "edges"])),
                    );
                }
            }
        }
        Some(list)
    }

    fn services(&self, node: &Node) -> Option<BTreeMap<String, BTreeMap<SpanForm, SpanFacts>>> {
        let mut services = BTreeMap::new();
        for entry in self.map(node, "`services`")? {
            let mut forms = BTreeMap::new();
            for span in self.map(&entry.value, "the spans of a service")? {
                let facts = SpanFacts {
                    attributes: self.texts(&span.value)?,
                    ..SpanFacts::default()
                };
                forms.insert(self.form(span)?, facts);
            }
            services.insert(entry.key.text.clone(), forms);
        }
        Some(services)
    }

    /// `POST /orders (server)`.
    fn form(&self, entry: &Entry) -> Option<SpanForm> {
        let text = entry.key.text.as_str();
        let parts = text
            .strip_suffix(')')
            .and_then(|text| text.rsplit_once(" ("));
        let Some((name, word)) = parts else {
            return self.0.note(
                entry.key.place,
                format!("`{text}` has no kind"),
                "here",
                Some("write the name and the kind of the span: `POST /orders (server)`".to_owned()),
            );
        };
        let kind = SpanKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        let Some(kind) = kind else {
            let kinds = SpanKind::ALL.map(SpanKind::as_str);
            return self.0.note(
                entry.key.place,
                format!("`{word}` is not a kind of span"),
                "here",
                Some(suggest(word, &kinds)),
            );
        };
        Some(SpanForm {
            name: name.to_owned(),
            kind,
        })
    }

    fn edges(&self, node: &Node) -> Option<BTreeSet<Edge>> {
        let mut edges = BTreeSet::new();
        for item in self.items(node)? {
            let text = self.text(item)?;
            let (ends, tie) = match text.strip_suffix(LINK) {
                Some(ends) => (ends, Tie::Link),
                None => (text, Tie::Parent),
            };
            let Some((from, to)) = ends.split_once(" -> ") else {
                return self.0.note(
                    item.place,
                    format!("invalid edge `{text}`"),
                    "here",
                    Some("write `gateway -> order`, or `order -> mail (link)`".to_owned()),
                );
            };
            edges.insert(Edge {
                from: from.to_owned(),
                to: to.to_owned(),
                tie,
            });
        }
        Some(edges)
    }

    fn texts(&self, node: &Node) -> Option<BTreeSet<String>> {
        let items = self.items(node)?.iter();
        items
            .map(|item| self.text(item).map(str::to_owned))
            .collect()
    }

    fn map<'n>(&self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.kind {
            Kind::Map(entries) => Some(entries),
            _ => self.0.note(
                node.place,
                format!("{what} must be a map, found {}", node.describe()),
                "not a map",
                Some("restore the file, or record it anew with `--accept`".to_owned()),
            ),
        }
    }

    fn items<'n>(&self, node: &'n Node) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) => Some(items),
            _ => self.0.note(
                node.place,
                format!("a list is needed here, found {}", node.describe()),
                "not a list",
                Some("restore the file, or record it anew with `--accept`".to_owned()),
            ),
        }
    }

    fn text<'n>(&self, node: &'n Node) -> Option<&'n str> {
        match &node.kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            _ => self.0.note(
                node.place,
                format!("a single value is needed here, found {}", node.describe()),
                "not a single value",
                Some("restore the file, or record it anew with `--accept`".to_owned()),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        let form = |name: &str, kind| SpanForm {
            name: name.to_owned(),
            kind,
        };
        let facts = |keys: &[&str]| SpanFacts {
            attributes: keys.iter().map(|key| (*key).to_owned()).collect(),
            ..SpanFacts::default()
        };
        let order = BTreeMap::from([
            (
                form("GET /orders/{id} (x): \"#\"", SpanKind::Server),
                facts(&["b.c", "a: 1"]),
            ),
            (form("", SpanKind::Internal), facts(&[])),
        ]);
        let edge = |from: &str, to: &str, tie| Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            tie,
        };
        Inventory {
            services: BTreeMap::from([("order".to_owned(), order)]),
            edges: BTreeSet::from([
                edge("gate\nway", "order", Tie::Parent),
                edge("order", "mail", Tie::Link),
            ]),
        }
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        for list in [inventory(), Inventory::default()] {
            let text = render(&list);
            let read = read(&Source::new("coverage.yaml", text.clone()));
            assert_eq!(read.map_err(|error| format!("{error}\n{text}")), Ok(list));
        }
    }

    #[test]
    fn an_error_has_its_place_and_help() {
        let error = |text: &str| read(&Source::new("c.yaml", text)).unwrap_err().to_string();
        assert_eq!(
            error("services:\n  order:\n    place (sever): []\n"),
            "c.yaml:3:5: `sever` is not a kind of span (did you mean `server`?)"
        );
        assert!(error("services:\n  order: [a]\n").starts_with("c.yaml:2:10: the spans of a"));
        assert!(error("edges: [a]\n").starts_with("c.yaml:1:9: invalid edge `a`"));
        assert!(error("servces: {}\n").contains("did you mean `services`?"));
        assert!(error("").contains("this file is empty"));
    }
}
