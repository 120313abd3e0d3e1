//! `$ref` within one file.

use crate::import::{Node, Remarks};

/// Maximum number of references that lead to each other.
const MOST: usize = 32;

/// Resolves references, and collects remarks.
pub(super) struct References<'a> {
    root: &'a Node,
    pub(super) remarks: &'a mut Remarks,
}

impl<'a> References<'a> {
    pub(super) fn new(root: &'a Node, remarks: &'a mut Remarks) -> Self {
        Self { root, remarks }
    }

    /// The node to which references lead. `None`, with a remark, if there is none.
    pub(super) fn resolve(&mut self, node: &'a Node) -> Option<&'a Node> {
        let mut here = node;
        for _ in 0..MOST {
            let Some(reference) = here.text_of("$ref") else {
                return Some(here);
            };
            let Some(pointer) = reference.strip_prefix('#') else {
                self.remarks.lost(
                    &here.at,
                    format!(
                        "`{reference}` is in another file: bundle the description into one file"
                    ),
                );
                return None;
            };
            let found = target(self.root, pointer);
            let Some(found) = found else {
                self.remarks
                    .lost(&here.at, format!("`{reference}` does not exist"));
                return None;
            };
            here = found;
        }
        self.remarks
            .lost(&node.at, "this reference leads to itself");
        None
    }

    /// The node at a key, resolved.
    pub(super) fn get(&mut self, node: &'a Node, key: &str) -> Option<&'a Node> {
        node.get(key).and_then(|node| self.resolve(node))
    }
}

/// The node at a JSON pointer.
fn target<'n>(root: &'n Node, pointer: &str) -> Option<&'n Node> {
    pointer.split('/').skip(1).try_fold(root, |here, part| {
        let part = part
            .replace("~1", "/")
            .replace("~0", "~")
            .replace("%7B", "{")
            .replace("%7D", "}");
        here.get(&part)
            .or_else(|| here.items().get(part.parse::<usize>().ok()?))
    })
}
