//! The documents of Tracetest's files.

use super::test::Test;
use crate::import::{Import, Node, roots};
use crate::spec::Source;

/// A document that can be a step of a suite.
#[derive(Clone, Debug)]
pub(super) enum Document {
    Test(Test),
    Suite(Suite),
}

#[derive(Clone, Debug)]
pub(super) struct Suite {
    /// The value of `spec`.
    pub(super) node: Node,
    pub(super) name: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Documents {
    /// Tests and suites.
    pub(super) all: Vec<Document>,
    /// Settings, with the value of `type`.
    pub(super) settings: Vec<(String, Node)>,
}

impl Documents {
    pub(super) fn read(sources: &[Source], import: &mut Import) -> Self {
        let mut documents = Self::default();
        for source in sources {
            let nodes = roots(source, &mut import.remarks);
            nodes.iter().for_each(|node| documents.add(node, import));
        }
        documents
    }

    fn add(&mut self, document: &Node, import: &mut Import) {
        match document.text_of("type") {
            Some("Test") => self.all.push(Document::Test(Test::of(document))),
            Some("TestSuite" | "Transaction") => {
                self.all.push(Document::Suite(Suite::of(document)))
            }
            Some(kind) => self.settings.push((kind.to_owned(), document.clone())),
            // The first versions had tests without a type.
            None if document.get("trigger").is_some() => {
                self.all.push(Document::Test(Test::of(document)));
            }
            None if document.get("spec").is_some() => {
                import.remarks.lost(
                    &document.at,
                    "the document is not imported: it has no `type`",
                );
            }
            None => import.remarks.note(
                &document.at,
                "the document is left out: it is not of Tracetest",
            ),
        }
    }

    pub(super) fn with_id(&self, id: &str) -> Option<&Document> {
        self.all
            .iter()
            .find(|document| document.spec().text_of("id") == Some(id))
    }

    pub(super) fn of_file(&self, name: &str) -> Vec<Document> {
        let is_there = |document: &&Document| {
            document.spec().at.source.name().trim_start_matches("./") == name
        };
        self.all.iter().filter(is_there).cloned().collect()
    }
}

impl Document {
    /// The value of `spec`.
    fn spec(&self) -> &Node {
        match self {
            Self::Test(test) => &test.node,
            Self::Suite(suite) => &suite.node,
        }
    }
}

impl Suite {
    fn of(document: &Node) -> Self {
        let node = document.get("spec").unwrap_or(document).clone();
        let name = node
            .text_of("name")
            .or_else(|| node.text_of("id"))
            .unwrap_or("suite");
        Self {
            name: name.to_owned(),
            node,
        }
    }

    pub(super) fn identity(&self) -> String {
        self.node.at.to_string()
    }
}
